"""The loop waits for nothing: on the meta device, whose tensors have no numbers, so that every look
at one is an error; and what arrives one evaluation later is looked at one evaluation later.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

import engine
from engine import Request
from engine.hardware import transfers
from engine.hardware.transfers import Arrival, Transfers, all_uploaded, mapped
from engine.pipelines import latent_decoder, unet_denoiser
from engine.run import arrivals, noise

REQUEST = Request("a red apple, 3d", width=64, height=64, steps=6, guidance_scale=5.0, seed=3)
META = torch.device("meta")


class Waited(AssertionError):
    """Something in the loop would have waited for the device."""


class NoWaiting(TorchFunctionMode):
    """Whatever moves a tensor between the CPU and the device, past the transfers. What looks at a
    number of the device is an error of the meta device itself, in torch's own code too.
    """

    MAKERS = (torch.tensor, torch.as_tensor, Tensor.new_tensor)

    def __torch_function__(self, function, types, arguments=(), named=None):
        result = function(*arguments, **(named or {}))
        if isinstance(result, Tensor):
            given = [value for value in arguments if isinstance(value, Tensor)]
            moved = any(tensor.device != result.device for tensor in given if tensor.ndim)
            if moved or (result.device == META and function in self.MAKERS):
                raise Waited(f"{function} from {[one.device for one in given]} to {result.device}")
        return result


class Hovering(Transfers):
    """In place of that of a CUDA device: what it fetches from the meta device is zeros."""

    behind = 1

    def __init__(self, device=META):
        super().__init__(device)

    def _copied(self, tensor):
        with torch._C.DisableTorchFunction():
            return torch.zeros(tensor.shape, dtype=tensor.dtype)


def moved(tensor, device):
    with torch._C.DisableTorchFunction():
        return tensor.to(device)


@pytest.fixture(scope="module")
def nowhere(tiny_folder):
    """A pipeline without a single number in it. It has read its prompts."""
    return engine.load(tiny_folder, device="meta", dtype="float32")


@pytest.fixture
def hovering(monkeypatch):
    for user in (arrivals, transfers):
        monkeypatch.setattr(user, "transfers_of", Hovering)
    for user in (noise, transfers, latent_decoder, unet_denoiser):
        monkeypatch.setattr(user, "uploaded", moved)


def without_waiting(pipeline, request) -> list[engine.Event]:
    """The events of a run in which nothing waits from the first step on."""
    events = engine.generate(pipeline, request)
    seen = [next(events), next(events)]
    with NoWaiting():
        seen += events
    return seen


@pytest.mark.parametrize("scheduler", engine.schedulers.names())
def test_nothing_in_the_loop_waits_for_the_device(nowhere, hovering, scheduler):
    request = replace(REQUEST, scheduler=scheduler, count=2, guidance_rescale=0.3)
    *_, finished = without_waiting(nowhere, request)
    assert isinstance(finished, engine.Finished)
    assert finished.timeline[-1].latents.device.type == "cpu"


def test_nor_does_a_branch_a_curve_or_a_variation(nowhere, hovering):
    request = replace(REQUEST, scheduler="euler_ancestral", guidance_curve=((0.0, 1.0), (1.0, 9.0)))
    start = without_waiting(nowhere, request)[-1].timeline[1]
    vary = engine.Edit(2, "vary", {"amount": 0.3, "seed": 5})
    with NoWaiting():
        events = list(engine.generate(nowhere, replace(request, edits=(vary,)), start=start))
    assert isinstance(events[-1], engine.Finished)


@pytest.mark.parametrize(
    "look",
    [
        lambda latents: latents.sum().item(),
        lambda latents: bool(torch.isfinite(latents).all()),
        lambda latents: latents.tolist(),
        lambda latents: latents.cpu(),
        lambda latents: latents.nonzero(),
        lambda latents: latents + torch.tensor([1.0], device=latents.device),
        lambda latents: latents + torch.ones(1).to(latents.device),
        lambda latents: latents.new_tensor([1.0]),
    ],
    ids=["item", "bool", "tolist", "cpu", "nonzero", "tensor", "to", "new_tensor"],
)
def test_a_loop_that_waits_is_found_out(nowhere, hovering, monkeypatch, look):
    denoise = nowhere.denoiser

    def waiting(x, *rest):
        look(x)
        return denoise(x, *rest)

    events = engine.generate(nowhere, REQUEST)
    _ = next(events), next(events)
    monkeypatch.setattr(nowhere, "denoiser", waiting)
    with NoWaiting(), pytest.raises((Waited, RuntimeError)):
        next(events)


class Late(Transfers):
    """From a device that goes on by itself: its tensors hold nonsense until they are waited for."""

    behind = 1

    def __init__(self, device):
        super().__init__(device)
        self._coming: list[tuple[Tensor, Tensor]] = []

    def _copied(self, tensor):
        here = torch.full_like(tensor, 1e9)
        self._coming.append((here, tensor))
        return here

    def _arrival(self, since):
        coming, self._coming = self._coming, []
        return LateArrival(coming)


class LateArrival(Arrival):
    def __init__(self, coming):
        super().__init__(0.25)
        self._coming = coming

    def wait(self):
        for here, tensor in self._coming:
            here.copy_(tensor)
        self._coming = []


@pytest.mark.parametrize("scheduler", ["pndm", "unipc", "sa_solver"])
def test_whoever_reads_a_snapshot_waits_for_it(tiny_pipeline, monkeypatch, scheduler):
    request = replace(REQUEST, scheduler=scheduler)
    *_, plain = engine.generate(tiny_pipeline, request)
    monkeypatch.setattr(arrivals, "transfers_of", Late)
    *steps, late = list(engine.generate(tiny_pipeline, request))[1:]
    assert late.images[0].tobytes() == plain.images[0].tobytes()
    assert late.timeline.size == plain.timeline.size  # what steps share is fetched once
    for step, expected in zip(steps, plain.timeline, strict=True):
        snapshot = step.snapshot
        assert torch.equal(snapshot.conditional, expected.conditional)
        assert torch.equal(snapshot.unconditional, expected.unconditional)
        assert torch.equal(snapshot.before.sample, expected.before.sample)
        for one, other in zip(snapshot.state.history, expected.state.history, strict=True):
            assert torch.equal(one, other)
        assert snapshot.seconds == step.seconds == 0.25
    rest = list(engine.generate(tiny_pipeline, request, start=late.timeline[2]))[-1]
    assert torch.equal(rest.timeline[-1].latents, plain.timeline[-1].latents)


@pytest.mark.parametrize("broken_at", [0, 2, 5])
def test_the_step_whose_latents_are_no_numbers_is_named_when_it_arrives(
    tiny_pipeline, monkeypatch, broken_at
):
    denoise, calls = tiny_pipeline.denoiser, []

    def broken(x, *rest):
        calls.append(x)
        unconditional, conditional = denoise(x, *rest)
        bad = len(calls) == broken_at + 1
        return unconditional, conditional * float("nan") if bad else conditional

    monkeypatch.setattr(tiny_pipeline, "denoiser", broken)
    monkeypatch.setattr(arrivals, "transfers_of", Late)
    monkeypatch.setattr(tiny_pipeline.pace, "evaluation", 0.1)
    with pytest.raises(engine.NonFiniteError, match=f"step {broken_at + 1} of 6"):
        list(engine.generate(tiny_pipeline, replace(REQUEST, scheduler="ddim")))
    # One evaluation ahead and no more; a run's first one is waited for.
    assert len(calls) == (min(broken_at + 2, 6) if broken_at else 1)


def test_on_the_cpu_nothing_is_copied():
    here = Transfers(torch.device("cpu"))
    tensor = torch.ones(3)
    (fetched, (again, number)), arrival = here.fetch((tensor, (tensor, 7)), here.mark())
    arrival.wait()
    assert fetched is again is tensor is all_uploaded(tensor, here.device)
    assert number == 7
    assert arrival.seconds >= 0
    assert mapped((tensor, "words", None), lambda one: one + 1)[1:] == ("words", None)
