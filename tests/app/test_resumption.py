"""The queue outlives the window: what waits and what is under way is offered again, as it was
steered, neither lost nor made twice; and the queue can be put in order.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.main import Application
from app.state.plan import Plan
from app.state.queue import Queue
from app.state.queue_list import QueueList
from app.windows.queue_dialog import QueueDialog
from engine import metadata
from engine.errors import SaveError
from engine.grid import Axis, Grid
from engine.request import Edit, Request
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.test_durability import Nursery

Start = Callable[..., Application]


@pytest.fixture(autouse=True)
def real_files(fake: FakeEngine) -> None:
    fake.save = lambda image, path, record, index=0: (
        fake._fail("save"),
        metadata.save(image, path, record, index),
    )


def ask(application: Application, *prompts: str) -> None:
    for prompt in prompts:
        application.session.set_prompt(prompt)
        application.session.generate()


def notice(application: Application) -> str:
    bar = application.window.findChild(QWidget, "resumeBar")
    text = application.window.findChild(QWidget, "resumeText")
    return text.text() if bar.isVisible() else ""


def press(qtbot: QtBot, window: QWidget, name: str) -> None:
    qtbot.mouseClick(window.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def made(application: Application) -> list[str]:
    """The prompts of the files, sorted."""
    files = Path(application.image_folder).glob("[!.]*.png")
    return sorted(metadata.read(path).request.prompt for path in files)


def at_rest(application: Application) -> bool:
    return application.queue.current is None and not len(application.queue)


def test_a_closed_window_offers_what_waited(qtbot: QtBot, start: Start, fake: FakeEngine) -> None:
    fake.gate = threading.Semaphore(0)
    first = start()
    ask(first, "one", "two", "three")
    qtbot.waitUntil(lambda: first.run.running)
    first.window.close()
    fake.gate = None

    second = start()
    qtbot.waitUntil(lambda: bool(notice(second)))
    assert notice(second) == "3 pictures are still waiting, one of them half done."
    ask(second, "new")  # does not wait for an answer, nor give one
    qtbot.waitUntil(lambda: made(second) == ["new"])
    qtbot.waitUntil(lambda: at_rest(second))
    press(qtbot, second.window, "resumeFirstButton")
    assert notice(second) == ""
    qtbot.waitUntil(lambda: made(second) == ["new", "one", "three", "two"])
    qtbot.waitUntil(lambda: at_rest(second) and second.resumption.kept)
    second.window.close()

    third = start()
    qtbot.waitUntil(lambda: third.resumption.ready)
    assert notice(third) == ""


def test_what_is_forgotten_is_not_offered_again(
    qtbot: QtBot, start: Start, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(0)
    first = start()
    ask(first, "one", "two")
    first.window.close()
    second = start()
    qtbot.waitUntil(lambda: bool(notice(second)))
    press(qtbot, second.window, "resumeSecondButton")
    assert notice(second) == ""
    second.window.close()
    third = start()
    qtbot.waitUntil(lambda: third.resumption.ready)
    assert notice(third) == ""
    assert made(third) == []


def test_a_run_is_made_again_as_it_was_steered(
    qtbot: QtBot, start: Start, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(1)
    first = start()
    seen = []
    told(first).stepped.connect(seen.append)
    ask(first, "an owl")
    qtbot.waitUntil(lambda: len(seen) == 1)
    first.window.guidance.scaleChanged.emit(9.0)
    fake.gate.release()
    qtbot.waitUntil(lambda: len(seen) == 2)
    qtbot.waitUntil(lambda: first.resumption.kept)
    first.window.close()
    fake.gate = None
    second = start()
    qtbot.waitUntil(lambda: bool(notice(second)))
    assert notice(second) == "A picture was not finished: make it again from its beginning?"
    with qtbot.waitSignal(told(second).finished):
        press(qtbot, second.window, "resumeFirstButton")
    assert fake.requests[-1].edits == (Edit(1, "guidance_scale", 9.0),)


def test_a_waiting_branch_needs_no_timeline(qtbot: QtBot, start: Start, fake: FakeEngine) -> None:
    first = start()
    ask(first, "an owl")
    qtbot.waitUntil(lambda: at_rest(first) and bool(first.history.lines))
    fake.gate = threading.Semaphore(0)
    ask(first, "another")
    first.history.select(1, 1)
    first.session.set_guidance_scale(2.0)
    first.window.branchRequested.emit()
    assert len(first.queue) == 1
    qtbot.waitUntil(lambda: first.resumption.kept)
    first.window.close()
    fake.gate = None
    second = start()
    qtbot.waitUntil(lambda: bool(notice(second)))
    press(qtbot, second.window, "resumeFirstButton")
    qtbot.waitUntil(lambda: at_rest(second))
    branch = fake.requests[-1]
    assert fake.starts[-1] is None
    assert branch.prompt == "an owl"
    assert Edit(2, "guidance_scale", 2.0) in branch.edits


def test_an_image_that_is_no_file_is_made_again(
    qtbot: QtBot, start: Start, fake: FakeEngine
) -> None:
    fake.failures["save"] = SaveError("The disk is full.")
    first = start()
    ask(first, "an owl")
    qtbot.waitUntil(lambda: first.unwritten.count == 1 and first.queue.current is None)
    qtbot.waitUntil(lambda: first.resumption.kept)
    first.window.close()
    fake.failures.clear()
    second = start()
    qtbot.waitUntil(lambda: bool(notice(second)))
    press(qtbot, second.window, "resumeFirstButton")
    qtbot.waitUntil(lambda: made(second) == ["an owl"])


def test_half_a_batch_is_not_made_twice(qtbot: QtBot, start: Start, fake: FakeEngine) -> None:
    """The first of three images was written when the power went."""
    fake.gate = threading.Semaphore(0)
    first = start()
    first.session.set_count(3)
    first.session.set_seed(7)
    ask(first, "an owl")
    qtbot.waitUntil(lambda: first.resumption.kept and first.queue.current is not None)
    job = first.queue.current.job
    first.window.close()
    path = paths.image_folder() / "before.png"
    record = metadata.Record(
        Request("an owl", width=64, height=64, seed=7, count=3, scheduler="unipc"),
        *(4, "Fake", "", "cpu", "float32", {"safelight": "0.1.0"}, ()),
        job=f"{job}/0",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata.save(Image.new("RGB", (8, 8)), path, record, 0)
    fake.gate = None
    second = start()
    qtbot.waitUntil(lambda: bool(notice(second)))
    assert notice(second) == "2 pictures are still waiting, one of them half done."
    press(qtbot, second.window, "resumeFirstButton")
    qtbot.waitUntil(lambda: at_rest(second) and len(made(second)) == 3)
    files = {metadata.read(p).request.seed: p for p in path.parent.glob("[!.]*.png")}
    assert sorted(files) == [7, 8, 9]
    assert files[7] == path


def test_a_timeline_that_was_being_opened_again_makes_no_second_file(
    qtbot: QtBot, start: Start, fake: FakeEngine
) -> None:
    first = start()
    ask(first, "an owl")
    qtbot.waitUntil(lambda: at_rest(first) and made(first) == ["an owl"])
    first.window.close()
    second = start()
    fake.gate = threading.Semaphore(0)
    qtbot.waitUntil(lambda: second.gallery.rowCount() == 1)
    second.window.gallery.reopenRequested.emit(0)
    qtbot.waitUntil(lambda: second.run.running and second.resumption.kept)
    second.window.close()
    fake.gate = None
    third = start()
    qtbot.waitUntil(lambda: third.resumption.ready)
    assert notice(third) == ""
    assert made(third) == ["an owl"]


@pytest.mark.parametrize("text", ["{", "[]", '{"entries": [{}]}', "[" * 100_000, "\0" * 10])
def test_a_damaged_queue_is_kept_and_told(
    qtbot: QtBot, start: Start, home: Path, text: str
) -> None:
    file = paths.session_folder() / "queue-1.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    application = start()
    note = application.window.findChild(QWidget, "noteText")
    qtbot.waitUntil(note.isVisible)
    kept = file.with_name("damaged-queue-1.json")
    assert str(kept) in note.text()
    assert kept.read_text() == text
    ask(application, "an owl")
    qtbot.waitUntil(lambda: at_rest(application) and made(application) == ["an owl"])
    qtbot.waitUntil(lambda: application.resumption.kept)
    assert json.loads(file.read_text())["entries"] == []


def test_after_a_crash_one_sentence(qtbot: QtBot, start: Start, tmp_path: Path, home: Path) -> None:
    nursery = Nursery(tmp_path, home, step_seconds=5.0)
    child = nursery.bear()
    end = time.monotonic() + 30
    while "queued 0" not in nursery.said:
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    nursery.end()
    nursery.close()
    application = start()
    qtbot.waitUntil(lambda: bool(notice(application)))
    assert notice(application).startswith("Safelight came to no proper end last time. ")
    assert "\n" not in notice(application)
    application.window.close()
    following = start()
    qtbot.waitUntil(lambda: bool(notice(following)))
    assert "no proper end" not in notice(following)


def test_two_windows_keep_two_queues(start: Start) -> None:
    first, second = start(), start()
    assert first.marker.queue_file != second.marker.queue_file
    assert not second.marker.crashed


def test_the_queue_of_a_second_window_is_not_forgotten(
    qtbot: QtBot, start: Start, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(0)
    first, second = start(), start()
    ask(second, "one", "two")
    qtbot.waitUntil(lambda: second.resumption.kept)
    second.window.close()
    first.window.close()
    assert second.marker.queue_file.exists()
    third = start()
    assert third.marker.queue_file == first.marker.queue_file
    qtbot.waitUntil(lambda: bool(notice(third)))
    assert notice(third).startswith("2 pictures are still waiting")
    qtbot.waitUntil(lambda: third.resumption.kept)
    assert not second.marker.queue_file.exists()
    third.window.close()
    fourth = start()
    qtbot.waitUntil(lambda: bool(notice(fourth)))
    assert notice(fourth).startswith("2 pictures are still waiting")


REQUESTS = st.builds(
    Request,
    prompt=st.text(),
    seed=st.integers(0, 2**32),
    count=st.integers(1, 4),
    steps=st.integers(1, 50),
    guidance_scale=st.floats(0, 100),
)
GRIDS = st.none() | st.just(Grid((Axis("seed", (1, 2)), Axis("prompt", ("a", "b")))))


@given(st.lists(REQUESTS, min_size=1, max_size=3), GRIDS, st.text(), st.text())
def test_a_plan_goes_through_json(
    requests: list[Request], grid: Grid | None, source: str, sha256: str
) -> None:
    plan = Plan(
        tuple(requests), grid=grid, source=source, sha256=sha256, written={(0, 0): "/a.png"}
    )
    plain = json.loads(json.dumps(plan.to_dict()))
    read = Plan.from_dict(plain, lambda axes: Grid(tuple(Axis(*axis) for axis in axes)))
    assert read == plan
    assert (read.job, dict(read.written)) == (plan.job, dict(plan.written))


class TestQueueDialog:
    @pytest.fixture
    def queue(self) -> Queue:
        queue = Queue()
        for name in ("now", "first", "second", "third"):
            queue.submit(Plan((Request(prompt=name),)))
        return queue

    @pytest.fixture
    def dialog(self, qtbot: QtBot, queue: Queue) -> QueueDialog:
        plans = QueueList(queue, queue)
        plans.refresh()
        plans.againAsked.connect(queue.submit)
        dialog = QueueDialog()
        qtbot.addWidget(dialog)
        dialog.set_plans(plans)
        dialog.view.moveRequested.connect(queue.move)
        dialog.view.removeRequested.connect(queue.remove)
        dialog.view.againRequested.connect(plans.run_again)
        dialog.holdRequested.connect(queue.hold)
        dialog.goOnRequested.connect(queue.go_on)
        queue.holdingChanged.connect(dialog.set_held)
        dialog.show()
        return dialog

    def choose(self, dialog: QueueDialog, row: int) -> None:
        dialog.view.setCurrentIndex(dialog.view.model().index(row, 0))

    def waiting(self, queue: Queue) -> list[str]:
        return [plan.title for plan in queue.waiting]

    def test_order_by_buttons_and_keys(
        self, qtbot: QtBot, queue: Queue, dialog: QueueDialog
    ) -> None:
        self.choose(dialog, 2)
        press(qtbot, dialog, "queueDownButton")
        assert self.waiting(queue) == ["first", "third", "second"]
        assert dialog.view.currentIndex().row() == 3, "it stays chosen"
        alt = Qt.KeyboardModifier.AltModifier
        qtbot.keyClick(dialog.view, Qt.Key.Key_Up, alt)
        qtbot.keyClick(dialog.view, Qt.Key.Key_Up, alt)
        qtbot.keyClick(dialog.view, Qt.Key.Key_Up, alt)
        assert self.waiting(queue) == ["second", "first", "third"]
        assert not dialog.findChild(QPushButton, "queueUpButton").isEnabled()
        queue.next()
        assert queue.current.title == "second"

    def test_remove_and_run_again(self, qtbot: QtBot, queue: Queue, dialog: QueueDialog) -> None:
        self.choose(dialog, 1)
        qtbot.keyClick(dialog.view, Qt.Key.Key_Delete)
        assert self.waiting(queue) == ["second", "third"]
        self.choose(dialog, 0)
        qtbot.keyClick(dialog.view, Qt.Key.Key_Delete)
        assert queue.current.title == "now", "what has begun is not taken out"
        press(qtbot, dialog, "queueAgainButton")
        assert self.waiting(queue) == ["second", "third", "now"]
        assert queue.waiting[-1].job != queue.current.job
        queue.next()
        rows = [dialog.view.model().index(row, 0).data() for row in range(4)]
        assert rows == ["now", "second", "third", "now"], "what is over can be run again, too"

    def test_hold_and_go_on(self, qtbot: QtBot, queue: Queue, dialog: QueueDialog) -> None:
        button = dialog.findChild(QPushButton, "queueHoldButton")
        press(qtbot, dialog, "queueHoldButton")
        assert button.text() == "Go on"
        queue.next()
        assert queue.current is None
        press(qtbot, dialog, "queueHoldButton")
        assert button.text() == "Hold"
        assert queue.current.title == "first"

    def test_dropping_moves(self, queue: Queue, dialog: QueueDialog) -> None:
        self.choose(dialog, 3)
        target = dialog.view.visualRect(dialog.view.model().index(1, 0)).center()
        event = QDropEvent(
            QPointF(target),
            Qt.DropAction.MoveAction,
            QMimeData(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        dialog.view.dropEvent(event)
        assert self.waiting(queue) == ["third", "first", "second"]
