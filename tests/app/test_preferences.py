"""The settings: kept, written together and in one go, by several windows at once, and never a
reason not to start.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.preferences import KINDS, USUAL, Preferences
from app.state.store import store as store_module
from app.state.store.former_files import SETTING, FormerFiles, kept_setting
from app.state.store.store import WAL, Store, StoredRow
from app.state.store.store_thread import StoreThread
from engine.foreign import fitted

Open = Callable[[], Preferences]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "safelight.sqlite"


@pytest.fixture
def old(path: Path) -> Path:
    """Where earlier versions kept the settings."""
    path.parent.mkdir()
    return path.with_name("preferences.json")


@pytest.fixture
def window(qtbot: QtBot, path: Path) -> Iterator[Open]:
    """Opens the settings, as each window does."""
    opened: list[StoreThread] = []

    def open_settings() -> Preferences:
        former = FormerFiles(path.with_name("preferences.json"), path.parent / "session")
        opened.append(StoreThread(path, former.rows))
        return Preferences(opened[-1])

    yield open_settings
    for thread in opened:
        thread.close()


def kept(path: Path) -> dict[str, object]:
    rows = Store(path, WAL).rows(SETTING)
    return {name: json.loads(row.text) for name, row in rows.items()}


def test_values_are_back_at_the_next_start(window: Open) -> None:
    first = window()
    first.set("theme", "light")
    first.set("prompt", "แมว 🐈")
    first.flush()
    second = window()
    assert second.get("theme", "dark") == "light"
    assert second.get("prompt", "") == "แมว 🐈"


def test_settings_of_a_week_ago_change(qtbot: QtBot, window: Open, path: Path) -> None:
    """A file that is there already is written again, by itself and at the end."""
    first = window()
    first.set("theme", "dark")
    first.flush()
    by_itself = window()
    by_itself.set("theme", "light")
    qtbot.waitUntil(lambda: kept(path).get("theme") == "light", timeout=2000)
    at_the_end = window()
    at_the_end.set("panels", "wide")
    at_the_end.flush()
    assert kept(path) == {"theme": "light", "panels": "wide"}


def test_who_types_on_and_on_is_written_meanwhile(qtbot: QtBot, window: Open, path: Path) -> None:
    preferences = window()
    for number in range(150):
        preferences.set("number", number)
        qtbot.wait(10)
        if kept(path):
            break
    assert 0 < kept(path)["number"] < 149  # pyright: ignore[reportOperatorIssue]


def test_two_windows_write_what_they_changed(window: Open) -> None:
    one, other = window(), window()
    one.set("model_folders", ["/models"])
    one.flush()
    other.set("theme", "light")
    other.flush()
    one.set("panels", "wide")
    one.flush()
    third = window()
    assert third.get("model_folders", [""]) == ["/models"]
    assert third.get("theme", "dark") == "light"
    assert third.get("panels", "") == "wide"


def test_a_value_of_another_type_means_the_default(window: Open, old: Path) -> None:
    old.write_text('{"theme": 3, "seed_locked": 1, "draft": null}')
    preferences = window()
    assert preferences.get("theme", "dark") == "dark"
    assert preferences.get("seed_locked", False) is False
    assert preferences.get("draft", {"a": 1}) == {"a": 1}


def test_an_item_of_another_kind_loses_no_other(window: Open, old: Path) -> None:
    old.write_text('{"model_folders": ["/models", 3, null], "recent_models": "x", "later": [3]}')
    preferences = window()
    assert preferences.get("model_folders") == ["/models"]
    assert preferences.get("recent_models") == []
    assert preferences.get("later", [0]) == [3], "another version may know more"


def test_every_usual_value_is_of_its_kind() -> None:
    for name, kind in KINDS.items():
        assert fitted(getattr(USUAL, name), kind, name) == getattr(USUAL, name)


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_folder_whose_name_is_no_text_keeps_settings(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff ?#%41") / "safelight.sqlite"
    store = Store(path, WAL)
    store.write({(SETTING, "theme"): StoredRow('"light"')})
    store.close()
    assert Store(path, WAL).rows(SETTING) == {"theme": StoredRow('"light"')}
    assert path.is_file()
    assert store_module.glance(path, SETTING)["theme"].text == '"light"'


def test_an_odd_value_loses_no_other(window: Open, old: Path) -> None:
    old.write_text(f'{{"steps": {"9" * 400}, "theme": "light", "x": NaN}}')
    assert window().get("theme", "dark") == "light"


def test_a_name_that_cannot_be_written_loses_no_other(window: Open, old: Path) -> None:
    """Half a letter, in the settings and in what waited, and in the name of a file of it."""
    old.write_text(r'{"\ud800": 1, "theme": "light"}')
    session = old.parent / "session"
    session.mkdir()
    half = os.fsdecode(b"queue-\xff.json")
    for name in ("queue-1.json", half) if sys.platform == "linux" else ("queue-1.json",):
        (session / name).write_text(r'{"entries": [{"plan": {"job": "\udfff"}}, {}]}')
    preferences = window()
    assert preferences.get("theme", "dark") == "light"
    preferences.set("theme", "dark")
    preferences.flush()
    store = preferences._store._desk.store
    assert store.rows(SETTING)["theme"].text == '"dark"'
    kinds = store.kinds("plan/")
    assert kinds[0] == "plan/1" and all(len(store.rows(kind)) == 2 for kind in kinds)


def test_an_older_file_is_taken_over_once_and_stays(window: Open, old: Path) -> None:
    old.write_text('{"theme": "light"}')
    first = window()
    assert first.get("theme", "dark") == "light"
    first.set("theme", "dark")
    first.flush()
    old.write_text('{"theme": "light", "panels": "wide"}')
    second = window()
    assert second.get("theme", "") == "dark"
    assert second.get("panels", "") == ""
    assert old.exists()


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[1]", b"", b"[" * 100_000])
def test_an_older_file_that_is_damaged_stays(
    qtbot: QtBot, path: Path, old: Path, content: bytes
) -> None:
    old.write_bytes(content)
    former = FormerFiles(old, path.parent / "session")
    store = StoreThread(path, former.rows)
    assert store.settings == {}
    assert [place for place, _ in former.told] == [old]
    assert old.read_bytes() == content


@pytest.mark.parametrize("content", [b"{", b"SQLite format 3\0" * 300, bytes(5000)])
def test_a_damaged_file_is_kept_beside(window: Open, path: Path, old: Path, content: bytes) -> None:
    old.write_text('{"theme": "light"}')
    window().flush()
    path.write_bytes(content)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    preferences = window()
    aside = path.with_name("safelight.damaged.sqlite")
    assert aside.read_bytes() == content
    assert str(aside) in preferences._store.warning
    assert preferences.get("theme", "dark") == "dark", "what is a week old is not taken over again"
    preferences.set("theme", "pink")
    preferences.flush()
    assert kept(path) == {"theme": "pink"}


def test_a_file_that_goes_is_made_again_with_all_that_is_known(
    qtbot: QtBot, window: Open, path: Path
) -> None:
    preferences = window()
    preferences.set("theme", "light")
    preferences.flush()
    path.unlink()
    preferences.set("panels", "wide")
    preferences.flush()
    assert kept(path) == {"theme": "light", "panels": "wide"}


def test_what_another_window_wrote_comes_into_a_new_file_too(window: Open, path: Path) -> None:
    one, other = window(), window()
    one.set("theme", "light")
    one.flush()
    other.set("panels", "wide")
    other.flush()
    path.write_bytes(b"x" * 5000)
    one.set("theme", "dark")
    one.flush()
    other.set("steps", 7)
    other.flush()
    assert kept(path) == {"theme": "dark", "panels": "wide", "steps": 7}


def test_a_file_of_a_later_version_is_left_alone(window: Open, path: Path) -> None:
    preferences = window()
    preferences.set("theme", "light")
    preferences.flush()
    with store_module.connected(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = path.read_bytes()
    later = window()
    assert later.get("theme", "dark") == "dark"
    later.set("theme", "pink")
    later.flush()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.glob("*damaged*")] == []


@pytest.mark.parametrize("reason", ["database or disk is full", "disk I/O error"])
def test_what_cannot_be_written_waits_is_told_once_and_is_tried_again(
    qtbot: QtBot, window: Open, path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    preferences = window()
    preferences.set("panels", "wide")
    preferences.flush()
    sentences: list[str] = []
    preferences._store.troubled.connect(sentences.append)
    put = store_module._put

    def refuse(*_: object) -> None:
        put(*_)  # half of it is done already
        raise store_module.sqlite3.OperationalError(reason)

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_put", refuse)
        for theme in ("light", "dark", "pink"):
            preferences.set("theme", theme)
            preferences.flush()
        qtbot.waitUntil(lambda: bool(sentences))
        assert kept(path) == {"panels": "wide"}
        assert not preferences._store.at_rest
    preferences._store._desk._due = 0.0
    preferences.flush()
    assert kept(path) == {"panels": "wide", "theme": "pink"}
    qtbot.wait(10)
    assert len(sentences) == 1
    assert reason in sentences[0] and str(path) in sentences[0]


def test_a_place_that_cannot_be_written_is_told_once(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    store = StoreThread(tmp_path / "config" / "safelight.sqlite")
    preferences = Preferences(store)
    sentences: list[str] = []
    store.troubled.connect(sentences.append)
    for theme in ("light", "dark"):
        preferences.set("theme", theme)
        preferences.flush()
    qtbot.waitUntil(lambda: bool(sentences))
    assert len(sentences) == 1
    assert "safelight.sqlite" in sentences[0]
    assert preferences.get("theme", "") == "dark"
    store.close()


def test_settings_are_read_where_nothing_can_be_written(
    window: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the last window was closed or died with its last words in the log."""
    preferences = window()
    preferences.set("theme", "light")
    preferences.flush()
    assert path.with_name(path.name + "-wal").exists()
    assert kept_setting(path, path, "theme") == "light"

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_module.Store, "_opened", refuse)
    assert window().get("theme", "dark") == "light"
    preferences._store.close()
    assert not path.with_name(path.name + "-wal").exists()
    assert window().get("theme", "dark") == "light"
    assert kept_setting(path, path, "theme") == "light"


