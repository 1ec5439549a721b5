"""Several runs side by side, one step of each in turn, with the work that they share done once.
Called by the command line for grids and for variations, and by `engine.LocalRunner`, through which
the window has all its runs made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from engine.errors import EngineError
from engine.pipelines.pipeline import Pipeline
from engine.request.conditions import conditions, edited
from engine.request.request import Request
from engine.run.branch import continued, unlike
from engine.run.control import Control
from engine.run.events import Cancelled, Encoded, Event, Finished, Step
from engine.run.generate import generate
from engine.run.schedule import scheduler_of
from engine.run.timeline import BUDGET, Snapshot, Timeline


def compare(
    pipeline: Pipeline,
    requests: Sequence[Request],
    controls: Sequence[Control] | None = None,
    start: Snapshot | None = None,
    timelines: Sequence[Timeline] | None = None,
) -> Iterator[tuple[int, Event | EngineError]]:
    """Run all requests; yields (number of the request, event), for each of them the events that
    `engine.generate` would yield, its own timeline and record included.

    Runs that come out the same up to an evaluation are one run up to there: its steps are told for
    each of them, and then the others go on from its snapshot. Where a run fails, an EngineError
    stands in the place of its last event, and the others go on.

    controls: one for each request; what is steered must be steered alike in all of them.
    start: all of them start at this snapshot. timelines: where the snapshots of each go; None means
        new ones, which share the budget of one.
    """
    side_by_side = _SideBySide(pipeline, requests, controls, start, timelines)
    with closing(side_by_side):
        yield from side_by_side.events()


@dataclass(frozen=True)
class _Strand:
    """A run that stands for several requests as long as they are alike. It is that of the first.

    latest: the snapshot that it stands at; quiet: whether all that its first event has to say, how
    the prompt was read, was said before it left another strand.
    """

    members: tuple[int, ...]
    events: Iterator[Event]
    latest: Snapshot | None
    quiet: bool = False


class _SideBySide:
    def __init__(
        self,
        pipeline: Pipeline,
        requests: Sequence[Request],
        controls: Sequence[Control] | None,
        start: Snapshot | None,
        timelines: Sequence[Timeline] | None,
    ):
        share = BUDGET // max(len(requests), 1)
        self._pipeline = pipeline
        self._requests = list(requests)
        self._controls = controls or [Control() for _ in requests]
        self._start = start
        self._timelines = timelines or [Timeline(share) for _ in requests]
        self._totals = [0] * len(requests)
        self._branches: list[tuple[int, ...]] = [()] * len(requests)
        self._strands: deque[_Strand] = deque()

    def events(self) -> Iterator[tuple[int, Event | EngineError]]:
        sound = []
        for number in range(len(self._requests)):
            try:
                self._prepare(number)
                sound.append(number)
            except EngineError as error:
                yield number, error
        first = 0 if self._start is None else self._start.state.index
        for members in self._alike(sound, first):
            self._begin(members, self._start)
        while self._strands:
            strand = self._strands.popleft()
            try:
                event = next(strand.events)
            except EngineError as error:
                yield from ((member, error) for member in strand.members)
                continue
            if isinstance(event, Step):
                yield from self._stepped(strand, event)
            elif isinstance(event, Encoded):
                self._strands.appendleft(replace(strand, quiet=False))  # its step is still to come
                if not strand.quiet:
                    yield from ((member, event) for member in strand.members)
            else:
                yield from self._ended(strand, event)

    def close(self) -> None:
        for strand in self._strands:
            strand.events.close()  # type: ignore[attr-defined]

    def _prepare(self, number: int) -> None:
        """Fill in what the request leaves open. Raises EngineError if it cannot be run."""
        request = self._pipeline.resolve(self._requests[number])
        if self._start is None:
            self._totals[number] = len(scheduler_of(self._pipeline, request).timesteps)
        else:
            request, self._branches[number] = continued(request, self._start)
            self._totals[number] = self._start.state.total
        self._requests[number] = request

    def _begin(
        self, members: tuple[int, ...], latest: Snapshot | None, quiet: bool = False
    ) -> None:
        first = members[0]
        events = generate(
            self._pipeline,
            self._requests[first],
            self._controls[first],
            self._own(latest, first) if latest and latest is not self._start else latest,
            self._timelines[first],
        )
        self._strands.append(_Strand(members, events, latest, quiet))

    def _stepped(self, strand: _Strand, step: Step) -> Iterator[tuple[int, Step]]:
        self._take_over(strand, step.snapshot.request)
        index, total = step.index, step.total
        # What is steered may part those that were alike until then: they do this step anew.
        alike, *apart = self._alike(strand.members, index)
        stay, *leave = self._alike(alike, index + 1)
        self._strands.append(replace(strand, members=stay, latest=step.snapshot))
        for members in apart:
            self._begin(members, strand.latest, quiet=True)
        for members in leave:
            read, to_read = (
                conditions(self._requests[members[0]], i, total).words for i in (index, index + 1)
            )
            self._begin(members, step.snapshot, quiet=read == to_read)
        for member in alike:
            snapshot = step.snapshot
            if member != strand.members[0]:
                snapshot = self._own(snapshot, member)
                self._timelines[member].add(snapshot)
            yield member, replace(step, guidance_scale=snapshot.guidance_scale, snapshot=snapshot)

    def _ended(
        self, strand: _Strand, event: Finished | Cancelled
    ) -> Iterator[tuple[int, Finished | Cancelled]]:
        if isinstance(event, Finished):
            self._take_over(strand, event.record.request)
        for member in strand.members:
            own = replace(event, timeline=self._timelines[member])
            if isinstance(own, Finished):
                request, branches = self._requests[member], self._branches[member]
                own = replace(own, record=replace(own.record, request=request, branches=branches))
            yield member, own

    def _take_over(self, strand: _Strand, request: Request) -> None:
        """Give all members what was steered in the run of the first, which did `request`."""
        known = self._requests[strand.members[0]].edits
        if len(known) == len(request.edits):
            return
        live = [edit for edit in request.edits if edit not in known]
        for member in strand.members:
            self._requests[member] = edited(self._requests[member], live)

    def _own(self, snapshot: Snapshot, member: int) -> Snapshot:
        """The snapshot as the run of that member alone would have left it; its tensors are shared.
        Guidance that does nothing there may be another in each."""
        request = self._requests[member]
        now = conditions(request, snapshot.index, self._totals[member])
        return replace(
            snapshot,
            request=request,
            branches=self._branches[member],
            guidance_scale=now.guidance_scale,
            guidance_rescale=now.request.guidance_rescale or 0.0,
        )

    def _alike(self, members: Iterable[int], index: int) -> list[tuple[int, ...]]:
        """The members in groups that do the same work in evaluation `index`; what is before it they
        have in common if they are of one strand."""
        groups: list[list[int]] = []
        for member in members:
            group = next((group for group in groups if self._same(group[0], member, index)), None)
            if group is None:
                groups.append([member])
            else:
                group.append(member)
        return [tuple(group) for group in groups]

    def _same(self, one: int, other: int, index: int) -> bool:
        first, second = self._requests[one], self._requests[other]
        if unlike(first, second):
            return False
        total = self._totals[one]
        if index >= total:  # there is no such evaluation
            return True
        work = conditions(first, index, total)
        return work.same_work(conditions(second, index, total))
