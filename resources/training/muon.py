"""Muon: AdamW for most weights, and for the matrices inside a network steps that are made
orthogonal (Jordan et al., kellerjordan.github.io/posts/muon; scaled as in Liu et al.,
arXiv:2502.16982). Used by every stage that trains but `tiny`.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from resources.training.loop import BETAS

ROUNDS = 5
MOMENTUM = 0.95
LENGTH = 0.2
"""Of a step's entries, on the average, as AdamW's have it: so one rate suits both."""


class Muon(torch.optim.Optimizer):
    """matrices: of two dimensions or more; those after the first are taken as one. kept: for how
    many steps a direction serves, once it was made orthogonal: the momentum turns slowly, and of a
    large network the making costs as much as its gradients."""

    def __init__(
        self,
        matrices: Iterable[Parameter],
        others: Iterable[Parameter],
        *,
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
        kept: int = 1,
    ) -> None:
        shared = {"lr": lr, "betas": betas, "weight_decay": weight_decay}
        groups = [
            {"params": list(matrices), "orthogonal": True},
            {"params": list(others), "orthogonal": False},
        ]
        super().__init__(groups, shared)
        self._kept = kept

    @classmethod
    def of(
        cls, network: nn.Module, inside: nn.Module, rate: float, weight_decay: float, kept: int = 1
    ) -> Muon:
        """For all weights of the network; its matrices are those of the module inside it."""
        matrices = [weight for weight in inside.parameters() if weight.ndim > 1]
        known = {id(weight) for weight in matrices}
        others = [weight for weight in network.parameters() if id(weight) not in known]
        return cls(matrices, others, lr=rate, betas=BETAS, weight_decay=weight_decay, kept=kept)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for group in self.param_groups:
            for place, weight in enumerate(group["params"]):
                if weight.grad is None:
                    continue
                state = self.state[weight]
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                if group["orthogonal"]:
                    weight.sub_(self._orthogonal(weight.grad, state, place), alpha=group["lr"])
                else:
                    weight.sub_(self._adam(weight.grad, state, group["betas"]), alpha=group["lr"])

    def _orthogonal(self, gradient: Tensor, state: dict[str, Tensor], place: int) -> Tensor:
        if not state:
            state["step"] = torch.zeros(())
            state["momentum"] = torch.zeros_like(gradient)
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        if "direction" not in state or (int(state["step"]) + place) % self._kept == 0:
            step = orthogonal(gradient.lerp(state["momentum"], MOMENTUM).flatten(1))
            state["direction"] = step.mul_(LENGTH * max(step.shape) ** 0.5).view_as(gradient)
        state["step"] += 1
        return state["direction"]

    @staticmethod
    def _adam(gradient: Tensor, state: dict[str, Tensor], betas: tuple[float, float]) -> Tensor:
        if not state:
            state["step"] = torch.zeros(())
            state["mean"] = torch.zeros_like(gradient)
            state["square"] = torch.zeros_like(gradient)
        state["step"] += 1
        state["mean"].lerp_(gradient, 1 - betas[0])
        state["square"].lerp_(gradient.square(), 1 - betas[1])
        mean = state["mean"] / (1 - betas[0] ** state["step"])
        square = state["square"] / (1 - betas[1] ** state["step"])
        return mean / square.sqrt_().add_(1e-8)


def orthogonal(matrix: Tensor) -> Tensor:
    """(m, n): nearly U V of the matrix U S V, by the Newton-Schulz iteration of five terms."""
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (wide.norm() + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.T
