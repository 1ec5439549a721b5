"""Settings out of files into the recipe, an image's timeline opened again, two images compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QTableView,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.main import Application
from app.windows.compare_dialog import CompareDialog
from engine.record.record import Record, read_record, save
from engine.request.request import Edit, Request
from engine.run import cost
from tests.app.conftest import told
from tests.app.fake_engine import SHA256, VERSIONS, FakeEngine

A1111 = (
    "a cat, 3d\nNegative prompt: dog\n"
    "Steps: 17, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 5, Size: 64x64, Clip skip: 2"
)


@pytest.fixture(autouse=True)
def real_files(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "save", save)


@pytest.fixture
def application(start: Callable[..., Application], fake: FakeEngine) -> Application:
    fake.schedulers._sentences = {**fake.schedulers._sentences, "dpmpp_2m": "Sharp."}
    return start()


def foreign(path: Path, text: str) -> Path:
    chunks = PngInfo()
    chunks.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)
    return path


def ours(path: Path, **fields: object) -> Path:
    own = {"prompt": "an owl", "width": 64, "height": 64, "steps": 3, "scheduler": "unipc"}
    record = Record(Request(**(own | fields)), 3, "Bundled", SHA256, "cpu", "float32", VERSIONS, ())
    path.parent.mkdir(parents=True, exist_ok=True)
    save(Image.new("RGB", (64, 64), (9, 9, 9)), path, record)
    return path


def drop(application: Application, path: Path) -> None:
    dragged = QMimeData()
    dragged.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(100, 100),
        Qt.DropAction.CopyAction,
        dragged,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    application.window.dropEvent(event)


def note(application: Application) -> str:
    text = application.window.findChild(QWidget, "noteText")
    return text.text() if text.isVisible() else ""


def test_a_dropped_image_fills_the_recipe(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    drop(application, foreign(tmp_path / "a.png", A1111))
    qtbot.waitUntil(lambda: bool(note(application)))
    session = application.session
    request = session.request()
    assert (request.prompt, request.negative_prompt) == ("a cat, 3d", "dog")
    assert (request.steps, request.guidance_scale, request.seed) == (17, 7.0, 5)
    assert (request.scheduler, request.scheduler_options) == (
        "dpmpp_2m",
        {"use_karras_sigmas": True},
    )
    assert request.clip_skip == 2
    assert session.release().seed == 5, "the seed serves the next run"
    assert "a.png (AUTOMATIC1111)" in note(application)
    drop_button = application.window.findChild(QPushButton, "dropExtrasButton")
    assert drop_button.isVisibleTo(application.window)
    qtbot.mouseClick(drop_button, Qt.MouseButton.LeftButton)
    assert (session.request().scheduler_options, session.request().clip_skip) == ({}, 1)


def test_a_file_that_is_dropped_on_the_prompt_is_no_text(
    application: Application, tmp_path: Path
) -> None:
    dragged = QMimeData()
    dragged.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.png"))])
    dragged.setText(str(tmp_path / "a.png"))
    field = application.window.findChild(QPlainTextEdit, "promptEdit")
    assert not field.canInsertFromMimeData(dragged)
    words = QMimeData()
    words.setText("an owl")
    assert field.canInsertFromMimeData(words)


def test_what_cannot_be_taken_is_told_and_stays_as_it_was(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    application.session.set_scheduler("ddim")
    text = "x\nSteps: 3, Sampler: DPM++ SDE, CFG scale: 700, Seed: 5, Size: 4000x4000, ENSD: 1"
    drop(application, foreign(tmp_path / "a.png", text))
    qtbot.waitUntil(lambda: bool(note(application)))
    told_words = note(application)
    for word in ("dpmpp_sde", "4000", "700", "ENSD"):
        assert word in told_words, word
    request = application.session.request()
    assert request.scheduler == "ddim"
    assert (request.width, request.guidance_scale) == (64, 5.0)


def test_what_cannot_be_looked_at_is_one_sentence(qtbot: QtBot, application: Application) -> None:
    application.window.filesDropped.emit([f"/{'x' * 300}.png"])
    words = application.window.findChild(QWidget, "errorText")
    qtbot.waitUntil(lambda: "cannot be read" in words.text())


def test_markup_and_control_characters_stay_text(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    prompt = "<b>bold</b> <img src=x> \x07\x1b[31m & {0} %s"
    drop(application, foreign(tmp_path / "<i>.png", f"{prompt}\nSteps: 3, Seed: 1, ENSD: <b>x"))
    qtbot.waitUntil(lambda: bool(note(application)))
    assert application.session.prompt == prompt
    label = application.window.findChild(QWidget, "noteText")
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert "<i>.png" in note(application)


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n"])
def test_a_file_without_settings_is_one_sentence(
    qtbot: QtBot, application: Application, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    before = application.session.request()
    drop(application, path)
    error = application.window.findChild(QWidget, "errorText")
    qtbot.waitUntil(error.isVisible)
    assert "a.png" in error.text()
    assert application.session.request() == before


def test_a_million_lines_do_not_hold_the_window_up(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    path = foreign(tmp_path / "a.png", "x\n" * 1_000_000 + "Steps: 3, Sampler: DDIM, Seed: 1")
    drop(application, path)
    longest, before = 0.0, time.perf_counter()
    while not note(application):
        QApplication.processEvents()
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
        time.sleep(0.001)
    assert longest < 0.5
    assert "20000" in note(application)
    assert len(application.session.prompt) == 20_000


def test_pasted_text_and_copied_settings(
    qtbot: QtBot, application: Application, home: Path
) -> None:
    QGuiApplication.clipboard().setText(A1111)
    application.window.pasteRequested.emit()
    qtbot.waitUntil(lambda: application.session.prompt == "a cat, 3d")
    with qtbot.waitSignal(told(application).idle):
        application.session.generate()
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 1)
    QGuiApplication.clipboard().clear()
    application.window.gallery.copySettingsRequested.emit(0)
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text().startswith("a cat, 3d\n"))
    copied = QGuiApplication.clipboard().text()
    assert "Sampler: DPM++ 2M" in copied
    assert "Seed: 5" in copied
    application.session.set_prompt("else")
    application.window.pasteRequested.emit()
    qtbot.waitUntil(lambda: application.session.prompt == "a cat, 3d")


def test_a_model_that_is_dropped_is_loaded(
    qtbot: QtBot, application: Application, fake: FakeEngine, tmp_path: Path
) -> None:
    with qtbot.waitSignal(told(application).ready):
        drop(application, tmp_path)
    assert fake.loaded[-1] == str(tmp_path)


def test_the_timeline_of_an_image_opens_again(
    qtbot: QtBot, start: Callable[..., Application], fake: FakeEngine, home: Path
) -> None:
    path = ours(home / "images" / "a.png", seed=3, edits=(Edit(1, "guidance_scale", 2.0),))
    content = path.read_bytes()
    application = start()
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 1)
    with qtbot.waitSignal(told(application).finished) as finished:
        application.window.gallery.reopenRequested.emit(0)
    assert finished.args[0].paths == (str(path),)
    assert fake.requests[-1].edits == (Edit(1, "guidance_scale", 2.0),)
    qtbot.waitUntil(lambda: application.queue.current is None)
    assert [p.name for p in path.parent.glob("[!.]*.png")] == ["a.png"], "no second file"
    assert path.read_bytes() == content
    assert application.gallery.rowCount() == 1
    assert len(application.history.runs[1].steps) == 3

    with qtbot.waitSignal(told(application).idle):
        application.session.generate()
    assert application.history.step.run == 2
    application.window.gallery.reopenRequested.emit(application.gallery.row_of(str(path)))
    qtbot.waitUntil(lambda: application.history.step.run == 1)
    assert len(fake.requests) == 2, "what is in memory is not run again"


def test_a_record_that_asks_for_far_more_than_is_usual_is_asked_about(
    qtbot: QtBot,
    start: Callable[..., Application],
    fake: FakeEngine,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is usual is made less here, so that the answer yes takes no hours."""
    ours(home / "images" / "a.png", steps=4)
    monkeypatch.setattr(cost, "MOST_WORK", 64 * 64 * 3)
    application = start()
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 1)
    for answer, requests in (("Leave it", 0), ("Make it", 1)):
        application.window.gallery.reopenRequested.emit(0)
        qtbot.waitUntil(lambda: application.window.findChild(QMessageBox) is not None)
        box = application.window.findChild(QMessageBox)
        said = box.informativeText()
        assert "a.png" in said and "64 by 64" in said and "4 evaluations" in said
        assert fake.requests == [], "nothing is made before the answer"
        assert box.defaultButton().text() == "Leave it"
        next(button for button in box.buttons() if button.text() == answer).click()
        qtbot.waitUntil(lambda: application.window.findChild(QMessageBox) is None)
        qtbot.waitUntil(lambda n=requests: len(fake.requests) == n)
    qtbot.waitUntil(lambda: application.queue.current is None)


