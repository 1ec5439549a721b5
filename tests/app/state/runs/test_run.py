"""How far the runs under way have come, in numbers and words; and what the canvas shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.state.gallery.picture import Picture
from app.state.runs.history import History
from app.state.runs.run import Run, _duration
from app.state.runs.showing import Showing
from tests.app.by_hand import begin, begun, begun_run, grow, heard, image, remembering, result, step


@pytest.fixture
def run(qtbot: Any) -> Run:
    run = Run()
    run.start(begun())
    return run


@pytest.fixture
def history(qtbot: Any) -> History:
    history = remembering()
    begin(history)
    return history


@pytest.fixture
def showing(history: History) -> Showing:
    showing = Showing()
    history.shown.connect(showing.show_step)
    return showing


def test_steps_that_were_left_out_are_counted(run: Run) -> None:
    told = heard(run.progressChanged)
    for index in (0, 7, 15):
        run.add_step(step(index=index, total=1000, seconds=0.01))
    assert run.done == 16
    assert told[-1] == (16, 1000, "16 of 1000 · 0.01 s a step · 9.8 s left")
    run.add_step(step(index=999, total=1000))
    assert run.done == 1000


def test_no_prompt_is_read_where_there_is_none(qtbot: Any) -> None:
    run = Run()
    told = heard(run.statusChanged)
    run.start(begun(begun_run(prompt="an owl")))
    run.start(begun())
    assert told == ["Reading the prompt", "The image is developing"]


def test_progress_in_words(run: Run) -> None:
    told = heard(run.progressChanged)
    run.add_step(step())
    assert told[-1] == (1, 4, "1 of 4 · 0.50 s a step · 1.5 s left")
    run.set_paused(True)
    assert told[-1] == (1, 4, "1 of 4 · paused")


def test_runs_side_by_side_are_one_progress(qtbot: Any) -> None:
    """A branch has the steps before its fork already; what has ended leaves nothing to wait for."""
    run = Run()
    told, statuses = heard(run.progressChanged), heard(run.statusChanged)
    run.start(begun(begun_run(5, first=2, parent=1), begun_run(6, first=2, parent=1)))
    assert (told[-1][:2], run.numbers) == ((4, 8), (5, 6))
    run.add_step(step(5, 2))
    assert told[-1] == (5, 8, "5 of 8 · 0.50 s a step · 1.5 s left")
    run.cancel(6, 2)
    run.add_step(step(5, 3))
    assert told[-1] == (6, 8, "6 of 8 · 0.50 s a step · 0.00 s left")
    run.encoded(5, 3, "")
    assert statuses[-1] == "2 images are developing"


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
    notes = heard(run.tokensChanged)
    run.encoded(1, 1, "")
    run.encoded(1, 9, "")
    run.encoded(1, 900, "and\n a horse " * 500)
    assert notes[:2] == ["1 token", "9 tokens"]
    assert notes[2].startswith("900 tokens. Too long, so this was not read: and a horse")
    assert len(notes[2]) < 200


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda run: run.cancel(1, 1), "Stopped after 1 of 4 steps"),
        (lambda run: run.fail(1, "x"), "The run did not succeed"),
        (lambda run: run.finish(result()), "Finished after 1 of 4 steps"),
    ],
)
def test_every_end_ends_running_and_pausing(run: Run, end: Any, words: str) -> None:
    told = heard(run.statusChanged)
    run.add_step(step())
    run.set_paused(True)
    end(run)
    assert run.running  # the worker may still have runs beside it
    run.end()
    assert (run.running, run.paused, told[-1]) == (False, False, words)
    run.end()
    assert told.count(words) == 1


def test_the_caption_tells_guidance_only_where_there_is_one(
    showing: Showing, history: History
) -> None:
    captions = heard(showing.captionChanged)
    grow(history, step())
    grow(history, replace(step(index=1), guidance_scale=None))
    assert captions == [
        "step 1 of 4 · predicted picture · guidance 5",
        "step 2 of 4 · predicted picture",
    ]


@pytest.mark.parametrize(
    ("kind", "words", "explained"),
    [
        ("vae", "predicted picture, in full", "VAE"),
        ("tiny", "predicted picture, by the tiny autoencoder", "tiny autoencoder"),
        ("linear", "predicted picture, rough", "linear map"),
        ("image", "predicted picture", ""),
        ("", "no picture of this step", ""),
    ],
)
def test_the_picture_says_how_it_was_made(
    showing: Showing, history: History, kind: str, words: str, explained: str
) -> None:
    history.repictured.connect(showing.repicture)
    captions, explanations = heard(showing.captionChanged), heard(showing.explained)
    begin(history)
    grow(history, step(kind="linear"))
    history.repicture(1, 0, image(), kind)
    assert captions[-1] == f"step 1 of 4 · {words} · guidance 5"
    assert explained in explanations[-1]
    assert bool(explanations[-1]) == bool(explained)
    showing.set_view("noisy")
    assert (captions[-1], explanations[-1]) == ("step 1 of 4 · noisy latents · guidance 5", "")


def test_a_better_picture_leaves_a_retouched_one(showing: Showing, history: History) -> None:
    history.repictured.connect(showing.repicture)
    begin(history)
    grow(history, step(kind="linear"))
    pictures = heard(showing.picturesChanged)
    better, retouched = image(), image()
    history.repicture(1, 0, better, "vae")
    showing.show_retouched(1, 0, 9.0, retouched, "vae")
    history.repicture(1, 0, image(), "vae")
    assert [predicted for predicted, _ in pictures] == [better, retouched]


def test_the_canvas_shows_the_selected_step(showing: Showing, history: History) -> None:
    captions = heard(showing.captionChanged)
    grow(history, step())
    assert captions[-1] == "step 1 of 4 · predicted picture · guidance 5"
    showing.set_view("noisy")
    assert captions[-1] == "step 1 of 4 · noisy latents · guidance 5"
    assert showing.picture and history.step
    assert showing.picture.image is history.step.noisy


def test_a_retouched_step_is_shown_as_long_as_it_is_looked_at(
    showing: Showing, history: History
) -> None:
    captions = heard(showing.captionChanged)
    for index in range(3):
        grow(history, step(index=index))
    history.select(1, 1)
    morphed = image()
    showing.show_retouched(1, 1, 9.5, morphed)
    assert captions[-1] == "step 2 of 4 · predicted picture · guidance 5 → 9.5"
    assert showing.picture and showing.picture.image is morphed
    showing.show_retouched(1, 1, 5.0, morphed)
    assert captions[-1] == "step 2 of 4 · predicted picture · guidance 5"
    for late in ((1, 0), (2, 1)):
        showing.show_retouched(*late, 1.0, image())
    assert showing.picture.image is morphed


def test_the_last_step_of_a_finished_run_stands_for_its_image(
    showing: Showing, history: History
) -> None:
    for index in range(4):
        grow(history, step(index=index))
    history.finish(result())
    assert showing.picture and showing.picture.path == "/images/a.png"
    showing.show_retouched(1, 3, 9.0, image())  # it came too late
    assert showing.picture.path == "/images/a.png"
    history.select(1, 1)
    assert showing.picture and showing.picture.name == "step-002.png"
    history.select(1, 3)
    assert showing.picture and showing.picture.path == "/images/a.png"


def test_a_sheet_of_several_images_has_no_file(showing: Showing) -> None:
    showing.show_step(step(index=3), result(count=4))
    assert showing.picture and showing.picture.path == ""
    assert showing.picture.name == "9-to-12.png"


def test_an_image_that_could_not_be_written_is_still_the_workers(showing: Showing) -> None:
    showing.show_step(step(index=3), result(path=None))
    assert showing.picture and showing.picture.unsaved == (1, 0)


def test_a_gallery_picture_stays_while_the_run_goes_on(showing: Showing, history: History) -> None:
    grow(history, step())
    history.unfollow()
    showing.show_picture(Picture("b.png", image(), "/images/b.png"))
    grow(history, step(index=1))
    history.finish(result())
    assert showing.picture and showing.picture.name == "b.png"


def test_a_new_run_leaves_the_picture_until_its_first_step(
    showing: Showing, history: History
) -> None:
    grow(history, step())
    history.finish(result())
    second = begun(begun_run(2, steps=2))
    showing.begin(second)
    begin(history, second)
    assert showing.picture and showing.picture.path == "/images/a.png"
    grow(history, step(2, 1, total=2))
    assert showing.picture and showing.picture.name == "step-002.png"
