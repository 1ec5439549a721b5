"""What asks for variations and comparisons, and the grid that shows one: what they emit and accept,
the keys, the cell under the pointer; that setting a value tells nobody."""

from __future__ import annotations

from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRectF, Qt, SignalInstance
from PySide6.QtGui import QColor, QImage, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QSlider, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.widgets.runs.compare_bar import CompareBar
from app.widgets.runs.compare_grid import CompareGrid, GridGeometry
from app.widgets.runs.vary_bar import VaryBar

LEFT = Qt.MouseButton.LeftButton
W = TypeVar("W", bound=QWidget)


class Heard(list[tuple]):
    """What a signal said, in order."""

    def __init__(self, signal: SignalInstance) -> None:
        super().__init__()
        signal.connect(lambda *values: self.append(values))


def part(widget: QWidget, kind: type[W], name: str) -> W:
    found = widget.findChild(kind, name)
    assert found is not None, f"no {kind.__name__} named {name}"
    return found


@pytest.fixture
def vary(qtbot: QtBot) -> VaryBar:
    bar = VaryBar()
    qtbot.addWidget(bar)
    assert bar.isHidden()
    bar.set_open(True)
    return bar


class TestVaryBar:
    def test_asks_for_a_fraction_and_a_count(self, vary: VaryBar) -> None:
        heard = Heard(vary.varyRequested)
        start = part(vary, QPushButton, "varyStartButton")
        start.click()
        assert not heard
        vary.set_can_start(True)
        start.click()
        part(vary, QSlider, "varySlider").setValue(100)
        part(vary, QSpinBox, "varyCountSpin").setValue(99)
        start.click()
        assert heard == [(0.3, 4), (1.0, 8)]

    def test_typed_count_counts_at_once(self, qtbot: QtBot, vary: VaryBar) -> None:
        heard = Heard(vary.varyRequested)
        vary.set_can_start(True)
        count = part(vary, QSpinBox, "varyCountSpin")
        count.selectAll()
        qtbot.keyClicks(count, "6")
        qtbot.keyClick(count, Qt.Key.Key_Return)
        assert heard == [(0.3, 6)]

    def test_says_how_much(self, vary: VaryBar) -> None:
        part(vary, QSlider, "varySlider").setValue(45)
        assert "45 %" in [label.text() for label in vary.findChildren(QLabel)]

    @pytest.mark.parametrize("name", ["varySlider", "varyCountSpin", "varyStartButton"])
    def test_escape_closes(self, qtbot: QtBot, vary: VaryBar, name: str) -> None:
        heard = Heard(vary.closed)
        vary.set_can_start(True)
        qtbot.keyClick(part(vary, QWidget, name), Qt.Key.Key_Escape)
        assert heard == [()]
        assert vary.isHidden()

    @pytest.mark.parametrize("how", ["mouse", "Return"])
    def test_close_button_only_closes(self, qtbot: QtBot, vary: VaryBar, how: str) -> None:
        closed, asked = Heard(vary.closed), Heard(vary.varyRequested)
        vary.set_can_start(True)
        button = part(vary, QPushButton, "varyCloseButton")
        if how == "mouse":
            button.click()
        else:
            qtbot.keyClick(button, Qt.Key.Key_Return)
        assert (closed, asked) == ([()], [])

    def test_open_and_close_from_outside_tell_nobody(self, vary: VaryBar) -> None:
        heard = Heard(vary.closed)
        assert vary.focusWidget() is part(vary, QSlider, "varySlider")
        vary.set_open(False)
        assert vary.isHidden()
        assert not heard


FIELDS = [
    ("guidance_scale", "Guidance", "1, 4, 7.5"),
    ("steps", "Steps", "10, 20"),
    ("prompt", "Prompt <b>", "an owl | a fox"),
]


@pytest.fixture
def compare(qtbot: QtBot) -> CompareBar:
    bar = CompareBar()
    qtbot.addWidget(bar)
    assert bar.isHidden()
    bar.set_fields(FIELDS)
    bar.set_open(True)
    return bar


def choose(bar: CompareBar, which: str, field: str) -> None:
    picker = part(bar, QComboBox, f"compare{which}Field")
    picker.setCurrentIndex(picker.findData(field))


