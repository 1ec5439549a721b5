"""Branches and variations of a step that is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.state.runs.plan import Origin, Plan
from app.state.runs.run_memory import USUAL_BYTES
from app.worker.worker import Worker
from engine.errors import LoadError
from engine.request.request import Request
from tests.app.by_hand import heard
from tests.app.conftest import Told
from tests.app.fake_engine import FakeEngine
from tests.app.worker.conftest import REQUEST, plan


class TestBranches:
    @pytest.fixture
    def parent(self, qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path) -> Worker:
        """Run 1 has been made with four steps."""
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(replace(REQUEST, steps=4)), str(tmp_path))
        return loaded

    def branch(self, index: int = 1, run: int = 1, scale: float = 7.5) -> Plan:
        """From that step; what a branch has from its parent is different in the recipe."""
        own = Request(prompt="an owl", guidance_scale=scale, seed=9, steps=77, width=8, height=8)
        return plan(own, origin=Origin(run, index))

    def test_only_the_remaining_steps_are_made(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        begun, steps = heard(told.started), heard(told.stepped)
        with qtbot.waitSignal(told.finished) as finished:
            parent.run(self.branch(scale=11.0), str(tmp_path))
        assert fake.evaluated == [0, 1, 2, 3, 2, 3]
        (run,) = begun[0].runs
        assert (run.number, run.parent, run.first) == (2, 1, 2)
        assert (run.request.seed, run.request.steps, run.request.width) == (40, 4, 64)
        assert [(s.run, s.index, s.total, s.guidance_scale) for s in steps] == [
            (2, 2, 4, 11.0),
            (2, 3, 4, 11.0),
        ]
        assert [(e.step, e.field, e.value) for e in steps[0].edits] == [(2, "guidance_scale", 11.0)]
        assert "-40" in Path(finished.args[0].paths[0]).name

    def test_branches_of_branches(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        for number, index in ((1, 0), (2, 1), (3, 2)):
            with qtbot.waitSignal(told.idle):
                parent.run(self.branch(index, number, 8.0 + number), str(tmp_path))
        assert fake.evaluated == [*(0, 1, 2, 3), *(1, 2, 3), *(2, 3), 3]
        path = [(edit.step, edit.value) for edit in fake.starts[-1].request.edits]
        assert path == [(1, 9.0), (2, 10.0)]

    def test_of_a_run_whose_model_was_switched(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        with qtbot.waitSignal(told.idle):
            parent.load("/models/other")
        with qtbot.waitSignals([told.ready, told.started, told.finished], order="strict"):
            parent.run(self.branch(), str(tmp_path))
        assert fake.loaded == ["bundled", "/models/other", "bundled"]
        assert fake.evaluated == [0, 1, 2, 3, 2, 3]

    def test_of_a_run_whose_model_is_gone(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        with qtbot.waitSignal(told.idle):
            parent.load("/models/other")
        present = fake.pipeline
        fake.failures["bundled"] = LoadError("The folder is empty.")
        begun, refused = heard(told.started), heard(told.refused)
        with qtbot.waitSignal(told.idle):
            parent.run(self.branch(), str(tmp_path))
        assert refused == [
            "The model of that run, bundled, cannot be loaded again. The folder is empty."
        ]
        assert (begun, present.closed) == ([], False)
        with qtbot.waitSignal(told.finished):
            parent.run(plan(), str(tmp_path))
        assert fake.pipeline is present

    @pytest.mark.parametrize(("run", "index"), [(1, 1), (7, 0)])
    def test_of_a_step_that_was_forgotten(
        self,
        qtbot: QtBot,
        parent: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
        run: int,
        index: int,
    ) -> None:
        parent.memory.forget(1)
        parent.memory.forget(1)
        refused = heard(told.refused)
        with qtbot.waitSignal(told.idle):
            parent.run(self.branch(index, run), str(tmp_path))
        assert refused[0].startswith("That step is not in memory any more.")
        assert (len(refused), len(fake.requests)) == (1, 1)

    def test_variations_side_by_side(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        begun, steps, finished = heard(told.started), heard(told.stepped), heard(told.finished)
        varied = replace(
            self.branch(), requests=self.branch().requests * 3, vary=0.3, vary_seeds=(5, 6, 7)
        )
        with qtbot.waitSignal(told.idle):
            parent.run(varied, str(tmp_path))
        assert [(run.number, run.parent, run.varied) for run in begun[0].runs] == [
            (2, 1, True),
            (3, 1, True),
            (4, 1, True),
        ]
        assert begun[0].plan.steerable
        order = [(2, 2), (3, 2), (4, 2), (2, 3), (3, 3), (4, 3)]
        assert [(step.run, step.index) for step in steps] == order
        noise = [step.edits[0].value for step in steps[:3]]
        assert noise == [{"amount": 0.3, "seed": seed} for seed in (5, 6, 7)]
        assert sorted(result.number for result in finished) == [2, 3, 4]
        assert len({result.paths[0] for result in finished}) == 3
        assert {parent.memory.runs[run].snapshots.budget for run in (2, 3, 4)} == {USUAL_BYTES // 3}

    def test_variations_leave_where_a_step_can_be_left(
        self, qtbot: QtBot, parent: Worker, told: Told, fake: FakeEngine, tmp_path: Path
    ) -> None:
        """Some schedulers evaluate twice a step, and cannot begin anew in between."""
        for snapshot in parent.memory.runs[1].snapshots:
            snapshot.scheduler.entries = (0, 1, 4)
        begun = heard(told.started)
        varied = replace(self.branch(2), vary=0.3, vary_seeds=(5,))
        with qtbot.waitSignal(told.idle):
            parent.run(varied, str(tmp_path))
        assert begun[0].runs[0].first == 1
