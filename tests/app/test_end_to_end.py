"""The real window on the real engine and the bundled model, as a person uses it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QPushButton, QSlider, QSpinBox

import engine
from app import paths
from app.main import Application, build
from engine.pipelines.pace import SHARE
from engine.request.economy import ECONOMIES
from tests.app.conftest import told
from tests.app.in_person import steps

STEPS = 6


@pytest.fixture
def opened(qtbot):
    """The application with the bundled model ready."""
    application = build()
    told(application)
    application.show()
    qtbot.waitUntil(lambda: application.models.card is not None, timeout=120_000)
    qtbot.waitUntil(lambda: application.queue._current is None)
    spin(application, "stepsSpin").setValue(STEPS)
    yield application
    assert application.close(), "the worker's thread has not ended"
    application.window.deleteLater()


def spin(application: Application, name: str) -> QSpinBox:
    found = application.window.findChild(QSpinBox, name)
    assert found is not None
    return found


def press(qtbot, application: Application, name: str) -> None:
    button = application.window.findChild(QPushButton, name)
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def type_prompt(qtbot, application: Application, text: str) -> None:
    field = application.window.findChild(QPlainTextEdit, "promptEdit")
    field.selectAll()
    qtbot.keyClicks(field, text)


def pixels(image: QImage) -> np.ndarray:
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(bytes(rgb.constBits()), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : rgb.width() * 3].reshape(rgb.height(), rgb.width(), 3)


def shown(application: Application) -> np.ndarray:
    return pixels(application.showing.picture.image)


def last(application: Application, run: int) -> np.ndarray:
    """The finished image of that run."""
    return pixels(application.history.runs[run].result.images[0])


def test_type_generate_watch_and_open_the_file(qtbot, opened):
    seen = []
    told(opened).stepped.connect(seen.append)
    type_prompt(qtbot, opened, "a red apple, 3d")
    seed = opened.window.findChild(QLineEdit, "seedField")
    seed.selectAll()
    qtbot.keyClicks(seed, "7")
    with qtbot.waitSignal(told(opened).finished, timeout=120_000) as finished:
        press(qtbot, opened, "generateButton")

    assert [view.index for view in seen] == list(range(STEPS))
    for view in seen:
        assert view.predicted.width() in (16, 128)  # the linear map where the machine is busy
        assert pixels(view.predicted).std() > 0
        assert pixels(view.noisy).std() > 0
    result = finished.args[0]
    gallery = opened.window.gallery.model()
    assert gallery.rowCount() == 1
    path = Path(gallery.index(0, 0).data(Qt.ItemDataRole.UserRole))
    assert str(path) == result.paths[0]
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), pixels(result.images[0]))
        record = engine.Record.from_json(image.text["safelight"])
    assert (record.request.prompt, record.request.seed) == ("a red apple, 3d", 7)

    command_line = list(engine.generate(engine.load("bundled"), record.request))[-1]
    assert np.array_equal(np.asarray(command_line.images[0]), pixels(result.images[0]))


def test_previews_take_their_share_and_a_chosen_step_comes_in_full(qtbot, opened, monkeypatch):
    """Seconds that the previews of a run spend, against those of its evaluations."""
    budget = opened.worker.present.pipeline.pace.previews
    earned, spent, spend, earn = [], [], budget.spend, budget.earn
    monkeypatch.setattr(budget, "spend", lambda s: (budget._runs and spent.append(s), spend(s)))
    monkeypatch.setattr(budget, "earn", lambda s: (earned.append(s), earn(s)))
    spin(opened, "stepsSpin").setValue(12)
    opened.session.set_prompt("an owl")
    with qtbot.waitSignal(told(opened).idle, timeout=120_000):
        press(qtbot, opened, "generateButton")
    print(
        f"previews took {sum(spent):.3f} s of {sum(earned):.3f} s, {sum(spent) / sum(earned):.1%}"
    )
    # The dearest may have taken longer than the one before it had let expect.
    assert sum(spent) - max(spent) <= SHARE * sum(earned)
    opened.history.select(1, 3)
    qtbot.waitUntil(lambda: not opened.history.step.rough, timeout=60_000)
    assert shown(opened).shape == (128, 128, 3)
    assert "decoded in full" in opened.window.canvas.accessibleDescription().lower()
    assert list(paths.preview_folder().glob("*.json"))


def test_the_guidance_slider_steers_the_run_under_way(qtbot, opened):
    slider = opened.window.findChild(QSlider, "guidanceSlider")
    own = slider.value() / 10
    told(opened).stepped.connect(lambda view: view.index == 1 and slider.setValue(95))
    type_prompt(qtbot, opened, "an owl")
    with qtbot.waitSignal(told(opened).finished, timeout=120_000) as finished:
        press(qtbot, opened, "generateButton")
    scales = [view.guidance_scale for view in steps(opened)]
    assert scales[:2] == [own, own]
    assert scales[-1] == 9.5
    with Image.open(finished.args[0].paths[0]) as image:
        record = engine.Record.from_json(image.text["safelight"])
    assert [(edit.field, edit.value) for edit in record.edits] == [("guidance_scale", 9.5)]


def test_go_back_morph_branch_and_vary(qtbot, opened):
    """What the window makes of a scrubbed step can be made again from its file alone."""
    opened.session.set_prompt("an owl")
    opened.session.set_seed(7)
    with qtbot.waitSignal(told(opened).idle, timeout=120_000):
        press(qtbot, opened, "generateButton")
    strip = opened.window.timeline
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=strip.place(1, 1))
    assert (opened.history.step.run, opened.history.step.index) == (1, 1)
    as_it_was = shown(opened)

    slider = opened.window.findChild(QSlider, "guidanceSlider")
    own = slider.value() / 10
    slider.setValue(110)
    qtbot.waitUntil(lambda: not np.array_equal(shown(opened), as_it_was), timeout=10_000)
    assert f"guidance {own:g} → 11" in opened.window.canvas.accessibleDescription()
    with qtbot.waitSignals([told(opened).finished, told(opened).idle], timeout=120_000):
        press(qtbot, opened, "branchButton")
    branch = opened.history.runs[2].result
    assert not np.array_equal(pixels(branch.images[0]), last(opened, 1))

    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=strip.place(1, 1))
    press(qtbot, opened, "varyButton")
    for percent, number in ((0, 3), (60, 4)):
        opened.window.findChild(QSlider, "varySlider").setValue(percent)
        spin(opened, "varyCountSpin").setValue(1)
        opened.history.select(1, 1)
        with qtbot.waitSignals([told(opened).finished, told(opened).idle], timeout=120_000):
            press(qtbot, opened, "varyStartButton")
        assert np.array_equal(last(opened, number), last(opened, 2)) == (percent == 0)

    pipeline = engine.load("bundled")
    for number in (2, 4):
        record = engine.read(opened.history.runs[number].result.paths[0])
        assert record.branches == (2,)
        again = list(engine.generate(pipeline, record.request))[-1]
        assert np.array_equal(np.asarray(again.images[0]), last(opened, number))
    fields = [edit.field for edit in record.edits]
    assert sorted(fields) == ["guidance_scale", "vary"]
    pipeline.close()


def test_a_level_of_the_speed_slider_is_in_the_picture_and_its_file(qtbot, opened):
    slider = opened.window.findChild(QSlider, "economySlider")
    opened.session.set_prompt("an owl")
    opened.session.set_seed(7)
    opened.session.set_seed_locked(True)
    records = []
    for run, level in ((1, 0), (2, slider.maximum())):
        slider.setValue(level)
        with qtbot.waitSignals([told(opened).finished, told(opened).idle], timeout=120_000):
            press(qtbot, opened, "generateButton")
        records.append(engine.read(opened.history.runs[run].result.paths[0]))
    exact, fast = (record.request for record in records)
    assert exact == replace(fast, **ECONOMIES[0].fields)
    assert fast == replace(exact, **ECONOMIES[-1].fields)
    assert not np.array_equal(last(opened, 1), last(opened, 2))

    strip = opened.window.timeline
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=strip.place(1, 1))
    with qtbot.waitSignals([told(opened).finished, told(opened).idle], timeout=120_000):
        press(qtbot, opened, "branchButton")
    branch = engine.read(opened.history.runs[3].result.paths[0])
    assert branch.branches == (2,)
    assert {edit.field for edit in branch.edits} == {"feature_reuse", "guidance_reuse", "int8"}
    pipeline = engine.load("bundled")
    again = list(engine.generate(pipeline, branch.request))[-1]
    assert np.array_equal(np.asarray(again.images[0]), last(opened, 3))
    pipeline.close()


def test_pause_stop_and_close_in_the_middle_of_a_run(qtbot, opened):
    spin(opened, "stepsSpin").setValue(500)
    type_prompt(qtbot, opened, "an owl")
    press(qtbot, opened, "generateButton")
    qtbot.waitUntil(lambda: len(steps(opened)) >= 2, timeout=60_000)
    press(qtbot, opened, "pauseButton")
    qtbot.waitUntil(lambda: opened.run.paused, timeout=5_000)
    with qtbot.waitSignal(told(opened).cancelled, timeout=10_000):
        press(qtbot, opened, "stopButton")
    press(qtbot, opened, "generateButton")
    qtbot.waitUntil(lambda: 2 in opened.history.runs and len(steps(opened)) >= 1, timeout=60_000)
    opened.window.close()
    assert opened.worker_thread.wait(5_000)
    assert opened.gallery.rowCount() == 0


def test_a_bad_size_is_told_in_the_bar_and_the_prompt_stays(qtbot, opened):
    opened.session.set_prompt("an owl")
    opened.session.set_size(60, 128)
    with qtbot.waitSignal(told(opened).failed, timeout=60_000):
        press(qtbot, opened, "generateButton")
    assert opened.window.errors.isVisible()
    assert opened.session.prompt == "an owl"
    opened.session.set_size(128, 128)
    with qtbot.waitSignal(told(opened).finished, timeout=120_000):
        press(qtbot, opened, "generateButton")
