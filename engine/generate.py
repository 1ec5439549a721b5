"""START HERE: how an image comes into being. Text to embeddings, seeds to noise, the loop that
takes the noise away step by step, latents to pixels; as a generator of events. Progress bars,
windows and files belong to whoever consumes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from engine import guidance, schedulers
from engine.control import Control, RunCancelled
from engine.errors import NonFiniteError, RequestError
from engine.events import Cancelled, Encoded, Event, Finished, Step
from engine.images import to_pil
from engine.metadata import Record
from engine.pipelines.base import Pipeline
from engine.request import Edit, Request
from engine.schedulers.base import Scheduler, State
from engine.timeline import Snapshot, Timeline

Value = TypeVar("Value")


@torch.no_grad()
def generate(
    pipeline: Pipeline,
    request: Request,
    control: Control | None = None,
    start: Snapshot | None = None,
) -> Iterator[Event]:
    """Run a request: one Encoded, a Step for every model evaluation, one Finished or Cancelled.

    control: steers, pauses or cancels the run from another thread.
    start: run only what remains after this snapshot, which must stem from the same step grid,
        size and count; with an identical request the latents end bit-identical.

    Raises RequestError or SchedulerError before any work if the request does not suit the pipeline;
    NonFiniteError, OutOfMemory during it.
    """
    control = control or Control()
    request = pipeline.resolve(request)
    scheduler = _scheduler(pipeline, request)
    noise = _Noise(request, pipeline.latent_shape(request), pipeline.device)
    state = _first_state(scheduler, noise, start, pipeline.device)
    after = _moved(state, "cpu")
    timeline = Timeline()
    edits: list[Edit] = []
    try:
        control.poll()
        steering = _Steering(pipeline, request)
        reading = pipeline.read(request.prompt)
        yield Encoded(reading.token_count, reading.truncated)

        while not state.done:
            index = state.index
            live = control.take_edits(index)
            if not pipeline.takes_prompt:
                live = ()  # whoever holds the control cannot know that nothing can be steered
            step_started = time.perf_counter()
            due = [edit for edit in request.edits if edit.step <= index]
            changed = steering.apply([*due[steering.replayed :], *live])
            steering.replayed = len(due)
            edits += [edit for edit in changed if edit in live]

            guided = guidance.acts(
                index, state.total, steering.guidance_scale, request.guidance_interval
            )
            timestep = scheduler.timesteps[index]
            conditional, unconditional = pipeline.predict(
                scheduler.scale_model_input(state),
                timestep,
                steering.conditional,
                steering.unconditional if guided else None,
                control.poll,
            )
            output = guidance.combine(
                unconditional, conditional, steering.guidance_scale, request.guidance_rescale
            )
            state = scheduler.step(state, output, noise.draw)
            before, after = after, _moved(state, "cpu")
            snapshot = Snapshot(
                index=index,
                before=before,
                state=after,
                unconditional=_moved(unconditional, "cpu"),
                conditional=conditional.cpu(),
                guidance_scale=steering.guidance_scale,
                guidance_rescale=request.guidance_rescale,
                scheduler=scheduler,
                random_states=noise.states(),
            )
            if not torch.isfinite(snapshot.latents).all():
                scale = f"a guidance scale lower than {steering.guidance_scale:g}, "
                raise NonFiniteError(
                    f"The latents became infinite or NaN in step {index + 1} of {state.total}. "
                    f"Take float32 (this is {pipeline.dtype}), "
                    f"{scale if pipeline.takes_prompt else ''}or another scheduler."
                )
            timeline.add(snapshot)
            seconds = time.perf_counter() - step_started
            pipeline.pace.evaluation = seconds
            yield Step(index, state.total, timestep, steering.guidance_scale, snapshot, seconds)

        decoded = pipeline.decode(state.sample, control.poll)
    except RunCancelled:
        yield Cancelled(state.index, timeline)
        return
    record = Record.of_run(
        pipeline,
        replace(request, edits=(*request.edits, *edits)),
        executed_steps=state.total,
        notes=decoded.notes,
    )
    yield Finished(tuple(to_pil(pixels) for pixels in decoded.pictures), record, timeline)


class _Steering:
    """What a person can change in mid-run, as it stands now, with its embeddings."""

    def __init__(self, pipeline: Pipeline, request: Request):
        self._pipeline = pipeline
        self.guidance_scale = request.guidance_scale
        self.prompt = request.prompt
        self.negative_prompt = request.negative_prompt
        self._class_label = request.class_label
        self.conditional = self._encode(self.prompt)
        self.unconditional = self._encode(self.negative_prompt)
        self.replayed = 0

    def apply(self, edits: Sequence[Edit]) -> list[Edit]:
        """Take the edits in order; those that changed something."""
        changed = [edit for edit in edits if self._set(edit)]
        if any(edit.field == "prompt" for edit in changed):
            self.conditional = self._encode(self.prompt)
        if any(edit.field == "negative_prompt" for edit in changed):
            self.unconditional = self._encode(self.negative_prompt)
        return changed

    def _encode(self, prompt: str) -> Tensor:
        return self._pipeline.encode(prompt, self._class_label)

    def _set(self, edit: Edit) -> bool:
        if getattr(self, edit.field) == edit.value:
            return False
        setattr(self, edit.field, edit.value)
        return True


class _Noise:
    """A generator on the CPU for each image of a run, so that an image depends neither on the
    device nor on its neighbours: latents first, then step noise, as diffusers draws them."""

    def __init__(self, request: Request, shape: tuple[int, int, int], device: torch.device):
        self._shape = (1, *shape)
        self._device = device
        self._generators = [
            torch.Generator().manual_seed(request.seed + image) for image in range(request.count)
        ]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._generators), *self._shape[1:])

    def draw(self, shape: Sequence[int] | None = None) -> Tensor:
        """Standard normal noise (B, C, h, w), float32, on the pipeline's device."""
        one = self._shape if shape is None else (1, *shape[1:])
        drawn = [torch.randn(one, generator=generator) for generator in self._generators]
        return torch.cat(drawn).to(self._device)

    def states(self) -> tuple[Tensor, ...]:
        return tuple(generator.get_state() for generator in self._generators)

    def restore(self, states: tuple[Tensor, ...]) -> None:
        for generator, state in zip(self._generators, states, strict=True):
            generator.set_state(state)