def values(bar: CompareBar, which: str) -> QLineEdit:
    return part(bar, QLineEdit, f"compare{which}Values")


class TestCompareBar:
    def test_begins_with_an_example_on_one_axis(self, compare: CompareBar) -> None:
        assert compare.axes() == (("guidance_scale", "1, 4, 7.5"),)
        assert values(compare, "First").text() == "1, 4, 7.5"
        assert values(compare, "Second").isHidden()
        assert part(compare, QComboBox, "compareSecondField").currentText() == "—"

    def test_every_edit_is_told(self, qtbot: QtBot, compare: CompareBar) -> None:
        heard = Heard(compare.axesChanged)
        choose(compare, "Second", "steps")
        values(compare, "First").clear()
        qtbot.keyClicks(values(compare, "First"), "2,")
        assert heard == [
            ((("guidance_scale", "1, 4, 7.5"), ("steps", "10, 20")),),
            ((("guidance_scale", "2"), ("steps", "10, 20")),),
            ((("guidance_scale", "2,"), ("steps", "10, 20")),),
        ]

    def test_each_field_remembers_its_text(self, qtbot: QtBot, compare: CompareBar) -> None:
        line = values(compare, "First")
        qtbot.keyClicks(line, ", 12")
        choose(compare, "First", "steps")
        assert line.text() == "10, 20"
        line.selectAll()
        qtbot.keyClick(line, Qt.Key.Key_Backspace)
        assert line.placeholderText() == "10, 20"
        choose(compare, "Second", "guidance_scale")
        assert compare.axes() == (("steps", ""), ("guidance_scale", "1, 4, 7.5, 12"))
        choose(compare, "Second", "")
        assert compare.axes() == (("steps", ""),)

    def test_a_setting_does_not_go_both_ways(self, compare: CompareBar) -> None:
        choose(compare, "Second", "steps")
        heard = Heard(compare.axesChanged)
        choose(compare, "First", "steps")
        assert compare.axes() == (("steps", "10, 20"), ("guidance_scale", "1, 4, 7.5"))
        assert len(heard) == 1
        down = part(compare, QComboBox, "compareSecondField")
        offered = down.model()
        assert isinstance(offered, QStandardItemModel)
        free = [down.itemData(row) for row in range(down.count()) if offered.item(row).isEnabled()]
        assert free == ["", "guidance_scale", "prompt"]

    def test_new_fields_keep_what_they_can_and_tell_nobody(
        self, qtbot: QtBot, compare: CompareBar
    ) -> None:
        choose(compare, "Second", "steps")
        qtbot.keyClicks(values(compare, "Second"), ", 30")
        heard = Heard(compare.axesChanged)
        compare.set_fields(FIELDS)
        assert compare.axes() == (("guidance_scale", "1, 4, 7.5"), ("steps", "10, 20, 30"))
        compare.set_fields(FIELDS[1:])
        assert compare.axes() == (("steps", "10, 20, 30"),)
        compare.set_fields([])
        assert compare.axes() == ()
        assert not heard

    def test_note(self, compare: CompareBar) -> None:
        note = part(compare, QLabel, "compareNote")
        theme_colours = []
        for wrong in (False, True):
            compare.set_note("<b>12</b> pictures", wrong)
            assert note.text() == "<b>12</b> pictures"
            assert note.textFormat() == Qt.TextFormat.PlainText
            theme_colours.append(note.property("role"))
        assert theme_colours == ["note", "alarm"]
        assert values(compare, "First").accessibleDescription() == "<b>12</b> pictures"

    @pytest.mark.parametrize("how", ["mouse", "compareFirstValues", "compareFirstField"])
    def test_starts_when_it_can(self, qtbot: QtBot, compare: CompareBar, how: str) -> None:
        heard = Heard(compare.compareRequested)
        for can_start in (False, True):
            compare.set_can_start(can_start)
            if how == "mouse":
                part(compare, QPushButton, "compareStartButton").click()
            else:
                qtbot.keyClick(part(compare, QWidget, how), Qt.Key.Key_Return)
            assert len(heard) == can_start

    @pytest.mark.parametrize("how", ["button", "compareFirstValues", "compareFirstField"])
    def test_closes(self, qtbot: QtBot, compare: CompareBar, how: str) -> None:
        heard = Heard(compare.closed)
        compare.set_can_start(True)
        if how == "button":
            part(compare, QPushButton, "compareCloseButton").click()
        else:
            qtbot.keyClick(part(compare, QWidget, how), Qt.Key.Key_Escape)
        assert heard == [()]
        assert compare.isHidden()


