"""Where the tiles are, with fifty thousand pictures."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QImage,
    QStandardItem,
    QStandardItemModel,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.widgets.gallery.gallery_geometry import Tiles
from app.widgets.gallery.gallery_view import GalleryView
from tests.app.widgets.gallery.pictures import MANY, Pictures, choose, middle, place, top_name


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
