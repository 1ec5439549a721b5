"""The cost of a record's request: told before anything is loaded or unpacked, asked about where it
is far from usual, and never where it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFile

import engine
from engine import schedulers
from engine.record.record import Record
from engine.request.request import Edit, Request
from engine.run.cost import cost_of
from tests.engine.request.test_numbers import write_png

VERSIONS = {"safelight": "0.1.0"}
HUGE = {"a long run": (4096, 1000), "a large picture": (9000, 1), "both": (9000, 1000)}


def record(side: int = 64, steps: int = 1, **own: Any) -> Record:
    request = Request("x", width=side, height=side, steps=steps, scheduler="unipc", **own)
    return Record(request, steps, "Emoji", "0" * 64, "cpu", "float32", VERSIONS, ())


@pytest.fixture
def nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever unpacks a picture or loads a model fails."""

    def fail(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("something was opened before the question")

    monkeypatch.setattr(import_module("engine.run.replay"), "load", fail)
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)


@pytest.mark.parametrize("name", schedulers.names())
def test_what_people_make_every_day_asks_nothing(name: str) -> None:
    """SDXL's size, four at once, in as many steps as the scheduler is good for; a pixel model's
    thousand; a large picture."""
    usual = Request(width=1024, height=1024, steps=50, count=4, scheduler=name)
    assert cost_of(usual).is_usual
    assert cost_of(replace(usual, count=1, steps=200)).is_usual
    assert cost_of(replace(usual, width=256, height=256, steps=1000)).is_usual
    assert cost_of(replace(usual, width=4096, height=4096, steps=16, count=1)).is_usual
    assert not cost_of(replace(usual, width=8192, height=8192, steps=1, count=1)).is_usual
    assert not cost_of(replace(usual, steps=1000)).is_usual
    ended = replace(usual, steps=1000, edits=(Edit(9, "finish", True),))
    assert cost_of(ended).is_usual
    assert cost_of(ended).evaluations == 9


@pytest.mark.parametrize("huge", HUGE.values(), ids=HUGE)
@pytest.mark.usefixtures("nothing_is_opened")
def test_a_costly_record_asks_before_anything_is_opened(
    huge: tuple[int, int], tmp_path: Path
) -> None:
    side, steps = huge
    path = tmp_path / "a.png"
    write_png(path, {"safelight": record(side, steps).to_json()}, (side, side))
    with pytest.raises(engine.CostlyReplay) as caught:
        engine.replay(path)
    said = str(caught.value)
    assert f"{side} by {side} pixels in {steps} steps" in said
    assert "--yes" in said and "agreed=True" in said
    with pytest.raises(engine.CostlyReplay):
        engine.ask_first(path, engine.read(path).request)


@pytest.mark.usefixtures("nothing_is_opened")
@pytest.mark.parametrize("agreed", [False, True])
def test_a_picture_that_the_record_does_not_make_is_not_unpacked(
    agreed: bool, tmp_path: Path
) -> None:
    """A few bytes that would be 81 million pixels, whose record tells of 64 by 64."""
    path = tmp_path / "a.png"
    write_png(path, {"safelight": record().to_json()}, (9000, 9000))
    with pytest.raises(engine.EngineError, match="has 9000 by 9000 pixels, and its record makes"):
        engine.replay(path, agreed=agreed)


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/passwd", "~root/x", "a/../../../etc", "x\0y", "x" * 100_000, "แ" * 150, "."],
)
def test_the_name_of_a_model_is_no_place_to_look_at(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing: Callable[..., Any]
) -> None:
    path = tmp_path / "a.png"
    monkeypatch.setattr(import_module("engine.run.replay"), "load", refusing)
    engine.save(Image.new("RGB", (64, 64)), path, replace(record(), checkpoint=name))
    with pytest.raises(engine.EngineError, match="is not among the models here") as caught:
        engine.replay(path)
    assert len(str(caught.value)) < 400 + len(str(path))


def test_what_is_agreed_to_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing: Callable[..., Any]
) -> None:
    path = tmp_path / "a.png"
    costly = record(64, 1, count=1)
    costly = replace(costly, request=replace(costly.request, steps=1000, width=800, height=800))
    engine.save(Image.new("RGB", (800, 800)), path, costly)
    monkeypatch.setattr(import_module("engine.run.replay"), "load", refusing)
    with pytest.raises(engine.CostlyReplay):
        engine.replay(path)
    with pytest.raises(engine.LoadError, match="the model is loaded now"):
        engine.replay(path, source="bundled", agreed=True)


@pytest.fixture
def refusing() -> Callable[..., Any]:
    def load(*arguments: Any, **named: Any) -> Any:
        raise engine.LoadError("the model is loaded now")

    return load