@pytest.mark.parametrize("make", [VaryBar, CompareBar])
def test_bars_fit_and_every_control_explains_itself(qtbot: QtBot, make: type[QWidget]) -> None:
    bar = make()
    qtbot.addWidget(bar)
    bar.show()
    assert bar.minimumSizeHint().width() <= 440
    for control in bar.findChildren(QWidget):
        if isinstance(control, QPushButton | QSlider | QSpinBox | QComboBox) or (
            isinstance(control, QLineEdit) and control.parent() is bar
        ):
            assert control.objectName()
            assert control.accessibleName()
            assert control.toolTip()


class TestGridGeometry:
    @given(
        st.integers(1, 16),
        st.integers(1, 16),
        st.floats(150, 3000),
        st.floats(120, 3000),
        st.floats(0.25, 4),
        st.floats(0, 40),
    )
    def test_cells_fill_the_room_and_stay_inside(
        self, rows: int, columns: int, width: float, height: float, aspect: float, label: float
    ) -> None:
        room = QRectF(20, 20, width, height)
        geometry = GridGeometry(rows, columns, room, aspect, label, label)
        last = geometry.rect(rows - 1, columns - 1)
        if geometry.cell.width() > 1 and geometry.cell.height() > 1:
            assert room.contains(geometry.rect(0, 0).adjusted(-label + 1, -label + 1, 0, 0))
            assert room.contains(last)
        slack = (
            room.width() - label - (last.right() - geometry.corner.x()),
            room.height() - label - (last.bottom() - geometry.corner.y()),
        )
        assert min(slack) <= max(rows, columns * max(1, aspect)) + 2
        assert geometry.cell_at(last.center()) == (rows - 1, columns - 1)
        assert geometry.cell_at(last.bottomRight() + last.bottomRight()) is None


def picture(colour: str, width: int = 32, height: int = 32) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB888)
    image.fill(QColor(colour))
    return image


@pytest.fixture
def grid(qtbot: QtBot) -> CompareGrid:
    made = CompareGrid()
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.set_labels(("steps 10", "steps 20"), ("guidance 1", "guidance 4", "guidance 7.5"))
    made.show()
    return made


def place(grid: CompareGrid, row: int, column: int) -> QPoint:
    return grid._geometry().rect(row, column).center().toPoint()


def colour(grid: CompareGrid, row: int, column: int) -> str:
    return grid.grab().toImage().pixelColor(place(grid, row, column)).name()


