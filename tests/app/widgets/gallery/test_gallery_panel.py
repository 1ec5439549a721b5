"""The gallery panel: what is searched, filtered and sorted is told; what it is told can be seen."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QMenu,
    QProgressBar,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import theme
from app.widgets.gallery.gallery_panel import ROOMY, GalleryPanel

HOSTILE = "<b>cats</b> & dogs\tCtrl+Q\n" + "x" * 500


@pytest.fixture
def panel(qtbot: QtBot, qapp: QApplication) -> GalleryPanel:
    theme.apply(qapp, "dark")
    made = GalleryPanel()
    qtbot.addWidget(made)
    made.resize(230, 600)
    made.show()
    qtbot.waitUntil(made.isActiveWindow)
    return made


@pytest.fixture
def heard(panel: GalleryPanel) -> list[tuple[Any, ...]]:
    told: list[tuple[Any, ...]] = []
    for name in (
        "searchChanged", "modelChosen", "schedulerChosen", "favouritesToggled", "sinceChosen",
        "sortChosen", "undoRequested", "largeToggled",
    ):  # fmt: skip
        getattr(panel, name).connect(lambda *values, name=name: told.append((name, *values)))
    return told


def named(panel: GalleryPanel, name: str) -> Any:
    found = panel.findChild(QWidget, name)
    assert found is not None, name
    return found


def entry(panel: GalleryPanel, text: str) -> QAction:
    found = [action for action in panel.findChildren(QAction) if action.text() == text]
    assert len(found) == 1, text
    return found[0]


def filter_words(panel: GalleryPanel) -> str:
    """What stands beside the button that clears the filters, "" while it is hidden."""
    line = named(panel, "galleryClearButton").parentWidget()
    return line.findChild(QLabel).text() if line.isVisible() else ""


def test_search_waits_for_the_typing_to_rest(
    qtbot: QtBot, panel: GalleryPanel, heard: list[tuple[Any, ...]]
) -> None:
    line: QLineEdit = named(panel, "gallerySearch")
    qtbot.keyClicks(line, "an owl")
    assert not heard
    qtbot.waitUntil(lambda: heard == [("searchChanged", "an owl")], timeout=1000)
    qtbot.keyClicks(line, "s")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert heard[1:] == [("searchChanged", "an owls")]
    qtbot.keyClick(line, Qt.Key.Key_Escape)
    assert heard[2:] == [("searchChanged", "")]
    line.setText("x")
    cross = [b for b in line.findChildren(QAbstractButton) if "Clear" in b.accessibleName()]
    assert cross[0].isVisible()
    cross[0].click()
    assert line.text() == ""
    qtbot.keyClicks(line, "owl")
    qtbot.keyClick(line, Qt.Key.Key_Down)
    assert heard[3:] == [("searchChanged", "owl")]
    assert panel.focusWidget() is panel.view


def test_filters_are_told_seen_and_cleared_at_once(
    panel: GalleryPanel, heard: list[tuple[Any, ...]]
) -> None:
    panel.set_choices(["emoji", HOSTILE], ["ddim", "unipc"])
    button: QPushButton = named(panel, "galleryFilterButton")
    assert not button.isChecked() and filter_words(panel) == ""
    entry(panel, "Favourites only").trigger()
    entry(panel, "emoji").trigger()
    entry(panel, "unipc").trigger()
    entry(panel, "The last 7 days").trigger()
    assert heard == [
        ("favouritesToggled", True),
        ("modelChosen", "emoji"),
        ("schedulerChosen", "unipc"),
        ("sinceChosen", 7),
    ]
    assert button.isChecked()
    assert filter_words(panel) == "Favourites · emoji · unipc · The last 7 days"
    panel.set_choices([], ["ddim"])  # its last picture is gone; the filter is not
    assert entry(panel, "emoji").isChecked()
    heard.clear()
    named(panel, "galleryClearButton").click()
    assert sorted(heard) == [
        ("favouritesToggled", False),
        ("modelChosen", ""),
        ("schedulerChosen", ""),
        ("sinceChosen", 0),
    ]
    assert not button.isChecked() and filter_words(panel) == ""


def test_names_stay_text(panel: GalleryPanel, heard: list[tuple[Any, ...]]) -> None:
    panel.set_choices([HOSTILE], [])
    menus = panel.findChildren(QMenu)
    labels = [action.text() for menu in menus for action in menu.actions()]
    label = next(text for text in labels if "cats" in text)
    assert "\t" not in label and "\n" not in label and len(label) < 80 and "&&" in label
    entry(panel, label).trigger()
    assert heard == [("modelChosen", HOSTILE)]
    assert filter_words(panel) == HOSTILE
    for each in panel.findChildren(QLabel):
        assert each.textFormat() == Qt.TextFormat.PlainText
        assert "<b>" not in each.toolTip()
    QApplication.processEvents()
    assert panel.width() == 230


def test_orders(panel: GalleryPanel, heard: list[tuple[Any, ...]]) -> None:
    for words in ("Oldest first", "By name", "By seed", "By model", "Newest first"):
        entry(panel, words).trigger()
    orders = ("oldest", "name", "seed", "model", "newest")
    assert heard == [("sortChosen", order) for order in orders]
    assert named(panel, "gallerySort").accessibleDescription() == "Newest first"


def test_another_question_begins_at_the_top(qtbot: QtBot, panel: GalleryPanel) -> None:
    panel.view.setModel(QStandardItemModel(5000, 1, panel))
    panel.grab()
    bar = panel.view.verticalScrollBar()
    for ask in (
        lambda: entry(panel, "By name").trigger(),
        lambda: entry(panel, "Favourites only").trigger(),
        lambda: qtbot.keyClick(named(panel, "gallerySearch"), Qt.Key.Key_Return),
    ):
        named(panel, "gallerySearch").setText("owl")
        bar.setValue(bar.maximum())
        assert bar.value() > 0
        ask()
        assert bar.value() == 0


def test_counts(panel: GalleryPanel) -> None:
    count: QLabel = named(panel, "galleryCount")
    assert count.text() == ""
    panel.set_count(1204, 1204)
    assert count.text().replace(",", "") == "1204"
    panel.set_count(12, 50_000)
    assert count.text().replace(",", "") == "12 of 50000"


def test_words_of_an_empty_gallery(panel: GalleryPanel) -> None:
    nothing_yet = panel.view.grab().toImage()
    entry(panel, "Today").trigger()
    QApplication.processEvents()
    panel.view.resize(nothing_yet.size())
    assert panel.view.grab().toImage() != nothing_yet
    named(panel, "galleryClearButton").click()
    QApplication.processEvents()
    assert panel.view.grab().toImage() == nothing_yet


def test_indexing_is_a_thin_line(panel: GalleryPanel) -> None:
    line: QProgressBar = named(panel, "galleryIndexing")
    assert not line.isVisible()
    panel.set_indexing(500, 2000)
    assert line.isVisible() and (line.value(), line.maximum()) == (500, 2000)
    assert "500" in line.accessibleDescription()
    panel.set_indexing(0, 0)
    assert not line.isVisible()


def test_undo(qtbot: QtBot, panel: GalleryPanel, heard: list[tuple[Any, ...]]) -> None:
    button: QAbstractButton = named(panel, "galleryUndoButton")
    said = button.parentWidget()
    assert not said.isVisible()
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not heard
    panel.set_undo(1)
    assert said.accessibleName() == "1 picture moved to the trash."
    panel.set_undo(2)
    assert said.accessibleName() == "2 pictures moved to the trash."
    assert said.isVisible()
    button.click()
    qtbot.keyClick(panel.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert heard == [("undoRequested",), ("undoRequested",)]
    panel.set_undo(0)
    assert not said.isVisible()


@pytest.mark.parametrize("width", [130, ROOMY - 1, ROOMY, 230, 1200])
def test_everything_fits(panel: GalleryPanel, width: int) -> None:
    panel.resize(width, 400)
    panel.set_undo(2)
    panel.set_count(12, 50_000)
    entry(panel, "Favourites only").trigger()
    QApplication.processEvents()
    assert panel.width() == width
    for name in (
        "gallerySearch", "gallerySort", "galleryFilterButton", "galleryClearButton",
        "galleryLargeButton", "galleryUndoButton",
    ):  # fmt: skip
        control = named(panel, name)
        assert control.width() >= control.minimumSizeHint().width(), name
        corner = control.mapTo(panel, control.rect().bottomRight())
        assert panel.rect().contains(corner), name
    assert named(panel, "gallerySearch").width() >= 90
    assert panel.view.height() > 100