def _scheduler(pipeline: Pipeline, request: Request) -> Scheduler:
    assert request.scheduler is not None
    options = dict(request.scheduler_options)
    if request.eta:
        takers = [name for name in schedulers.names() if _takes_eta(name)]
        if schedulers.name_of(request.scheduler) not in takers:
            raise RequestError(
                "eta",
                f"{request.eta:g} means nothing to the scheduler {request.scheduler}. "
                f"Leave it at 0 or take {' or '.join(takers)}.",
            )
        options["eta"] = request.eta
    return schedulers.create(request.scheduler, pipeline.scheduler_config, request.steps, options)


def _takes_eta(name: str) -> bool:
    return any(option.name == "eta" for option in schedulers.describe(name).options)


def _first_state(
    scheduler: Scheduler, noise: _Noise, start: Snapshot | None, device: torch.device
) -> State:
    if start is None:
        return scheduler.start(noise.draw() * scheduler.init_noise_sigma)
    if start.scheduler.timesteps != scheduler.timesteps or type(start.scheduler) is not type(
        scheduler
    ):
        raise RequestError(
            "start", "the snapshot stems from another scheduler or number of steps. Keep both."
        )
    if tuple(start.latents.shape) != noise.shape:
        raise RequestError(
            "start",
            f"the snapshot holds latents of {tuple(start.latents.shape)}, this request makes "
            f"{noise.shape}. Keep the size and the count.",
        )
    noise.restore(start.random_states)
    return _moved(start.state, device)


def _moved(value: Value, device: torch.device | str) -> Value:
    """The value with every tensor in it on `device`; tensors that are there already are shared,
    which is safe because no step writes into what it was given."""
    if isinstance(value, Tensor):
        return value.to(device)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(_moved(item, device) for item in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: _moved(getattr(value, part.name), device) for part in fields(value)}
        return replace(value, **parts)
    return value
