"""The settings file: kept, written together and in one go, never a reason not to start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.preferences import Preferences


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "preferences.json"


def test_values_are_back_at_the_next_start(qtbot: QtBot, path: Path) -> None:
    first = Preferences(path)
    first.set("theme", "light")
    first.set("prompt", "แมว 🐈 \ud83d")
    first.flush()
    second = Preferences(path)
    assert second.warning == ""
    assert second.get("theme", "dark") == "light"
    assert second.get("prompt", "") == "แมว 🐈 \ud83d"


def test_writes_once_after_the_last_change(qtbot: QtBot, path: Path) -> None:
    preferences = Preferences(path)
    for number in range(50):
        preferences.set("number", number)
    assert not path.exists()
    qtbot.waitUntil(path.exists, timeout=2000)
    assert json.loads(path.read_text()) == {"number": 49}
    assert [file.name for file in path.parent.iterdir()] == ["preferences.json"]


def test_settings_of_a_week_ago_change(qtbot: QtBot, path: Path) -> None:
    """A file that is there already is written again, by itself and at the end."""
    first = Preferences(path)
    first.set("theme", "dark")
    first.flush()
    by_itself = Preferences(path)
    by_itself.set("theme", "light")
    qtbot.waitUntil(lambda: Preferences(path).get("theme", "") == "light", timeout=2000)
    at_the_end = Preferences(path)
    at_the_end.set("panels", "wide")
    at_the_end.flush()
    assert Preferences(path).get("panels", "") == "wide"
    assert Preferences(path).get("theme", "") == "light"


def test_two_windows_write_what_they_changed(qtbot: QtBot, path: Path) -> None:
    one, other = Preferences(path), Preferences(path)
    one.set("model_folders", ["/models"])
    one.flush()
    other.set("theme", "light")
    other.flush()
    one.set("panels", "wide")
    one.flush()
    assert Preferences(path).get("model_folders", [""]) == ["/models"]
    assert Preferences(path).get("theme", "dark") == "light"


def test_a_value_of_another_type_means_the_default(qtbot: QtBot, path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"theme": 3, "seed_locked": 1, "draft": null}')
    preferences = Preferences(path)
    assert preferences.get("theme", "dark") == "dark"
    assert preferences.get("seed_locked", False) is False
    assert preferences.get("draft", {"a": 1}) == {"a": 1}


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[1]", b"", b"[" * 100_000, b"NaN"])
def test_a_damaged_file_is_kept_beside(qtbot: QtBot, path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    preferences = Preferences(path)
    kept = path.with_name("preferences.damaged.json")
    assert preferences.get("theme", "dark") == "dark"
    assert str(kept) in preferences.warning
    assert kept.read_bytes() == content
    preferences.set("theme", "light")
    preferences.flush()
    assert Preferences(path).get("theme", "dark") == "light"


def test_a_place_that_cannot_be_written_is_told_once(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    preferences = Preferences(tmp_path / "config" / "preferences.json")
    sentences: list[str] = []
    preferences.troubled.connect(sentences.append)
    for theme in ("light", "dark"):
        preferences.set("theme", theme)
        preferences.flush()
    assert len(sentences) == 1
    assert "preferences.json" in sentences[0]
    assert preferences.get("theme", "") == "dark"
