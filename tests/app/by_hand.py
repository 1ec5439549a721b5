"""What the worker would tell, made by hand: runs that begin, their steps and their images. For the
tests of the state objects."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QImage

from app.state.runs.plan import Begun, BegunRun, Plan
from app.state.runs.run import RunResult, StepView
from engine.request.request import Request


def image(side: int = 8) -> QImage:
    picture = QImage(side, side, QImage.Format.Format_RGB32)
    picture.fill(0)
    return picture


def row(number: int = 1, steps: int = 4, prompt: str = "", **more: Any) -> BegunRun:
    return BegunRun(number, Request(prompt=prompt, steps=steps), **more)


def begun(*rows: BegunRun, grid: Any = None) -> Begun:
    """Those runs, or one of four steps, begin together."""
    rows = rows or (row(),)
    return Begun(Plan(tuple(one.request for one in rows), grid=grid), rows)


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
