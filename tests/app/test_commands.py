"""The acts of the program: each is named once, can be reached from where a person looks for it, has
keys that nothing else takes, and is offered exactly when its button is."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMenu, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app import commands, theme
from app.commands import Area, Command
from app.widgets.basic.command_actions import CommandAction, CommandActions, asks_for
from app.windows.keys_dialog import KeysDialog
from app.windows.main_window import MainWindow
from tests.app.windows.test_main_window import Shouting

IN_THE_WINDOW = (Area.FILE, Area.RUN, Area.VIEW)
WITH_KEYS = [command for command in commands.EVERY if command.keys]
RUN_MENU = (
    commands.GENERATE,
    commands.PAUSE,
    commands.STOP,
    commands.FINISH,
    commands.SKIP,
    commands.USE_IN_THIS_RUN,
)
TAKEN_BY_EDITORS = ("Ctrl+A", "Ctrl+C", "Ctrl+D", "Ctrl+E", "Ctrl+U", "Ctrl+V", "Ctrl+X", "Ctrl+Y")


def name(command: Command) -> str:
    return command.name


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> MainWindow:
    theme.apply(qapp, "dark")
    made = MainWindow()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(made.isActiveWindow)
    return made


def offer_all(window: MainWindow) -> None:
    window.run.set_ready(True)
    window.run.set_running(True)
    window.run.set_waiting(2)
    window.prompt.set_steerable(True)
    window.header.set_can_save(True)
    window.header.set_can_compare(True)
    window.set_can_branch(True)
    window.menu.set_can_film(True)


def menu(window: MainWindow, title: str) -> QMenu:
    return next(entry.menu() for entry in window.menuBar().actions() if entry.text() == title)  # pyright: ignore[reportReturnType]


def entries(menu: QMenu) -> list[QAction]:
    """Of the menu and of those in it, without the lines between."""
    found: list[QAction] = []
    for entry in menu.actions():
        inner = entry.menu()
        if isinstance(inner, QMenu):
            found += entries(inner)
        elif not entry.isSeparator():
            found.append(entry)
    return found


def every_entry(window: MainWindow) -> list[QAction]:
    titles = ("&File", "&Run", "&View", "&Help")
    return list(itertools.chain.from_iterable(entries(menu(window, title)) for title in titles))


class TestTable:
    def test_every_command_of_the_module_is_in_the_list(self) -> None:
        found = [value for value in vars(commands).values() if isinstance(value, Command)]
        assert {command.name for command in found} == {command.name for command in commands.EVERY}
        assert len(commands.EVERY) == len({command.name for command in commands.EVERY})

    def test_what_an_act_is_called_at_another_moment_keeps_its_keys(self) -> None:
        known = {command.name: command for command in commands.EVERY}
        for value in vars(commands).values():
            if isinstance(value, Command):
                usual = known[value.name]
                keys = () if value is commands.FORGET else usual.keys
                assert (value.keys, value.area) == (keys, usual.area)

    @pytest.mark.parametrize("area", [Area.GALLERY, Area.QUEUE])
    def test_keys_are_unique_where_they_act(self, area: Area) -> None:
        """Those of the window act in the gallery as well, but not in the queue's own window."""
        areas = {area, *IN_THE_WINDOW} if area is Area.GALLERY else {area}
        keys = [
            QKeySequence(key).toString()
            for command in commands.EVERY
            if command.area in areas
            for key in command.keys
        ]
        assert len(keys) == len(set(keys))

    @pytest.mark.parametrize("command", WITH_KEYS, ids=name)
    def test_keys_are_keys(self, command: Command) -> None:
        for key in command.keys:
            assert QKeySequence(key).toString() not in ("", "None")
            assert QKeySequence(key).count() == 1

    @pytest.mark.parametrize("command", commands.EVERY, ids=name)
    def test_words_are_words_and_icons_are_there(self, command: Command) -> None:
        assert command.plain_text and "&" not in command.plain_text + command.button_text
        icons = Path(theme.__file__).parents[1] / "resources/icons"
        assert not command.icon or (icons / f"{command.icon}.svg").is_file()


