"""The timeline strip and its geometry: the step under the pointer, the keys, a thousand steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app import theme
from app.widgets.strip_geometry import MIN_SLOT, StripGeometry, corners
from app.widgets.timeline_strip import TimelineStrip

LEFT = Qt.MouseButton.LeftButton
totals = st.integers(1, 1000)
widths = st.floats(1, 3000)


class TestGeometry:
    @given(totals, widths)
    def test_every_step_belongs_to_one_column(self, total: int, width: float) -> None:
        geometry = StripGeometry(total, 80, width)
        steps = [step for column in range(geometry.columns) for step in geometry.steps_of(column)]
        assert steps == list(range(total))

    @given(totals, widths, st.data())
    def test_step_under_its_own_middle(self, total: int, width: float, data: st.DataObject) -> None:
        geometry = StripGeometry(total, 80, width)
        index = data.draw(st.integers(0, total - 1))
        assert geometry.index_at(geometry.x_of(index)) == index
        assert index in geometry.steps_of(geometry.column_of(index))

    @given(totals, widths, st.floats(-1e6, 1e6))
    def test_any_place_is_a_step(self, total: int, width: float, x: float) -> None:
        assert 0 <= StripGeometry(total, 80, width).index_at(x) < total

    def test_corners_of_a_curve(self) -> None:
        assert corners([]) == []
        assert corners([(3, 5.0)]) == [(3, 5.0)]
        level = [(index, 5.0) for index in range(6)]
        assert corners(level) == [(0, 5.0), (5, 5.0)]
        assert corners([*level, (6, 7.0)]) == [(0, 5.0), (5, 5.0), (6, 7.0)]

    @given(totals, st.floats(MIN_SLOT, 3000))
    def test_stays_inside(self, total: int, width: float) -> None:
        assert StripGeometry(total, 80, width).right <= 80 + width + 1e-6


def picture(colour: str = "#ff0000") -> QImage:
    image = QImage(128, 96, QImage.Format.Format_RGB888)
    image.fill(QColor(colour))
    return image


@pytest.fixture
def strip(qtbot: QtBot) -> TimelineStrip:
    made = TimelineStrip()
    qtbot.addWidget(made)
    made.resize(900, made.height())
    made.show()
    return made


@pytest.fixture
def chosen(strip: TimelineStrip) -> list[int]:
    heard: list[int] = []
    strip.stepSelected.connect(heard.append)
    return heard


def fill(strip: TimelineStrip, total: int, done: int) -> None:
    strip.start_run(total)
    for index in range(done):
        strip.add_step(index, picture(), 5 + index % 3)


def place(strip: TimelineStrip, index: int) -> QPoint:
    return QPoint(round(strip._geometry().x_of(index)), 70)


def test_click_selects(qtbot: QtBot, strip: TimelineStrip, chosen: list[int]) -> None:
    fill(strip, 20, 12)
    qtbot.mouseClick(strip, LEFT, pos=place(strip, 3))
    assert chosen == [3]
    assert "step 4 of 20" in strip.accessibleName()


def test_steps_to_come_cannot_be_chosen(
    qtbot: QtBot, strip: TimelineStrip, chosen: list[int]
) -> None:
    fill(strip, 20, 12)
    qtbot.mouseClick(strip, LEFT, pos=place(strip, 19))
    assert chosen == [11]


def test_drag_scrubs(qtbot: QtBot, strip: TimelineStrip, chosen: list[int]) -> None:
    fill(strip, 20, 20)
    qtbot.mousePress(strip, LEFT, pos=place(strip, 2))
    for index in (3, 4, 4, 5):
        qtbot.mouseMove(strip, place(strip, index))
    qtbot.mouseRelease(strip, LEFT, pos=place(strip, 5))
    assert chosen[0] == 2
    assert chosen == sorted(set(chosen))


def test_keys(qtbot: QtBot, strip: TimelineStrip, chosen: list[int]) -> None:
    fill(strip, 40, 30)
    strip.set_selected(15)
    for key in ("Left", "Right", "PageUp", "PageDown", "Home", "Left", "End", "Right"):
        qtbot.keyClick(strip, getattr(Qt.Key, f"Key_{key}"))
    assert chosen == [14, 15, 5, 15, 0, 29]


def test_nothing_can_be_chosen_in_an_empty_strip(
    qtbot: QtBot, strip: TimelineStrip, chosen: list[int]
) -> None:
    qtbot.mouseClick(strip, LEFT, pos=QPoint(300, 70))
    qtbot.keyClick(strip, Qt.Key.Key_Home)
    strip.start_run(10)
    qtbot.mouseClick(strip, LEFT, pos=QPoint(300, 70))
    qtbot.keyClick(strip, Qt.Key.Key_End)
    strip.grab()
    assert not chosen


def test_setters_tell_nobody(strip: TimelineStrip, chosen: list[int]) -> None:
    fill(strip, 10, 10)
    strip.set_selected(4)
    strip.clear()
    assert strip.accessibleName() == "Timeline"
    assert not chosen


@pytest.mark.parametrize("total", [1, 2, 20, 137, 1000])
@pytest.mark.parametrize("width", [120, 500, 900])
def test_paints_any_run(qtbot: QtBot, strip: TimelineStrip, total: int, width: int) -> None:
    strip.resize(width, strip.height())
    fill(strip, total, total // 2 + 1)
    strip.set_selected(total // 2)
    strip.grab()


def test_each_of_a_thousand_steps_can_be_reached(
    qtbot: QtBot, strip: TimelineStrip, chosen: list[int]
) -> None:
    fill(strip, 1000, 1000)
    qtbot.keyClick(strip, Qt.Key.Key_Home)
    for _ in range(5):
        qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert chosen == [0, 1, 2, 3, 4, 5]


def test_keys_pass_over_steps_without_a_picture(
    qtbot: QtBot, strip: TimelineStrip, chosen: list[int]
) -> None:
    strip.start_run(1000)
    for index in (0, 7, 15, 999):
        strip.add_step(index, picture(), None)
    for key in (Qt.Key.Key_Home, *[Qt.Key.Key_Right] * 5, Qt.Key.Key_Left):
        qtbot.keyClick(strip, key)
    assert chosen == [0, 7, 15, 999, 15]
    strip.grab()


def test_without_guidance_the_steps_stand_alone(
    qtbot: QtBot, strip: TimelineStrip, chosen: list[int]
) -> None:
    fill(strip, 20, 10)
    guided = strip.height()
    strip.clearFocus()
    panel = QColor(theme.tokens().panel)

    def curve() -> bool:
        """Whether anything is painted above a step that is still to come."""
        shot = strip.grab().toImage()
        x = round(strip._geometry().x_of(14))
        above = range(strip.height() - 62)
        return any(shot.pixelColor(x + dx, y) != panel for y in above for dx in range(9))

    assert curve()
    strip.set_guided(False)
    assert strip.height() < guided
    assert not curve()
    qtbot.mouseClick(strip, LEFT, pos=QPoint(round(strip._geometry().x_of(4)), 40))
    assert chosen == [4]
    strip.set_guided(True)
    assert strip.height() == guided


def test_run_that_starts_at_a_later_step(
    qtbot: QtBot, strip: TimelineStrip, chosen: list[int]
) -> None:
    strip.start_run(20)
    strip.add_step(10, picture(), 7.5)
    strip.add_step(11, picture(), 7.5)
    strip.grab()
    qtbot.mouseClick(strip, LEFT, pos=place(strip, 0))
    assert chosen == [10]
