"""The worker on its thread: what it tells, how it is steered, and that no error ends it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QThread
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.worker import (
    EVERY_STEP,
    SHOWN_EVERY,
    STEPS_BYTES,
    Worker,
    _from_array,
    _image,
    _kept,
    _Rhythm,
    _sheet,
)
from engine.errors import LoadError, OutOfMemory, SaveError
from engine.request import Request
from tests.app.conftest import Told
from tests.app.fake_engine import FAKE_CLASSES, FakeEngine


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def evaluation(index: int, total: int, seconds: float) -> Any:
    return SimpleNamespace(index=index, total=total, seconds=seconds)


REQUEST = Request(prompt="an owl", steps=3, seed=40, width=64, height=64)


@pytest.fixture
def worker(qtbot: QtBot, fake: FakeEngine) -> Iterator[Worker]:
    worker = Worker(fake)
    thread = QThread()
    worker.moveToThread(thread)
    thread.start()
    yield worker
    worker.close()
    thread.quit()
    assert thread.wait(3000)


@pytest.fixture
def told(worker: Worker) -> Told:
    return Told(worker)


@pytest.fixture
def loaded(qtbot: QtBot, worker: Worker, told: Told) -> Worker:
    with qtbot.waitSignal(told.ready):
        worker.load("bundled")
    return worker


def heard(signal: Any) -> list[Any]:
    """What the signal tells, in the order of telling; wait for a later signal before reading."""
    values: list[Any] = []
    signal.connect(values.append)
    return values


def test_a_model_is_told_in_plain_values(
    qtbot: QtBot, worker: Worker, told: Told, fake: FakeEngine
) -> None:
    with qtbot.waitSignal(told.ready) as ready:
        worker.load("bundled")
    card = ready.args[0]
    assert (card.source, card.name, card.device, card.dtype) == (
        "bundled",
        "Bundled",
        "cpu",
        "torch.float32",
    )
    assert (card.multiple, card.minimum, card.maximum) == (8, 8, 256)
    assert (card.takes_prompt, card.classes) == (True, 0)
    assert fake.threads.isdisjoint({threading.get_ident()})


def test_a_run_is_told_step_by_step(
    qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
) -> None:
    steps = heard(told.stepped)
    with qtbot.waitSignals([told.started, told.encoded, told.finished], order="strict"):
        loaded.run(REQUEST, str(tmp_path))
    assert [(step.index, step.total, step.guidance_scale) for step in steps] == [
        (0, 3, 7.5),
        (1, 3, 7.5),
        (2, 3, 7.5),
    ]
    assert steps[2].predicted.size().toTuple() == (64, 64)
    assert steps[2].noisy.size().toTuple() == (8, 8)
    assert steps[2].predicted.pixelColor(5, 5) == QColor(255, 255, 255)
    assert steps[2].noisy.pixelColor(5, 5) == QColor(127, 127, 127)


def test_a_model_without_a_prompt_has_no_guidance(
    qtbot: QtBot, worker: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    fake.models["cats"] = FAKE_CLASSES
    with qtbot.waitSignal(told.ready) as ready:
        worker.load("cats")
    card = ready.args[0]
    assert (card.takes_prompt, card.classes) == (False, 10)
    steps = heard(told.stepped)
    with qtbot.waitSignal(told.finished):
        worker.run(card.suited(replace(REQUEST, class_label=3)), str(tmp_path))
    assert [step.guidance_scale for step in steps] == [None] * 3
    assert fake.requests[0].class_label == 3


@pytest.mark.parametrize(("total", "seconds"), [(EVERY_STEP, 0.0), (1000, 1.01 * SHOWN_EVERY)])
def test_every_step_is_shown_in_a_short_or_slow_run(total: int, seconds: float) -> None:
    clock = Clock()
    rhythm = _Rhythm(clock)
    for index in range(total):
        assert rhythm.shows(evaluation(index, total, seconds))
        assert rhythm.seconds_a_step(0.25) == seconds + 0.25
        clock.now += seconds


def test_a_long_quick_run_shows_thirty_a_second_and_its_last_step() -> None:
    clock = Clock()
    rhythm = _Rhythm(clock)
    shown, paces = [], []
    for index in range(1000):
        if rhythm.shows(evaluation(index, 1000, 0.005)):
            shown.append(index)
            paces.append(rhythm.seconds_a_step(0.0))
        clock.now += 0.005
    assert (shown[0], shown[-1]) == (0, 999)
    assert 1000 * 0.005 / SHOWN_EVERY * 0.9 < len(shown) <= 1000 * 0.005 / SHOWN_EVERY + 2
    assert paces == [pytest.approx(0.005)] * len(paces)


def test_images_are_written_by_date_time_and_seed(
    qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "folder"
    with qtbot.waitSignal(told.finished) as finished:
        loaded.run(replace(REQUEST, count=3), str(folder))
    result = finished.args[0]
    assert [path.rsplit("-", 1)[1] for path in result.paths] == ["40.png", "41.png", "42.png"]
    assert all(Path(path).stat().st_size > 0 for path in result.paths)
    assert result.sheet.size().toTuple() == (128, 128)
    assert result.sheet.pixelColor(70, 5) == result.images[1].pixelColor(0, 0)
    assert result.save_error == ""


def test_the_same_request_twice_overwrites_nothing(
    qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
) -> None:
    for _ in range(3):
        with qtbot.waitSignal(told.finished):
            loaded.run(REQUEST, str(tmp_path))
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_guidance_reaches_the_run_under_way(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    fake.gate = threading.Semaphore(1)
    steps = heard(told.stepped)
    with qtbot.waitSignal(told.stepped):
        loaded.run(REQUEST, str(tmp_path))
    loaded.set_guidance_scale(11.0)
    with qtbot.waitSignal(told.finished):
        fake.gate.release(9)
    assert [step.guidance_scale for step in steps] == [7.5, 11.0, 11.0]


def test_pausing_holds_the_run(qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path) -> None:
    loaded.run(REQUEST, str(tmp_path))
    loaded.pause()  # acts although the run may not have begun
    with qtbot.assertNotEmitted(told.finished, wait=80):
        pass
    with qtbot.waitSignal(told.finished):
        loaded.resume()


@pytest.mark.parametrize("paused", [False, True])
def test_cancelling_ends_the_run_paused_or_not(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path, paused: bool
) -> None:
    fake.gate = threading.Semaphore(2)
    loaded.set_paused(paused)
    with qtbot.waitSignal(told.stepped):
        loaded.run(replace(REQUEST, steps=50), str(tmp_path))
    loaded.set_paused(paused)
    with qtbot.waitSignal(told.cancelled) as cancelled:
        loaded.cancel()
    assert cancelled.args[0] in (1, 2)
    qtbot.waitUntil(lambda: fake.generators_closed == 1)
    assert list(tmp_path.glob("*.png")) == []


def test_a_run_can_be_cancelled_before_it_has_begun(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    with qtbot.waitSignal(told.cancelled) as cancelled:
        loaded.run(REQUEST, str(tmp_path))
        loaded.cancel()
    assert cancelled.args[0] <= 1


@pytest.mark.parametrize(
    ("stage", "error", "words"),
    [
        ("encode", OutOfMemory("The device has too little memory."), "too little memory"),
        (1, RuntimeError("mat1 and mat2"), "RuntimeError: mat1 and mat2"),
        (0, MemoryError(), "too little memory"),
        (2, OSError(5, "Input/output error", "weights"), "weights: Input/output error"),
        ("preview", ValueError("{braces}"), "{braces}"),
    ],
)
def test_every_error_becomes_a_sentence_and_the_next_run_works(
    qtbot: QtBot,
    loaded: Worker,
    told: Told,
    fake: FakeEngine,
    tmp_path: Path,
    stage: Any,
    error: Exception,
    words: str,
) -> None:
    fake.failures[stage] = error
    with qtbot.waitSignal(told.failed) as failed:
        loaded.run(REQUEST, str(tmp_path))
    assert words in failed.args[0]
    qtbot.waitUntil(lambda: fake.generators_closed == 1)
    fake.failures.clear()
    with qtbot.waitSignal(told.finished):
        loaded.run(REQUEST, str(tmp_path))


def test_without_a_model_a_run_fails_in_words(
    qtbot: QtBot, worker: Worker, told: Told, tmp_path: Path
) -> None:
    with qtbot.waitSignal(told.failed) as failed:
        worker.run(REQUEST, str(tmp_path))
    assert failed.args[0] == "No model is loaded. Choose one first."


def test_a_load_that_fails_keeps_the_former_model(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    former = fake.pipeline
    fake.failures["load"] = LoadError("There is no model folder /gone. Check the path.")
    with qtbot.waitSignal(told.loadFailed) as failed:
        loaded.load("/gone")
    assert failed.args[0] == "There is no model folder /gone. Check the path."
    assert not former.closed
    with qtbot.waitSignal(told.finished):
        loaded.run(REQUEST, str(tmp_path))


def test_a_new_model_closes_the_former(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine
) -> None:
    former = fake.pipeline
    with qtbot.waitSignal(told.ready):
        loaded.load("/models/other")
    assert former.closed
    assert not fake.pipeline.closed


@pytest.mark.parametrize("error", [SaveError("The disk is full."), OSError(28, "No space left")])
def test_an_image_that_cannot_be_written_is_not_lost(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path, error: Exception
) -> None:
    fake.failures["save"] = error
    with qtbot.waitSignal(told.finished) as finished:
        loaded.run(REQUEST, str(tmp_path))
    result = finished.args[0]
    assert result.paths == (None,)
    assert "save it elsewhere" in result.save_error
    assert result.images[0].size().toTuple() == (64, 64)
    assert list(tmp_path.glob("*.png")) == []

    with qtbot.waitSignal(told.saveFailed):
        loaded.save(result.number, 0, str(tmp_path / "again.png"))
    fake.failures.clear()
    with qtbot.waitSignal(told.saved):
        loaded.save(result.number, 0, str(tmp_path / "again.png"))
    assert (tmp_path / "again.png").stat().st_size > 0


def test_closing_gives_up_a_load(
    qtbot: QtBot, worker: Worker, told: Told, fake: FakeEngine
) -> None:
    fake.load_gate = threading.Event()
    with qtbot.waitSignal(told.loading):
        worker.load("bundled")
    with qtbot.waitSignal(told.loadFailed):
        worker.close()


def test_pictures_own_their_pixels() -> None:
    pixels = np.full((3, 5, 3), 200, np.uint8)
    picture = _from_array(pixels)
    pixels[:] = 0
    assert picture.pixelColor(4, 2) == QColor(200, 200, 200)
    assert picture.size().toTuple() == (5, 3)


def test_strided_arrays_keep_their_order() -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)[:, ::-2]
    picture = _from_array(pixels)
    assert picture.pixelColor(2, 3).getRgb()[:3] == tuple(pixels[3, 2])


def test_step_pictures_of_a_long_run_stay_within_memory() -> None:
    large = _image(bytes(3 * 1024 * 1024), 1024, 1024)
    assert _kept(large, 20).width() == 1024
    small = _kept(large, 1000)
    assert small.sizeInBytes() * 2 * 1000 <= STEPS_BYTES


@pytest.mark.parametrize(("count", "size"), [(1, (4, 4)), (2, (8, 4)), (3, (8, 8)), (5, (12, 8))])
def test_sheets_are_nearly_square(count: int, size: tuple[int, int]) -> None:
    images = tuple(_image(bytes(48), 4, 4) for _ in range(count))
    assert _sheet(images).size().toTuple() == size
