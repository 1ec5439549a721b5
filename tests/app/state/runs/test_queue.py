"""One thing at a time, in the order of asking, nothing lost; and a run is not stopped unasked."""

from __future__ import annotations

from typing import Any

import pytest

from app.state.runs.plan import Plan
from app.state.runs.queue import Queue
from engine.request.request import Request
from tests.app.by_hand import heard

FIRST, SECOND, THIRD = (Plan((Request(seed=seed),)) for seed in range(3))


@pytest.fixture
def released() -> list[Any]:
    return []


@pytest.fixture
def queue(released: list[Any]) -> Queue:
    queue = Queue()
    queue.planReleased.connect(released.append)
    queue.loadReleased.connect(released.append)
    return queue


@pytest.fixture
def asked(queue: Queue) -> list[Any]:
    """(source, waiting) of each question, None where it is settled."""
    asked: list[Any] = []
    queue.switchAsked.connect(lambda source, waiting: asked.append((source, waiting)))
    queue.switchSettled.connect(lambda: asked.append(None))
    return asked


def test_releases_one_at_a_time_in_order(queue: Queue, released: list[Any]) -> None:
    plans = [FIRST, SECOND, THIRD]
    for plan in plans:
        queue.submit(plan)
    assert (released, len(queue)) == (plans[:1], 2)
    queue.next()
    queue.next()
    assert (released, len(queue)) == (plans, 0)
    queue.next()
    queue.submit(FIRST)
    assert released[-1] is FIRST


def test_tells_how_many_wait(queue: Queue) -> None:
    lengths = heard(queue.lengthChanged)
    for plan in (FIRST, SECOND, THIRD):
        queue.submit(plan)
    queue.next()
    queue.clear()
    assert lengths == [0, 1, 2, 1, 0]
    queue.next()
    assert len(queue) == 0


def test_without_a_run_a_model_is_loaded_unasked(
    queue: Queue, released: list[Any], asked: list[Any]
) -> None:
    queue.submit_load("a")
    queue.submit(FIRST)
    queue.submit_load("b")
    queue.submit_load("c")  # the latest wish counts
    queue.next()
    queue.next()
    assert (released, asked) == (["a", "c", FIRST], [])


def test_a_run_is_not_stopped_unasked(queue: Queue, released: list[Any], asked: list[Any]) -> None:
    stops: list[bool] = []
    queue.stopRequested.connect(lambda: stops.append(True))
    queue.submit(FIRST)
    queue.submit_load("a")
    queue.submit(SECOND)
    assert (released, asked, stops) == ([FIRST], [("a", 0), ("a", 1)], [])


def test_stop_and_load(queue: Queue, released: list[Any], asked: list[Any]) -> None:
    stops: list[bool] = []
    queue.stopRequested.connect(lambda: stops.append(True))
    queue.submit(FIRST)
    queue.submit(SECOND)
    queue.submit_load("a")
    queue.load_now()
    assert (released, asked, stops) == ([FIRST], [("a", 1), None], [True])
    for _ in range(3):
        queue.next()
    assert released == [FIRST, "a", SECOND]


def test_load_afterwards_comes_after_all_that_waits(queue: Queue, released: list[Any]) -> None:
    delayed: list[str] = []
    queue.loadDelayed.connect(delayed.append)
    queue.submit(FIRST)
    queue.submit(SECOND)
    queue.submit_load("a")
    queue.load_afterwards()
    queue.submit(THIRD)  # for the model that is still there
    for _ in range(4):
        queue.next()
    assert released == [FIRST, SECOND, THIRD, "a"]
    assert delayed == ["a"]


@pytest.mark.parametrize("answered", [True, False])
def test_a_wish_can_be_taken_back(queue: Queue, released: list[Any], answered: bool) -> None:
    queue.submit(FIRST)
    queue.submit_load("a")
    if answered:
        queue.load_afterwards()
    queue.withdraw()
    queue.next()
    queue.load_now()
    queue.submit(SECOND)
    assert released == [FIRST, SECOND]


def test_a_question_without_an_answer_ends_with_the_last_run(
    queue: Queue, released: list[Any], asked: list[Any]
) -> None:
    queue.submit(FIRST)
    queue.submit(SECOND)
    queue.submit_load("a")
    queue.next()
    assert (released, asked) == ([FIRST, SECOND], [("a", 1), ("a", 0)])
    queue.next()
    assert released == [FIRST, SECOND, "a"]
    assert asked[-1] is None


