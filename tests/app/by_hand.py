"""What the worker would tell, made by hand: runs that begin, their steps and their images. For the
tests of the state objects."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from PySide6.QtGui import QImage

from app.state.models.model_source import ModelSource
from app.state.runs.history import History
from app.state.runs.plan import Begun, BegunRun, Plan
from app.state.runs.run import RunResult, StepView
from app.state.runs.run_memory import RunMemory
from engine.request.request import Request
from tests.app import fake_engine


def image(side: int = 8) -> QImage:
    picture = QImage(side, side, QImage.Format.Format_RGB32)
    picture.fill(0)
    return picture


def begun_run(number: int = 1, steps: int = 4, prompt: str = "", **more: Any) -> BegunRun:
    return BegunRun(number, Request(prompt=prompt, steps=steps), **more)


def begun(*runs: BegunRun, grid: Any = None) -> Begun:
    """Those runs, or one of four steps, begin together."""
    runs = runs or (begun_run(),)
    return Begun(Plan(tuple(one.request for one in runs), grid=grid), runs)


def remembering(budget: int = 2**30) -> History:
    """A history of runs that are told of by hand: see `begin` and `grow`."""
    return History(RunMemory(budget))


def begin(history: History, told: Begun | None = None) -> None:
    """Those runs begin, as when the worker tells of them."""
    told = told or begun()
    for one in told.runs:
        snapshots: Any = fake_engine.FakeTimeline()
        history.memory.begin(one, ModelSource("bundled"), snapshots)
    history.start(told)


def grow(history: History, view: StepView, size: int | None = None) -> None:
    """A run has come to that step. size: what its snapshot takes, in bytes."""
    taken = fake_engine.SNAPSHOT_BYTES if size is None else size
    snapshot: Any = SimpleNamespace(index=view.index, size=taken)
    history.memory.keep(view.run, snapshot)
    history.add_step(view)


def step(run: int = 1, index: int = 0, total: int = 4, **more: Any) -> StepView:
    own = {"guidance_scale": 5.0, "seconds": 0.5, "predicted": image(), "noisy": image(1)}
    return StepView(run, index, total, **(own | more))


def result(number: int = 1, path: str | None = "/images/a.png", count: int = 1) -> RunResult:
    request = Request(seed=9, count=count)
    return RunResult(number, request, (image(),) * count, image(16), (path,) * count, "")


def heard(*signals: Any) -> list[Any]:
    """What the signals tell, in the order of telling: a value alone, or a tuple of several."""
    values: list[Any] = []
    for signal in signals:
        signal.connect(lambda *told: values.append(told[0] if len(told) == 1 else told))
    return values
