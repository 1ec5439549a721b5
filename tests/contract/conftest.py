"""The same tests on the engine and on the scripted stand-in that the tests of the application take
for it, so that the stand-in cannot drift away: `engine_under_test` is both, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

import engine
from engine.request.request import Request
from tests.app.fake_engine import FakeEngine

SIDE, STEPS = 16, 4


@dataclass(frozen=True)
class UnderTest:
    """door: `engine`, or what has its names; pipeline: a small model that takes a prompt."""

    door: Any
    pipeline: Any

    def request(self, **fields: Any) -> Request:
        """A small run of this model."""
        usual = {"prompt": "a red apple", "steps": STEPS, "width": SIDE, "height": SIDE, "seed": 7}
        return replace(self.pipeline.default_request, **(usual | fields))

    def run(self, request: Request | None = None, **more: Any) -> list[Any]:
        """All events of a run."""
        return list(self.door.generate(self.pipeline, request or self.request(), **more))

    def steps(self, events: list[Any]) -> list[Any]:
        return [event for event in events if isinstance(event, engine.Step)]


@pytest.fixture(scope="session")
def engines() -> Iterator[dict[str, UnderTest]]:
    scripted = FakeEngine()
    both = {
        "scripted": UnderTest(scripted, scripted.load("bundled")),
        "real": UnderTest(engine, engine.load("bundled", device="cpu")),
    }
    yield both
    for one in both.values():
        one.pipeline.close()


@pytest.fixture(params=["scripted", "real"])
def engine_under_test(request: pytest.FixtureRequest, engines: dict[str, UnderTest]) -> UnderTest:
    return engines[request.param]