def test_clearing_settles_the_question(queue: Queue, released: list[Any], asked: list[Any]) -> None:
    queue.submit(FIRST)
    queue.submit_load("a")
    queue.clear()
    queue.next()
    assert (released, asked) == ([FIRST], [("a", 0), None])


def test_one_that_is_to_be_first(queue: Queue, released: list[Any]) -> None:
    lengths = heard(queue.lengthChanged)
    for plan in (FIRST, SECOND):
        queue.submit(plan)
    queue.submit_first(THIRD)
    assert lengths == [0, 1, 2]
    for _ in range(3):
        queue.next()
    queue.submit_first(FIRST)  # at once, where nothing is being done
    assert released == [FIRST, THIRD, SECOND, FIRST]


class TestHolding:
    """FIRST is being done and SECOND waits; then a person stops the run."""

    @pytest.fixture(autouse=True)
    def held(self, queue: Queue) -> list[bool]:
        held = heard(queue.heldChanged)
        queue.submit(FIRST)
        queue.submit(SECOND)
        return held

    def hold(self, queue: Queue) -> None:
        queue.hold()
        queue.next()

    def test_nothing_begins_until_it_goes_on(
        self, queue: Queue, released: list[Any], held: list[bool]
    ) -> None:
        queue.hold()
        assert True not in held  # the run has not ended yet
        queue.next()
        assert (released, held[-1], len(queue)) == ([FIRST], True, 1)
        queue.go_on()
        assert (released, held[-1], len(queue)) == ([FIRST, SECOND], False, 0)
        queue.next()
        queue.submit(THIRD)
        assert released[-1] is THIRD

    @pytest.mark.parametrize("ask", ["submit", "submit_first"])
    def test_asking_for_more_goes_on(
        self, queue: Queue, released: list[Any], held: list[bool], ask: str
    ) -> None:
        self.hold(queue)
        getattr(queue, ask)(THIRD)
        assert released[1] is (SECOND if ask == "submit" else THIRD)
        assert (held[-1], len(queue)) == (False, 1)

    def test_with_nothing_waiting_nothing_is_held(
        self, queue: Queue, released: list[Any], held: list[bool]
    ) -> None:
        queue.next()
        self.hold(queue)
        assert True not in held
        queue.submit(THIRD)
        assert released[-1] is THIRD

    def test_what_waits_can_be_forgotten(
        self, queue: Queue, released: list[Any], held: list[bool]
    ) -> None:
        self.hold(queue)
        queue.forget()
        assert (len(queue), held[-1]) == (0, False)
        queue.go_on()
        assert released == [FIRST]
        queue.submit(THIRD)
        assert released[-1] is THIRD

    def test_a_model_is_loaded_while_plans_stand_still(
        self, queue: Queue, released: list[Any], held: list[bool]
    ) -> None:
        self.hold(queue)
        queue.submit_load("a")
        assert released[-1] == "a"
        queue.next()
        assert held[-1] is True
        queue.go_on()
        assert released == [FIRST, "a", SECOND]

    def test_an_open_question_is_answered_by_the_stop(
        self, queue: Queue, released: list[Any], asked: list[Any], held: list[bool]
    ) -> None:
        queue.submit_load("a")
        self.hold(queue)
        assert (released, asked[-1]) == ([FIRST, "a"], None)
        queue.next()
        assert held[-1] is True

    @pytest.mark.parametrize("forgotten", [True, False])
    def test_a_model_for_afterwards_comes_after_what_is_held(
        self, queue: Queue, released: list[Any], forgotten: bool
    ) -> None:
        queue.submit_load("a")
        queue.load_afterwards()
        self.hold(queue)
        assert released == [FIRST]
        if forgotten:
            queue.forget()
            assert released == [FIRST, "a"]
        else:
            queue.go_on()
            queue.next()
            assert released == [FIRST, SECOND, "a"]

    def test_at_the_end_of_the_program_nothing_begins(
        self, queue: Queue, released: list[Any]
    ) -> None:
        queue.submit_load("a")
        queue.load_afterwards()
        self.hold(queue)
        queue.clear()
        queue.next()
        assert (released, len(queue)) == ([FIRST], 0)
