"""The queue outlives the window: what waits and what is under way is offered again, as it was
steered, neither lost nor made twice.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.state.runs.queue import Queue
from app.state.runs.queue_list import QueueList
from app.state.runs.resumption import Resumption
from app.state.store import store, store_thread
from app.state.store.store import WAL, Store, StoredRow
from engine.errors import SaveError
from engine.record.record import Record, read_record, save
from engine.request.request import Edit, Request
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.nursery import Nursery
from tests.app.queue_desk import (
    Start,
    Watch,
    ask,
    at_rest,
    entry,
    job_of,
    made,
    notice,
    press,
    refuse,
    rows,
)


@pytest.fixture(autouse=True)
def real_files(fake: FakeEngine) -> None:
    fake.save = lambda image, path, record, index=0: (
        fake._fail("save"),
        save(image, path, record, index),
    )


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
    qtbot.waitUntil(lambda: at_rest(first) and bool(first.history.runs))
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
    qtbot.waitUntil(lambda: first.unsaved_images.count == 1 and first.queue.current is None)
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
    qtbot.waitUntil(lambda: first.run.running and first.resumption.kept)
    job = first.queue.current.job
    first.window.close()
    path = paths.image_folder() / "before.png"
    record = Record(
        Request("an owl", width=64, height=64, seed=7, count=3, scheduler="unipc"),
        *(4, "Fake", "", "cpu", "float32", {"safelight": "0.1.0"}, ()),
        job=f"{job}/0",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    save(Image.new("RGB", (8, 8)), path, record, 0)
    fake.gate = None
    second = start()
    qtbot.waitUntil(lambda: bool(notice(second)))
    assert notice(second) == "2 pictures are still waiting, one of them half done."
    press(qtbot, second.window, "resumeFirstButton")
    qtbot.waitUntil(lambda: at_rest(second) and len(made(second)) == 3)
    files = {read_record(p).request.seed: p for p in path.parent.glob("[!.]*.png")}
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


def test_a_long_queue_holds_nothing_up(
    qtbot: QtBot,
    start: Start,
    fake: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """5,000 that wait: what the window's thread does for it, one slot at a time."""
    plans = [entry(f"an owl on a purple background, 3d, {n}") for n in range(5000)]
    Store(paths.store_file(), WAL).write(
        {("plan/1", job_of(plan)): StoredRow(json.dumps(plan), n) for n, plan in enumerate(plans)}
    )
    watch = Watch(monkeypatch, Resumption, Queue, QueueList)
    request.addfinalizer(watch.close)
    application = start()
    qtbot.waitUntil(lambda: bool(notice(application)), timeout=20_000)
    fake.gate = threading.Semaphore(0)
    press(qtbot, application.window, "resumeFirstButton")
    qtbot.waitUntil(lambda: application.run.running, timeout=20_000)
    qtbot.waitUntil(lambda: len(application.queue) == 4999, timeout=20_000)
    qtbot.waitUntil(lambda: application.resumption.kept, timeout=20_000)
    last = application.queue.waiting[-1].job
    application.queue.move(last, 0)
    application.queue.move(last, 2500)
    ask(application, "one more")
    qtbot.waitUntil(lambda: application.resumption.kept, timeout=20_000)
    fake.gate.release(20)
    qtbot.waitUntil(lambda: len(fake.requests) > 1)
    qtbot.waitUntil(lambda: application.resumption.kept, timeout=20_000)
    application.queue.forget()
    fake.gate = None
    qtbot.waitUntil(lambda: application.resumption.kept and at_rest(application), timeout=20_000)
    assert rows() == {}
    assert {name: ms for name, ms in watch.longest.items() if ms > 16} == {}


def test_what_waits_is_kept_when_there_is_room_again(
    qtbot: QtBot, start: Start, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full from the very start, and one sentence about it."""
    monkeypatch.setattr(store_thread, "AGAIN", 0.05)
    fake.gate = threading.Semaphore(0)
    with monkeypatch.context() as patch:
        patch.setattr(store, "connected", refuse)
        application = start()
        ask(application, "one", "two")
        words = application.window.findChild(QWidget, "errorText")
        qtbot.waitUntil(lambda: "database or disk is full" in words.text())
        qtbot.waitUntil(lambda: application.resumption.ready)
        qtbot.wait(200)
        assert not application.resumption.kept
        assert not paths.store_file().exists()
    qtbot.waitUntil(lambda: application.resumption.kept)
    assert len(rows()) == 2


def test_after_a_crash_one_sentence(qtbot: QtBot, start: Start, tmp_path: Path, home: Path) -> None:
    nursery = Nursery(tmp_path, home, seconds=5.0)
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
    assert first.open_session.number != second.open_session.number
    assert not second.open_session.crashed


def test_the_queue_of_a_second_window_is_not_forgotten(
    qtbot: QtBot, start: Start, fake: FakeEngine
) -> None:
    fake.gate = threading.Semaphore(0)
    first, second = start(), start()
    ask(second, "one", "two")
    qtbot.waitUntil(lambda: second.resumption.kept)
    second.window.close()
    first.window.close()
    assert len(rows("plan/2")) == 2
    third = start()
    assert third.open_session.number == first.open_session.number
    qtbot.waitUntil(lambda: bool(notice(third)))
    assert notice(third).startswith("2 pictures are still waiting")
    qtbot.waitUntil(lambda: third.resumption.kept)
    assert (len(rows("plan/2")), len(rows())) == (0, 2)
    third.window.close()
    fourth = start()
    qtbot.waitUntil(lambda: bool(notice(fourth)))
    assert notice(fourth).startswith("2 pictures are still waiting")
