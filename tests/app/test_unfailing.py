"""No paint and no answer of an item model raises, whatever is in the rows; what nobody has caught
reaches the person, from any thread, once."""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QListView, QStyleOptionViewItem, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.main import Application
from app.state.gallery import keeper as gallery_keeper
from app.state.gallery.image_row import COLUMNS, ImageFacts
from app.state.models.downloads import StartingPoints
from app.unfailing import Complaints, tell_the_person, unfailing
from app.widgets.basic.plain_delegate import PlainDelegate
from app.widgets.gallery.gallery_view import GalleryView
from app.widgets.models.library_view import LibraryView
from app.widgets.picture.difference_table import Differences
from app.widgets.runs.queue_view import QueueView

ROOT = Path(__file__).parents[2]
ASKED = {"paintEvent", "data", "headerData", "initStyleOption", "sizeHint", "minimumSizeHint"}
"""What Qt calls while it draws."""

Told = list[BaseException]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Every error that has been told."""
    found: Told = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: found.append(error))
    yield found


def methods() -> list[tuple[str, ast.FunctionDef]]:
    found = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                of = [part for part in node.body if isinstance(part, ast.FunctionDef)]
                found += [(f"{path.name}: {node.name}.{part.name}", part) for part in of]
    return found


def test_all_that_qt_calls_to_draw_is_guarded() -> None:
    asked = [(name, method) for name, method in methods() if method.name in ASKED]
    assert len(asked) > 20
    bare = [
        name
        for name, method in asked
        if not any("unfailing" in ast.unparse(one) for one in method.decorator_list)
    ]
    assert not bare
    # Delegates paint in `draw`, which `PlainDelegate.paint` guards.
    painting = sorted(name for name, method in methods() if method.name == "paint")
    assert sorted(painting) == [
        "curve_plot.py: CurvePlot.paint",
        "plain_delegate.py: PlainDelegate.paint",
    ]


class Odd(QAbstractListModel):
    """Rows with what no row should have; the third raises."""

    VALUES: tuple[Any, ...] = (None, QImage(), 7, "\ud800", object(), b"x", [1], float("nan"))

    def rowCount(self, parent: Any = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.VALUES)

    def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return self.VALUES[index.row()]


def draw(view: QWidget, qtbot: QtBot) -> QImage:
    qtbot.addWidget(view)
    view.resize(400, 400)
    view.show()
    return view.grab().toImage()


@pytest.mark.parametrize("view", [GalleryView, QueueView, LibraryView])
def test_odd_rows_are_drawn_without_a_word(
    qtbot: QtBot, told: Told, view: Callable[[], Any]
) -> None:
    shown, rows = view(), Odd()
    for set_rows in ("set_model", "set_plans", "setModel"):
        if hasattr(shown, set_rows):
            getattr(shown, set_rows)(rows)
            break
    delegate = shown.itemDelegate()
    for name in ("favourite_role", "note_role", "state_role"):
        if hasattr(delegate, name):
            setattr(delegate, name, Qt.ItemDataRole.UserRole)
    draw(shown, qtbot)
    assert not told


class Breaking(PlainDelegate):
    def draw(self, painter: QPainter, option: QStyleOptionViewItem, index: Any) -> None:
        if index.row() == 1:
            painter.translate(1000, 1000)
            raise KeyError("row 1")
        super().draw(painter, option, index)


def test_a_row_that_cannot_be_drawn_leaves_the_others_as_they_are(qtbot: QtBot, told: Told) -> None:
    from PySide6.QtCore import QStringListModel

    view, plain = QListView(), QListView()
    lines = QStringListModel(["one", "", "three"])
    for list_ in (view, plain):
        list_.setModel(lines)
    view.setItemDelegate(Breaking(view))
    assert draw(view, qtbot) == draw(plain, qtbot)
    draw(view, qtbot)
    assert [type(error) for error in told] == [KeyError]  # once


class Broken(QWidget):
    @unfailing()
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawLine(0, 0, 9, 9)
        raise ValueError("in the middle")

    @unfailing(QSize(7, 7))
    def sizeHint(self) -> QSize:
        raise ValueError("no size")


def test_a_paint_that_fails_leaves_the_window_to_be_painted(qtbot: QtBot, told: Told) -> None:
    """Qt warns of a painter that is left behind, which fails this test too."""
    window = QWidget()
    layout = QVBoxLayout(window)
    broken, label = Broken(), QLabel("seen")
    layout.addWidget(broken)
    layout.addWidget(label)
    first = draw(window, qtbot)
    label.setText("")
    window.repaint()
    assert window.grab().toImage() != first
    assert broken.sizeHint() == QSize(7, 7)
    assert len(told) == 2


def models(application: Application) -> dict[str, QAbstractItemModel]:
    return {
        "gallery": application.gallery,
        "library": application.library.model,
        "queue": application.queue_list,
        "starting points": StartingPoints(application),
        "differences": Differences(application),
    }


def test_no_model_minds_what_it_is_asked(application: Application, told: Told) -> None:
    roles = [*range(20), *range(255, 280), -1, 2**31 - 1]
    for name, model in models(application).items():
        for row, column in ((-1, -1), (0, 0), (0, 99), (99, 0), (10**6, 0), (0, -1)):
            index = model.createIndex(row, column)
            for role in roles:
                model.data(index, role)
                model.headerData(column, Qt.Orientation.Horizontal, role)
        assert not told, name


def test_an_uncaught_error_is_told_once_from_any_thread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # both are put back after the test
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    sentences: list[str] = []
    tell_the_person(sentences.append)

    def fail() -> None:
        raise RuntimeError("of a thread")

    for _ in range(3):
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert sentences == [
        "Something unexpected happened (RuntimeError: of a thread). You can go on."
    ]
    assert capsys.readouterr().err.count("RuntimeError: of a thread") == 3
    Complaints().tell(ValueError("here"))
    assert len(sentences) == 2


def test_odd_rows_of_the_gallery_are_told_and_shown_as_nothing(
    application: Application, told: Told
) -> None:
    gallery = application.gallery
    row = ImageFacts("", "a.png", 0, 0, prompt="an owl").to_row()
    odd = row.replaced(**dict.fromkeys(COLUMNS))
    gallery._rows, gallery._keys = [odd, None], ["a.png", "b.png"]
    for row in range(2):
        for role in range(20):
            gallery.data(gallery.createIndex(row, 0), role)
    assert {type(error) for error in told} <= {TypeError, AttributeError}
    assert len(told) < 10  # once each
    gallery._rows, gallery._keys = [], []


def test_the_gallery_goes_on_after_an_error_of_its_own(
    qtbot: QtBot, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the next look at the folder, and it complains once."""
    sentences: list[str] = []
    application.gallery.failed.connect(sentences.append)
    folder = application.gallery._folder
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)

    def fail(*_: object) -> None:
        raise RuntimeError("of a kind that nobody thought of")

    with monkeypatch.context() as patch:
        patch.setattr(gallery_keeper, "scanned", fail)
        for _ in range(3):
            application.gallery._look()
            qtbot.wait(300)
    assert len(sentences) == 1
    QImage(8, 8, QImage.Format.Format_RGB32).save(str(folder / "a.png"))
    application.gallery._look()
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 1)
