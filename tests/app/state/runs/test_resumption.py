"""The queue outlives the window: what waits and what is under way is offered again, as it was
steered, neither lost nor made twice; and the queue can be put in order.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

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
from app.state.runs.former_sessions import claimed
from app.state.runs.plan import Plan
from app.state.runs.queue import Queue
from app.state.runs.queue_list import QueueList
from app.state.runs.resumption import Resumption
from app.state.store import store, store_thread
from app.state.store.former_files import FormerFiles
from app.state.store.open_session import OpenSession
from app.state.store.store import WAL, Store, StoredRow
from app.windows.queue_dialog import QueueDialog
from engine.errors import SaveError
from engine.record.record import Record, read_record, save
from engine.request.grid import Axis, Grid
from engine.request.request import Edit, Request
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine
from tests.app.nursery import Nursery

Start = Callable[..., Application]


@pytest.fixture(autouse=True)
def real_files(fake: FakeEngine) -> None:
    fake.save = lambda image, path, record, index=0: (
        fake._fail("save"),
        save(image, path, record, index),
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
    files = Path(application.image_folder.path).glob("[!.]*.png")
    return sorted(read_record(path).request.prompt for path in files)


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


@pytest.mark.parametrize("text", ["{", "[]", '{"entries": 3}', "[" * 100_000, "\0" * 10])
def test_a_damaged_queue_of_an_earlier_version_stays_and_is_told(
    qtbot: QtBot, start: Start, text: str
) -> None:
    file = old_queue(text)
    application = start()
    words = application.window.findChild(QWidget, "errorText").text()
    assert str(file) in words
    assert file.read_text() == text
    ask(application, "an owl")
    qtbot.waitUntil(lambda: at_rest(application) and made(application) == ["an owl"])
    qtbot.waitUntil(lambda: application.resumption.kept)
    assert rows() == {}


def test_the_queue_of_an_earlier_version_is_taken_over_once(
    qtbot: QtBot, start: Start, fake: FakeEngine
) -> None:
    """With what is odd in it put aside, and told."""
    entries: list[Any] = [entry("one"), entry("two"), entry("three", steps=-4), {}, 7]
    text = json.dumps({"version": 1, "entries": entries})
    text = text.replace('"seed": 2', f'"seed": {"9" * 400}')
    file = old_queue(text)
    first = start()
    qtbot.waitUntil(lambda: bool(notice(first)))
    assert notice(first) == "A picture is still waiting: make it now?"
    note = first.window.findChild(QWidget, "noteText")
    qtbot.waitUntil(note.isVisible)
    assert "cannot be read (4)" in note.text() and str(paths.store_file()) in note.text()
    press(qtbot, first.window, "resumeFirstButton")
    qtbot.waitUntil(lambda: made(first) == ["one"] and at_rest(first))
    first.window.close()
    assert file.read_text() == text
    assert len(rows("odd")) == 4
    for path in paths.image_folder().glob("*.png"):
        path.unlink()
    second = start()
    qtbot.waitUntil(lambda: second.resumption.ready)
    assert notice(second) == ""


def test_a_place_that_cannot_be_looked_at_stops_nothing(qtbot: QtBot, start: Start) -> None:
    """A name that is too long, as a folder that may not be looked into: for the marker, and for a
    picture that was made."""
    nowhere = Path("/", "x" * 300)
    assert OpenSession(nowhere).number == 1
    assert FormerFiles(nowhere / "preferences.json", nowhere).rows() == {}
    made_there = entry("one")
    made_there["plan"]["written"] = [[0, 0, str(nowhere / "a.png")]]
    old_queue(json.dumps({"entries": [made_there]}))
    application = start()
    qtbot.waitUntil(lambda: bool(notice(application)))
    assert notice(application) == "A picture is still waiting: make it now?"


def test_two_plans_of_one_name_are_two(qtbot: QtBot, start: Start) -> None:
    """In a queue of an earlier version that somebody has edited."""
    entries = [entry("one"), entry("two")]
    entries[1]["plan"]["job"] = entries[0]["plan"]["job"]
    old_queue(json.dumps({"entries": entries}))
    application = start()
    qtbot.waitUntil(lambda: bool(notice(application)))
    press(qtbot, application.window, "resumeFirstButton")
    qtbot.waitUntil(lambda: made(application) == ["one", "two"] and at_rest(application))


def test_an_odd_row_loses_no_other(qtbot: QtBot, start: Start) -> None:
    good = {job_of(plan): StoredRow(json.dumps(plan)) for plan in (entry("one"), entry("two"))}
    odd = {
        "text": "[" * 100_000,
        "no plan": "{}",
        "number": json.dumps(entry("x", steps="many")),
        "since": json.dumps(entry("y") | {"since": None}),
        "paths": json.dumps(entry("z")).replace('"written": []', '"written": [[0, 0, 5]]'),
    }
    changes = good | {name: StoredRow(text) for name, text in odd.items()}
    kinds = dict.fromkeys(changes, "plan/1") | {"no plan": f"plan/{'9' * 5000}"}
    store = Store(paths.store_file(), WAL)
    store.write({(kinds[name], name): row for name, row in changes.items()})
    store.write({("setting", "image_folder"): StoredRow(r'"/a\u0000b"')})
    store.close()
    application = start()
    qtbot.waitUntil(lambda: bool(notice(application)))
    assert notice(application) == "2 pictures are still waiting."
    note = application.window.findChild(QWidget, "noteText")
    assert "cannot be read (5)" in note.text()
    qtbot.waitUntil(lambda: application.resumption.kept)
    assert rows().keys() == good.keys()
    assert {name: row.text for name, row in rows("odd").items()} == odd


@pytest.mark.parametrize(
    "lock",
    [
        "",
        "4242\nsafelight\nelsewhere\n0123456789abcdef\n\n",
        "1\nsafelight\n",
        "\0" * 64,
    ],
)
def test_what_stands_in_a_lock_hides_nothing(qtbot: QtBot, start: Start, lock: str) -> None:
    """The lock of another computer, one that a power cut left empty, one of a process that lives
    and is another one."""
    for number in (1, 2):
        plan = entry(f"of {number}")
        Store(paths.store_file(), WAL).write(
            {(f"plan/{number}", job_of(plan)): StoredRow(json.dumps(plan))}
        )
        paths.session_folder().mkdir(exist_ok=True)
        (paths.session_folder() / f"open-{number}").write_text(lock)
    application = start()
    qtbot.waitUntil(lambda: bool(notice(application)))
    assert notice(application).endswith("2 pictures are still waiting.")
    application.window.close()
    assert rows().keys() == {job_of(entry("of 1")), job_of(entry("of 2"))}
    assert rows("plan/2") == {}
    assert list(paths.session_folder().iterdir()) == []


def test_orphans_go_to_one_window_only(tmp_path: Path) -> None:
    """Of two that look at the same time, while a third one lives."""
    folder = tmp_path / "session"
    living = OpenSession(folder)
    jobs = [str(number) for number in range(50)]
    plans = {(f"plan/{2 + number % 7}", job): StoredRow(job) for number, job in enumerate(jobs)}
    own = {("plan/1", "own"): StoredRow("own")}
    Store(tmp_path / "x.sqlite", WAL).write(plans | own)
    markers = [OpenSession(folder), OpenSession(folder)]
    begin = threading.Barrier(2)
    found: list[str] = []

    def look(marker: OpenSession) -> None:
        file = Store(tmp_path / "x.sqlite", WAL)
        begin.wait()
        found.extend(claimed(f"plan/{marker.number}", marker.take, file))
        file.close()

    threads = [threading.Thread(target=look, args=(marker,)) for marker in markers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(jobs)
    assert not living.crashed
    for marker in (living, *markers):
        marker.remove()
    assert list(folder.iterdir()) == []


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from app.state.store.open_session import OpenSession; "
        "print(OpenSession(pathlib.Path(sys.argv[1])).number, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    second = OpenSession(tmp_path)
    assert (second.number, second.crashed) == (2, False)
    process.kill()
    process.communicate()
    third = OpenSession(tmp_path)
    assert (third.number, third.crashed) == (1, True)
    for marker in (second, third):
        marker.remove()


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


class Watch:
    """Milliseconds of the window's own thread in each call of the methods of these kinds, without
    those of Python's collector, which may fall into any of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *kinds: type) -> None:
        self._spent: dict[str, list[float]] = {}
        self._collecting = self._begun = 0.0
        gc.callbacks.append(self._collect)
        for kind in kinds:
            for name, method in list(vars(kind).items()):
                if isinstance(method, FunctionType) and not name.startswith("__"):
                    watched = self._watched(f"{kind.__name__}.{name}", method)
                    monkeypatch.setattr(kind, name, watched)

    @property
    def longest(self) -> dict[str, float]:
        """Of each method, without a single call that a busy machine has held up: what is slow is
        slow again."""
        return {name: round(sorted(spent)[-2:][0], 1) for name, spent in self._spent.items()}

    def close(self) -> None:
        gc.callbacks.remove(self._collect)

    def _collect(self, phase: str, _: object) -> None:
        if phase == "start":
            self._begun = time.thread_time()
        else:
            self._collecting += time.thread_time() - self._begun

    def _watched(self, name: str, method: Any) -> Any:
        @functools.wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            begun, before = time.thread_time(), self._collecting
            try:
                return method(*arguments, **named)
            finally:
                spent = time.thread_time() - begun - (self._collecting - before)
                self._spent.setdefault(name, []).append(1000 * spent)

        return call


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


def refuse(*_: object) -> Any:
    raise sqlite3.OperationalError("database or disk is full")


def old_queue(text: str) -> Path:
    file = paths.session_folder() / "queue-1.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def entry(prompt: str, **fields: Any) -> dict[str, Any]:
    """As it is written, of a plan whose job is told by its prompt."""
    seed = {"one": 1, "two": 2}.get(prompt, 3)
    request = Request(prompt, width=64, height=64, steps=3, scheduler="unipc", seed=seed)
    plan = Plan((request,), job=f"job of {prompt}").to_dict()
    plan["requests"] = [plan["requests"][0] | fields]
    return {"plan": plan, "folders": [], "since": 1e9, "begun": False}


def job_of(plain: dict[str, Any]) -> str:
    return plain["plan"]["job"]


def rows(kind: str = "plan/1") -> dict[str, StoredRow]:
    return Store(paths.store_file(), WAL).rows(kind)


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
    read = Plan.from_dict(plain)
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
