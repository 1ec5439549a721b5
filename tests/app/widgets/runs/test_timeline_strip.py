"""The timeline strip: the step under the pointer, the keys, rows of runs and their branches, a
thousand steps."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QScrollBar, QToolTip, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.widgets.runs.strip_geometry import PITCH
from app.widgets.runs.timeline_strip import TimelineStrip

LEFT = Qt.MouseButton.LeftButton


def picture(colour: str = "#ff0000") -> QImage:
    image = QImage(128, 96, QImage.Format.Format_RGB888)
    image.fill(QColor(colour))
    return image


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    """The strip under something that takes the room that is left, as in the main window."""
    around = QWidget()
    qtbot.addWidget(around)
    layout = QVBoxLayout(around)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(QWidget(), 1)
    layout.addWidget(TimelineStrip())
    around.resize(900, 500)
    around.show()
    return around


@pytest.fixture
def strip(window: QWidget) -> TimelineStrip:
    found = window.findChild(TimelineStrip)
    assert found is not None
    return found


@pytest.fixture
def chosen(strip: TimelineStrip) -> list[tuple[int, int]]:
    heard: list[tuple[int, int]] = []
    strip.stepSelected.connect(lambda row, index: heard.append((row, index)))
    return heard


def fill(strip: TimelineStrip, row: int, steps: range) -> None:
    for index in steps:
        strip.add_step(row, index, picture(), 5 + index % 3)


def add(
    strip: TimelineStrip, row: int, total: int = 20, parent: int | None = None, fork: int = 0
) -> None:
    """A row all of whose own steps are there."""
    strip.add_row(row, f"Run {row}", total, parent, fork)
    fill(strip, row, range(fork, total))


def order(strip: TimelineStrip) -> list[int]:
    return [row.number for row in strip._rows]


def bar(strip: TimelineStrip) -> QScrollBar:
    found = strip.findChild(QScrollBar)
    assert found is not None
    return found


def press_keys(qtbot: QtBot, strip: TimelineStrip, *names: str) -> None:
    for name in names:
        qtbot.keyClick(strip, getattr(Qt.Key, f"Key_{name}"))


def tooltip(strip: TimelineStrip, place: QPoint) -> str:
    asked = QHelpEvent(QEvent.Type.ToolTip, place, strip.mapToGlobal(place))
    QApplication.sendEvent(strip, asked)
    return QToolTip.text()


def settle() -> None:
    """Lets the layout follow the height that the strip wants."""
    QApplication.processEvents()


class TestOneRun:
    def test_click_selects(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        strip.add_row(7, "Run 1", 20)
        fill(strip, 7, range(12))
        qtbot.mouseClick(strip, LEFT, pos=strip.place(7, 3))
        assert chosen == [(7, 3)]
        assert strip.accessibleName() == "Timeline, Run 1, step 4 of 20"
        assert "guidance 5" in strip.accessibleDescription()

    def test_steps_that_were_let_go_of_cannot_be_chosen(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        add(strip, 1)
        for index in (4, 5, 6, 25):
            strip.remove_step(1, index)
        strip.remove_step(2, 0)  # passed over
        qtbot.mouseClick(strip, LEFT, pos=strip.place(1, 4))
        press_keys(qtbot, strip, "Right")
        assert chosen == [(1, 3), (1, 7)]

    def test_steps_to_come_cannot_be_chosen(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        strip.add_row(1, "Run 1", 20)
        fill(strip, 1, range(12))
        qtbot.mouseClick(strip, LEFT, pos=strip.place(1, 19))
        assert chosen == [(1, 11)]

    def test_drag_scrubs(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        add(strip, 1)
        qtbot.mousePress(strip, LEFT, pos=strip.place(1, 2))
        for index in (3, 4, 4, 5):
            qtbot.mouseMove(strip, strip.place(1, index))
        qtbot.mouseRelease(strip, LEFT, pos=strip.place(1, 5))
        assert chosen[0] == (1, 2)
        assert chosen == sorted(set(chosen))

    def test_keys(self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]) -> None:
        strip.add_row(1, "Run 1", 40)
        fill(strip, 1, range(30))
        strip.set_selected(1, 15)
        press_keys(
            qtbot, strip, "Left", "Right", "PageUp", "PageDown", "Home", "Left", "End", "Right"
        )
        assert [index for _, index in chosen] == [14, 15, 5, 15, 0, 29]

    def test_nothing_can_be_chosen_in_an_empty_strip(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        qtbot.mouseClick(strip, LEFT, pos=QPoint(300, 70))
        press_keys(qtbot, strip, "Home", "Down")
        strip.add_row(1, "Run 1", 10)
        qtbot.mouseClick(strip, LEFT, pos=QPoint(300, 70))
        press_keys(qtbot, strip, "End", "Up")
        strip.grab()
        assert not chosen

    def test_setters_tell_nobody(self, strip: TimelineStrip, chosen: list[tuple[int, int]]) -> None:
        add(strip, 1)
        strip.set_selected(1, 4)
        strip.clear()
        assert strip.accessibleName() == "Timeline"
        assert not chosen

    @pytest.mark.parametrize("total", [1, 2, 20, 137, 1000])
    @pytest.mark.parametrize("width", [120, 500, 900])
    def test_paints_any_run(self, strip: TimelineStrip, total: int, width: int) -> None:
        strip.resize(width, strip.height())
        strip.add_row(1, "Run 1", total)
        fill(strip, 1, range(total // 2 + 1))
        strip.set_selected(1, total // 2)
        strip.add_row(2, "Branch", total, 1, total // 2)
        strip.add_row(3, "Branch", total, 1, total - 1)
        strip.grab()

    def test_each_of_a_thousand_steps_can_be_reached(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        add(strip, 1, 1000)
        press_keys(qtbot, strip, "Home", *["Right"] * 5)
        assert [index for _, index in chosen] == [0, 1, 2, 3, 4, 5]

    def test_keys_pass_over_steps_without_a_picture(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        strip.add_row(1, "Run 1", 1000)
        for index in (0, 7, 15, 999):
            strip.add_step(1, index, picture(), None)
        press_keys(qtbot, strip, "Home", *["Right"] * 5, "Left")
        assert [index for _, index in chosen] == [0, 7, 15, 999, 15]
        strip.grab()

    def test_without_guidance_the_steps_stand_alone(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        strip.add_row(1, "Run 1", 20)
        fill(strip, 1, range(10))
        guided = strip.height()
        assert curve(strip, 14)
        strip.set_guided(False)
        assert strip.height() < guided
        assert not curve(strip, 14)
        qtbot.mouseClick(strip, LEFT, pos=QPoint(strip.place(1, 4).x(), 40))
        assert chosen == [(1, 4)]
        strip.set_guided(True)
        assert strip.height() == guided


def curve(strip: TimelineStrip, index: int) -> bool:
    """Whether the curve is painted above the step of the first row."""
    strip.clearFocus()
    shot = strip.grab().toImage()
    panel = QColor(theme.tokens().panel)
    x, top = strip._geometry(strip._rows[0]).x_of(index), strip._stack().first
    return any(shot.pixelColor(round(x) + dx, y) != panel for y in range(top) for dx in range(9))


class TestCurve:
    def test_goes_on_as_planned(self, strip: TimelineStrip) -> None:
        strip.add_row(1, "Run 1", 20)
        assert not curve(strip, 14)
        strip.set_plan(1, (None,) * 5 + (6.0,) * 11 + (None,) * 4)
        assert [curve(strip, index) for index in (2, 8, 14, 18)] == [False, True, True, False]
        fill(strip, 1, range(3))
        assert curve(strip, 1)
        assert not curve(strip, 18)

    def test_stays_level_without_a_plan_and_breaks_off_without_guidance(
        self, strip: TimelineStrip
    ) -> None:
        strip.add_row(1, "Run 1", 20)
        for index in range(12):
            strip.add_step(1, index, picture(), None if 3 < index < 9 else 7.5)
        assert [curve(strip, index) for index in (1, 6, 10, 18)] == [True, False, True, True]

    def test_is_that_of_the_selected_row_else_of_the_newest(self, strip: TimelineStrip) -> None:
        add(strip, 1)
        strip.add_row(2, "Run 2", 20)
        assert not curve(strip, 5)
        strip.set_selected(1, -1)
        assert curve(strip, 5)
        strip.set_selected(2, -1)
        assert not curve(strip, 5)

    def test_of_a_branch_begins_with_its_parents(self, strip: TimelineStrip) -> None:
        add(strip, 1)
        strip.add_row(2, "Branch", 20, 1, 12)
        assert curve(strip, 5)
        strip.remove_row(1)
        assert not curve(strip, 5)

    def test_is_dragged_like_the_row_it_belongs_to(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        add(strip, 1)
        add(strip, 2)
        strip.set_selected(1, 3)
        qtbot.mouseClick(strip, LEFT, pos=QPoint(strip.place(1, 8).x(), 20))
        assert chosen == [(1, 8)]


class TestRows:
    def test_branches_stand_under_their_parent(self, strip: TimelineStrip) -> None:
        add(strip, 1)
        add(strip, 2, 30)
        add(strip, 3, 20, 1, 5)
        add(strip, 4, 20, 1, 8)
        add(strip, 5, 20, 3, 10)
        add(strip, 6, 20, 1, 2)
        assert order(strip) == [1, 3, 5, 4, 6, 2]
        with pytest.raises(ValueError, match="row 3"):
            strip.add_row(3, "again", 20)

    def test_branches_stay_without_their_parent(self, strip: TimelineStrip) -> None:
        add(strip, 1)
        add(strip, 2, 20, 1, 5)
        add(strip, 3, 20, 2, 8)
        add(strip, 4)
        strip.set_selected(1, 2)
        strip.remove_row(1)
        assert order(strip) == [2, 3, 4]
        assert strip.accessibleName() == "Timeline"
        strip.add_row(5, "Branch of what is gone", 20, 1, 9)
        strip.add_row(6, "Branch of an orphan", 20, 2, 9)
        assert order(strip) == [2, 3, 6, 4, 5]
        strip.grab()

    def test_what_comes_for_a_row_that_is_gone_is_passed_over(self, strip: TimelineStrip) -> None:
        add(strip, 1)
        strip.remove_row(1)
        strip.remove_row(1)
        fill(strip, 1, range(3))
        strip.set_plan(1, (7.5,) * 20)
        strip.add_mark(1, 0, "Prompt: an owl")
        strip.set_selected(1, 2)
        strip.grab()
        assert order(strip) == []
        assert strip.accessibleName() == "Timeline"

    def test_a_branch_has_only_its_own_steps(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        add(strip, 1)
        add(strip, 2, 20, 1, 12)
        settle()
        strip.clearFocus()
        shot = strip.grab().toImage()
        empty, own = strip.place(2, 4), strip.place(2, 12)
        assert shot.pixelColor(empty) == QColor(theme.tokens().panel)
        assert shot.pixelColor(own) == QColor("#ff0000")
        qtbot.mouseClick(strip, LEFT, pos=empty)
        press_keys(qtbot, strip, "Left", "Right", "Home")
        assert chosen == [(2, 12), (2, 13), (2, 12)]

    def test_a_line_leads_from_the_fork_to_the_branch(self, strip: TimelineStrip) -> None:
        add(strip, 1)
        add(strip, 2, 20, 1, 12)
        settle()
        panel = QColor(theme.tokens().panel)

        def line(index: int) -> bool:
            """Whether anything is painted right under the step of the parent."""
            shot = strip.grab().toImage()
            under = strip.place(1, index) + QPoint(0, 26)
            return any(shot.pixelColor(under + QPoint(dx, 0)) != panel for dx in range(-6, 2))

        def end() -> bool:
            """Whether anything is painted left of the first step of the branch."""
            shot = strip.grab().toImage()
            return shot.pixelColor(strip.place(2, 12) - QPoint(24, 0)) != panel

        assert end()
        assert [line(index) for index in (10, 11, 12)] == [False, True, False]
        strip.remove_row(1)
        settle()
        assert not end()

    def test_drag_stays_in_its_row(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        add(strip, 1)
        add(strip, 2)
        settle()
        qtbot.mousePress(strip, LEFT, pos=strip.place(1, 2))
        qtbot.mouseMove(strip, strip.place(2, 6))
        qtbot.mouseMove(strip, QPoint(20, strip.place(2, 0).y()))
        qtbot.mouseRelease(strip, LEFT, pos=strip.place(2, 6))
        qtbot.mouseMove(strip, strip.place(2, 9))
        assert chosen == [(1, 2), (1, 6), (1, 0)]

    def test_label_selects_its_row(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        add(strip, 1)
        add(strip, 2)
        settle()
        rows: list[int] = []
        strip.rowSelected.connect(rows.append)
        for row in (1, 2, 2):
            qtbot.mouseClick(strip, LEFT, pos=QPoint(30, strip.place(row, 0).y()))
        assert rows == [1, 2, 2]
        assert not chosen

    def test_up_and_down_go_to_the_step_beside(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        add(strip, 1)
        add(strip, 2, 20, 1, 12)
        strip.add_row(3, "Run 3", 20)  # nothing is there yet: it is passed over
        add(strip, 4, 10)
        strip.set_selected(1, 5)
        press_keys(qtbot, strip, "Up", "Down", "Down", "Down", "Up", "Up")
        assert chosen == [(2, 12), (4, 9), (2, 12), (1, 12)]

    def test_down_begins_at_the_newest(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        add(strip, 1)
        add(strip, 2, 20, 1, 12)
        press_keys(qtbot, strip, "Down", "Up")
        assert chosen == [(2, 19), (1, 19)]


class TestRoom:
    def test_grows_to_three_rows_and_scrolls_then(self, strip: TimelineStrip) -> None:
        heights = []
        for row in range(5):
            add(strip, row)
            settle()
            heights.append(strip.height())
            assert bar(strip).isVisible() == (row > 2)
        one = heights[0]
        assert one == strip.minimumHeight()
        assert heights == [one, one + PITCH, *[one + 2 * PITCH] * 3]
        strip.clear()
        assert strip.height() == one
        assert not bar(strip).isVisible()

    def test_low_window_shows_one_row(self, window: QWidget, strip: TimelineStrip) -> None:
        for row in range(3):
            add(strip, row)
        strip.set_selected(1, 4)
        window.resize(900, strip.minimumHeight())
        settle()
        assert strip.height() == strip.minimumHeight()
        assert 54 <= strip.place(1, 4).y() <= strip.height() - 14

    def test_row_that_is_added_or_selected_comes_into_sight(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        def in_sight(row: int) -> bool:
            return 70 <= strip.place(row, 0).y() <= strip.height() - 30

        for row in range(8):
            add(strip, row)
            settle()
            assert in_sight(row)
        assert not in_sight(0)
        strip.set_selected(0, 3)
        assert in_sight(0)
        press_keys(qtbot, strip, *["Down"] * 7)
        assert chosen[-1] == (7, 3)
        assert in_sight(7)

    def test_wheel_scrolls_and_the_click_follows(
        self, qtbot: QtBot, strip: TimelineStrip, chosen: list[tuple[int, int]]
    ) -> None:
        def turn(notches: int) -> bool:
            event = QWheelEvent(
                QPointF(300, 80), strip.mapToGlobal(QPointF(300, 80)), QPoint(),
                QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            QApplication.sendEvent(strip, event)
            return event.isAccepted()

        add(strip, 0)
        assert not turn(-1), "there is nothing to scroll: the turn is for what is around"
        for row in range(1, 6):
            add(strip, row)
        settle()
        assert turn(3)
        first = strip.place(0, 4)
        qtbot.mouseClick(strip, LEFT, pos=first)
        assert turn(-2)
        qtbot.mouseClick(strip, LEFT, pos=first)
        assert chosen == [(0, 4), (2, 4)]
        strip.set_selected(2, 7)
        bar(strip).setValue(bar(strip).maximum())
        strip.set_selected(2, 8)
        assert bar(strip).value() == bar(strip).maximum(), "a step of the same row moves nothing"


class TestWords:
    def test_tooltip_tells_of_the_step(self, strip: TimelineStrip) -> None:
        strip.add_row(1, "Run 1", 20)
        fill(strip, 1, range(5))
        strip.set_plan(1, (7.5,) * 10 + (None,) * 10)
        strip.add_mark(1, 2, "Prompt: an <b>owl</b>")
        strip.add_mark(1, 2, "Guidance: 9")
        told = tooltip(strip, strip.place(1, 2))
        assert "Step 3 of 20 · guidance 7" in told
        assert "an &lt;b&gt;owl" in told
        assert "Guidance: 9" in told
        assert "Step 9 of 20 · planned guidance 7.5" in tooltip(strip, strip.place(1, 8))
        assert "guidance" not in tooltip(strip, strip.place(1, 15))

    def test_tooltip_tells_of_the_row(self, strip: TimelineStrip) -> None:
        add(strip, 1)
        name = "A very long <i>name</i> of a branch"
        strip.add_row(2, name, 20, 1, 12)
        settle()
        assert "long &lt;i&gt;name" in tooltip(strip, QPoint(30, strip.place(2, 0).y()))
        assert "starts at step 13" in tooltip(strip, strip.place(2, 4))

    def test_a_column_of_several_steps_tells_of_all_their_changes(
        self, strip: TimelineStrip
    ) -> None:
        add(strip, 1, 1000)
        strip.add_mark(1, 500, "Prompt: an owl")
        geometry = strip._geometry(strip._rows[0])
        # The middle of a column: a step at its edge may lie on a pixel of the next one.
        column = geometry.steps_of(geometry.column_of(500))
        beside = next(index for index in column[1:-1] if index != 500)
        assert "Step 501: Prompt: an owl" in tooltip(strip, strip.place(1, beside))

    def test_changes_are_ticked(self, strip: TimelineStrip) -> None:
        add(strip, 1)
        over = strip.place(1, 6) - QPoint(3, 28)
        assert strip.grab().toImage().pixelColor(over) == QColor(theme.tokens().panel)
        strip.add_mark(1, 6, "Guidance: 9")
        assert strip.grab().toImage().pixelColor(over) == QColor(theme.tokens().accent)