def test_an_image_of_another_model_says_so(
    qtbot: QtBot, start: Callable[..., Application], fake: FakeEngine, home: Path
) -> None:
    path = ours(home / "images" / "a.png")
    record = read_record(path)
    other = replace(record, sha256="f" * 64, checkpoint="Elsewhere")
    save(Image.new("RGB", (8, 8)), path, other)
    application = start()
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 1)
    application.window.gallery.reopenRequested.emit(0)
    error = application.window.findChild(QWidget, "errorText")
    qtbot.waitUntil(error.isVisible)
    assert "ffffffffff" in error.text()
    assert fake.requests == []


def test_the_seed_alone(
    qtbot: QtBot, start: Callable[..., Application], fake: FakeEngine, home: Path
) -> None:
    ours(home / "images" / "a.png", seed=77)
    application = start()
    application.session.set_prompt("mine")
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 1)
    application.window.gallery.reuseSeedRequested.emit(0)
    qtbot.waitUntil(lambda: application.session.seed == 77)
    assert application.session.prompt == "mine"


def test_two_images_are_compared(
    qtbot: QtBot, start: Callable[..., Application], fake: FakeEngine, home: Path
) -> None:
    ours(home / "images" / "a.png", seed=1, prompt="an <b>owl</b>")
    ours(home / "images" / "b.png", seed=2, prompt="an owl", guidance_scale=3.0)
    application = start()
    gallery = application.gallery
    qtbot.waitUntil(lambda: gallery.rowCount() == 2)
    rows = [gallery.row_of(str(home / "images" / name)) for name in ("a.png", "b.png")]
    application.window.gallery.compareRequested.emit(*rows)
    dialog = application.window.findChild(CompareDialog)
    assert dialog is not None
    qtbot.waitUntil(dialog.isVisible)
    table = dialog.findChild(QTableView)
    differs = table.model()
    told_rows = {
        tuple(differs.index(row, column).data() for column in range(3))
        for row in range(differs.rowCount())
    }
    assert told_rows == {
        ("Prompt", "an <b>owl</b>", "an owl"),
        ("Seed", "1", "2"),
        ("Guidance", "7.5", "3"),
    }
    dialog.close()