class TestAction:
    def test_one_action_a_command(self, window: MainWindow) -> None:
        made = window.findChildren(CommandAction)
        names = [action.objectName() for action in made]
        assert len(names) == len(set(names))

    def test_a_set_of_its_own_makes_only_what_is_asked_for(self, qapp: QApplication) -> None:
        own = CommandActions(qapp)
        assert own[commands.SAVE] is own[commands.SAVE]
        assert [action.objectName() for action in own.findChildren(QAction)] == ["save"]
        own.deleteLater()

    def test_words_of_another_moment(self, qapp: QApplication) -> None:
        own = CommandActions(qapp)
        action = own[commands.PAUSE]
        action.wear(commands.GO_ON)
        assert (action.text(), action.iconText()) == ("G&o on", "Go on")
        assert action.shortcuts() == [QKeySequence("Ctrl+P")]
        own.retranslate()
        assert action.iconText() == "Go on"
        own.deleteLater()

    @pytest.mark.parametrize(
        ("key", "modifiers", "asked"),
        [
            (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier, True),
            (Qt.Key.Key_Delete, Qt.KeyboardModifier.KeypadModifier, True),
            (Qt.Key.Key_Delete, Qt.KeyboardModifier.ControlModifier, False),
            (Qt.Key.Key_Backspace, Qt.KeyboardModifier.NoModifier, False),
        ],
    )
    def test_which_keys_ask(self, key: Qt.Key, modifiers: Qt.KeyboardModifier, asked: bool) -> None:
        event = QKeyEvent(QEvent.Type.KeyPress, key, modifiers)
        assert asks_for(event, commands.TRASH) is asked


class TestMenus:
    def test_run_menu_begins_with_the_acts_of_a_run(self, window: MainWindow) -> None:
        words = [entry.text().replace("&", "") for entry in entries(menu(window, "&Run"))]
        assert words[: len(RUN_MENU)] == [command.plain_text for command in RUN_MENU]
        assert all(entry.shortcut().toString() for entry in entries(menu(window, "&Run")))

    @pytest.mark.parametrize("title", ["&Run", "&View", "&Help"])
    def test_mnemonics_are_unique(self, window: MainWindow, title: str) -> None:
        offer_all(window)
        texts = [entry.text() for entry in menu(window, title).actions() if "&" in entry.text()]
        letters = [text[text.index("&") + 1].lower() for text in texts]
        assert len(letters) == len(set(letters)), texts

    @pytest.mark.parametrize(
        "command", [one for one in commands.EVERY if one.area in IN_THE_WINDOW], ids=name
    )
    def test_every_command_of_the_window_can_be_reached(
        self, window: MainWindow, command: Command
    ) -> None:
        """From a menu, or, where it has no entry, from a button."""
        if command in (commands.PREDICTED_PICTURE, commands.NOISY_LATENTS, commands.DISMISS):
            spoken = [button.accessibleName() for button in window.findChildren(QAbstractButton)]
            assert command.button_text in spoken
        else:
            assert window.commands[command] in every_entry(window)

    def test_every_entry_that_asks_does_something(self, window: MainWindow) -> None:
        offer_all(window)
        asked = {
            commands.SAVE: window.saveRequested,
            commands.COPY: window.copyRequested,
            commands.COPY_SETTINGS: window.copySettingsRequested,
            commands.PASTE_SETTINGS: window.pasteRequested,
            commands.EXPORT_FILM: window.filmRequested,
            commands.OPEN_MODEL: window.openModelRequested,
            commands.OPEN_MODEL_FILE: window.openModelFileRequested,
            commands.LIBRARY: window.libraryRequested,
            commands.DOWNLOAD: window.downloadRequested,
            commands.IMAGE_FOLDER: window.imageFolderRequested,
            commands.GENERATE: window.run.generateRequested,
            commands.PAUSE: window.run.pauseToggled,
            commands.STOP: window.run.stopRequested,
            commands.FINISH: window.run.finishRequested,
            commands.SKIP: window.run.skipRequested,
            commands.USE_IN_THIS_RUN: window.prompt.steerRequested,
            commands.BRANCH: window.branchRequested,
            commands.QUEUE: window.queueRequested,
            commands.QUIT: window.closing,
        }
        sights: dict[Command, Callable[[], object]] = {
            commands.VARY: window.vary.isVisible,
            commands.COMPARE: window.compare.isVisible,
            commands.GALLERY: window.gallery.isHidden,
            commands.LARGE_GALLERY: lambda: window.panels.is_large,
            commands.SEARCH: lambda: window.focusWidget().objectName() == "gallerySearch",
            commands.KEYS: lambda: window.findChild(KeysDialog).isVisible(),
            commands.ABOUT: lambda: QApplication.activeModalWidget() is not None,
        }
        by_name = {command.name: command for command in commands.EVERY}
        made = [entry for entry in every_entry(window) if isinstance(entry, CommandAction)]
        offered = [by_name[entry.objectName()] for entry in made]
        assert set(offered) == set(asked) | set(sights)
        for command, signal in asked.items():
            heard: list[tuple[Any, ...]] = []
            signal.connect(lambda *values, heard=heard: heard.append(values))
            window.commands[command].trigger()
            assert len(heard) == 1, command.name
        window.show()
        for command, is_seen in sights.items():
            if command is commands.GALLERY:
                window.commands[command].trigger()
                assert not window.gallery.isVisible()
                window.commands[command].trigger()
                continue
            window.commands[command].trigger()
            assert is_seen(), command.name
        for dialog in (window.findChild(KeysDialog), QApplication.activeModalWidget()):
            assert dialog is not None
            dialog.close()

    def test_ways_to_stop_are_the_same_entries(self, window: MainWindow) -> None:
        of_the_button = window.run.findChildren(QMenu)[0].actions()
        assert of_the_button == entries(menu(window, "&Run"))[2:5]


