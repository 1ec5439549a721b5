"""The door itself: the names, what they are called with, and a model's facts."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import engine
from app.worker.engine_door import Engine
from app.worker.loading import card_of
from engine.families.family import Ability
from engine.pipelines.pipeline import Pipeline
from engine.run.runner import LocalRunner
from engine.run.timeline import Timeline
from tests.app.fake_engine import FakeEngine, FakePipeline, FakeRunner, FakeTimeline
from tests.contract.conftest import UnderTest

NAMES = sorted(name for name in vars(Engine) if not name.startswith("_"))


def parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def test_all_that_the_worker_asks_for_is_there(engine_under_test: UnderTest) -> None:
    assert [name for name in NAMES if not hasattr(engine_under_test.door, name)] == []


@pytest.mark.parametrize(
    "name",
    [
        *("load", "generate", "compare", "reguide", "preview", "previewed", "keep_previews"),
        *("save", "sheet", "write_film", "core_left_free", "memory_left"),
    ],
)
def test_the_stand_in_is_called_as_the_engine_is(name: str) -> None:
    own, theirs = parameters(getattr(FakeEngine(), name)), parameters(getattr(engine, name))
    assert own == [parameter for parameter in theirs if parameter in own]


@pytest.mark.parametrize(
    ("stand_in", "original", "names"),
    [
        (FakeTimeline, Timeline, ("add", "weigh", "at")),
        (FakeRunner, LocalRunner, ("run",)),
        (FakePipeline, Pipeline, ("close", "checkpoint_sha256")),
    ],
)
def test_its_objects_are_called_as_the_engines_are(
    stand_in: type, original: type, names: tuple[str, ...]
) -> None:
    for name in names:
        assert parameters(getattr(stand_in, name)) == parameters(getattr(original, name)), name


@pytest.mark.parametrize("name", ["Control", "Request", "Edit", "Grid", "Axis", "EngineError"])
def test_what_is_no_work_is_the_engines_own(name: str) -> None:
    assert getattr(FakeEngine, name) is getattr(engine, name)


def test_a_model_has_its_card(engine_under_test: UnderTest) -> None:
    card = card_of("bundled", engine_under_test.pipeline)
    assert (card.source, card.device) == ("bundled", "cpu")
    assert card.name and card.family == "stable-diffusion"
    assert card.dtype.startswith("torch.")
    assert 0 < card.multiple <= card.minimum < card.maximum
    assert isinstance(card.abilities, frozenset)
    assert card.abilities >= {Ability.PROMPT, Ability.NEGATIVE}
    assert all(isinstance(ability, Ability) for ability in card.abilities)
    assert (card.class_count, card.guessed_prediction) == (0, False)


def test_a_models_own_request_leaves_nothing_open(engine_under_test: UnderTest) -> None:
    pipeline = engine_under_test.pipeline
    own, card = pipeline.default_request, card_of("bundled", pipeline)
    assert card.accepts_size(own.width) and card.accepts_size(own.height)
    assert own.scheduler in engine_under_test.door.schedulers.names()
    assert card.suited(own) == own


def test_a_model_is_known_by_its_weights(engine_under_test: UnderTest) -> None:
    sha256 = engine_under_test.pipeline.checkpoint_sha256()
    assert len(sha256) == 64 and set(sha256) <= set("0123456789abcdef")


def test_schedulers_are_described(engine_under_test: UnderTest) -> None:
    schedulers = engine_under_test.door.schedulers
    described = [schedulers.describe(name) for name in schedulers.names()]
    assert [one.name for one in described] == list(schedulers.names())
    assert all(one.label and one.sentence and one.network for one in described)
    with pytest.raises(engine.SchedulerError):
        schedulers.describe("no such scheduler")


def test_how_much_memory_is_left_is_a_share(engine_under_test: UnderTest) -> None:
    assert 0.0 <= engine_under_test.door.memory_left(engine_under_test.pipeline.device) <= 1.0


def test_images_are_written_and_errors_are_told(
    engine_under_test: UnderTest, tmp_path: Path
) -> None:
    (*_, finished) = engine_under_test.run(engine_under_test.request(steps=1))
    (image,), record = finished.images, finished.record
    engine_under_test.door.save(image, tmp_path / "a.png", record)
    with Image.open(tmp_path / "a.png") as read:
        assert read.size == image.size
    with pytest.raises(engine.SaveError):
        engine_under_test.door.save(image, tmp_path / "nowhere" / "a.png", record)


def test_a_grid_becomes_one_picture(engine_under_test: UnderTest) -> None:
    grid = engine.Grid((engine.Axis.parse("seed", "1, 2"),))
    image = Image.new("RGB", (16, 16))
    sheet = engine_under_test.door.sheet(grid, [image, None])
    assert sheet.mode == "RGB" and sheet.width >= 32 and sheet.height >= 16
