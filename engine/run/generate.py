"""START HERE: how an image comes into being. Text to embeddings, seeds to noise, the loop that
takes the noise away step by step, latents to pixels; as a generator of events. Progress bars,
windows and files belong to whoever consumes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from engine.families.family import Ability
from engine.hardware.memory import free_cache
from engine.hardware.tuning import noting
from engine.images import to_pil
from engine.networks.layers.int8 import available, int8
from engine.pipelines.pipeline import Pipeline
from engine.record.record import Record
from engine.request.conditions import conditions, edited
from engine.request.request import OF_A_PROMPT, Edit, Request
from engine.run.arrivals import Arrivals, Evaluated
from engine.run.control import Control, EvaluationDropped, RunCancelled
from engine.run.events import Cancelled, Event, Finished
from engine.run.guider import guider_of
from engine.run.noise import Noise
from engine.run.prompts import Prompts
from engine.run.reuse import Evaluation, predict
from engine.run.schedule import Schedule
from engine.run.start import start_of
from engine.run.timeline import Snapshot, Timeline
from engine.schedulers.scheduler import State


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

    control: steers, pauses or cancels the run from another thread. timeline: where the snapshots
    go; None means a new one. start: run only what remains after this snapshot, of the same seed,
    count, size and step grid. With an identical request the latents end bit-identical; another
    request makes a branch, and the record says so.

    Raises RequestError or SchedulerError before any work, NonFiniteError or OutOfMemory during it.
    """
    control = control or Control()
    timeline = Timeline() if timeline is None else timeline
    request = pipeline.resolve(request)
    noise = Noise(request, pipeline.latent_shape(request), pipeline.device)
    begin = start_of(start).begin(pipeline, request, noise)
    request, state, reused = begin.request, begin.state, begin.reused
    schedule, guider = Schedule(pipeline, begin.scheduler), guider_of(pipeline)
    prompts, arrivals = Prompts(pipeline), Arrivals(pipeline, timeline, begin.branches)
    ways: dict[str, str] = {}  # in which the large pieces of work were done
    with _under_way(pipeline):
        try:
            control.poll()
            yield from prompts.read(conditions(request, state.index, state.total))
            while not state.done:
                request = edited(request, _suited(control.take_edits(state.index), pipeline))
                now = conditions(request, state.index, state.total)
                if now.finish and state.denoised is not None:
                    break
                yield from prompts.read(now)
                told = pipeline.conditioner.encode(now, guider.halves(now))
                begun = arrivals.mark()
                scheduler, before = schedule.entered(now, state)
                x, t = scheduler.scale_model_input(before), scheduler.timesteps[state.index]
                poll = control.poll if state.denoised is None else control.poll_evaluation
                try:
                    with int8(now.request.int8), noting(ways):
                        given = Evaluation(state.index, x, t, told, now, poll)
                        predicted = predict(pipeline.denoiser, given, reused)
                except EvaluationDropped:
                    continue
                output, reused = guider.join(predicted, now), predicted.reused
                state = scheduler.step(before, output, noise.draw)
                done = Evaluated(now, scheduler, before, predicted, state, begun)
                yield arrivals.step(done, request, noise)
            arrivals.wait()
            with noting(ways):
                decoded = pipeline.codec.decode(_last_image(state), control.poll)
        except RunCancelled:
            yield Cancelled(state.index, timeline)
            return
    notes = (*dict.fromkeys(prompts.left_out), *decoded.notes)
    record = _record(pipeline, request, state.index, notes, begin.branches, ways)
    yield Finished(tuple(to_pil(pixels) for pixels in decoded.pictures), record, timeline)


@contextmanager
def _under_way(pipeline: Pipeline) -> Iterator[None]:
    """While a run is, previews have a share of its time only, and memory is kept for the next
    evaluation."""
    pipeline.pace.previews.begin_run()
    try:
        yield
    finally:
        pipeline.pace.previews.end_run()
        if pipeline.device.type == "cpu":
            free_cache(pipeline.device)


def _last_image(state: State) -> Tensor:
    """The latents of the image: at the end of a run, or as the last evaluation predicts it."""
    latents = state.sample if state.done else state.denoised
    assert latents is not None
    return latents


def _record(
    pipeline: Pipeline,
    request: Request,
    evaluations: int,
    notes: tuple[str, ...],
    branches: tuple[int, ...],
    ways: Mapping[str, str],
) -> Record:
    return Record.of_run(
        pipeline,
        request,
        executed_steps=evaluations,
        notes=(*notes, *_how_it_ran(pipeline, request)),
        branches=branches,
        threads=torch.get_num_threads() if pipeline.device.type == "cpu" else 0,
        ways=ways,
    )


def _suited(edits: Iterable[Edit], pipeline: Pipeline) -> tuple[Edit, ...]:
    """Those that mean something to the pipeline: whoever holds the control cannot know."""
    if Ability.PROMPT in pipeline.abilities:
        return tuple(edits)
    return tuple(edit for edit in edits if edit.field not in OF_A_PROMPT)


def _how_it_ran(pipeline: Pipeline, request: Request) -> tuple[str, ...]:
    notes = () if pipeline.compilation is None else (pipeline.compilation.note,)
    asked = request.int8 or any(edit.field == "int8" and edit.value for edit in request.edits)
    if not asked or available(pipeline.device):
        return notes
    return (*notes, f"no int8 on this {pipeline.device.type.upper()}: all in full precision")
