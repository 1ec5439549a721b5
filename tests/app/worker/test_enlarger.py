"""Better pictures of the steps, beside the run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt, QThread, Signal
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.state.runs.run import StepView
from app.worker.enlarger import Enlarger
from app.worker.retoucher import Retoucher
from app.worker.worker import Worker
from tests.app.by_hand import heard
from tests.app.conftest import Told
from tests.app.fake_engine import FakeEngine
from tests.app.worker.conftest import REQUEST, Clock, plan


class Pictured(QObject):
    """What the enlarger tells, told again in the test's own thread."""

    enlarged = Signal(int, int, QImage, str)
    failed = Signal(str)

    def __init__(self, enlarger: Enlarger) -> None:
        super().__init__()
        enlarger.enlarged.connect(self.enlarged)
        enlarger.failed.connect(self.failed)


class TestEnlarging:
    """Of a model whose steps come as linear pictures; the VAE's take their time."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def enlarger(self, fake: FakeEngine, loaded: Worker, clock: Clock) -> Iterator[Enlarger]:
        fake.kinds = {"linear": "linear", "auto": "vae", "vae": "vae"}
        enlarger = Enlarger(loaded, Retoucher(loaded), clock)
        thread = QThread()
        enlarger.moveToThread(thread)
        thread.finished.connect(enlarger.stop, Qt.ConnectionType.DirectConnection)
        loaded.stepped.connect(enlarger.follow, Qt.ConnectionType.DirectConnection)
        loaded.idle.connect(enlarger.wake, Qt.ConnectionType.DirectConnection)
        thread.start()
        yield enlarger
        enlarger.close()
        thread.quit()
        assert thread.wait(3000)

    @pytest.fixture
    def pictures(self, enlarger: Enlarger) -> list[Any]:
        self.pictured = Pictured(enlarger)
        return heard(self.pictured.enlarged)

    def test_a_slow_picture_delays_no_step(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        fake.preview_gate = threading.Semaphore(0)
        steps = heard(told.stepped)
        with qtbot.waitSignals([told.finished, told.idle], order="strict"):
            loaded.run(plan(replace(REQUEST, steps=5)), str(tmp_path))
        assert [(step.index, step.kind) for step in steps] == [(i, "linear") for i in range(5)]
        assert pictures == []

    def test_the_newest_step_wins_and_the_image_goes_before_it(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        fake.preview_gate, fake.gate = threading.Semaphore(0), threading.Semaphore(1)
        steps = heard(told.stepped)
        loaded.run(plan(replace(REQUEST, steps=6)), str(tmp_path))
        qtbot.waitUntil(lambda: len(steps) == 1 and fake.previewed_kinds == ["auto"])
        clock.now += 1
        fake.gate.release(3)
        qtbot.waitUntil(lambda: len(steps) == 4)
        fake.preview_gate.release(2)
        qtbot.waitUntil(lambda: len(pictures) == 2)
        assert [told[:2] for told in pictures] == [(1, 0), (1, 3)]
        assert pictures[0][2].pixelColor(5, 5) == QColor(42, 42, 42)

        clock.now += 1
        with qtbot.waitSignal(told.stepped):
            fake.gate.release(1)
        qtbot.waitUntil(lambda: fake.previewed_kinds == ["auto"] * 3)
        with qtbot.waitSignal(told.finished):
            fake.gate.release(1)
        qtbot.waitUntil(lambda: fake.given_up == 1)

    def test_the_others_come_when_the_run_is_over_and_give_way_to_the_next(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        def passes() -> bool:
            clock.now += 1
            return True

        fake.preview_gate = threading.Semaphore(0)
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(), str(tmp_path))
        qtbot.waitUntil(lambda: passes() and len(fake.previewed_kinds) > fake.given_up)
        given_up = fake.given_up
        fake.gate = threading.Semaphore(0)
        loaded.run(plan(), str(tmp_path))
        qtbot.waitUntil(lambda: fake.given_up > given_up)
        assert pictures == []
        with qtbot.waitSignal(told.idle):
            fake.gate.release(9)
        fake.preview_gate.release(99)
        qtbot.waitUntil(lambda: passes() and enlarger.at_rest and len(pictures) == 6)
        assert {told[:2] for told in pictures} == {(r, i) for r in (1, 2) for i in range(3)}

    def test_the_step_that_is_looked_at_is_made_first_and_in_full(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        steps = heard(told.stepped)
        fake.kinds["auto"] = "linear"  # there is no time for more
        fake.gate = threading.Semaphore(3)
        with qtbot.waitSignals([told.stepped] * 3):
            loaded.run(plan(replace(REQUEST, steps=9)), str(tmp_path))
        enlarger.look(steps[0], None)
        loaded.set_paused(True)
        clock.now += 1
        enlarger.wake()
        qtbot.waitUntil(lambda: len(pictures) == 1)
        assert (pictures[0][:2], pictures[0][3]) == ((1, 0), "vae")
        assert "vae" in fake.previewed_kinds
        loaded.cancel()

    def test_all_become_sharp_when_the_run_is_over_the_one_looked_at_first(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        """Where a decode took more than a tenth of a second, the strip stayed blurred for good."""

        def passes() -> bool:
            clock.now += 1
            enlarger.wake()
            return True

        fake.kinds["auto"] = "linear"
        fake.preview_gate = threading.Semaphore(0)
        steps = heard(told.stepped)
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(replace(REQUEST, steps=5)), str(tmp_path))
        qtbot.waitUntil(lambda: passes() and len(fake.previewed_kinds) > fake.given_up)
        given_up = fake.given_up
        enlarger.look(steps[1], None)
        qtbot.waitUntil(lambda: passes() and fake.given_up > given_up)
        fake.preview_gate.release(99)
        qtbot.waitUntil(lambda: passes() and len(pictures) == 5)
        assert [told[1] for told in pictures] == [1, 4, 3, 2, 0]
        assert {told[3] for told in pictures} == {"vae"}
        qtbot.waitUntil(lambda: enlarger.at_rest)

    def test_at_most_thirty_a_second(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        fake.gate = threading.Semaphore(0)
        loaded.run(plan(replace(REQUEST, steps=100)), str(tmp_path))
        for _ in range(60):  # each takes a hundredth of a second
            with qtbot.waitSignal(told.stepped):
                fake.gate.release(1)
            self.pass_timer(qtbot, enlarger)
            clock.now += 0.01
        assert 12 <= len(fake.previewed_kinds) <= 0.6 * 30 + 1
        loaded.cancel()

    def pass_timer(self, qtbot: QtBot, enlarger: Enlarger) -> None:
        """Until the enlarger has made what is due now, as its clock stands."""
        due = enlarger._due <= enlarger._clock()
        if due:
            qtbot.waitUntil(lambda: enlarger._due > enlarger._clock())

    def test_an_error_is_told_once_and_ends_neither_the_run_nor_the_next_picture(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        clock: Clock,
        tmp_path: Path,
    ) -> None:
        failed, sketches = heard(self.pictured.failed), heard(told.previewFailed)
        fake.failures["preview"] = RuntimeError("mat1 and mat2")
        steps = heard(told.stepped)
        with qtbot.waitSignals([told.finished, told.idle]):
            loaded.run(plan(), str(tmp_path))

        def step_on() -> bool:
            clock.now += 1
            enlarger.wake()
            return enlarger.at_rest

        qtbot.waitUntil(step_on)
        qtbot.waitUntil(lambda: len(failed) == 1)
        assert [step.kind for step in steps] == [""] * 3
        assert len(sketches) == 1
        assert "mat1 and mat2" in sketches[0]
        assert "mat1 and mat2" in failed[0]
        fake.failures.clear()
        enlarger.look(steps[1], None)
        qtbot.waitUntil(lambda: step_on() and len(pictures) == 1)

    def test_nothing_comes_after_closing(
        self,
        qtbot: QtBot,
        enlarger: Enlarger,
        pictures: list[Any],
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        fake.preview_gate, fake.gate = threading.Semaphore(0), threading.Semaphore(1)
        with qtbot.waitSignal(told.stepped) as stepped:
            loaded.run(plan(), str(tmp_path))
        qtbot.waitUntil(lambda: fake.previewed_kinds == ["auto"])
        enlarger.close()
        qtbot.waitUntil(lambda: fake.given_up == 1)
        assert stepped.args is not None
        (step,) = stepped.args
        assert isinstance(step, StepView)
        enlarger.look(step, None)
        fake.preview_gate.release(9)
        with qtbot.waitSignal(told.idle):
            fake.gate.release(9)
        qtbot.wait(50)
        assert pictures == []
