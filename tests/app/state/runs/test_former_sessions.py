"""What sessions that are no more have left: of earlier versions, of other windows, odd rows and odd
locks.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.state.runs.former_sessions import claimed
from app.state.store.former_files import FormerFiles
from app.state.store.open_session import OpenSession
from app.state.store.store import WAL, Store, StoredRow
from engine.record.record import save
from tests.app.fake_engine import FakeEngine
from tests.app.queue_desk import (
    Start,
    ask,
    at_rest,
    entry,
    job_of,
    made,
    notice,
    old_queue,
    press,
    rows,
)


@pytest.fixture(autouse=True)
def real_files(fake: FakeEngine) -> None:
    fake.save = lambda image, path, record, index=0: (
        fake._fail("save"),
        save(image, path, record, index),
    )


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
