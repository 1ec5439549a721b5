"""The model that the worker has loaded, and the one before it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from app.worker.worker import Worker
from engine.errors import LoadError
from tests.app.conftest import Told
from tests.app.fake_engine import FakeEngine
from tests.app.worker.conftest import plan


def test_a_model_is_told_in_plain_values(
    qtbot: QtBot, worker: Worker, told: Told, fake: FakeEngine
) -> None:
    with qtbot.waitSignal(told.ready) as ready:
        worker.load("bundled")
    card = ready.args[0]
    assert (card.source, card.name, card.device, card.dtype) == (
        "bundled",
        "Bundled",
        "cpu",
        "torch.float32",
    )
    assert (card.multiple, card.minimum, card.maximum) == (8, 8, 256)
    assert (card.abilities, card.class_count) == ({"prompt", "negative"}, 0)
    assert fake.threads.isdisjoint({threading.get_ident()})


def test_a_load_that_fails_keeps_the_former_model(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    former = fake.pipeline
    fake.failures["load"] = LoadError("There is no model folder /gone. Check the path.")
    with qtbot.waitSignal(told.loadFailed) as failed:
        loaded.load("/gone")
    assert failed.args[0] == "There is no model folder /gone. Check the path."
    assert not former.closed
    with qtbot.waitSignal(told.finished):
        loaded.run(plan(), str(tmp_path))


def test_a_new_model_closes_the_former(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine
) -> None:
    former = fake.pipeline
    with qtbot.waitSignal(told.ready):
        loaded.load("/models/other")
    assert former.closed
    assert not fake.pipeline.closed


def test_the_former_model_stays_while_there_is_memory(
    qtbot: QtBot, fake: FakeEngine, loaded: Worker, told: Told
) -> None:
    def load(source: str) -> Any:
        with qtbot.waitSignals([told.ready, told.idle]):
            loaded.load(source)
        return loaded.present.pipeline

    fake.memory = 0.9
    bundled = loaded.present.pipeline
    other = load("other")
    assert load("bundled") is bundled
    assert load("other") is other
    assert fake.loaded == ["bundled", "other"], "switching back loads nothing"
    load("third")
    assert (bundled.closed, other.closed) == (True, False)
    fake.memory = 0.1
    load("bundled")
    assert other.closed, "one that was put by goes before another is loaded"
    assert fake.loaded == ["bundled", "other", "third", "bundled"]


def test_what_a_file_predicts_is_part_of_which_model_it_is(
    qtbot: QtBot, fake: FakeEngine, loaded: Worker, told: Told
) -> None:
    asked: list[dict[str, Any]] = []
    plain = fake.load

    def load(source: str, progress: Any = None, **options: Any) -> Any:
        asked.append(options)
        return plain(source, progress=progress)

    fake.load, fake.memory = load, 0.9
    for prediction in (None, "epsilon", None):
        with qtbot.waitSignals([told.ready, told.idle]):
            loaded.load("file.safetensors", prediction)
    assert asked == [{}, {"prediction_type": "epsilon"}], "the plain one was still there"


def test_closing_gives_up_a_load(
    qtbot: QtBot, worker: Worker, told: Told, fake: FakeEngine
) -> None:
    fake.load_gate = threading.Event()
    with qtbot.waitSignal(told.loading):
        worker.load("bundled")
    with qtbot.waitSignal(told.loadFailed):
        worker.close()
