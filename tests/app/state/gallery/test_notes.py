"""Favourites and notes: a row a file, so that nobody overwrites what another wrote, in a lone file
beside the images; what an earlier version wrote is not lost.
"""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from app.state.gallery import notes as gallery_notes
from app.state.gallery.notes import FILE, OLD_FILE, Note, Notes
from app.state.store import store


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return tmp_path / OLD_FILE


def write_old(path: Path, **notes: object) -> None:
    path.write_text(json.dumps({"version": 1, "notes": notes}))


def read(folder: Path) -> dict[str, str]:
    notes = Notes(folder)
    notes.refresh()
    return {name: note.note for name, note in notes.by_name.items()}


SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def begin() -> Barrier:
    """Of the module, since the memory that processes share stays open once it is there."""
    return SPAWN.Barrier(2)


def test_two_that_write_at_once_keep_all(tmp_path: Path, begin: Barrier) -> None:
    """Half of the stars were lost when each wrote all that it knew."""
    each = [SPAWN.Process(target=star, args=(tmp_path, who, begin)) for who in "ab"]
    for process in each:
        process.start()
    for process in each:
        process.join()
        assert process.exitcode == 0
    assert len(read(tmp_path)) == 40


def star(folder: Path, who: str, begin: Barrier) -> None:
    notes = Notes(folder)
    notes.refresh()
    begin.wait()
    for number in range(20):
        notes.set({f"{who}{number}.png": Note(True, who)})


def test_only_one_file_lies_beside_the_images(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    notes.refresh()
    assert list(tmp_path.iterdir()) == [], "reading makes none"
    notes.set({"a.png": Note(True)})
    notes.refresh()
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_old_file_is_taken_over_once_and_stays(tmp_path: Path, old: Path) -> None:
    write_old(old, **{"a.png": {"favourite": True, "note": "a"}, "b.png": {"note": "b"}})
    before = old.read_bytes()
    assert read(tmp_path) == {"a.png": "a", "b.png": "b"}
    notes = Notes(tmp_path)
    notes.set({"a.png": Note()})
    assert notes.by_name.keys() == {"b.png"}
    assert read(tmp_path) == {"b.png": "b"}
    notes.set({"c.png": Note(note="c")})
    assert read(tmp_path) == {"b.png": "b", "c.png": "c"}
    old.touch()
    assert read(tmp_path) == {"b.png": "b", "c.png": "c"}
    assert old.read_bytes() == before


def test_what_an_earlier_version_writes_later_is_taken_too(tmp_path: Path, old: Path) -> None:
    """In a folder that both use; what it has not touched stays as it is here."""
    write_old(old, **{"a.png": {"note": "a"}, "b.png": {"note": "b"}, "c.png": {"note": "c"}})
    notes = Notes(tmp_path)
    notes.set({"a.png": Note(note="a, later")})
    said = {"a.png": {"note": "a"}, "b.png": {"note": "b, by the other"}, "d.png": {"note": "d"}}
    write_old(old, **said)
    expected = {"a.png": "a, later", "b.png": "b, by the other", "d.png": "d"}
    assert read(tmp_path) == expected
    notes.set({"e.png": Note(note="e")})
    assert read(tmp_path) == expected | {"e.png": "e"}
    notes.set({"b.png": Note(note="b, again")})
    assert read(tmp_path) == expected | {"e.png": "e", "b.png": "b, again"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"notes": {"a.png": 3, "b.png": {"note": ["x"]}}}', b"\xff"]
)
def test_an_odd_old_file_is_left_alone(tmp_path: Path, old: Path, content: bytes) -> None:
    old.write_bytes(content)
    Notes(tmp_path).set({"c.png": Note(note="c")})
    assert read(tmp_path) == {"c.png": "c"}
    assert old.read_bytes() == content


def test_a_full_disk_loses_nothing_and_halves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = Notes(tmp_path)
    notes.set({"a.png": Note(note="a")})
    put = store._put

    def refuse(*arguments: object) -> None:
        put(*arguments)  # pyright: ignore[reportArgumentType]
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_put", refuse)
        with pytest.raises(OSError, match="disk is full"):
            notes.set({"a.png": Note(note="b"), "c.png": Note(note="c")})
        assert read(tmp_path) == {"a.png": "a"}
    assert notes.by_name["c.png"].note == "c", "until the end"
    notes.set({"d.png": Note(note="d")})
    assert read(tmp_path) == {"a.png": "b", "c.png": "c", "d.png": "d"}


def test_notes_are_read_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Notes(tmp_path).set({"a.png": Note(note="a")})

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(gallery_notes.Store, "_opened", refuse)
    assert read(tmp_path) == {"a.png": "a"}
