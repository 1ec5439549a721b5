"""The library dialog: what it shows of the models and offers to do with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from app.state.models.library import Library
from app.windows.library_dialog import LibraryDialog
from tests.app.library_desk import (
    SD1,
    SD2,
    Open,
    add,
    heard,
    libraries,
    models_folder,
    shown,
)
from tests.checkpoints import VAE, write


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return models_folder(tmp_path)


@pytest.fixture
def kept() -> list[Preferences]:
    """The preferences of the libraries that were opened."""
    return []


@pytest.fixture
def open_library(qtbot: QtBot, tmp_path: Path, kept: list[Preferences]) -> Iterator[Open]:
    with libraries(qtbot, tmp_path, kept) as open_one:
        yield open_one


@pytest.fixture
def dialog(qtbot: QtBot) -> LibraryDialog:
    dialog = LibraryDialog()
    qtbot.addWidget(dialog)
    return dialog


@pytest.fixture
def library(qtbot: QtBot, open_library: Open, dialog: LibraryDialog, models: Path) -> Library:
    """Connected to the dialog as app.main does it, with models to show."""
    for name, shapes in (("asks", SD2), ("sd1", SD1), ("vae", VAE)):
        write(models / f"{name}.safetensors", shapes)
    (models / "bad.safetensors").write_bytes(b"<html>")
    library = open_library(announced=False)
    dialog.set_models(library.model)
    library.foldersChanged.connect(dialog.set_folders)
    library.scanningChanged.connect(dialog.set_scanning)
    library.verifyingChanged.connect(dialog.set_verifying)
    library.noteChanged.connect(dialog.set_note)
    dialog.opened.connect(library.refresh)
    dialog.folderAdded.connect(library.add_folder)
    dialog.folderRemoved.connect(library.remove_folder)
    dialog.revealRequested.connect(library.reveal)
    dialog.verifyRequested.connect(library.verify)
    dialog.stopVerifyRequested.connect(library.stop_verifying)
    dialog.predictionTypeChosen.connect(library.set_prediction_type)
    dialog.filterChanged.connect(library.set_filter)
    library.announce()
    dialog.open_up()
    add(qtbot, library, models)
    return library


def select(dialog: LibraryDialog, library: Library, name: str) -> None:
    dialog.view.selectRow(shown(library).index(name))


def part(dialog: LibraryDialog, kind: type[Any], name: str) -> Any:
    return dialog.findChild(kind, name)


def test_the_dialog_offers_what_can_be_done(
    qtbot: QtBot, dialog: LibraryDialog, library: Library, models: Path
) -> None:
    load = part(dialog, QPushButton, "loadModelButton")
    about = part(dialog, QPlainTextEdit, "libraryProblem")
    asked = heard(dialog.loadRequested)
    assert not load.isEnabled() and about.toPlainText() == ""
    for name, loadable in (("sd1", True), ("bad", False), ("vae", False), ("Emoji", True)):
        select(dialog, library, name)
        assert load.isEnabled() == loadable
        qtbot.keyClick(dialog.view, Qt.Key.Key_Return)
    assert asked == [str(models / "sd1.safetensors"), "bundled"]
    select(dialog, library, "bad")
    assert "web page" in about.toPlainText()
    write(models / "bad.safetensors", SD1)  # it is mended while it is looked at
    qtbot.waitUntil(load.isEnabled)
    assert about.toPlainText() == str(models / "bad.safetensors")
    load.click()
    assert asked[-1] == str(models / "bad.safetensors")


def test_the_dialog_asks_what_a_file_predicts(
    qtbot: QtBot, dialog: LibraryDialog, library: Library, models: Path
) -> None:
    picker = part(dialog, QComboBox, "predictionPicker")
    select(dialog, library, "Emoji")
    assert not picker.isVisible()
    select(dialog, library, "sd1")
    assert picker.isVisible() and picker.currentText() == "epsilon, says the file"
    select(dialog, library, "asks")
    assert picker.currentText().startswith("not told")
    picker.setCurrentIndex(picker.findData("epsilon"))
    picker.activated.emit(picker.currentIndex())
    assert library.prediction_type(str(models / "asks.safetensors")) == "epsilon"
    select(dialog, library, "sd1")
    select(dialog, library, "asks")
    assert picker.currentText() == "epsilon"


def test_the_dialog_filters_verifies_and_takes_folders_out(
    qtbot: QtBot, dialog: LibraryDialog, library: Library, models: Path
) -> None:
    field = part(dialog, QLineEdit, "libraryFilter")
    qtbot.keyClicks(field, "sd1 ready")
    assert shown(library) == ["sd1"]
    field.clear()
    select(dialog, library, "sd1")
    notes = heard(library.noteChanged)
    part(dialog, QPushButton, "verifyButton").click()
    qtbot.waitUntil(lambda: len(notes) == 1)
    assert part(dialog, QPushButton, "verifyButton").text() == "Verify"
    menu = part(dialog, QPushButton, "removeFolderButton").menu()
    (entry,) = menu.actions()
    assert entry.text() == str(models)
    entry.trigger()
    assert shown(library) == ["Emoji"]
    assert not part(dialog, QPushButton, "removeFolderButton").isEnabled()


def test_every_control_of_the_dialog_says_what_it_does(
    dialog: LibraryDialog, library: Library
) -> None:
    names = {
        "libraryFilter", "addFolderButton", "removeFolderButton", "libraryDownloadButton",
        "libraryView", "libraryProblem", "predictionPicker", "verifyProgressBar",
        "revealModelButton", "verifyButton", "loadModelButton",
    }  # fmt: skip
    for name in names:
        control = part(dialog, QWidget, name)
        assert control.accessibleName() and len(control.toolTip()) > 20, name
    asked = heard(dialog.downloadRequested)
    part(dialog, QPushButton, "libraryDownloadButton").click()
    assert len(asked) == 1 and not dialog.isModal()
