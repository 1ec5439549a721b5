"""The steps of a run: selection, progress, pace; and what the canvas shows of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtGui import QImage

from app.state.picture import Picture
from app.state.run import Run, RunResult, StepView, _duration
from app.state.showing import Showing
from engine.request import Request


def image(side: int = 8) -> QImage:
    picture = QImage(side, side, QImage.Format.Format_RGB32)
    picture.fill(0)
    return picture


def step(index: int, total: int = 4, seconds: float = 0.5) -> StepView:
    return StepView(index, total, 5.0, seconds, image(), image(1))


def result(path: str | None = "/images/a.png", count: int = 1) -> RunResult:
    return RunResult(
        1, Request(seed=9, count=count), (image(),) * count, image(16), (path,) * count, ""
    )


@pytest.fixture
def run(qtbot: Any) -> Run:
    run = Run()
    run.start(Request(steps=4))
    return run


@pytest.fixture
def showing(run: Run) -> Showing:
    showing = Showing()
    run.begun.connect(showing.begin)
    run.stepSelected.connect(showing.show_step)
    return showing


def test_the_selection_follows_the_newest_step_until_another_is_chosen(run: Run) -> None:
    run.add_step(step(0))
    run.add_step(step(1))
    assert run.selected == 1
    run.select(0)
    run.add_step(step(2))
    assert run.selected == 0
    run.select(2)
    run.add_step(step(3))
    assert run.selected == 3


def test_steps_that_were_left_out(run: Run) -> None:
    told: list[tuple[int, int, str]] = []
    run.progressChanged.connect(lambda *values: told.append(values))
    for index in (0, 7, 15):
        run.add_step(step(index, total=1000, seconds=0.01))
    assert (run.selected, run.done) == (15, 16)
    assert told[-1] == (16, 1000, "16 of 1000 · 0.01 s a step · 9.8 s left")
    run.select(8)
    assert run.selected == 15
    run.select(7)
    run.add_step(step(999, total=1000))
    assert (run.selected, run.done) == (7, 1000)


def test_no_prompt_is_read_where_there_is_none(qtbot: Any) -> None:
    run, told = Run(), []
    run.statusChanged.connect(told.append)
    run.start(Request(prompt="an owl"))
    run.start(Request())
    assert told == ["Reading the prompt", "The image is developing"]


def test_the_caption_tells_guidance_only_where_there_is_one(showing: Showing, run: Run) -> None:
    captions: list[str] = []
    showing.captionChanged.connect(captions.append)
    run.add_step(step(0))
    run.add_step(replace(step(1), guidance_scale=None))
    assert captions == [
        "step 1 of 4 · predicted picture · guidance 5",
        "step 2 of 4 · predicted picture",
    ]


@pytest.mark.parametrize("index", [-1, 4, 1000])
def test_a_step_that_is_not_there_cannot_be_selected(run: Run, index: int) -> None:
    run.add_step(step(0))
    run.select(index)
    assert run.selected == 0


def test_the_total_is_what_the_scheduler_evaluates(run: Run) -> None:
    totals: list[int] = []
    run.begun.connect(totals.append)
    run.add_step(step(0, total=7))
    run.add_step(step(1, total=7))
    assert totals == [7]
    assert [view.index for view in run.steps] == [0, 1]


def test_progress_in_words(run: Run) -> None:
    told: list[tuple[int, int, str]] = []
    run.progressChanged.connect(lambda *progress: told.append(progress))
    run.add_step(step(0))
    assert told[-1] == (1, 4, "1 of 4 · 0.50 s a step · 1.5 s left")
    run.set_paused(True)
    assert told[-1] == (1, 4, "1 of 4 · paused")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.00 s"),
        (0.996, "1.0 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (200.0, "3 min 20 s"),
        (3900.0, "1 h 05 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert _duration(seconds) == words


def test_a_cut_prompt_is_told_and_kept_short(run: Run) -> None:
    notes: list[str] = []
    run.tokensChanged.connect(notes.append)
    run.encoded(1, "")
    run.encoded(9, "")
    run.encoded(900, "and\n a horse " * 500)
    assert notes[:2] == ["1 token", "9 tokens"]
    assert notes[2].startswith("900 tokens. Too long, so this was not read: and a horse")
    assert len(notes[2]) < 200


@pytest.mark.parametrize(
    "end", [lambda run: run.cancel(1), lambda run: run.fail("x"), lambda run: run.finish(result())]
)
def test_every_end_ends_running_and_pausing(run: Run, end: Any) -> None:
    run.set_paused(True)
    end(run)
    assert (run.running, run.paused) == (False, False)


def test_the_canvas_shows_the_selected_step(run: Run, showing: Showing) -> None:
    captions: list[str] = []
    showing.captionChanged.connect(captions.append)
    run.add_step(step(0))
    assert captions[-1] == "step 1 of 4 · predicted picture · guidance 5"
    showing.set_view("noisy")
    assert captions[-1] == "step 1 of 4 · noisy latents · guidance 5"
    assert showing.picture and showing.picture.image is run.steps[0].noisy


def test_the_last_step_of_a_finished_run_stands_for_its_image(run: Run, showing: Showing) -> None:
    for index in range(4):
        run.add_step(step(index))
    showing.show_result(result())
    assert showing.picture and showing.picture.path == "/images/a.png"
    run.select(1)
    assert showing.picture and showing.picture.name == "step-002.png"
    run.select(3)
    assert showing.picture and showing.picture.path == "/images/a.png"


def test_a_sheet_of_several_images_has_no_file(showing: Showing) -> None:
    showing.show_result(result(count=4))
    assert showing.picture and showing.picture.path == ""
    assert showing.picture.name == "9-to-12.png"


def test_an_image_that_could_not_be_written_is_still_the_workers(showing: Showing) -> None:
    showing.show_result(result(path=None))
    assert showing.picture and showing.picture.unsaved == (1, 0)


def test_a_gallery_picture_stays_while_the_run_goes_on(run: Run, showing: Showing) -> None:
    run.add_step(step(0))
    run.unfollow()
    showing.show_picture(Picture("b.png", image(), "/images/b.png"))
    run.add_step(step(1))
    assert showing.picture and showing.picture.name == "b.png"


def test_a_new_run_leaves_the_picture_until_its_first_step(run: Run, showing: Showing) -> None:
    showing.show_result(result())
    run.start(Request(steps=2))
    assert showing.picture and showing.picture.path == "/images/a.png"
    run.add_step(step(1, total=2))
    assert showing.picture and showing.picture.name == "step-002.png"
