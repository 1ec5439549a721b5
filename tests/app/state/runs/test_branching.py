"""Plans of branches and variations; and comparisons: from what a person types to their cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from app.state.gallery.picture import Picture
from app.state.recipe.session import Session
from app.state.runs.branching import Branching
from app.state.runs.comparing import Comparing
from app.state.runs.history import History
from app.state.runs.plan import Origin
from app.state.runs.run import SheetResult
from app.state.store.store_thread import StoreThread
from engine.request.request import MAX_SEED
from tests.app.by_hand import begin, begun, begun_run, grow, heard, image, remembering, result, step


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Session:
    session = Session(Preferences(StoreThread(tmp_path / "safelight.sqlite")), ("unipc", "euler"))
    session.set_prompt("an owl")
    session.set_steps(8)
    return session


def cannot_be(session: Session) -> None:
    session.set_seed(MAX_SEED)
    session.set_count(2)


class TestBranching:
    @pytest.fixture
    def history(self) -> History:
        history = remembering()
        begin(history)
        for index in range(4):
            grow(history, step(index=index))
        return history

    @pytest.fixture
    def branching(self, session: Session, history: History) -> Branching:
        return Branching(session, history)

    @pytest.fixture
    def asked(self, branching: Branching) -> list[Any]:
        return heard(branching.asked)

    def test_a_branch_has_the_recipe_as_it_stands(
        self, branching: Branching, asked: list[Any], session: Session, history: History
    ) -> None:
        history.select(1, 1)
        seed = session.seed
        session.set_guidance_scale(11.0)
        branching.branch()
        (plan,) = asked
        assert plan.origin == Origin(1, 1)
        assert [(one.prompt, one.guidance_scale) for one in plan.requests] == [("an owl", 11.0)]
        assert (plan.vary, plan.vary_seeds, session.seed) == (None, (), seed)

    def test_variations_differ_in_their_noise(
        self, branching: Branching, asked: list[Any], session: Session, history: History
    ) -> None:
        history.select(1, 1)
        branching.vary(0.3, 3)
        (plan,) = asked
        assert (plan.requests, plan.vary) == ((session.request(),) * 3, 0.3)
        assert len(set(plan.vary_seeds)) == 3

    def test_there_is_nothing_to_branch_off_at_the_end(
        self, branching: Branching, asked: list[Any], history: History
    ) -> None:
        branching.branch()
        history.unfollow()
        branching.vary(0.3, 3)
        assert asked == []

    def test_a_recipe_that_cannot_be_says_why(
        self, branching: Branching, asked: list[Any], session: Session, history: History
    ) -> None:
        refused = heard(branching.refused)
        history.select(1, 1)
        cannot_be(session)
        branching.branch()
        assert "seed" in refused[0]
        assert asked == []


class TestComparing:
    @pytest.fixture
    def comparing(self, session: Session) -> Comparing:
        return Comparing(session)

    @pytest.fixture
    def notes(self, comparing: Comparing) -> list[Any]:
        return heard(comparing.noteChanged)

    def begin(self, comparing: Comparing) -> None:
        """Six cells, runs 11 to 16, row by row."""
        plans = heard(comparing.asked)
        comparing.set_axes((("guidance", "1, 4, 7"), ("seed", "0..1")))
        comparing.compare()
        comparing.start(begun(*(begun_run(11 + cell) for cell in range(6)), grid=plans[0].grid))

    def test_makes_a_request_for_every_cell(self, comparing: Comparing, notes: list[Any]) -> None:
        plans, startable = heard(comparing.asked), heard(comparing.startableChanged)
        comparing.set_axes((("guidance", "1, 4, 7"), ("seed", "0..1")))
        assert (notes[-1], startable[-1]) == (("6 pictures, 48 steps", False), True)
        comparing.compare()
        cells = [(one.guidance_scale, one.seed) for one in plans[0].requests]
        assert cells == [(scale, seed) for seed in (0, 1) for scale in (1.0, 4.0, 7.0)]
        assert {one.prompt for one in plans[0].requests} == {"an owl"}

    @pytest.mark.parametrize(
        ("axes", "words"),
        [
            (
                (("guidance", "1, x"),),
                "'1, x' cannot be read as values of guidance. Write some, like 1, 4, 7, 10.",
            ),
            ((("guidance", ""),), "guidance has no values. Write some, like 1, 4, 7, 10."),
            ((("steps", "1..64"), ("seed", "0..3")), "has 256 cells."),
            ((("guidance", "1, 900"),), "guidance_scale: 900.0 is outside 0 to 100."),
        ],
    )
    def test_says_what_is_wrong(
        self, comparing: Comparing, notes: list[Any], axes: Any, words: str
    ) -> None:
        plans, startable = heard(comparing.asked), heard(comparing.startableChanged)
        comparing.set_axes(axes)
        comparing.compare()
        assert notes[-1][0].startswith(words)
        assert (notes[-1][1], startable[-1], plans) == (True, False, [])

    def test_a_recipe_that_cannot_be_is_told_in_the_note(
        self, comparing: Comparing, notes: list[Any], session: Session
    ) -> None:
        comparing.set_axes((("guidance", "1, 4"),))
        cannot_be(session)
        comparing.compare()
        assert notes[-1][1] is True
        assert "seed" in notes[-1][0]

    def test_cells_fill_in(self, comparing: Comparing) -> None:
        labels, shown = heard(comparing.labelsChanged), heard(comparing.shownChanged)
        titles = heard(comparing.titleChanged)
        cells, words = heard(comparing.cellChanged), heard(comparing.cellNoted)
        self.begin(comparing)
        assert labels == [(("seed 0", "seed 1"), ("guidance 1", "guidance 4", "guidance 7"))]
        assert (shown, titles) == ([True], ["Comparing 6 pictures"])
        comparing.add_step(step(15, 2, 8))
        assert (cells[-1][:2], words[-1]) == ((1, 1), (1, 1, "3 of 8"))
        comparing.finish(result(15))
        comparing.fail(11, "Too little memory.")
        comparing.cancel(13, 4)
        ends = [(1, 1, ""), (0, 0, "did not succeed"), (0, 2, "stopped")]
        assert (cells[-1][:2], words[-3:]) == ((1, 1), ends)

    def test_other_runs_are_none_of_its_cells(self, comparing: Comparing) -> None:
        self.begin(comparing)
        cells, words = heard(comparing.cellChanged), heard(comparing.cellNoted)
        shown = heard(comparing.shownChanged)
        comparing.start(begun(begun_run(20)))
        comparing.add_step(step(20, 0))
        comparing.finish(result(20))
        comparing.fail(20, "No.")
        comparing.cancel(20, 1)
        assert (cells, words, shown) == ([], [], [False])

    def test_a_cell_opens_its_run(self, comparing: Comparing) -> None:
        self.begin(comparing)
        chosen, shown = heard(comparing.runChosen), heard(comparing.shownChanged)
        comparing.open(5, 5)
        assert (chosen, shown) == ([], [])
        comparing.open(1, 2)
        assert (chosen, shown) == ([16], [False])

    def test_its_sheet_is_shown_while_its_grid_is(self, comparing: Comparing) -> None:
        self.begin(comparing)
        pictures = heard(comparing.sheetShown)
        sheet = SheetResult(Picture("grid.png", image()), "")
        comparing.show_sheet(sheet)
        comparing.leave()
        comparing.show_sheet(sheet)
        assert pictures == [sheet.picture]