class TestCompareGrid:
    def test_click_activates(self, qtbot: QtBot, grid: CompareGrid) -> None:
        heard = Heard(grid.cellActivated)
        qtbot.mouseClick(grid, LEFT, pos=place(grid, 1, 2))
        qtbot.mouseClick(grid, LEFT, pos=QPoint(2, 2))
        qtbot.mouseClick(grid, Qt.MouseButton.RightButton, pos=place(grid, 0, 0))
        assert heard == [(1, 2)]
        assert grid.accessibleName() == "Comparison, guidance 7.5 · steps 20"

    def test_arrow_keys_move_and_enter_activates(self, qtbot: QtBot, grid: CompareGrid) -> None:
        heard = Heard(grid.cellActivated)
        qtbot.keyClick(grid, Qt.Key.Key_Return)
        for key in ("Right", "Right", "Right", "Right", "Down", "Down", "Left", "Return"):
            qtbot.keyClick(grid, getattr(Qt.Key, f"Key_{key}"))
        for key in ("Home", "Space", "End", "Enter"):
            qtbot.keyClick(grid, getattr(Qt.Key, f"Key_{key}"))
        assert heard == [(1, 1), (0, 0), (1, 2)]

    def test_pictures_come_and_change(self, grid: CompareGrid) -> None:
        empty = colour(grid, 0, 1)
        grid.set_cell(0, 1, picture("#ff0000"))
        assert colour(grid, 0, 1) == "#ff0000"
        assert colour(grid, 1, 1) == empty == theme.tokens().panel
        grid.set_cell(0, 1, picture("#00ff00"))
        grid._fit_one()
        assert colour(grid, 0, 1) == "#00ff00"
        grid.set_labels(("",), ("seed 1", "seed 2"))
        assert colour(grid, 0, 1) == empty

    def test_each_picture_is_scaled_once_a_size(
        self, qtbot: QtBot, grid: CompareGrid, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes = []

        def count(image: QImage, size, **_: bool) -> QImage:
            sizes.append(size)
            return image.scaled(size)

        monkeypatch.setattr("app.widgets.runs.compare_grid.scaled", count)
        for row in range(2):
            for column in range(3):
                grid.set_cell(row, column, picture("#ff0000", 40, 30))
        qtbot.waitUntil(lambda: len(sizes) == 6)
        for _ in range(3):
            grid.grab()
        qtbot.wait(50)
        assert len(sizes) == 6
        grid.resize(500, 300)
        qtbot.waitUntil(lambda: len(sizes) == 12)
        assert len(set(map(str, sizes))) == 2

    def test_pictures_keep_their_shape(self, qtbot: QtBot, grid: CompareGrid) -> None:
        grid.set_cell(0, 0, picture("#ff0000", 60, 30))
        cell = grid._geometry().cell
        assert abs(cell.width() / cell.height() - 2) < 0.05
        grid.set_cell(0, 1, picture("#00ff00", 30, 60))
        frame = grid._geometry().rect(0, 1)
        shown = grid.grab().toImage()
        assert shown.pixelColor(frame.center().toPoint()).name() == "#00ff00"
        beside = QPoint(round(frame.left() + 8), round(frame.center().y()))
        assert shown.pixelColor(beside).name() == theme.tokens().panel

    def test_a_note_stands_where_it_has_room(self, qtbot: QtBot, grid: CompareGrid) -> None:
        for size, is_shown in (((600, 400), True), ((290, 300), False)):
            grid.resize(*size)
            bare = grid.grab().toImage()
            grid.set_cell_note(0, 1, "15 of 20")
            assert (grid.grab().toImage() != bare) is is_shown, size  # and no lone "…"
            grid.set_cell_note(0, 1, "")

    def test_selection_and_notes_are_told_to_screen_readers(self, grid: CompareGrid) -> None:
        heard = Heard(grid.cellActivated)
        grid.set_cell_note(0, 1, "7 of 25")
        grid.set_selected(0, 1)
        assert grid.accessibleName() == "Comparison, guidance 4 · steps 10"
        assert grid.accessibleDescription() == "7 of 25"
        grid.set_cell_note(0, 1, "")
        assert grid.accessibleDescription() == ""
        grid.set_selected(-1, -1)
        assert grid.accessibleName() == "Comparison"
        assert not heard

    def test_what_is_not_there_is_left_alone(self, qtbot: QtBot, grid: CompareGrid) -> None:
        grid.set_cell(7, 7, picture("#ff0000"))
        grid.set_cell(0, 0, QImage())
        grid.set_cell_note(7, 7, "lost")
        grid.set_selected(7, 7)
        assert grid.accessibleName() == "Comparison"
        grid.clear()
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Return):
            qtbot.keyClick(grid, key)
        qtbot.mouseClick(grid, LEFT, pos=QPoint(300, 200))
        grid.grab()

    @pytest.mark.parametrize("size", [(200, 160), (440, 300), (900, 700)])
    def test_paints_64_cells_with_long_labels(
        self, grid: CompareGrid, size: tuple[int, int]
    ) -> None:
        grid.resize(*size)
        grid.set_labels(tuple(f"แมว <b>{n}</b> " * 9 for n in range(8)), tuple("a b" * 8))
        for row in range(8):
            for column in range(8):
                grid.set_cell(row, column, picture("#ff0000", 1 + row * 40, 1 + column * 40))
                grid.set_cell_note(row, column, "12 of 25 " * 3)
        grid.set_labels(("",) * 8, tuple(f"guidance {n}" for n in range(8)))
        grid.set_cell(7, 7, picture("#00ff00"))
        assert colour(grid, 7, 7) == "#00ff00"
