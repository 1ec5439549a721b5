"""A run on the worker's thread: what it tells, how it is steered, and that no error ends it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.worker.worker import Worker
from engine.errors import OutOfMemory
from tests.app.by_hand import heard
from tests.app.conftest import Told
from tests.app.fake_engine import FAKE_CLASSES, FakeEngine
from tests.app.worker.conftest import REQUEST, plan


def test_a_run_is_told_step_by_step(
    qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
) -> None:
    steps, plans = heard(told.stepped), heard(told.planned)
    signals = [told.started, told.encoded, told.finished, told.idle]
    with qtbot.waitSignals(signals, order="strict"):
        loaded.run(plan(), str(tmp_path))
    assert [(step.index, step.total, step.guidance_scale) for step in steps] == [
        (0, 3, 7.5),
        (1, 3, 7.5),
        (2, 3, 7.5),
    ]
    assert steps[2].predicted.size().toTuple() == (64, 64)
    assert steps[2].noisy.size().toTuple() == (8, 8)
    assert steps[2].predicted.pixelColor(5, 5) == QColor(255, 255, 255)
    assert steps[2].noisy.pixelColor(5, 5) == QColor(127, 127, 127)
    snapshots = loaded.memory.runs[1].snapshots
    assert ([one.index for one in snapshots], snapshots.size) == ([0, 1, 2], 3000)
    assert plans == [(1, (7.5, 7.5, 7.5))]


def test_a_model_without_a_prompt_has_no_guidance(
    qtbot: QtBot, worker: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    fake.models["cats"] = FAKE_CLASSES
    cards = heard(told.ready)
    with qtbot.waitSignal(told.idle):
        worker.load("cats")
    card = cards[0]
    assert (card.abilities, card.class_count) == ({"classes"}, 10)
    steps, plans = heard(told.stepped), heard(told.planned)
    with qtbot.waitSignal(told.idle):
        worker.run(plan(card.suited(replace(REQUEST, class_label=3))), str(tmp_path))
    assert [step.guidance_scale for step in steps] == [None] * 3
    assert plans == []
    assert fake.requests[0].class_label == 3


def test_guidance_reaches_the_run_under_way(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    fake.gate = threading.Semaphore(1)
    steps, plans, notes = heard(told.stepped), heard(told.planned), heard(told.encoded)
    with qtbot.waitSignal(told.stepped):
        loaded.run(plan(), str(tmp_path))
    loaded.steer("guidance_scale", 11.0)
    loaded.steer("guidance_rescale", 0.5)
    loaded.steer("words", ("a cat", "rain"))
    with qtbot.waitSignal(told.finished):
        fake.gate.release(9)
    assert [step.guidance_scale for step in steps] == [7.5, 11.0, 11.0]
    assert [sorted((e.step, e.field, e.value) for e in step.edits) for step in steps] == [
        [],
        [
            (1, "guidance_rescale", 0.5),
            (1, "guidance_scale", 11.0),
            (1, "negative_prompt", "rain"),
            (1, "prompt", "a cat"),
        ],
        [],
    ]
    assert plans == [(1, (7.5, 7.5, 7.5)), (1, (7.5, 11.0, 11.0))]
    assert [note[0] for note in notes] == [1, 1], "the new prompt is read as well"


def test_finishing_makes_an_image_of_what_is_there(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    fake.gate = threading.Semaphore(2)
    with qtbot.waitSignals([told.stepped, told.stepped]):
        loaded.run(plan(replace(REQUEST, steps=50)), str(tmp_path))
    with qtbot.waitSignal(told.finished) as finished:
        loaded.finish()
    assert fake.evaluated == [0, 1]
    assert Path(finished.args[0].paths[0]).stat().st_size > 0


def test_pausing_holds_the_run(qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path) -> None:
    loaded.run(plan(), str(tmp_path))
    loaded.set_paused(True)  # acts although the run may not have begun
    with qtbot.assertNotEmitted(told.finished, wait=80):
        pass
    with qtbot.waitSignal(told.finished):
        loaded.set_paused(False)


@pytest.mark.parametrize("paused", [False, True])
def test_cancelling_ends_the_run_paused_or_not(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path, paused: bool
) -> None:
    fake.gate = threading.Semaphore(2)
    loaded.set_paused(paused)
    with qtbot.waitSignal(told.stepped):
        loaded.run(plan(replace(REQUEST, steps=50)), str(tmp_path))
    loaded.set_paused(paused)
    with qtbot.waitSignal(told.cancelled) as cancelled:
        loaded.cancel()
    assert cancelled.args[1] in (1, 2)
    qtbot.waitUntil(lambda: fake.generators_closed == 1)
    assert list(tmp_path.glob("*.png")) == []


def test_a_run_can_be_cancelled_before_it_has_begun(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    with qtbot.waitSignal(told.cancelled) as cancelled:
        loaded.run(plan(), str(tmp_path))
        loaded.cancel()
    assert cancelled.args[1] <= 1


@pytest.mark.parametrize(
    ("stage", "error", "words"),
    [
        ("encode", OutOfMemory("The device has too little memory."), "too little memory"),
        (1, RuntimeError("mat1 and mat2"), "RuntimeError: mat1 and mat2"),
        (0, MemoryError(), "too little memory"),
        (2, OSError(5, "Input/output error", "weights"), "weights: Input/output error"),
        (1, ValueError("{braces}"), "{braces}"),
    ],
)
def test_every_error_becomes_a_sentence_and_the_next_run_works(
    qtbot: QtBot,
    loaded: Worker,
    told: Told,
    fake: FakeEngine,
    tmp_path: Path,
    stage: Any,
    error: Exception,
    words: str,
) -> None:
    fake.failures[stage] = error
    with qtbot.waitSignal(told.failed) as failed:
        loaded.run(plan(), str(tmp_path))
    assert words in failed.args[1]
    qtbot.waitUntil(lambda: fake.generators_closed == 1)
    fake.failures.clear()
    with qtbot.waitSignal(told.finished):
        loaded.run(plan(), str(tmp_path))


def test_without_a_model_a_run_is_refused_in_words(
    qtbot: QtBot, worker: Worker, told: Told, tmp_path: Path
) -> None:
    refused = heard(told.refused)
    with qtbot.waitSignal(told.idle):
        worker.run(plan(), str(tmp_path))
    assert refused == ["No model is loaded. Choose one first."]


def test_only_what_is_shown_of_a_long_run_is_kept(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path
) -> None:
    steps = heard(told.stepped)
    with qtbot.waitSignal(told.idle):
        loaded.run(plan(replace(REQUEST, steps=400)), str(tmp_path))
    kept = [snapshot.index for snapshot in loaded.memory.runs[1].snapshots]
    assert kept == [step.index for step in steps]
    assert (kept[0], kept[-1]) == (0, 399)
    assert len(kept) < 400 == len(fake.evaluated)
