"""The loop that every training goes through: AdamW, a rate that falls at the end, averaged weights,
checkpoints that it goes on from. Called by every training.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from resources.training.checkpoints import CHECKPOINT, EVERY, Keeper, read
from resources.training.errors import TrainingError
from resources.training.log import Log

BETAS = (0.9, 0.98)
LONGEST_GRADIENT = 1.0
LOGGED = 50
"""Steps from one line of the log to the next."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """steps: in all, those before a checkpoint included. rate: the highest, reached after `warm_up`
    steps and left for a straight line to 0 in the last `decay` of the steps. average: how much of
    the averaged weights stays in a step, once there have been many."""

    steps: int
    rate: float
    warm_up: int = 100
    decay: float = 0.4
    average: float = 0.999
    weight_decay: float = 0.01
    seed: int = 0

    def rate_at(self, step: int) -> float:
        falling = max(1.0, self.decay * self.steps)
        return self.rate * min(1.0, (step + 1) / self.warm_up, (self.steps - step) / falling)

    def average_at(self, step: int) -> float:
        return min(self.average, (1 + step) / (10 + step))


def train(
    network: nn.Module,
    loss: Callable[[torch.Generator], Tensor],
    plan: Plan,
    folder: Path,
    every: float = EVERY,
    optimizer: torch.optim.Optimizer | None = None,
    products: torch.dtype = torch.float32,
) -> bool:
    """Train until the plan's last step, from the checkpoint in `folder` if there is one, and leave
    the averaged weights in the network. Ctrl+C ends it early, with a checkpoint. Gives whether it
    came to the end.

    loss: of one batch, drawn with nothing but that generator: so a training that goes on from a
    checkpoint takes the same steps as one that was never stopped. every: seconds between
    checkpoints. optimizer: of the network's weights, AdamW where there is none; its rate is the
    plan's. products: in which the products of a step are computed; all else stays float32. Raises
    TrainingError for a loss that is not a number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keeper = Keeper(folder / CHECKPOINT, every)
    log = Log(folder / "log.jsonl")
    generator = torch.Generator().manual_seed(plan.seed)
    optimizer = optimizer or torch.optim.AdamW(
        network.parameters(), lr=plan.rate, betas=BETAS, weight_decay=plan.weight_decay
    )
    average = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    step, spent, sums = 0, 0.0, torch.zeros(2)
    if kept := read(folder / CHECKPOINT):
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        generator.set_state(kept["generator"])
        average, step, spent, sums = (kept[k] for k in ("average", "step", "seconds", "sums"))
    begun = time.monotonic() - spent

    def multiplying() -> torch.autocast:
        # Another for each use: within one, weights that were made narrower are kept.
        return torch.autocast("cpu", products, enabled=products != torch.float32)

    def keep() -> None:
        keeper.write(
            {
                "network": network.state_dict(),
                "average": average,
                "optimizer": optimizer.state_dict(),
                "generator": generator.get_state(),
                "step": step,
                "seconds": time.monotonic() - begun,
                "sums": sums,
            }
        )

    network.train()
    with _until_stopped() as stopped, tqdm(total=plan.steps, initial=step, mininterval=5) as bar:
        while step < plan.steps and not stopped():
            for group in optimizer.param_groups:
                group["lr"] = plan.rate_at(step)
            with multiplying():
                current = loss(generator)
            if not torch.isfinite(current):
                raise TrainingError(
                    f"The loss became {current.item()} at step {step}: go on from the checkpoint "
                    f"in {folder} with a lower --rate."
                )
            optimizer.zero_grad()
            current.backward()
            nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
            with multiplying():
                optimizer.step()
            _blend(average, network, plan.average_at(step))
            step += 1
            sums += torch.tensor([current.item(), 1.0])
            bar.update()
            if step % LOGGED == 0 or step == plan.steps:
                mean = (sums[0] / sums[1]).item()
                log.write(
                    step=step,
                    seconds=round(time.monotonic() - begun, 1),
                    loss=round(mean, 6),
                    rate=plan.rate_at(step - 1),
                )
                bar.set_postfix(loss=f"{mean:.4f}")
                sums = torch.zeros(2)
            if keeper.due:
                keep()
    keep()
    network.load_state_dict(average)
    network.eval()
    return step >= plan.steps


@torch.no_grad()
def _blend(average: dict[str, Tensor], network: nn.Module, kept: float) -> None:
    for name, tensor in network.state_dict().items():
        average[name].lerp_(tensor, 1 - kept)


@contextmanager
def _until_stopped() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl+C or a terminate has come: a step is never left half done."""
    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: asked.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
