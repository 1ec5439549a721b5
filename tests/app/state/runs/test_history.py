"""The last runs with their steps: which is looked at, what memory keeps, where a branch starts."""

from __future__ import annotations

from typing import Any

import pytest

from app.state.runs.history import History
from app.state.runs.plan import Origin
from engine.request.request import Edit
from tests.app.by_hand import begin, begun, begun_run, grow, heard, image, remembering, result, step


@pytest.fixture
def history(qtbot: Any) -> History:
    return remembering()


def selected(history: History) -> tuple[int, int] | None:
    return (history.step.run, history.step.index) if history.step else None


def develop(history: History, number: int, steps: int = 4, done: int = 4, **more: Any) -> None:
    """A run whose snapshots take a kilobyte each; its end is still to come."""
    begin(history, begun(begun_run(number, steps, **more)))
    for index in range(more.get("first", 0), done):
        grow(history, step(number, index, steps))


def complete(history: History, number: int, **more: Any) -> None:
    develop(history, number, **more)
    history.finish(result(number))
    history.rest()


class TestLooking:
    def test_follows_the_newest_step_until_another_is_chosen(self, history: History) -> None:
        develop(history, 1, done=2)
        assert selected(history) == (1, 1)
        assert history.following
        history.select(1, 0)
        grow(history, step(1, 2))
        assert selected(history) == (1, 0)
        assert not history.following
        history.select(1, 2)
        grow(history, step(1, 3))
        assert selected(history) == (1, 3)
        assert history.following

    def test_a_new_run_is_followed_whatever_is_looked_at(self, history: History) -> None:
        complete(history, 1)
        history.select(1, 1)
        begin(history, begun(begun_run(2)))
        assert selected(history) == (1, 1)  # until there is something to see
        grow(history, step(2, 0))
        assert selected(history) == (2, 0)

    def test_of_runs_side_by_side_one_is_followed(self, history: History) -> None:
        begin(history, begun(begun_run(1), begun_run(2)))
        for run in (1, 2):
            grow(history, step(run, 0))
        assert selected(history) == (1, 0)
        history.select_run(2)
        for run in (1, 2):
            grow(history, step(run, 1))
        assert selected(history) == (2, 1)

    def test_steps_that_were_left_out_cannot_be_chosen(self, history: History) -> None:
        begin(history, begun(begun_run(1, 1000)))
        for index in (0, 7, 15):
            grow(history, step(1, index, 1000))
        history.select(1, 8)
        assert selected(history) == (1, 15)
        history.select(1, 7)
        assert selected(history) == (1, 7)

    @pytest.mark.parametrize("where", [(1, -1), (1, 4), (1, 1000), (2, 0)])
    def test_a_step_that_is_not_there_cannot_be_chosen(
        self, history: History, where: tuple[int, int]
    ) -> None:
        develop(history, 1, done=1)
        history.select(*where)
        history.select_run(7)
        assert selected(history) == (1, 0)

    def test_the_last_step_stands_for_the_image(self, history: History) -> None:
        shown, titles = heard(history.shown), heard(history.titleChanged)
        develop(history, 1)
        assert [results for _, results in shown] == [None] * 4
        made = result(1)
        history.finish(made)
        assert (shown[-1][1], titles[-1]) == (made, "Run 1, finished")
        history.select(1, 2)
        assert (shown[-1][1], titles[-1]) == (None, "Run 1")
        history.select_run(1)
        assert shown[-1][1] is made

    def test_a_better_picture_takes_the_place_of_the_rough_one(self, history: History) -> None:
        develop(history, 1, done=2)
        before, strip = history.memory.bytes, heard(history.stepPictured)
        told = heard(history.repictured)
        for place in ((1, 0), (1, 1), (1, 2), (7, 0)):  # the last two are not there
            history.repicture(*place, image(32), "vae")
        assert [(step.place, step.kind) for step in told] == [((1, 0), "vae"), ((1, 1), "vae")]
        assert [picture[:2] for picture in strip] == [(1, 0), (1, 1)]
        assert history.step is told[1] is history.runs[1].steps[1]
        assert history.memory.bytes == before + 2 * (
            image(32).sizeInBytes() - image().sizeInBytes()
        )

    def test_something_else_is_looked_at(self, history: History) -> None:
        branchable = heard(history.branchableChanged)
        develop(history, 1, done=2)
        history.unfollow()
        grow(history, step(1, 2))
        assert (selected(history), history.origin, branchable[-1]) == (None, None, False)
        history.select(1, 2)
        assert branchable[-1] is True


