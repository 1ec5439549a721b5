"""Which step and which row is under the pointer, and the corners of a curve."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.widgets.runs.strip_geometry import MIN_SLOT, RowStack, StripGeometry, corners, stretches

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

    def test_a_curve_breaks_off_where_there_is_none(self) -> None:
        assert stretches([]) == []
        assert stretches([(0, None), (1, None)]) == []
        curve = [(0, None), (1, 5.0), (2, 5.0), (3, 5.0), (4, None), (6, 7.0), (9, None)]
        assert stretches(curve) == [[(1, 5.0), (3, 5.0)], [(6, 7.0)]]

    @given(st.integers(1, 30), st.integers(0, 2000), st.data())
    def test_row_under_its_own_middle(self, rows: int, scrolled: int, data: st.DataObject) -> None:
        stack = RowStack(54, rows, scrolled)
        position = data.draw(st.integers(0, rows - 1))
        assert stack.position_at(stack.row_top(position) + 23) == position
        assert 0 <= stack.position_at(data.draw(st.floats(-1e6, 1e6))) < rows

    @given(totals, st.floats(MIN_SLOT, 3000))
    def test_stays_inside(self, total: int, width: float) -> None:
        assert StripGeometry(total, 80, width).right <= 80 + width + 1e-6
