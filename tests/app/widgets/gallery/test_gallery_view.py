"""The gallery view: its places with fifty thousand pictures, choosing by pointer and keys, its
menu, notes, what it carries out of the window, texts that stay plain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QItemSelectionModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    Qt,
    QUrl,
)
from PySide6.QtGui import (
    QAccessible,
    QAction,
    QColor,
    QContextMenuEvent,
    QDrag,
    QHelpEvent,
    QImage,
    QPixmap,
    QStandardItem,
    QStandardItemModel,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QLabel,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QStyleOptionViewItem,
    QToolTip,
)
from pytestqt.qtbot import QtBot

from app.widgets.gallery.gallery_geometry import Tiles
from app.widgets.gallery.gallery_view import GalleryView

PROMPT = "<b>an owl</b> & <img src=x>"
MANY = 50_000
PATH = int(Qt.ItemDataRole.UserRole)
FAVOURITE, NOTE = PATH + 1, PATH + 2
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Pictures(QAbstractListModel):
    """Pictures by their names, with the roles that the gallery has; every second thumbnail is a
    QPixmap. asked: how often it was asked for anything of a picture."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.names = list(map(str, range(count)))
        self.favourites: set[str] = set()
        self.asked = 0
        self._image = QImage(32, 16, QImage.Format.Format_RGB888)
        self._image.fill(QColor("#00aa00"))
        self._pixmap = QPixmap.fromImage(self._image)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.names)

    def roleNames(self) -> dict[int, QByteArray]:
        names = {PATH: b"path", FAVOURITE: b"favourite", NOTE: b"note"}
        return {role: QByteArray(name) for role, name in names.items()}

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = 0) -> Any:
        self.asked += 1
        name = self.names[index.row()]
        if role == Qt.ItemDataRole.DecorationRole:
            return self._image if index.row() % 2 else self._pixmap
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"picture {name}"
        if role == PATH:
            return "" if name == "unsaved" else f"/{name}"
        if role == FAVOURITE:
            return name in self.favourites
        if role == NOTE:
            return PROMPT if name == "3" else ""
        return PROMPT if role == Qt.ItemDataRole.ToolTipRole else None

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        carried = QMimeData()
        carried.setUrls([QUrl.fromLocalFile(index.data(PATH)) for index in indexes])
        return carried

    def row_of(self, path: str) -> int:
        name = path.removeprefix("/")
        return self.names.index(name) if name in self.names else -1

    def put_in_front(self, *names: str) -> None:
        self.beginInsertRows(QModelIndex(), 0, len(names) - 1)
        self.names[:0] = names
        self.endInsertRows()

    def begin_anew(self, names: Sequence[str]) -> None:
        self.beginResetModel()
        self.names = list(names)
        self.endResetModel()


@pytest.fixture
def gallery(qtbot: QtBot) -> GalleryView:
    view = GalleryView()
    qtbot.addWidget(view)
    view.resize(230, 400)
    view.show()
    return view


def fill(view: GalleryView, count: int) -> Pictures:
    pictures = Pictures(count)
    pictures.setParent(view)
    view.setModel(pictures)
    view.grab()
    return pictures


@pytest.fixture
def pictures(gallery: GalleryView) -> Pictures:
    return fill(gallery, 30)


@pytest.fixture
def many(gallery: GalleryView) -> Pictures:
    return fill(gallery, MANY)


def place(view: GalleryView, row: int) -> QRect:
    return view.visualRect(view.model().index(row, 0))


def middle(view: GalleryView, row: int) -> QPoint:
    return place(view, row).center()


def top_name(view: GalleryView) -> str:
    return view.value(view.indexAt(QPoint(5, 5)).row(), "path").removeprefix("/")


def choose(view: GalleryView, *rows: int) -> None:
    for row in rows:
        index = view.model().index(row, 0)
        view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.Select)