class TestState:
    @pytest.mark.parametrize(
        ("command", "button"),
        [
            (commands.GENERATE, "generateButton"),
            (commands.PAUSE, "pauseButton"),
            (commands.STOP, "stopButton"),
            (commands.USE_IN_THIS_RUN, "steerButton"),
            (commands.BRANCH, "branchButton"),
            (commands.VARY, "varyButton"),
            (commands.COMPARE, "compareButton"),
            (commands.COPY, "copyButton"),
            (commands.SAVE, "saveButton"),
        ],
    )
    def test_entry_and_button_are_offered_together(
        self, window: MainWindow, command: Command, button: str
    ) -> None:
        control = window.findChild(QAbstractButton, button)
        assert control is not None
        action = window.commands[command]
        assert not action.isEnabled() and not control.isEnabled()
        offer_all(window)
        assert action.isEnabled() and control.isEnabled()
        assert control.toolTip() == action.toolTip()

    def test_ways_to_end_a_run_need_a_run(self, window: MainWindow) -> None:
        finish, skip = window.commands[commands.FINISH], window.commands[commands.SKIP]
        window.run.set_waiting(1)
        assert (finish.isEnabled(), skip.isEnabled()) == (False, False)
        window.run.set_running(True)
        assert (finish.isEnabled(), skip.isEnabled()) == (True, True)
        window.run.set_waiting(0)
        assert (finish.isEnabled(), skip.isEnabled()) == (True, False)

    def test_words_follow_the_run(self, window: MainWindow) -> None:
        pause, stop = window.commands[commands.PAUSE], window.commands[commands.STOP]
        generate = window.commands[commands.GENERATE]
        offer_all(window)
        assert (pause.iconText(), stop.iconText()) == ("Pause", "Stop")
        assert generate.iconText() == "Generate next"
        pause.trigger()
        assert pause.iconText() == "Resume"
        window.run.set_held(True)
        assert (pause.iconText(), stop.iconText()) == ("Go on", "Forget them")
        window.run.set_held(False)
        window.run.set_running(False)
        assert (pause.iconText(), stop.iconText()) == ("Pause", "Stop")

    def test_a_model_without_a_prompt_has_no_words_to_use(self, window: MainWindow) -> None:
        offer_all(window)
        window.set_abilities(frozenset({"classes"}), 10)
        assert not window.commands[commands.USE_IN_THIS_RUN].isEnabled()
        window.set_abilities(frozenset({"prompt"}), 0)
        assert window.commands[commands.USE_IN_THIS_RUN].isEnabled()

    def test_language_switches_live(self, window: MainWindow) -> None:
        offer_all(window)
        window.commands[commands.PAUSE].trigger()
        window._show_keys()
        sheet = window.findChild(KeysDialog)
        assert sheet is not None
        shouting = Shouting()
        QCoreApplication.installTranslator(shouting)
        QApplication.processEvents()
        try:
            assert all(entry.text().isupper() for entry in entries(menu(window, "&RUN")))
            assert window.commands[commands.PAUSE].text() == "&RESUME"
            assert "GENERATE" in [label.text() for label in sheet.findChildren(QLabel)]
        finally:
            QCoreApplication.removeTranslator(shouting)
            QApplication.sendEvent(window, QEvent(QEvent.Type.LanguageChange))
        sheet.close()
        assert window.commands[commands.PAUSE].text() == "&Resume"


