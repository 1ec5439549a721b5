"""Models of several kinds in one window: what it shows for each, how a person changes from one to
another, and that nothing is lost on the way. On a scripted engine; at the end on the real one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.main import Application, build
from engine.errors import LoadError
from tests.app.conftest import told
from tests.app.fake_engine import FAKE_CLASSES, FAKE_DDPM, FakeEngine
from tests.app.in_person import child, click, error, finish, status, steps, type_prompt

Start = Callable[..., Application]

OF_A_PROMPT = (
    "promptEdit",
    "negativePromptEdit",
    "guidanceSlider",
    "guidanceSpin",
)


@pytest.fixture(autouse=True)
def folders(fake: FakeEngine, tmp_path: Path) -> dict[str, str]:
    """Two models besides the bundled one: "cats" takes no prompt, "digits" has ten classes."""
    found = {}
    for name, pipeline in (("cats", FAKE_DDPM), ("digits", FAKE_CLASSES)):
        (tmp_path / name).mkdir()
        found[name] = str(tmp_path / name)
        fake.models[found[name]] = pipeline
    return found


def switch(qtbot: QtBot, application: Application, source: str) -> None:
    with qtbot.waitSignals([told(application).ready, told(application).idle]):
        application.models.choose(source)


def pick(qtbot: QtBot, application: Application, source: str) -> None:
    """As a person does it with the arrow keys in the closed picker, for a neighbour in the list."""
    picker = child(application, QComboBox, "modelPicker")
    row = picker.findData(source)
    assert abs(row - picker.currentIndex()) == 1
    picker.setFocus()
    key = Qt.Key.Key_Down if row > picker.currentIndex() else Qt.Key.Key_Up
    qtbot.keyClick(picker, key)


def shown(application: Application) -> str:
    """What the picker shows as the present model."""
    return child(application, QComboBox, "modelPicker").currentText()


def visible(application: Application, *names: str) -> set[bool]:
    return {child(application, QWidget, name).isVisible() for name in names}


def run_held(qtbot: QtBot, application: Application, fake: FakeEngine) -> None:
    """Begin a run that stands still after its first step."""
    fake.gate = threading.Semaphore(1)
    with qtbot.waitSignal(told(application).stepped):
        click(qtbot, application, "generateButton")


def test_without_a_prompt(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    type_prompt(qtbot, application, "an owl")
    child(application, QWidget, "guidanceSpin").setValue(9.0)
    assert visible(application, *OF_A_PROMPT) == {True}
    tall = application.window.timeline.height()
    switch(qtbot, application, folders["cats"])
    assert visible(application, *OF_A_PROMPT, "classPicker") == {False}
    sentence = child(application, QLabel, "promptSentence")
    assert sentence.isVisible()
    assert "without a prompt" in sentence.text()
    assert application.window.timeline.height() < tall
    finish(qtbot, application)
    assert error(application) == ""
    asked = fake.requests[-1]
    assert (asked.prompt, asked.guidance_scale, asked.class_label) == ("", 1.0, None)
    assert steps(application)[-1].guidance_scale is None

    switch(qtbot, application, "bundled")
    assert visible(application, *OF_A_PROMPT) == {True}
    assert application.window.timeline.height() == tall
    assert child(application, QPlainTextEdit, "promptEdit").toPlainText() == "an owl"
    assert not any("token" in label.text() for label in application.window.findChildren(QLabel))
    finish(qtbot, application)
    asked = fake.requests[-1]
    assert (asked.prompt, asked.guidance_scale) == ("an owl", 9.0)


def test_classes(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    assert visible(application, "classPicker", "classDiceButton") == {False}
    switch(qtbot, application, folders["digits"])
    spin = child(application, QSpinBox, "classPicker")
    assert (spin.isVisible(), spin.minimum(), spin.maximum()) == (True, 0, 9)
    spin.setValue(7)
    finish(qtbot, application)
    assert fake.requests[-1].class_label == 7
    labels = set()
    while len(labels) < 3:
        click(qtbot, application, "classDiceButton")
        labels.add(spin.value())
    assert application.session.class_label == spin.value()
    switch(qtbot, application, "bundled")
    finish(qtbot, application)
    assert fake.requests[-1].class_label is None
    assert error(application) == ""


def test_the_window_opens_in_the_shape_of_its_last_model(
    qtbot: QtBot, start: Start, fake: FakeEngine, folders: dict[str, str]
) -> None:
    first = start()
    switch(qtbot, first, folders["digits"])
    first.session.set_class_label(4)
    first.window.close()
    fake.load_gate = threading.Event()
    second = start(ready=False)
    assert visible(second, *OF_A_PROMPT) == {False}
    assert child(second, QSpinBox, "classPicker").value() == 4
    assert shown(second) == "digits"
    fake.load_gate.set()
    qtbot.waitUntil(lambda: second.models.card is not None)
    assert fake.loaded[-1] == folders["digits"]


def test_without_a_run_a_model_is_loaded_at_once(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    switch(qtbot, application, folders["cats"])
    assert shown(application) == "cats"
    fake.load_gate = threading.Event()
    with qtbot.waitSignal(told(application).loading):
        pick(qtbot, application, "bundled-ddpm")
    assert shown(application) == "cats"
    picker = child(application, QComboBox, "modelPicker")
    assert picker.hasFocus()
    with qtbot.waitSignal(told(application).ready):
        fake.load_gate.set()
    assert shown(application) == "Emoji, no prompt"
    assert picker.hasFocus()
    assert application.window.switch.isHidden()


def test_during_a_run_the_window_asks_and_nothing_waits_for_the_answer(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    switch(qtbot, application, folders["cats"])
    run_held(qtbot, application, fake)
    assert fake.gate
    pick(qtbot, application, "bundled-ddpm")
    assert application.window.switch.isVisible()
    assert shown(application) == "cats"
    assert fake.loaded[-1] == folders["cats"]
    with qtbot.waitSignal(told(application).stepped):
        fake.gate.release()
    click(qtbot, application, "keepButton")
    assert application.window.switch.isHidden()
    with qtbot.waitSignal(told(application).finished):
        fake.gate.release(9)
    qtbot.wait(30)
    assert fake.loaded[-1] == folders["cats"]


def test_stop_and_load_keeps_what_waits(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    run_held(qtbot, application, fake)
    type_prompt(qtbot, application, "an owl")
    click(qtbot, application, "generateButton")
    application.models.choose(folders["digits"])
    assert "more wait: 1" in application.window.switch.accessibleDescription()
    with qtbot.waitSignals([told(application).cancelled, told(application).ready], order="strict"):
        click(qtbot, application, "stopAndLoadButton")
    with qtbot.waitSignal(told(application).finished) as finished:
        fake.gate.release(9)
    asked = finished.args[0].request
    assert (asked.prompt, asked.class_label) == ("", None)
    assert error(application) == ""
    assert shown(application) == "digits"


def test_load_afterwards(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    type_prompt(qtbot, application, "an owl")
    run_held(qtbot, application, fake)
    application.models.choose(folders["cats"])
    click(qtbot, application, "afterwardsButton")
    assert status(application) == "cats will be loaded when the picture is done."
    assert shown(application) == "Emoji"
    click(qtbot, application, "generateButton")
    with qtbot.waitSignal(told(application).ready):
        fake.gate.release(99)
    assert [request.prompt for request in fake.requests] == ["an owl", "an owl"]
    assert shown(application) == "cats"


def test_to_choose_the_present_model_takes_the_wish_back(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    run_held(qtbot, application, fake)
    application.models.choose(folders["cats"])
    click(qtbot, application, "afterwardsButton")
    application.models.choose("bundled")
    with qtbot.waitSignal(told(application).finished):
        fake.gate.release(9)
    qtbot.wait(30)
    assert fake.loaded == ["bundled"]


def test_an_unanswered_question_ends_with_the_run(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    prompt = child(application, QPlainTextEdit, "promptEdit")
    prompt.setFocus()
    run_held(qtbot, application, fake)
    prompt.setFocus()
    application.models.choose(folders["digits"])
    with qtbot.waitSignal(told(application).ready):
        fake.gate.release(9)
    assert application.window.switch.isHidden()
    focused = application.window.focusWidget()
    assert focused is child(application, QLabel, "promptSentence")


def test_a_failed_switch_leaves_model_and_queue(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    type_prompt(qtbot, application, "an owl")
    run_held(qtbot, application, fake)
    click(qtbot, application, "generateButton")
    fake.failures[folders["cats"]] = LoadError("unet/config.json is damaged.")
    application.models.choose(folders["cats"])
    with qtbot.waitSignal(told(application).loadFailed):
        click(qtbot, application, "stopAndLoadButton")
    with qtbot.waitSignal(told(application).finished):
        fake.gate.release(9)
    assert [request.prompt for request in fake.requests] == ["an owl", "an owl"]
    assert error(application) == "unet/config.json is damaged."
    assert shown(application) == "Emoji"
    assert visible(application, *OF_A_PROMPT) == {True}


def test_a_branch_loads_the_model_of_its_run_again(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    finish(qtbot, application)
    switch(qtbot, application, folders["cats"])
    application.history.select(1, 1)
    click(qtbot, application, "branchButton")
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 2)
    assert fake.loaded == ["bundled", folders["cats"], "bundled"]
    assert fake.evaluated == [0, 1, 2, 3, 2, 3]
    assert shown(application) == "Emoji"
    assert visible(application, *OF_A_PROMPT) == {True}
    finish(qtbot, application)


def test_a_branch_says_why_the_model_of_its_run_cannot_be_loaded(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    switch(qtbot, application, folders["digits"])
    finish(qtbot, application)
    switch(qtbot, application, "bundled")
    finish(qtbot, application)
    fake.failures[folders["digits"]] = LoadError("unet/config.json is damaged.")
    application.history.select(1, 1)
    with qtbot.waitSignal(told(application).idle):
        click(qtbot, application, "branchButton")
    assert error(application) == (
        f"The model of that run, {folders['digits']}, cannot be loaded again. "
        "unet/config.json is damaged."
    )
    assert shown(application) == "Emoji"
    assert list(application.history.runs) == [1, 2]
    finish(qtbot, application)
    application.history.select(2, 1)
    with qtbot.waitSignal(told(application).finished):
        click(qtbot, application, "branchButton")


def test_a_step_of_another_model_is_not_retouched(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    finish(qtbot, application)
    switch(qtbot, application, folders["digits"])
    switch(qtbot, application, folders["cats"])
    application.history.select(1, 1)
    asked: list[Any] = []
    application.steering.retouchAsked.connect(lambda *wish: asked.append(wish))
    application.steering.move_scale(12.0)
    qtbot.wait(50)
    assert (len(asked), fake.reguided, error(application)) == (1, [], "")


def test_a_remembered_folder_that_is_gone(
    qtbot: QtBot, start: Start, fake: FakeEngine, folders: dict[str, str], tmp_path: Path
) -> None:
    first = start()
    switch(qtbot, first, folders["digits"])
    switch(qtbot, first, folders["cats"])
    first.window.close()
    (tmp_path / "cats").rmdir()
    sentence = f"There is no model folder {folders['cats']}. Check the path."
    fake.failures[folders["cats"]] = LoadError(sentence)
    second = start()
    picker = child(second, QComboBox, "modelPicker")
    qtbot.waitUntil(
        lambda: (
            [picker.itemText(row) for row in range(picker.count())]
            == ["Emoji", "Emoji, no prompt", "cats (folder is gone)", "digits"]
        )
    )
    assert error(second) == sentence
    assert shown(second) == "Emoji"
    assert visible(second, *OF_A_PROMPT) == {True}
    second.window.forgetRequested.emit(folders["cats"])
    assert picker.count() == 3
    second.window.close()
    assert [label for _, label, _ in start().models.known] == [
        "Emoji",
        "Emoji, no prompt",
        "digits",
    ]


def test_a_thousand_quick_steps(
    qtbot: QtBot, application: Application, fake: FakeEngine, folders: dict[str, str]
) -> None:
    switch(qtbot, application, folders["cats"])
    application.session.set_steps(1000)
    fake.step_seconds = 0.0005
    finish(qtbot, application)
    shown = steps(application)
    assert (shown[0].index, shown[-1].index, application.run.done) == (0, 999, 1000)
    assert len(shown) < 500
    application.window.timeline.setFocus()
    qtbot.keyClick(application.window.timeline, Qt.Key.Key_Home)
    assert application.history.step is shown[0]
    qtbot.keyClick(application.window.timeline, Qt.Key.Key_Right)
    assert application.history.step is shown[1]


@pytest.fixture
def open_real(qtbot: QtBot, home: Path) -> Iterator[Callable[[Path], Application]]:
    """Opens the application on the real engine, with that folder as the last model."""
    opened: list[Application] = []

    def open_application(folder: Path) -> Application:
        settings = {"model": str(folder), "draft": {"prompt": "an owl", "steps": 5}}
        (home / "config").mkdir(parents=True)
        (home / "config" / "preferences.json").write_text(
            json.dumps({**settings, "chosen": ["steps"]})
        )
        opened.append(build())
        told(opened[0])
        opened[0].show()
        qtbot.waitUntil(lambda: opened[0].models.card is not None, timeout=120_000)
        return opened[0]

    yield open_application
    for application in opened:
        assert application.close(), "the worker's thread has not ended"
        application.window.deleteLater()


def test_the_bundled_model_without_a_prompt_is_picked(
    qtbot: QtBot, open_real: Callable[[Path], Application]
) -> None:
    application = open_real(Path("bundled"))
    with qtbot.waitSignals([told(application).ready, told(application).idle], timeout=120_000):
        pick(qtbot, application, "bundled-ddpm")
    assert shown(application) == "Emoji, no prompt"
    assert visible(application, *OF_A_PROMPT) == {False}
    with qtbot.waitSignal(told(application).finished, timeout=60_000):
        click(qtbot, application, "generateButton")
    assert error(application) == ""
    assert [step.index for step in steps(application)] == [0, 1, 2, 3, 4]
    assert steps(application)[-1].predicted.size().toTuple() == (64, 64)


@pytest.mark.parametrize("classes", [None, 4])
def test_a_real_ddpm_develops_in_the_window(
    qtbot: QtBot,
    open_real: Callable[[Path], Application],
    tmp_path: Path,
    classes: int | None,
) -> None:
    from PIL import Image

    import engine
    from tests.tiny import DDPM_CIFAR, save_ddpm

    application = open_real(
        save_ddpm(tmp_path / "tiny", {**DDPM_CIFAR, "num_class_embeds": classes})
    )
    card: Any = application.models.card
    assert (card.family, card.class_count) == ("ddpm", classes or 0)
    assert card.abilities == ({"classes"} if classes else set())
    assert visible(application, *OF_A_PROMPT) == {False}
    assert visible(application, "classPicker") == {bool(classes)}
    if classes:
        child(application, QSpinBox, "classPicker").setValue(3)
    with qtbot.waitSignal(told(application).finished, timeout=60_000) as finished:
        click(qtbot, application, "generateButton")
    assert error(application) == ""
    assert [step.index for step in steps(application)] == [0, 1, 2, 3, 4]
    assert steps(application)[0].predicted.size().toTuple() == (32, 32)
    with Image.open(finished.args[0].paths[0]) as image:
        record = engine.Record.from_json(image.text["safelight"])
    assert (record.request.prompt, record.request.class_label) == ("", 3 if classes else None)
