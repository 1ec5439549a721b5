"""START HERE: how an image comes into being. Text to embeddings, seeds to noise, the loop that
takes the noise away step by step, latents to pixels; as a generator of events. Progress bars,
windows and files belong to whoever consumes it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from engine import schedulers
from engine.errors import NonFiniteError, RequestError
from engine.families.family import Ability
from engine.guidance.cfg import combine
from engine.hardware.memory import free_cache
from engine.hardware.transfers import transfers_of, uploaded
from engine.hardware.tuning import noting
from engine.images import to_pil
from engine.networks.layers.int8 import available, int8
from engine.pipelines.pipeline import Pipeline
from engine.record.record import Record
from engine.request.conditions import Conditions, conditions, edited
from engine.request.request import OF_A_PROMPT, Request
from engine.run.branch import continued
from engine.run.control import Control, EvaluationDropped, RunCancelled
from engine.run.events import Cancelled, Encoded, Event, Finished, Step
from engine.run.reuse import Carried, predict
from engine.run.timeline import Snapshot, Timeline
from engine.schedulers.scheduler import Scheduler, State

TINY = torch.finfo(torch.float32).tiny
APART = 0x9E3779B9
"""Keeps the fresh noise of a variation apart from the noise of a run with the same number as seed:
noise cannot be turned towards itself. Within 32 bits, as torch's generator takes no more of them.
"""


@torch.no_grad()
def generate(
    pipeline: Pipeline,
    request: Request,
    control: Control | None = None,
    start: Snapshot | None = None,
    timeline: Timeline | None = None,
) -> Iterator[Event]:
    """Run a request: one Encoded, a Step for every model evaluation, one Finished or Cancelled.
    When a prompt changes in mid-run, another Encoded tells how the two were read then.

    control: steers, pauses or cancels the run from another thread.
    start: run only what remains after this snapshot, which must stem from the same seed, size,
        count and step grid; with an identical request the latents end bit-identical. Where the
        request differs from what led there, the run is a branch, and its record says both.
    timeline: where the snapshots go; None means a new one.

    Raises RequestError or SchedulerError before any work if the request does not suit the pipeline;
    NonFiniteError, OutOfMemory during it.
    """
    control = control or Control()
    timeline = Timeline() if timeline is None else timeline
    request = pipeline.resolve(request)
    transfers = transfers_of(pipeline.device)
    noise = _Noise(request, pipeline.latent_shape(request), pipeline.device)
    if start is None:
        scheduler = scheduler_of(pipeline, request)
        state = scheduler.start(noise.draw() * scheduler.init_noise_sigma)
        branches: tuple[int, ...] = ()
        carried: tuple[Carried, ...] = ()
    else:
        request, branches = continued(request, start)
        _check_shape(start, noise.shape)
        scheduler = start.scheduler
        state = transfers.upload(start.state)
        carried = transfers.upload(start.carried)
        noise.restore(start.random_states)
    total = state.total
    under_way: deque[Snapshot] = deque()  # that nobody has looked at yet
    former = None
    ways: dict[str, str] = {}  # in which the large pieces of work were done
    seconds = 0.0  # that the latest evaluation took
    cut: list[str] = []  # what was not read
    pipeline.pace.previews.begin_run()
    try:
        control.poll()
        read = conditions(request, state.index, total).words
        yield _encoded(pipeline, read, cut)
        while not state.done:
            index = state.index
            live = control.take_edits(index)
            if Ability.PROMPT not in pipeline.abilities:  # whoever holds the control cannot know
                live = tuple(edit for edit in live if edit.field not in OF_A_PROMPT)
            request = edited(request, live)
            now = conditions(request, index, total)
            if now.finish and state.denoised is not None:
                break
            if now.words != read:
                read = now.words
                yield _encoded(pipeline, read, cut)
            told, told_without = pipeline.encode(now, request.class_label)

            begun = transfers.mark()
            here = state
            if now.varied or (now.request.scheduler_options, now.request.eta) != former:
                scheduler, here = _turned(pipeline, request, now, scheduler, state)
                former = now.request.scheduler_options, now.request.eta
            timestep = scheduler.timesteps[index]
            try:
                model_input = scheduler.scale_model_input(here)
                poll = control.poll if state.denoised is None else control.poll_evaluation
                with int8(now.request.int8), noting(ways):
                    predicted = predict(
                        *(pipeline, now, index, model_input, timestep, told, told_without, poll),
                        carried,
                    )
            except EvaluationDropped:
                continue
            conditional, unconditional = predicted.conditional, predicted.unconditional
            carried = predicted.carried
            rescale = now.request.guidance_rescale or 0.0
            output = combine(unconditional, conditional, now.guidance_scale, rescale)
            state = scheduler.step(here, output, noise.draw)
            (before, after, without, under, left), arrival = transfers.fetch(
                (here, state, unconditional, conditional, carried), begun
            )
            snapshot = Snapshot(
                index=index,
                before=before,
                state=after,
                unconditional=without,
                conditional=under,
                guidance_scale=now.guidance_scale,
                guidance_rescale=rescale,
                scheduler=scheduler,
                random_states=noise.states(),
                request=request,
                branches=branches,
                carried=left,
                arrival=arrival,
            )
            under_way.append(snapshot)
            # A run's first evaluation is waited for: how long one takes is to be known.
            while len(under_way) > (transfers.behind if seconds else 0):
                seconds = _looked_at(under_way.popleft(), pipeline)
                pipeline.pace.note_evaluation(seconds)
            timeline.add(snapshot)
            yield Step(index, total, timestep, now.guidance_scale, snapshot, seconds)

        for snapshot in under_way:
            _looked_at(snapshot, pipeline)
        final = state.sample if state.done else state.denoised
        assert final is not None
        with noting(ways):
            decoded = pipeline.decode(final, control.poll)
    except RunCancelled:
        yield Cancelled(state.index, timeline)
        return
    finally:
        pipeline.pace.previews.end_run()
        if pipeline.device.type == "cpu":
            free_cache(pipeline.device)
    record = Record.of_run(
        pipeline,
        request,
        executed_steps=state.index,
        notes=(*dict.fromkeys(cut), *decoded.notes, *_how_it_ran(pipeline, request)),
        branches=branches,
        threads=torch.get_num_threads() if pipeline.device.type == "cpu" else 0,
        ways=ways,
    )
    yield Finished(tuple(to_pil(pixels) for pixels in decoded.pictures), record, timeline)


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
        return uploaded(torch.cat(drawn), self._device)

    def states(self) -> tuple[Tensor, ...]:
        return tuple(generator.get_state() for generator in self._generators)

    def restore(self, states: tuple[Tensor, ...]) -> None:
        for generator, state in zip(self._generators, states, strict=True):
            generator.set_state(state)


def _encoded(pipeline: Pipeline, words: tuple[str, str], cut: list[str]) -> Encoded:
    """How the prompt and the negative prompt are read; what does not fit is noted in `cut`."""
    readings = [pipeline.read(text) for text in words]
    for name, reading in zip(("prompt", "negative prompt"), readings, strict=True):
        if reading.truncated:
            left = reading.token_count - reading.token_limit
            tokens = f"{left} of its {reading.token_count} tokens"
            cut.append(f"the {name} is too long: {tokens} not read")
    prompt, negative = readings
    return Encoded(prompt.token_count, prompt.truncated, negative.truncated)


def _how_it_ran(pipeline: Pipeline, request: Request) -> tuple[str, ...]:
    notes = () if pipeline.compilation is None else (pipeline.compilation.note,)
    asked = request.int8 or any(edit.field == "int8" and edit.value for edit in request.edits)
    if not asked or available(pipeline.device):
        return notes
    return (*notes, f"no int8 on this {pipeline.device.type.upper()}: all in full precision")


def _check_shape(start: Snapshot, shape: tuple[int, ...]) -> None:
    if tuple(start.latents.shape) != shape:
        raise RequestError(
            "start",
            f"the snapshot holds latents of {tuple(start.latents.shape)}, this model makes {shape} "
            "of the request. Take the model that the snapshot stems from.",
        )


def _looked_at(snapshot: Snapshot, pipeline: Pipeline) -> float:
    """The seconds that its evaluation took. Raises NonFiniteError if its latents are no numbers."""
    if not torch.isfinite(snapshot.latents).all():
        scale = f"a guidance scale lower than {snapshot.guidance_scale:g}, "
        raise NonFiniteError(
            f"The latents became infinite or NaN in step {snapshot.index + 1} of "
            f"{snapshot.state.total}. Take float32 (this is {pipeline.dtype}), "
            f"{scale if Ability.PROMPT in pipeline.abilities else ''}or another scheduler."
        )
    return snapshot.seconds


def scheduler_of(
    pipeline: Pipeline,
    request: Request,
    options: Mapping[str, Any] | None = None,
    eta: float | None = None,
) -> Scheduler:
    """The scheduler that a resolved request begins with, or the same with other options. Raises
    SchedulerError or RequestError."""
    assert request.scheduler is not None
    options = dict(request.scheduler_options if options is None else options)
    eta = request.eta if eta is None else eta
    if eta:
        takers = [name for name in schedulers.names() if _takes_eta(name)]
        if schedulers.name_of(request.scheduler) not in takers:
            raise RequestError(
                "eta",
                f"{eta:g} means nothing to the scheduler {request.scheduler}. "
                f"Leave it at 0 or take {' or '.join(takers)}.",
            )
        options["eta"] = eta
    return schedulers.create(request.scheduler, pipeline.scheduler_config, request.steps, options)


def _takes_eta(name: str) -> bool:
    return any(option.name == "eta" for option in schedulers.describe(name).options)


def _turned(
    pipeline: Pipeline, request: Request, now: Conditions, scheduler: Scheduler, state: State
) -> tuple[Scheduler, State]:
    """The scheduler and the state that the next evaluation is to begin with: the very ones that are
    given, unless the scheduler's options change here or the noise is mixed anew. Either starts the
    scheduler again at this evaluation, since its history belongs to the way that is left.

    Raises RequestError where that cannot be.
    """
    index = state.index
    asked = scheduler_of(pipeline, request, now.request.scheduler_options, now.request.eta)
    varied = [vary for vary in now.varied if vary["amount"]]
    if asked.options == scheduler.options and not varied:
        return scheduler, state
    if asked.timesteps != scheduler.timesteps or asked.levels[index] != scheduler.levels[index]:
        raise RequestError(
            "scheduler_options",
            f"{dict(now.request.scheduler_options)} leads over other timesteps or noise levels "
            f"than the run had up to step {index}. Change these from the beginning.",
        )
    if index not in asked.entries:
        raise RequestError(
            "edits",
            f"after step {index} the scheduler {request.scheduler} is in the middle of a step that "
            "takes several evaluations. Choose the step before or after it.",
        )
    sample = state.sample
    for vary in varied:
        sample = _varied(sample, state.denoised, asked, index, **vary)
    return asked, replace(asked.start(sample, index), denoised=state.denoised)


def _varied(
    sample: Tensor,
    denoised: Tensor | None,
    scheduler: Scheduler,
    index: int,
    amount: float,
    seed: int,
) -> Tensor:
    """The sample x_t (B, C, h, w) with its noise turned towards fresh noise by `amount` quarter
    turns, at the length that it had, so that the level stays. Image i of the batch takes its fresh
    noise from seed + i.

    What is noise and what is image in x_t is told by the x_0 that the last evaluation predicted;
    before the first one all of it is noise.
    """
    level = scheduler.levels[index]
    image = torch.zeros_like(sample) if denoised is None else level.alpha * denoised
    # One at a time: a sum over a batch rounds otherwise than over one image.
    held = (sample - image).split(1)
    return image + torch.cat([_turn(one, amount, seed + i) for i, one in enumerate(held)])


def _turn(held: Tensor, amount: float, seed: int) -> Tensor:
    """The noise of one image (1, C, h, w) turned; see `_varied`."""
    generator = torch.Generator().manual_seed(seed ^ APART)
    fresh = uploaded(torch.randn(held.shape, generator=generator), held.device)
    # What lies along the held noise goes: only at a right angle the length stays on the whole way.
    fresh = fresh - held * ((fresh * held).sum() / held.norm().square().clamp_min(TINY))
    fresh = fresh * (held.norm() / fresh.norm())
    angle = amount * math.pi / 2
    return math.cos(angle) * held + math.sin(angle) * fresh