class TestKeys:
    @pytest.mark.parametrize(
        "command", [one for one in WITH_KEYS if one.area in IN_THE_WINDOW], ids=name
    )
    def test_no_key_is_one_that_a_text_field_needs(
        self, qtbot: QtBot, qapp: QApplication, command: Command
    ) -> None:
        """A key that Qt's editor claims for itself never comes to a menu while one writes."""
        editor = QPlainTextEdit()
        qtbot.addWidget(editor)
        for key in command.keys:
            pressed = QKeySequence(key)[0]
            if key == "?":  # that is a letter, and for text fields to take
                continue
            assert key not in TAKEN_BY_EDITORS
            event = QKeyEvent(
                QEvent.Type.ShortcutOverride, pressed.key(), pressed.keyboardModifiers()
            )
            event.ignore()
            qapp.sendEvent(editor, event)
            assert not event.isAccepted(), key

    @pytest.mark.parametrize("place", ["promptEdit", "galleryView", "guidanceSlider", "seedField"])
    @pytest.mark.parametrize("command", RUN_MENU, ids=name)
    def test_keys_of_a_run_act_from_anywhere(
        self, qtbot: QtBot, window: MainWindow, command: Command, place: str
    ) -> None:
        offer_all(window)
        window.prompt.set_prompt("an owl")
        control = window.findChild(QWidget, place)
        assert control is not None
        control.setFocus()
        heard: list[str] = []
        window.commands[command].triggered.connect(lambda: heard.append("menu"))
        window.prompt.generateRequested.connect(lambda: heard.append("prompt"))
        for key in command.keys:
            pressed = QKeySequence(key)[0]
            qtbot.keyClick(control, pressed.key(), pressed.keyboardModifiers())
        assert len(heard) == len(command.keys)
        prompt = window.findChild(QPlainTextEdit, "promptEdit")
        assert prompt is not None and prompt.toPlainText() == "an owl"

    def test_sheet_opens_by_its_keys_but_not_out_of_a_word(
        self, qtbot: QtBot, window: MainWindow
    ) -> None:
        prompt = window.findChild(QPlainTextEdit, "promptEdit")
        assert prompt is not None
        qtbot.keyClicks(prompt, "who?")
        assert prompt.toPlainText() == "who?"
        assert window.findChild(KeysDialog) is None
        window.gallery.setFocus()
        qtbot.keyClick(window.gallery, "?")
        sheet = window.findChild(KeysDialog)
        assert sheet is not None and sheet.isVisible()
        window.activateWindow()
        qtbot.keyClick(prompt, Qt.Key.Key_F1)
        assert window.findChildren(KeysDialog) == [sheet]
        sheet.close()

    def test_sheet_has_every_key(self, window: MainWindow) -> None:
        sheet = KeysDialog(window)
        sheet.show()
        spoken = {label.accessibleName() for label in sheet.findChildren(QLabel)}
        for command in WITH_KEYS:
            key = QKeySequence(command.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
            assert f"{command.plain_text}: {key}" in spoken
        for label in sheet.findChildren(QLabel):
            assert label.isVisible() and label.width() >= label.sizeHint().width(), label.text()
        titles = [label.text() for label in sheet.findChildren(QLabel)]
        assert all(area.title in titles for area in Area)
        sheet.close()