def click(
    qtbot: QtBot,
    view: GalleryView,
    row: int,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(view.viewport(), left, keys, middle(view, row))


def ask_menu(view: GalleryView, row: int) -> QMenu:
    there = middle(view, row)
    reason, viewport = QContextMenuEvent.Reason.Mouse, view.viewport()
    QApplication.sendEvent(viewport, QContextMenuEvent(reason, there, viewport.mapToGlobal(there)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def entries(menu: QMenu) -> dict[str, QAction]:
    return {action.text(): action for action in menu.actions() if not action.isSeparator()}


class Heard(list[tuple[Any, ...]]):
    """What the view tells, by the names of its signals."""

    def __init__(self, view: GalleryView) -> None:
        super().__init__()
        for name in (
            "imageActivated", "saveRequested", "copyRequested", "revealRequested", "reuseRequested",
            "reuseSeedRequested", "copySettingsRequested", "reopenRequested", "compareRequested",
            "favouriteRequested", "noteRequested", "trashRequested", "lookRequested",
        ):  # fmt: skip
            getattr(view, name).connect(lambda *told, name=name: self.append((name, *told)))


class TestPlaces:
    @given(st.integers(1, 3000), st.integers(1, MANY), st.data())
    def test_every_tile_is_where_it_is_looked_for(
        self, width: int, count: int, data: st.DataObject
    ) -> None:
        tiles = Tiles(width)
        row = data.draw(st.integers(0, count - 1))
        its = tiles.place(row)
        assert its.left() >= 0 and its.right() < width
        assert its.bottom() < tiles.height(count)
        for corner in (its.topLeft(), its.bottomRight(), its.center()):
            assert tiles.row_at(corner) == row
        top = data.draw(st.integers(-50, tiles.height(count) + 50))
        bottom = top + data.draw(st.integers(0, 500))
        near = range(max(0, row - 60), min(count, row + 60))
        touching = [
            r for r in near if tiles.place(r).top() <= bottom and tiles.place(r).bottom() >= top
        ]
        found = tiles.rows_between(top, bottom, count)
        assert [r for r in near if r in found] == touching

    def test_fifty_thousand_cost_what_is_in_sight(self, gallery: GalleryView) -> None:
        pictures = Pictures(MANY)
        pictures.setParent(gallery)
        start = time.perf_counter()
        gallery.setModel(pictures)
        for width in (230, 1000, 230):
            gallery.resize(width, 800)
            QApplication.processEvents()
        for part in (0.1, 0.5, 1.0):
            bar = gallery.verticalScrollBar()
            bar.setValue(int(part * bar.maximum()))
            gallery.viewport().repaint()
        gallery.selectAll()
        gallery.viewport().repaint()
        assert time.perf_counter() - start < 3
        assert pictures.asked < 4000
        assert len(gallery.selected_rows()) == MANY
        last = place(gallery, MANY - 1)
        assert gallery.viewport().rect().contains(last)
        assert gallery.indexAt(last.center()).row() == MANY - 1

    def test_a_thumbnail_that_arrives_moves_nothing(
        self, qtbot: QtBot, gallery: GalleryView
    ) -> None:
        pictures = QStandardItemModel(gallery)
        gallery.setModel(pictures)
        gallery.grab()
        pictures.insertRow(0, QStandardItem())
        qtbot.wait(10)
        before = place(gallery, 0)
        thumbnail = QImage(64, 64, QImage.Format.Format_RGB32)
        thumbnail.fill(QColor("#00aa00"))
        pictures.setData(pictures.index(0, 0), thumbnail, Qt.ItemDataRole.DecorationRole)
        qtbot.wait(10)
        assert place(gallery, 0) == before
        assert gallery.grab().toImage().pixelColor(before.center()) == QColor("#00aa00")

    def test_whole_columns(self, gallery: GalleryView, pictures: Pictures) -> None:
        assert middle(gallery, 0).y() == middle(gallery, 1).y() < middle(gallery, 2).y()
        gallery.resize(420, 400)
        gallery.grab()
        assert middle(gallery, 0).y() == middle(gallery, 3).y() < middle(gallery, 4).y()
        gallery.resize(700, 400)  # a large gallery has larger pictures
        gallery.grab()
        assert middle(gallery, 0).y() == middle(gallery, 3).y() < middle(gallery, 4).y()

    def test_what_is_at_the_top_stays_there(
        self, qtbot: QtBot, gallery: GalleryView, many: Pictures
    ) -> None:
        gallery.scrollTo(many.index(20_000, 0), GalleryView.ScrollHint.PositionAtTop)
        assert top_name(gallery) == "20000"
        many.put_in_front("new", "newer")
        qtbot.waitUntil(lambda: top_name(gallery) == "20000")
        gallery.resize(800, 300)
        QApplication.processEvents()
        first = gallery.indexAt(QPoint(5, 5)).row()
        assert first <= many.names.index("20000") < first + 5
        gallery.resize(230, 400)
        choose(gallery, many.names.index("19990"))
        gallery.scrollTo(many.index(20_002, 0), GalleryView.ScrollHint.PositionAtTop)
        many.begin_anew(list(map(str, range(0, MANY, 10))))  # 20000 is there, 20002 is not
        qtbot.waitUntil(lambda: top_name(gallery) == "20000")
        assert gallery.selected_rows() == [1999]
        assert gallery.currentIndex().row() == 1999
        many.begin_anew(["1", "2"])
        QApplication.processEvents()
        assert gallery.selected_rows() == []
        assert gallery.verticalScrollBar().maximum() == 0

    def test_new_pictures_are_seen_from_the_top(self, gallery: GalleryView, many: Pictures) -> None:
        many.put_in_front("new")
        QApplication.processEvents()
        assert top_name(gallery) == "new"

    def test_the_wheel_glides(self, qtbot: QtBot, gallery: GalleryView, many: Pictures) -> None:
        bar = gallery.verticalScrollBar()
        seen: list[int] = []
        bar.valueChanged.connect(seen.append)
        there = QPointF(gallery.viewport().rect().center())
        turn = QWheelEvent(
            there, gallery.viewport().mapToGlobal(there), QPoint(), QPoint(0, -120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(gallery.viewport(), turn)
        QApplication.sendEvent(gallery.viewport(), turn)
        qtbot.waitUntil(lambda: bar.value() == 6 * bar.singleStep())
        assert seen == sorted(seen)

    def test_screen_readers_find_every_picture(self, gallery: GalleryView, many: Pictures) -> None:
        read = QAccessible.queryAccessibleInterface(gallery)
        while read.childCount() == 1:
            read = read.child(0)
        assert read.role() == QAccessible.Role.List
        assert read.childCount() == MANY
        assert read.child(MANY - 1).text(QAccessible.Text.Name) == f"picture {MANY - 1}"

    def test_without_a_model(self, gallery: GalleryView, pictures: Pictures) -> None:
        gallery.setModel(None)
        assert not gallery.grab().isNull()
        assert gallery.selected_rows() == []

    def test_empty_gallery_has_words(self, gallery: GalleryView) -> None:
        usual = gallery.grab().toImage()
        assert any(usual.pixelColor(x, 200) != usual.pixelColor(0, 0) for x in range(230))
        gallery.set_empty_text("Nothing fits.")
        assert gallery.grab().toImage() != usual


class TestChoosing:
    def test_click_and_enter_show(
        self, qtbot: QtBot, gallery: GalleryView, pictures: Pictures
    ) -> None:
        heard = Heard(gallery)
        click(qtbot, gallery, 2)
        assert heard == [("imageActivated", 2)]
        qtbot.keyClick(gallery, Qt.Key.Key_Down)
        qtbot.keyClick(gallery, Qt.Key.Key_Return)
        assert heard[1:] == [("imageActivated", 4), ("imageActivated", 4), ("lookRequested",)]
        click(qtbot, gallery, 4)
        heard.clear()
        qtbot.mouseDClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=middle(gallery, 4))
        assert ("lookRequested",) in heard
        assert {told[1] for told in heard if told[1:]} == {4}

    @pytest.mark.parametrize(
        ("key", "start", "reached"),
        [
            (Qt.Key.Key_Left, 5, 4),
            (Qt.Key.Key_Right, 5, 6),
            (Qt.Key.Key_Up, 5, 3),
            (Qt.Key.Key_Up, 1, 1),
            (Qt.Key.Key_Down, MANY - 1, MANY - 1),
            (Qt.Key.Key_Home, 777, 0),
            (Qt.Key.Key_End, 5, MANY - 1),
            (Qt.Key.Key_PageDown, 1, 7),
            (Qt.Key.Key_PageUp, 9, 3),
            (Qt.Key.Key_PageUp, 3, 1),
            (Qt.Key.Key_PageDown, MANY - 3, MANY - 1),
        ],
    )
    def test_keys_show_and_bring_into_sight(
        self,
        qtbot: QtBot,
        gallery: GalleryView,
        many: Pictures,
        key: Qt.Key,
        start: int,
        reached: int,
    ) -> None:
        gallery.setCurrentIndex(many.index(start, 0))
        heard = Heard(gallery)
        qtbot.keyClick(gallery, key)
        assert gallery.currentIndex().row() == reached
        assert heard == ([("imageActivated", reached)] if reached != start else [])
        assert gallery.viewport().rect().contains(place(gallery, reached))

    def test_down_over_a_short_last_line(self, qtbot: QtBot, gallery: GalleryView) -> None:
        fill(gallery, 31)
        gallery.setCurrentIndex(gallery.model().index(29, 0))
        qtbot.keyClick(gallery, Qt.Key.Key_Down)
        assert gallery.currentIndex().row() == 30

    def test_choosing_by_program_tells_nobody(
        self, gallery: GalleryView, pictures: Pictures
    ) -> None:
        heard = Heard(gallery)
        gallery.setCurrentIndex(pictures.index(5, 0))
        assert not heard

    def test_several_are_chosen_without_looking_at_each(
        self, qtbot: QtBot, gallery: GalleryView, pictures: Pictures
    ) -> None:
        click(qtbot, gallery, 1)
        heard = Heard(gallery)
        click(qtbot, gallery, 4, SHIFT)
        assert gallery.selected_rows() == [1, 2, 3, 4]
        click(qtbot, gallery, 2, CTRL)
        click(qtbot, gallery, 5, CTRL)
        assert gallery.selected_rows() == [1, 3, 4, 5]
        assert not heard
        click(qtbot, gallery, 0)
        qtbot.keyClick(gallery, Qt.Key.Key_Down, SHIFT)
        assert gallery.selected_rows() == [0, 1, 2]
        qtbot.keyClick(gallery, Qt.Key.Key_A, CTRL)
        assert gallery.selected_rows() == list(range(30))

    def test_a_frame_chooses_what_it_touches(self, qtbot: QtBot, gallery: GalleryView) -> None:
        fill(gallery, 5)  # the place beside the last one is empty
        viewport = gallery.viewport()
        start = middle(gallery, 4) + QPoint(place(gallery, 4).width(), 0)
        qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
        qtbot.mouseMove(viewport, start - QPoint(0, 40))
        qtbot.mouseMove(viewport, middle(gallery, 1))
        qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=middle(gallery, 1))
        assert gallery.selected_rows() == [1, 3]

    def test_keys_act_on_what_is_chosen(
        self, qtbot: QtBot, gallery: GalleryView, pictures: Pictures
    ) -> None:
        pictures.favourites = {"2"}
        choose(gallery, 2, 4)
        heard = Heard(gallery)
        qtbot.keyClick(gallery, Qt.Key.Key_F)
        pictures.favourites = {"2", "4"}
        qtbot.keyClick(gallery, Qt.Key.Key_F)
        qtbot.keyClick(gallery, Qt.Key.Key_Delete)
        qtbot.keyClick(gallery, Qt.Key.Key_C, CTRL)
        qtbot.keyClick(gallery, Qt.Key.Key_X)
        assert heard == [
            ("favouriteRequested", [2, 4], True),
            ("favouriteRequested", [2, 4], False),
            ("trashRequested", [2, 4]),
            ("copyRequested", 4),
        ]

    def test_the_pointer_draws_a_ring(
        self, qtbot: QtBot, gallery: GalleryView, pictures: Pictures
    ) -> None:
        before = gallery.grab(place(gallery, 1)).toImage()
        qtbot.mouseMove(gallery.viewport(), middle(gallery, 1))
        assert gallery.grab(place(gallery, 1)).toImage() != before

    def test_favourites_and_notes_are_marked(
        self, gallery: GalleryView, pictures: Pictures
    ) -> None:
        def corner(row: int) -> QImage:
            its = place(gallery, row)
            return gallery.grab(QRect(its.right() - 50, its.top(), 50, 30)).toImage()

        plain = corner(5)
        assert corner(7) == plain != corner(3)
        pictures.favourites = {"5"}
        assert corner(5) not in (plain, corner(3))


class TestMenu:
    def test_one_picture(self, gallery: GalleryView, pictures: Pictures) -> None:
        heard = Heard(gallery)
        menu = ask_menu(gallery, 4)
        for words, action in entries(menu).items():
            if words != "Note…":
                action.trigger()
        menu.close()
        assert heard == [
            ("imageActivated", 4),
            ("lookRequested",),
            ("reuseRequested", 4),
            ("reuseSeedRequested", 4),
            ("copySettingsRequested", 4),
            ("reopenRequested", 4),
            ("favouriteRequested", [4], True),
            ("saveRequested", 4),
            ("copyRequested", 4),
            ("revealRequested", 4),
            ("trashRequested", [4]),
        ]

    def test_two_pictures(self, gallery: GalleryView, pictures: Pictures) -> None:
        pictures.favourites = {"5"}
        choose(gallery, 5, 2)
        heard = Heard(gallery)
        menu = ask_menu(gallery, 5)
        for action in entries(menu).values():
            action.trigger()
        menu.close()
        assert heard == [
            ("compareRequested", 2, 5),
            ("favouriteRequested", [2, 5], True),
            ("favouriteRequested", [2, 5], False),
            ("trashRequested", [2, 5]),
        ]

    def test_another_than_those_that_are_chosen(
        self, gallery: GalleryView, pictures: Pictures
    ) -> None:
        choose(gallery, 2, 5)
        menu = ask_menu(gallery, 3)
        assert "Compare" not in entries(menu)
        menu.close()

    def test_pictures_that_come_while_it_is_open(
        self, gallery: GalleryView, pictures: Pictures
    ) -> None:
        """The menu means the pictures that it was opened for, not their numbers."""
        heard = Heard(gallery)
        menu = ask_menu(gallery, 4)
        pictures.put_in_front("new")
        entries(menu)["Move to trash"].trigger()
        pictures.begin_anew(["7", "8"])
        entries(menu)["Move to trash"].trigger()
        entries(menu)["Show"].trigger()
        menu.close()
        assert heard == [("trashRequested", [5])]

    def test_a_picture_in_memory_only(self, gallery: GalleryView, pictures: Pictures) -> None:
        pictures.names[0] = "unsaved"
        menu = ask_menu(gallery, 0)
        faint = [words for words, action in entries(menu).items() if not action.isEnabled()]
        menu.close()
        assert faint == ["Favourite", "Note…", "Show in folder", "Move to trash"]

    def test_without_roles(self, gallery: GalleryView) -> None:
        plain = QStandardItemModel(3, 1, gallery)
        gallery.setModel(plain)
        gallery.grab()
        menu = ask_menu(gallery, 1)
        assert all(action.isEnabled() for action in entries(menu).values())
        menu.close()


class TestNotes:
    def test_written_for_the_picture_wherever_it_is_now(
        self, qtbot: QtBot, gallery: GalleryView, pictures: Pictures
    ) -> None:
        heard = Heard(gallery)
        for change in (
            lambda: pictures.put_in_front("new"),
            lambda: pictures.begin_anew(["9", "8", "7", "6", "3"]),
        ):
            choose(gallery, pictures.names.index("3"))
            qtbot.keyClick(gallery, Qt.Key.Key_F2)
            dialog = gallery.findChild(QDialog, "noteDialog")
            edit = dialog.findChild(QPlainTextEdit)
            assert edit.toPlainText() == PROMPT
            edit.setPlainText("<i>two</i>\nlines ")
            change()
            qtbot.keyClick(edit, Qt.Key.Key_Return, CTRL)
            qtbot.waitUntil(lambda: gallery.findChild(QDialog, "noteDialog") is None)
        assert heard == [
            ("noteRequested", 4, "<i>two</i>\nlines"),
            ("noteRequested", 4, "<i>two</i>\nlines"),
        ]

    def test_left_as_it_was(self, qtbot: QtBot, gallery: GalleryView, pictures: Pictures) -> None:
        heard = Heard(gallery)
        gallery.edit_note(3)
        dialog = gallery.findChild(QDialog, "noteDialog")
        for label in dialog.findChildren(QLabel):
            assert label.textFormat() == Qt.TextFormat.PlainText
        for control in (*dialog.findChildren(QPushButton), *dialog.findChildren(QPlainTextEdit)):
            assert control.accessibleName() and len(control.toolTip()) > 15
        qtbot.mouseClick(
            dialog.findChild(QPushButton, "noteCancelButton"), Qt.MouseButton.LeftButton
        )
        assert not heard


def test_pictures_are_carried_out_as_copies(
    qtbot: QtBot, gallery: GalleryView, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[tuple[list[str], Any]] = []

    def carry(drag: QDrag, action: Qt.DropAction) -> Qt.DropAction:
        carried.append(([url.toLocalFile() for url in drag.mimeData().urls()], action))
        return action

    monkeypatch.setattr(QDrag, "exec", carry)
    heard = Heard(gallery)
    choose(gallery, 4, 3)
    viewport = gallery.viewport()
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=middle(gallery, 3))
    qtbot.mouseMove(viewport, middle(gallery, 3) + QPoint(2, 0))
    assert not carried
    qtbot.mouseMove(viewport, middle(gallery, 1))
    assert carried == [(["/3", "/4"], Qt.DropAction.CopyAction)]
    qtbot.mouseMove(viewport, middle(gallery, 0))
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=middle(gallery, 0))
    assert len(carried) == 1 and not heard
    assert gallery.selected_rows() == [3, 4]


def test_tooltip_is_plain_text(
    gallery: GalleryView, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda place, text, view: shown.append(text))
    event = QHelpEvent(QHelpEvent.Type.ToolTip, QPoint(5, 5), QPoint(5, 5))
    index = pictures.index(0, 0)
    gallery.itemDelegate().helpEvent(event, gallery, QStyleOptionViewItem(), index)
    assert "<b>" not in shown[0]
    assert "&lt;b&gt;an owl" in shown[0]
