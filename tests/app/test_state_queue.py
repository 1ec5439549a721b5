"""One thing at a time, in the order of asking, nothing lost; and a run is not stopped unasked."""

from __future__ import annotations

from typing import Any

import pytest

from app.state.queue import Queue
from engine.request import Request

FIRST, SECOND, THIRD = (Request(seed=seed) for seed in range(3))


@pytest.fixture
def released() -> list[Any]:
    return []


@pytest.fixture
def queue(released: list[Any]) -> Queue:
    queue = Queue()
    queue.requestReleased.connect(released.append)
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
    requests = [FIRST, SECOND, THIRD]
    for request in requests:
        queue.submit(request)
    assert (released, len(queue)) == (requests[:1], 2)
    queue.next()
    queue.next()
    assert (released, len(queue)) == (requests, 0)
    queue.next()
    queue.submit(FIRST)
    assert released[-1] is FIRST


def test_tells_how_many_wait(queue: Queue) -> None:
    lengths: list[int] = []
    queue.lengthChanged.connect(lengths.append)
    for request in (FIRST, SECOND, THIRD):
        queue.submit(request)
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
