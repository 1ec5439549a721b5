"""A step under another guidance, while the slider moves and when it rests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt, QThread, Signal
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.worker.retoucher import Retoucher
from app.worker.worker import Worker
from tests.app.by_hand import heard
from tests.app.conftest import Told
from tests.app.fake_engine import FakeEngine
from tests.app.worker.conftest import REQUEST, plan


class Shown(QObject):
    """What the retoucher tells, told again in the test's own thread."""

    retouched = Signal(int, int, float, QImage, str)
    failed = Signal(str)

    def __init__(self, retoucher: Retoucher) -> None:
        super().__init__()
        retoucher.retouched.connect(self.retouched)
        retoucher.failed.connect(self.failed)


class TestRetouching:
    @pytest.fixture
    def retoucher(
        self, qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
    ) -> Iterator[Retoucher]:
        """For run 1, which is over."""
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(), str(tmp_path))
        retoucher = Retoucher(loaded)
        thread = QThread()
        retoucher.moveToThread(thread)
        thread.finished.connect(retoucher.stop, Qt.ConnectionType.DirectConnection)
        thread.start()
        yield retoucher
        retoucher.close()
        thread.quit()
        assert thread.wait(3000)

    @pytest.fixture
    def shown(self, retoucher: Retoucher) -> Shown:
        return Shown(retoucher)

    def test_the_latest_wish_wins(
        self, qtbot: QtBot, retoucher: Retoucher, shown: Shown, fake: FakeEngine
    ) -> None:
        fake.reguide_gate = threading.Event()
        pictures = heard(shown.retouched)
        retoucher.ask(1, 1, 1.0, 0.0)
        qtbot.waitUntil(lambda: fake.reguided == [1.0])
        for scale in range(2, 20):
            retoucher.ask(1, 1, float(scale), 0.0)
        fake.reguide_gate.set()
        qtbot.waitUntil(lambda: len(pictures) == 2)
        assert fake.reguided == [1.0, 19.0]
        assert [told[:3] for told in pictures] == [(1, 1, 1.0), (1, 1, 19.0)]
        assert pictures[1][3].pixelColor(5, 5) == QColor(190, 190, 190)

    def test_while_the_worker_is_busy(
        self,
        qtbot: QtBot,
        retoucher: Retoucher,
        shown: Shown,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        fake.gate = threading.Semaphore(1)
        with qtbot.waitSignal(told.stepped):
            loaded.run(plan(), str(tmp_path))
        for run, index in ((1, 2), (2, 0)):
            with qtbot.waitSignal(shown.retouched) as retouched:
                retoucher.ask(run, index, 3.0, 0.0)
            assert retouched.args[:2] == [run, index]
        assert fake.alive == 1

    def test_an_error_is_a_sentence_and_the_next_wish_works(
        self, qtbot: QtBot, retoucher: Retoucher, shown: Shown, fake: FakeEngine
    ) -> None:
        fake.failures["reguide"] = RuntimeError("mat1 and mat2")
        with qtbot.waitSignal(shown.failed) as failed:
            retoucher.ask(1, 1, 3.0, 0.0)
        assert "mat1 and mat2" in failed.args[0]
        fake.failures.clear()
        with qtbot.waitSignal(shown.retouched):
            retoucher.ask(1, 1, 3.0, 0.0)

    def test_once_the_slider_rests_the_picture_comes_in_full(
        self, qtbot: QtBot, retoucher: Retoucher, shown: Shown, fake: FakeEngine
    ) -> None:
        """A decode of over a tenth of a second never came, and what was sharp stayed a blur."""
        fake.kinds = {"linear": "linear", "auto": "linear", "vae": "vae"}
        pictures = heard(shown.retouched)
        for scale in range(1, 5):
            retoucher.ask(1, 1, float(scale), 0.0)
        qtbot.waitUntil(lambda: [told[4] for told in pictures[-1:]] == ["vae"])
        assert [told[:3] + told[4:] for told in pictures[-2:]] == [
            (1, 1, 4.0, "linear"),
            (1, 1, 4.0, "vae"),
        ]
        assert not retoucher.waiting

    def test_the_full_picture_gives_way_and_is_not_made_for_nobody(
        self, qtbot: QtBot, retoucher: Retoucher, shown: Shown, fake: FakeEngine
    ) -> None:
        fake.kinds = {"linear": "linear", "auto": "linear", "vae": "vae"}
        pictures = heard(shown.retouched)
        fake.preview_gate = threading.Semaphore(1)
        retoucher.ask(1, 1, 3.0, 0.0)
        qtbot.waitUntil(lambda: fake.previewed_kinds == ["auto", "vae"])
        retoucher.ask(1, 1, 4.0, 0.0)
        qtbot.waitUntil(lambda: fake.given_up == 1)
        fake.preview_gate.release(1)
        qtbot.waitUntil(lambda: [told[2] for told in pictures] == [3.0, 4.0])
        qtbot.waitUntil(lambda: fake.previewed_kinds == ["auto", "vae", "auto", "vae"])
        retoucher.leave(None, None)  # pyright: ignore[reportArgumentType]
        qtbot.waitUntil(lambda: fake.given_up == 2)
        fake.preview_gate.release(9)
        qtbot.wait(400)
        assert (len(pictures), len(fake.previewed_kinds)) == (2, 4)

    def test_the_full_picture_takes_nothing_from_a_run(
        self,
        qtbot: QtBot,
        retoucher: Retoucher,
        shown: Shown,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        fake.kinds = {"linear": "linear", "auto": "linear", "vae": "vae"}
        pictures = heard(shown.retouched)
        fake.gate = threading.Semaphore(1)
        with qtbot.waitSignal(told.stepped):
            loaded.run(plan(), str(tmp_path))
        retoucher.ask(1, 1, 3.0, 0.0)
        qtbot.wait(400)
        assert fake.previewed_kinds == ["auto"] and len(pictures) == 1
        loaded.set_paused(True)
        retoucher.wake()
        qtbot.waitUntil(lambda: len(pictures) == 2)
        assert pictures[1][4] == "vae"
        loaded.cancel()

    def test_without_guidance_without_the_step_or_with_another_model_there_is_nothing(
        self,
        qtbot: QtBot,
        retoucher: Retoucher,
        shown: Shown,
        loaded: Worker,
        told: Told,
        fake: FakeEngine,
        tmp_path: Path,
    ) -> None:
        with qtbot.waitSignal(told.idle):
            loaded.run(plan(replace(REQUEST, guidance_scale=1.0)), str(tmp_path))
        assert loaded.retouched(2, 1, 3.0, 0.0) is None
        assert loaded.retouched(7, 1, 3.0, 0.0) is None
        with qtbot.waitSignal(told.idle):
            loaded.load("/models/other")
        assert loaded.retouched(1, 1, 3.0, 0.0) is None
        with qtbot.waitSignal(told.idle):
            loaded.load("bundled")
        assert loaded.retouched(1, 1, 3.0, 0.0) is not None
        loaded.memory.forget(1)
        assert loaded.retouched(1, 1, 3.0, 0.0) is None