ODD_ROWS = (
    "INSERT INTO things VALUES ('setting', 'x', 'a place', '1')",
    "INSERT INTO things VALUES ('setting', 'x', 1, CAST(X'FF22' AS TEXT))",
    "INSERT INTO things VALUES ('setting', CAST(X'FF22' AS TEXT), 1, '1')",
    "INSERT INTO things VALUES ('setting', X'FF22', 1, X'FF22')",
    "INSERT INTO things VALUES (X'FF22', 'x', 1, '1')",
    "ANALYZE",
)
"""What SQLite holds in such a table, and this program never writes."""


@pytest.mark.parametrize("statement", ODD_ROWS)
def test_an_odd_row_loses_no_other(window: Open, path: Path, statement: str) -> None:
    first = window()
    first.set("theme", "light")
    first.flush()
    first._store.close()
    with store_module.connected(path) as database:
        database.execute(statement)
    database.close()
    second = window()
    assert second.get("theme", "dark") == "light"
    assert second._store.warning == ""
    assert second._store._desk.store.kinds("set") == [SETTING]
    assert store_module.glance(path, SETTING)["theme"].text == '"light"'


def test_a_file_of_more_than_is_ever_written_is_left_alone(
    window: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it holds counts, not how long it is: SQLite gives no room back."""
    monkeypatch.setattr(store_module, "LARGEST", 100_000)
    store = Store(path, WAL)
    store.write(
        {("plan/1", "long"): StoredRow("x" * 200_000), (SETTING, "theme"): StoredRow('"light"')}
    )
    store.close()
    with pytest.raises(OSError, match="where at most 100,000 are read"):
        store.rows(SETTING)
    preferences = window()
    assert preferences.get("theme", "dark") == "dark"
    preferences._store.close()
    monkeypatch.setattr(store_module, "LARGEST", 1_000_000)
    store.write({("plan/1", "long"): None})
    store.close()
    monkeypatch.setattr(store_module, "LARGEST", 100_000)
    assert path.stat().st_size > 200_000
    assert window().get("theme", "dark") == "light"


def test_a_strangers_file_runs_nothing(path: Path) -> None:
    """Tables that are not ours, such as a view that never ends, are not asked."""
    path.parent.mkdir()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n)"
    with store_module.connected(path) as database:
        database.execute(
            f"CREATE VIEW things AS {endless} SELECT 'note' AS kind, 'a' AS name, "
            "i AS place, 'x' AS text FROM n"
        )
    database.close()
    store = Store(path, WAL, lambda aside: {("note", "aside"): StoredRow(aside)})
    assert store.rows("note") == {"aside": StoredRow(store.kept)}
    assert store.kept
