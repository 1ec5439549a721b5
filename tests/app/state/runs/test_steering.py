"""What a moved slider or a new prompt means: for the run under way, or for the step looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from app.state.recipe.session import Session
from app.state.runs.run import Run
from app.state.runs.steering import Steering
from app.state.store.store_thread import StoreThread
from tests.app.by_hand import begin, begun, begun_run, grow, heard, remembering, result, step


class Desk:
    """The state objects that steering looks at, connected as `app.main` does it."""

    def __init__(self, folder: Path) -> None:
        self.session = Session(Preferences(StoreThread(folder / "safelight.sqlite")), ("unipc",))
        self.run, self.history = Run(), remembering()
        self.steering = Steering(self.session, self.run, self.history)
        self.session.promptChanged.connect(self.steering.refresh)
        self.session.negativePromptChanged.connect(self.steering.refresh)
        self.steered = heard(self.steering.steered)
        self.retouched = heard(self.steering.retouchAsked)
        self.offered = heard(self.steering.wordsSteerableChanged)

    def start(self, grid: Any = None) -> None:
        prompts = self.session.prompt, self.session.negative_prompt
        started = begun(begun_run(prompt=prompts[0]), grid=grid)
        self.steering.release(started.plan)
        self.run.start(started)
        begin(self.history, started)

    def develop(self, steps: int) -> None:
        for index in range(steps):
            self.run.add_step(step(index=index))
            grow(self.history, step(index=index))

    def end(self, finished: bool) -> None:
        if finished:
            self.run.finish(result())
            self.history.finish(result())
        else:
            self.run.cancel(1, 2)
            self.history.end(1)
        self.run.end()
        self.history.rest()
        self.steering.rest()

    def move(self) -> None:
        for scale, rescale in ((9.0, 0.0), (9.0, 0.5)):
            self.session.set_guidance_scale(scale)
            self.session.set_guidance_rescale(rescale)
            self.steering.move_rescale(rescale) if rescale else self.steering.move_scale(scale)


@pytest.fixture
def desk(qtbot: QtBot, tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def idle(desk: Desk) -> None:
    pass


def asked_for(desk: Desk) -> None:
    """Its request is with the worker, which has not told yet that the run has begun."""
    desk.steering.release(begun().plan)


def asked_for_after_another(desk: Desk) -> None:
    finished(desk)
    asked_for(desk)


def just_begun(desk: Desk) -> None:
    desk.start()


def followed(desk: Desk) -> None:
    desk.start()
    desk.develop(2)


def paused(desk: Desk) -> None:
    followed(desk)
    desk.run.set_paused(True)


def scrubbed(desk: Desk) -> None:
    followed(desk)
    desk.history.select(1, 0)


def paused_and_scrubbed(desk: Desk) -> None:
    paused(desk)
    desk.history.select(1, 0)


def gallery_looked_at(desk: Desk) -> None:
    followed(desk)
    desk.history.unfollow()


def grid(desk: Desk) -> None:
    desk.start(grid=object())
    desk.develop(2)


def finished(desk: Desk) -> None:
    desk.start()
    desk.develop(4)
    desk.end(finished=True)


def finished_and_scrubbed(desk: Desk) -> None:
    finished(desk)
    desk.history.select(1, 2)


def stopped(desk: Desk) -> None:
    followed(desk)
    desk.end(finished=False)


@pytest.mark.parametrize(
    ("situation", "steers", "retouches"),
    [
        (idle, False, None),
        (asked_for, True, None),
        (asked_for_after_another, True, None),
        (just_begun, True, None),
        (followed, True, None),
        (paused, True, 1),
        (scrubbed, False, 0),
        (paused_and_scrubbed, False, 0),
        (gallery_looked_at, True, None),
        (grid, False, None),
        (finished, False, None),
        (finished_and_scrubbed, False, 2),
        (stopped, False, 1),
    ],
)
def test_what_the_slider_does(
    desk: Desk, situation: Any, steers: bool, retouches: int | None
) -> None:
    situation(desk)
    desk.move()
    steered = [("guidance_scale", 9.0), ("guidance_rescale", 0.5)]
    assert desk.steered == (steered if steers else [])
    asked = [(1, retouches, 9.0, 0.0), (1, retouches, 9.0, 0.5)]
    assert desk.retouched == ([] if retouches is None else asked)


def test_words_are_offered_while_they_differ(desk: Desk) -> None:
    desk.session.set_prompt("an owl")
    assert True not in desk.offered
    desk.start()
    assert desk.offered[-1] is False
    desk.session.set_prompt("a cat")
    assert desk.offered[-1] is True
    desk.session.set_prompt("an owl")
    assert desk.offered[-1] is False
    desk.session.set_negative_prompt("rain")
    assert desk.offered[-1] is True
    desk.steering.use_words()
    assert desk.steered == [("words", ("an owl", "rain"))]
    assert desk.offered[-1] is False
    desk.session.set_prompt("a cat")
    desk.end(finished=False)
    assert desk.offered[-1] is False
    desk.steering.use_words()
    assert len(desk.steered) == 1


def test_a_grid_keeps_its_words(desk: Desk) -> None:
    grid(desk)
    desk.session.set_prompt("a cat")
    desk.steering.use_words()
    assert (desk.steered, True in desk.offered) == ([], False)
