"""The whole application on a scripted engine: what a person does, and what then happens."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QPlainTextEdit, QSlider, QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from engine.errors import LoadError, OutOfMemory, SaveError
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine

Start = Callable[..., Application]


def child(application: Application, kind: type[Any], name: str) -> Any:
    found = application.window.findChild(kind, name)
    assert found is not None, name
    return found


def type_prompt(qtbot: QtBot, application: Application, text: str) -> None:
    edit = child(application, QPlainTextEdit, "promptEdit")
    edit.clear()
    qtbot.keyClicks(edit, text)


def click(qtbot: QtBot, application: Application, name: str) -> None:
    button = child(application, QAbstractButton, name)
    assert button.isEnabled(), name
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def finish(qtbot: QtBot, application: Application) -> Any:
    heard = told(application)
    with qtbot.waitSignal(heard.finished) as finished, qtbot.waitSignal(heard.idle):
        click(qtbot, application, "generateButton")
    return finished.args[0]


def steps(application: Application, run: int | None = None) -> list[Any]:
    """Those of that run, or of the newest, which have been shown."""
    lines = application.history.runs
    return lines[run or max(lines)].steps if lines else []


def error(application: Application) -> str:
    """What the error bar says, "" while it is hidden."""
    bar = child(application, QWidget, "errorBar")
    return bar.findChild(QLabel).text() if bar.isVisibleTo(application.window) else ""


def status(application: Application) -> str:
    return child(application, QLabel, "statusLabel").text()


def test_the_window_is_there_before_the_model(start: Start, fake: FakeEngine, qtbot: QtBot) -> None:
    fake.load_gate = threading.Event()
    application = start(ready=False)
    assert application.window.isVisible()
    assert fake.loaded == []
    assert not child(application, QAbstractButton, "generateButton").isEnabled()
    qtbot.waitUntil(lambda: fake.loaded == ["bundled"])
    qtbot.waitUntil(lambda: status(application) == "Loading: UNet · 50 %")
    fake.load_gate.set()
    qtbot.waitUntil(lambda: child(application, QAbstractButton, "generateButton").isEnabled())
    assert child(application, QLabel, "deviceLabel").text() == "Bundled · CPU · float32"


def test_type_generate_watch_and_find_it_in_the_gallery(
    qtbot: QtBot, application: Application, fake: FakeEngine, home: Path
) -> None:
    type_prompt(qtbot, application, "a red apple, 3d")
    result = finish(qtbot, application)
    assert fake.requests[0].prompt == "a red apple, 3d"
    assert fake.requests[0].steps == 4
    assert [step.index for step in steps(application)] == [0, 1, 2, 3]
    path = Path(result.paths[0])
    assert path.parent == home / "images"
    assert path.stat().st_size > 0
    assert application.gallery.picture(0).path == str(path)  # pyright: ignore[reportOptionalMemberAccess]
    assert application.showing.picture.path == str(path)  # pyright: ignore[reportOptionalMemberAccess]
    assert status(application) == "Finished"
    assert not child(application, QAbstractButton, "stopButton").isEnabled()


def test_ctrl_enter_generates(qtbot: QtBot, application: Application) -> None:
    edit = child(application, QPlainTextEdit, "promptEdit")
    with qtbot.waitSignal(told(application).finished):
        qtbot.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


@pytest.mark.parametrize("prompt", ["", "แมวสีส้ม", "🐈‍⬛ on a 🛹", "x" * 5000, "<b>bold</b> {0} %s"])
def test_any_text_is_a_prompt(
    qtbot: QtBot, application: Application, fake: FakeEngine, prompt: str
) -> None:
    child(application, QPlainTextEdit, "promptEdit").setPlainText(prompt)
    finish(qtbot, application)
    assert fake.requests[0].prompt == prompt


def test_guidance_steers_the_run_under_way(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(1)
    with qtbot.waitSignal(told(application).stepped):
        click(qtbot, application, "generateButton")
    child(application, QWidget, "guidanceSpin").setValue(12.5)
    with qtbot.waitSignal(told(application).finished):
        fake.gate.release(9)
    scales = [step.guidance_scale for step in steps(application)]
    assert scales == [5.0, 12.5, 12.5, 12.5]
    assert application.session.guidance_scale == 12.5


def test_pause_resume_and_stop(qtbot: QtBot, application: Application, fake: FakeEngine) -> None:
    application.session.set_steps(200)
    fake.step_seconds = 0.005
    with qtbot.waitSignal(told(application).stepped):
        click(qtbot, application, "generateButton")
    click(qtbot, application, "pauseButton")
    qtbot.wait(50)
    held = len(steps(application))
    qtbot.wait(60)
    assert len(steps(application)) == held
    click(qtbot, application, "pauseButton")
    qtbot.waitUntil(lambda: len(steps(application)) > held)
    with qtbot.waitSignal(told(application).cancelled):
        click(qtbot, application, "stopButton")
    qtbot.waitUntil(lambda: status(application).startswith("Stopped after"))  # once it is idle
    assert application.gallery.rowCount() == 0
    assert child(application, QAbstractButton, "generateButton").isEnabled()


def test_what_is_asked_during_a_run_comes_after_it(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(0)
    for prompt in ("first", "second", "third"):
        type_prompt(qtbot, application, prompt)
        click(qtbot, application, "generateButton")
    fake.gate.release(100)
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 3)
    assert [request.prompt for request in fake.requests] == ["first", "second", "third"]
    assert len({request.seed for request in fake.requests}) == 3


@pytest.mark.parametrize("stage", ["encode", 0, 3])
def test_an_error_is_a_bar_and_the_prompt_stays(
    qtbot: QtBot, application: Application, fake: FakeEngine, stage: Any
) -> None:
    fake.failures[stage] = OutOfMemory("Too little memory. Take a smaller size.")
    type_prompt(qtbot, application, "an owl")
    with qtbot.waitSignal(told(application).failed):
        click(qtbot, application, "generateButton")
    assert error(application) == "Too little memory. Take a smaller size."
    assert child(application, QPlainTextEdit, "promptEdit").toPlainText() == "an owl"
    fake.failures.clear()
    finish(qtbot, application)


def test_a_failure_leaves_what_waits(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(0)
    fake.failures[0] = RuntimeError("once")
    click(qtbot, application, "generateButton")
    click(qtbot, application, "generateButton")
    with qtbot.waitSignal(told(application).failed):
        fake.gate.release(1)
    fake.failures.clear()
    with qtbot.waitSignal(told(application).finished):
        fake.gate.release(9)


def test_a_cut_prompt_is_told(qtbot: QtBot, application: Application, fake: FakeEngine) -> None:
    fake.truncated = "and a horse"
    finish(qtbot, application)
    labels = [label.text() for label in application.window.prompt.findChildren(QLabel)]
    assert any("and a horse" in text for text in labels)
    type_prompt(qtbot, application, "shorter")
    labels = [label.text() for label in application.window.prompt.findChildren(QLabel)]
    assert not any("and a horse" in text for text in labels)


def test_a_cut_negative_prompt_is_told(
    qtbot: QtBot, application: Application, fake: FakeEngine
) -> None:
    fake.negative_truncated = "and a horse"
    finish(qtbot, application)
    panel = application.window.prompt

    def told() -> bool:
        shown = [label for label in panel.findChildren(QLabel) if label.isVisible()]
        return any("and a horse" in label.text() for label in shown)

    assert told()
    type_prompt(qtbot, application, "another")
    assert told(), "the prompt says nothing about the negative prompt"
    negative = panel.findChild(QPlainTextEdit, "negativePromptEdit")
    assert negative is not None
    negative.setPlainText("shorter")
    assert not told()


def test_stepping_through_a_run(qtbot: QtBot, application: Application) -> None:
    result = finish(qtbot, application)
    strip = application.window.timeline
    qtbot.keyClick(strip, Qt.Key.Key_Home)
    assert application.history.step is steps(application)[0]
    assert application.showing.picture.name == "step-001.png"  # pyright: ignore[reportOptionalMemberAccess]
    qtbot.keyClick(strip, Qt.Key.Key_End)
    assert application.showing.picture.path == result.paths[0]  # pyright: ignore[reportOptionalMemberAccess]


def test_the_noisy_view(qtbot: QtBot, application: Application) -> None:
    finish(qtbot, application)
    click(qtbot, application, "noisyButton")
    picture = application.showing.picture
    assert picture is not None
    assert picture.image is steps(application)[-1].noisy
    click(qtbot, application, "predictedButton")
    assert application.showing.picture.path  # pyright: ignore[reportOptionalMemberAccess]


def test_an_image_of_the_gallery_is_shown(qtbot: QtBot, application: Application) -> None:
    first = finish(qtbot, application)
    finish(qtbot, application)
    with qtbot.waitSignal(application.gallery.opened):
        application.window.gallery.imageActivated.emit(1)
    assert application.showing.picture.path == first.paths[0]  # pyright: ignore[reportOptionalMemberAccess]


def test_save_copies_the_file_with_its_record(
    qtbot: QtBot, application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = finish(qtbot, application)
    target = tmp_path / "mine.png"
    monkeypatch.setattr(application.window, "ask_save_path", lambda suggested: str(target))
    with qtbot.waitSignal(application.exports.done):
        click(qtbot, application, "saveButton")
    assert target.read_bytes() == Path(result.paths[0]).read_bytes()
    assert status(application) == f"Saved as {target}"


def test_an_image_that_could_not_be_written_can_be_saved_elsewhere(
    qtbot: QtBot,
    application: Application,
    fake: FakeEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.failures["save"] = SaveError("The disk is full.")
    finish(qtbot, application)
    notice = application.window.findChild(QWidget, "unwrittenText")
    assert notice.isVisible()
    assert "The disk is full." in notice.text()
    assert application.gallery.rowCount() == 1
    fake.failures.clear()
    target = tmp_path / "rescued.png"
    monkeypatch.setattr(application.window, "ask_save_path", lambda suggested: str(target))
    with qtbot.waitSignal(application.exports.done):
        application.window.gallery.saveRequested.emit(0)
    assert target.stat().st_size > 0


def test_a_model_that_cannot_be_loaded_leaves_the_former(
    qtbot: QtBot, application: Application, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application.window, "ask_folder", lambda title, start: "/gone")
    fake.failures["load"] = LoadError("There is no model folder /gone. Check the path.")
    with qtbot.waitSignal(told(application).loadFailed):
        application.window.openModelRequested.emit()
    assert error(application) == "There is no model folder /gone. Check the path."
    finish(qtbot, application)


def test_a_model_that_is_gone_at_the_start_gives_way_to_the_bundled(
    qtbot: QtBot, start: Start, fake: FakeEngine, home: Path
) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "preferences.json").write_text('{"model": "/gone"}')
    fake.failures["/gone"] = LoadError("There is no model folder /gone. Check the path.")
    application = start(ready=False)
    qtbot.waitUntil(lambda: application.models.card is not None)
    assert fake.loaded == ["/gone", "bundled"]
    assert "/gone" in error(application)


def test_everything_is_back_at_the_next_start(
    qtbot: QtBot, start: Start, home: Path, tmp_path: Path
) -> None:
    first = start()
    type_prompt(qtbot, first, "an owl")
    child(first, QWidget, "stepsSpin").setValue(7)
    child(first, QSlider, "economySlider").setValue(2)
    child(first, QLineEdit, "seedField").setText("123")
    first.session.set_seed_locked(True)
    first.window.themeChosen.emit("light")
    first.window.resize(870, 610)
    result = finish(qtbot, first)
    first.window.close()

    second = start()
    assert child(second, QPlainTextEdit, "promptEdit").toPlainText() == "an owl"
    assert child(second, QWidget, "stepsSpin").value() == 7
    assert child(second, QSlider, "economySlider").value() == 2
    assert child(second, QLineEdit, "seedField").text() == "123"
    assert second.session.seed_locked
    assert second.preferences.get("theme", "dark") == "light"
    assert second.window.height() == 610
    qtbot.waitUntil(lambda: second.gallery.rowCount() == 1)
    assert second.gallery.picture(0).path == result.paths[0]  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        json.dumps({"theme": "pink", "geometry": "é!", "image_folder": 4, "model": None}),
        json.dumps({"draft": {"width": 3}, "chosen": ["width", 1, []], "recent_models": [1]}),
    ],
)
def test_odd_settings_are_no_reason_not_to_start(
    qtbot: QtBot, start: Start, home: Path, content: str
) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "preferences.json").write_text(content)
    application = start()
    assert bool(error(application)) == (content == "{")
    finish(qtbot, application)


@pytest.mark.parametrize("state", ["loading", "running", "paused", "queued"])
def test_closing_the_window_ends_the_thread(
    qtbot: QtBot, start: Start, fake: FakeEngine, state: str
) -> None:
    if state == "loading":
        fake.load_gate = threading.Event()
    application = start(ready=state != "loading")
    fake.gate = threading.Semaphore(1)
    if state == "loading":
        qtbot.waitUntil(lambda: bool(fake.loaded))
    else:
        with qtbot.waitSignal(told(application).stepped):
            click(qtbot, application, "generateButton")
    if state == "paused":
        click(qtbot, application, "pauseButton")
    if state == "queued":
        click(qtbot, application, "generateButton")
    application.window.close()
    assert application.worker_thread.isFinished()
    assert len(fake.requests) == (0 if state == "loading" else 1)


def test_a_new_image_folder_is_used_and_listed(
    qtbot: QtBot, application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    monkeypatch.setattr(application.window, "ask_folder", lambda title, start: str(folder))
    application.window.imageFolderRequested.emit()
    result = finish(qtbot, application)
    assert Path(result.paths[0]).parent == folder


def test_an_unexpected_error_lands_in_the_bar(application: Application) -> None:
    application.unexpected.emit("Something unexpected happened.")
    assert error(application) == "Something unexpected happened."
