"""The gallery view: choosing by pointer and keys, what it carries out of the window, texts that
stay plain."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QDrag, QHelpEvent, QImage
from PySide6.QtWidgets import QStyleOptionViewItem, QToolTip
from pytestqt.qtbot import QtBot

from app.widgets.gallery.gallery_view import GalleryView
from tests.app.widgets.gallery.pictures import (
    MANY,
    Heard,
    Pictures,
    choose,
    click,
    fill,
    middle,
    place,
)

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


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
