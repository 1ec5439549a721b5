"""One thing at a time, in the order of asking, and nothing lost."""

from __future__ import annotations

from typing import Any

import pytest

from app.state.queue import Queue
from engine.request import Request


@pytest.fixture
def released() -> list[Any]:
    return []


@pytest.fixture
def queue(released: list[Any]) -> Queue:
    queue = Queue()
    queue.requestReleased.connect(released.append)
    queue.loadReleased.connect(released.append)
    return queue


def test_releases_one_at_a_time_in_order(queue: Queue, released: list[Any]) -> None:
    requests = [Request(seed=seed) for seed in range(3)]
    for request in requests:
        queue.submit(request)
    assert (released, len(queue)) == (requests[:1], 2)
    queue.next()
    queue.next()
    assert (released, len(queue)) == (requests, 0)
    queue.next()
    queue.submit(requests[0])
    assert released[-1] is requests[0]


def test_a_model_waits_for_what_was_asked_of_the_one_before(
    queue: Queue, released: list[Any]
) -> None:
    first, second = Request(seed=1), Request(seed=2)
    queue.submit(first)
    queue.submit_load("another")
    queue.submit(second)
    queue.next()
    assert released == [first, "another"]
    queue.next()
    assert released == [first, "another", second]


def test_tells_how_many_wait(queue: Queue) -> None:
    lengths: list[int] = []
    queue.lengthChanged.connect(lengths.append)
    for _ in range(3):
        queue.submit(Request())
    queue.next()
    queue.clear()
    assert [lengths[1], lengths[2], lengths[-1]] == [1, 2, 0]
    queue.next()
    assert len(queue) == 0
