"""Plan: what the queue hands to the worker: one run, a branch, a few variations or the cells of a
grid. Made by the state objects that the person's wishes reach; plain values.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.i18n import tr
from engine.foreign import fitted
from engine.request.grid import Axis, Grid
from engine.request.request import Request

PlanImage = tuple[int, int]
"""An image of a plan: the number of its request, and which of that request's images it is."""


def new_job() -> str:
    """A name that no other plan has, in this session or another."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Origin:
    """A step of a run in the timeline."""

    run: int
    index: int


@dataclass(frozen=True)
class Plan:
    """Runs that are made side by side, one if nothing else is said.

    origin: where they branch off; then seed, size, count, scheduler and steps are those of its run,
    whatever the requests say. vary: how far the noise that is left there is mixed with fresh noise,
    0 to 1, None for a plain branch; vary_seeds: one for each run. grid: what the requests are the
    cells of.

    source: the model that it is for, as `engine.load` takes it, "" for the present one;
    prediction_type: what the person said that this model predicts. sha256: of the only model that
    it is for, "" for any. job: its name, which stands in the records of its images. written: files
    of images that are there already, so that they are not written again. from_nothing: requests
    that make the same without the timeline, where the plan's own do not.
    """

    requests: tuple[Request, ...]
    origin: Origin | None = None
    vary: float | None = None
    vary_seeds: tuple[int, ...] = ()
    grid: Grid | None = None
    source: str = ""
    prediction_type: str | None = None
    sha256: str = ""
    job: str = field(default_factory=new_job, compare=False)
    written: Mapping[PlanImage, str] = field(default_factory=dict, compare=False)
    from_nothing: tuple[Request, ...] = field(default=(), compare=False)

    @property
    def places(self) -> tuple[PlanImage, ...]:
        """All its images."""
        return tuple(
            (number, index)
            for number, request in enumerate(self.requests)
            for index in range(request.count)
        )

    @property
    def title(self) -> str:
        """What it makes, in a line."""
        first = self.requests[0]
        return " ".join(first.prompt.split()) or tr("seed {seed}", seed=first.seed)

    @property
    def detail(self) -> str:
        """How much that is, in a few words."""
        first, count = self.requests[0], len(self.places)
        words = [tr("1 picture") if count == 1 else tr("{count} pictures", count=count)]
        if self.grid is not None:
            words.append(tr("a grid"))
        elif self.vary is not None:
            words.append(tr("variations"))
        elif self.origin is not None:
            words.append(tr("a branch of run {run}", run=self.origin.run))
        words.append(tr("seed {seed}", seed=first.seed))
        words.append(tr("1 step") if first.steps == 1 else tr("{steps} steps", steps=first.steps))
        return " · ".join(words)

    def lone(self) -> Plan:
        """The same without the timeline."""
        if not self.from_nothing:
            return self
        return replace(
            self, requests=self.from_nothing, from_nothing=(), origin=None, vary=None, vary_seeds=()
        )

    def again(self) -> Plan:
        """The same once more: its images are others than those of this one."""
        return replace(self.lone(), job=new_job(), written={})

    def told(self, number: int, request: Request) -> Plan:
        """With what its run `number` does, told from nothing."""
        known = list(self.from_nothing or self.requests)
        known[number] = request
        return replace(self, from_nothing=tuple(known))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, without the timeline."""
        if self.from_nothing:
            return self.lone().to_dict()
        axes = [[axis.name, list(axis.values)] for axis in self.grid.axes] if self.grid else None
        return {
            "job": self.job,
            "requests": [request.to_dict() for request in self.requests],
            "grid": axes,
            "source": self.source,
            "prediction_type": self.prediction_type,
            "sha256": self.sha256,
            "written": [[*place, path] for place, path in self.written.items()],
        }

    @classmethod
    def from_dict(cls, plain: object) -> Plan:
        """The plan that `to_dict` wrote. Raises EngineError, with a sentence, for what is none."""
        kept = fitted(plain, _KeptPlan, "The plan")
        axes = tuple(Axis(name, tuple(values)) for name, values in kept.grid or ())
        return cls(
            tuple(map(Request.from_dict, kept.requests)),
            grid=Grid(axes) if axes else None,
            source=kept.source,
            prediction_type=kept.prediction_type,
            sha256=kept.sha256,
            job=kept.job,
            written={(number, index): path for number, index, path in kept.written},
        )

    @property
    def steerable(self) -> bool:
        """Whether its runs can be steered in mid-run, which the cells of a grid cannot."""
        return self.grid is None


@dataclass(frozen=True)
class _KeptPlan:
    """What `Plan.to_dict` writes. grid: axes, each a name and its values."""

    job: str
    requests: list[dict[str, Any]]
    grid: list[tuple[str, list[Any]]] | None
    source: str
    prediction_type: str | None
    sha256: str
    written: list[tuple[int, int, str]]

    def __post_init__(self) -> None:
        if not self.requests:
            raise ValueError("it has no request.")


@dataclass(frozen=True)
class BegunRun:
    """A run that has begun. number: counts the worker's runs; first: its first evaluation, not 0
    for a branch; parent: the run that it leaves; label, title: what is special to a cell of a grid,
    in a word or two and in full; varied: whether its noise was mixed."""

    number: int
    request: Request
    first: int = 0
    parent: int | None = None
    label: str = ""
    title: str = ""
    varied: bool = False


@dataclass(frozen=True)
class Begun:
    """A plan that has begun, and its runs."""

    plan: Plan
    runs: tuple[BegunRun, ...]