class TestRows:
    def test_every_run_has_a_name(self, history: History) -> None:
        added, titles = heard(history.runAdded), heard(history.titleChanged)
        complete(history, 1, steps=7, done=7)
        begin(
            history,
            begun(
                begun_run(2, 7, parent=1, first=3),
                begun_run(3, 7, parent=1, first=3, varied=True),
                begun_run(4, 7, label="4 · 1", title="guidance 4 · seed 1"),
            ),
        )
        assert added == [
            (1, "Run 1", 7, None, 0),
            (2, "Branch 2", 7, 1, 3),
            (3, "Variation 3", 7, 1, 3),
            (4, "4 · 1", 7, None, 0),
        ]
        for number in (2, 3, 4):
            grow(history, step(number, 3, 7))
        titles.clear()
        history.select_run(2)
        history.rest()
        for number in (2, 3, 4):
            history.select_run(number)
        assert titles == [
            "Developing: Branch 2 of run 1",
            "Branch 2 of run 1",
            "Variation 3 of run 1",
            "guidance 4 · seed 1",
        ]

    def test_the_total_is_what_the_scheduler_evaluates(self, history: History) -> None:
        rows = heard(history.runAdded, history.runRemoved)
        begin(history, begun(begun_run(1, 4)))
        grow(history, step(1, 0, 7))
        grow(history, step(1, 1, 7))
        assert rows == [(1, "Run 1", 4, None, 0), 1, (1, "Run 1", 7, None, 0)]
        begin(history, begun(begun_run(2, 4, parent=1, first=2)))
        assert rows[-1] == (2, "Branch 2", 7, 1, 2)

    def test_changes_are_marked_in_words(self, history: History) -> None:
        marks = heard(history.marked)
        begin(history)
        edits = (
            Edit(1, "prompt", "a cat"),
            Edit(1, "negative_prompt", ""),
            Edit(1, "guidance_scale", 7.0),
            Edit(1, "guidance_rescale", 0.25),
            Edit(1, "guidance_curve", ((0.0, 1.0),)),
            Edit(1, "vary", {"amount": 0.3, "seed": 1}),
            Edit(1, "finish", True),
            Edit(1, "eta", 0.5),
        )
        grow(history, step(1, 1, edits=edits))
        assert [words for *_, words in marks] == [
            "Prompt: a cat",
            "Negative prompt: ",
            "Guidance 7",
            "Guidance rescale 0.25",
            "Guidance curve",
            "Varied by 30 %",
            "Finished here",
            "eta",
        ]
        assert {where[:2] for where in marks} == {(1, 1)}

    def test_a_run_that_never_came_to_a_step_leaves_no_row(self, history: History) -> None:
        removed = heard(history.runRemoved)
        begin(history, begun(begun_run(1), begun_run(2)))
        grow(history, step(1, 0))
        for number in (1, 2):
            history.end(number)
        history.rest()
        assert (list(history.memory.runs), removed) == ([1], [2])
        assert not history.following


class TestOrigin:
    def test_every_step_but_the_last_is_one(self, history: History) -> None:
        assert history.origin is None
        branchable = heard(history.branchableChanged)
        develop(history, 1)
        assert branchable == [True, True, True, False]
        assert history.origin is None
        history.select(1, 2)
        assert history.origin == Origin(1, 2)

    def test_a_run_that_was_finished_early_can_go_on(self, history: History) -> None:
        complete(history, 1, done=2)
        assert history.origin == Origin(1, 1)


class TestMemory:
    @pytest.fixture
    def size(self, history: History) -> int:
        """What a finished run takes; two and a half have room."""
        complete(history, 1)
        history.memory.budget = history.memory.bytes * 5 // 2
        return history.memory.bytes

    def test_counts_snapshots_and_pictures(self, history: History, size: int) -> None:
        predicted, noisy, finished = 4 * 8 * 8, 4, 4 * 8 * 8
        assert size == 4000 + 4 * (predicted + noisy) + finished

    def test_steps_that_make_room_are_told_of(self, history: History) -> None:
        removed, added = heard(history.stepRemoved), heard(history.stepAdded)
        develop(history, 1, done=3)
        del history.memory.runs[1].snapshots._kept[1]  # as a timeline that is thinned
        grow(history, step(1, 3))
        assert removed == [(1, 1)]
        assert [place[:2] for place in added] == [(1, index) for index in range(4)]
        assert [view.index for view in history.runs[1].steps] == [0, 2, 3]
        history.select(1, 1)
        assert selected(history) == (1, 3)

    def test_the_oldest_go_first(self, history: History, size: int) -> None:
        removed = heard(history.runRemoved)
        for number in (2, 3, 4):
            complete(history, number)
            assert history.memory.bytes <= history.memory.budget
        assert removed == [1, 2]
        assert list(history.runs) == [3, 4]
        assert history.memory.bytes == 2 * size

    def test_what_is_looked_at_and_what_runs_stay(self, history: History, size: int) -> None:
        removed = heard(history.runRemoved)
        complete(history, 2)
        history.select(1, 2)
        develop(history, 3, done=0)
        history.unfollow()
        history.select(1, 2)
        for index in range(3):
            grow(history, step(3, index), 5 * size if index == 0 else 0)
        assert removed == [2]
        assert selected(history) == (1, 2)
        history.select(3, 2)
        grow(history, step(3, 3), 0)
        assert removed == [2, 1]
        history.finish(result(3))
        history.rest()
        assert list(history.runs) == [3]

    def test_a_smaller_budget_acts_at_once(self, history: History, size: int) -> None:
        words = heard(history.memoryChanged)
        complete(history, 2)
        history.set_budget(size)
        assert list(history.runs) == [2]
        history.set_budget(0)
        assert list(history.runs) == [2]  # it is looked at
        history.unfollow()
        history.set_budget(0)
        assert (history.memory.bytes, words[-1]) == (0, "")

    def test_is_told_in_megabytes(self, history: History) -> None:
        words = heard(history.memoryChanged)
        begin(history)
        grow(history, step(), 37 * 2**20)
        assert words[-1] == "timeline 37 MB"
