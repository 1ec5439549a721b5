"""The cells of a grid, side by side."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.state.runs.plan import Plan
from app.worker.worker import Worker
from engine.errors import OutOfMemory
from engine.request.grid import Axis, Grid
from tests.app.by_hand import heard
from tests.app.conftest import Told
from tests.app.fake_engine import FakeEngine
from tests.app.worker.conftest import REQUEST


class TestGrids:
    GRID = Grid((Axis.parse("seed", "0..2"), Axis.parse("guidance", "4, 7")))

    @pytest.fixture
    def grid(self) -> Plan:
        return Plan(self.GRID.requests(REQUEST), grid=self.GRID)

    def test_a_cell_that_fails_leaves_the_others(
        self,
        qtbot: QtBot,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        grid: Plan,
    ) -> None:
        fake.failures["seed", 1] = OutOfMemory("Too little memory. Take a smaller size.")
        begun, failed, finished = heard(told.started), heard(told.failed), heard(told.finished)
        sheets = heard(told.compared)
        with qtbot.waitSignal(told.idle):
            loaded.run(grid, str(tmp_path))
        assert [run.label for run in begun[0].runs][:4] == ["0 · 4", "1 · 4", "2 · 4", "0 · 7"]
        assert begun[0].runs[5].title == "seed 2 · guidance 7"
        assert not begun[0].plan.steerable
        assert failed == [(run, "Too little memory. Take a smaller size.") for run in (2, 5)]
        assert sorted(result.number for result in finished) == [1, 3, 4, 6]
        (sheet,) = sheets
        assert sheet.picture.image.size().toTuple() == (3 * 64, 2 * 64)
        assert sheet.picture.path.endswith("-0-grid.png")
        assert len(list(tmp_path.glob("*.png"))) == 5

    def test_an_unexpected_end_is_told_of_every_run(
        self,
        qtbot: QtBot,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        grid: Plan,
    ) -> None:
        fake.failures[1] = RuntimeError("mat1 and mat2")
        failed = heard(told.failed)
        with qtbot.waitSignal(told.idle):
            loaded.run(grid, str(tmp_path))
        assert [run for run, _ in failed] == [1, 2, 3, 4, 5, 6]
        assert {("mat1 and mat2" in words) for _, words in failed} == {True}
        assert fake.alive == 0

    @pytest.mark.parametrize("stage", ["sheet", "save"])
    def test_a_sheet_that_cannot_be_made_or_written_is_told(
        self,
        qtbot: QtBot,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        grid: Plan,
        stage: str,
    ) -> None:
        fake.failures[stage] = OSError(28, "No space left")
        sheets, troubles = heard(told.compared), heard(told.saveFailed)
        with qtbot.waitSignal(told.idle):
            loaded.run(grid, str(tmp_path))
        if stage == "sheet":
            assert (sheets, len(troubles)) == ([], 1)
            return
        (sheet,) = sheets
        assert (sheet.picture.path, sheet.picture.name) == ("", "0-grid.png")
        assert "No space left" in sheet.save_error
        fake.failures.clear()
        run, index = sheet.picture.unsaved
        with qtbot.waitSignal(told.saved):
            loaded.save(run, index, str(tmp_path / "again.png"))
        assert (tmp_path / "again.png").stat().st_size > 0

    def test_a_grid_that_is_stopped_is_as_far_as_it_came(
        self,
        qtbot: QtBot,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        grid: Plan,
    ) -> None:
        fake.gate = threading.Semaphore(8)
        cancelled, sheets = heard(told.cancelled), heard(told.compared)
        with qtbot.waitSignals([told.stepped] * 8):
            loaded.run(grid, str(tmp_path))
        with qtbot.waitSignal(told.idle):
            loaded.cancel()
        assert sorted(cancelled) == [(1, 2), (2, 2), (3, 1), (4, 1), (5, 1), (6, 1)]
        assert sheets == []
