"""What the last model could be asked for, over a restart, from earlier versions and from damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from app.state.recipe.kept_abilities import keep_abilities, kept_abilities
from app.state.store.store_thread import StoreThread
from engine.request.request import MAX_CLASS

WORDS = frozenset({"prompt", "negative"})


@pytest.fixture
def preferences(qtbot: QtBot, tmp_path: Path) -> Preferences:
    return Preferences(StoreThread(tmp_path / "safelight.sqlite"))


@pytest.mark.parametrize(
    "told",
    [
        (WORDS, 0),
        (WORDS | {"mask"}, 0),
        (frozenset({"prompt", "embedded guidance"}), 0),
        (frozenset(), 0),
        (frozenset({"classes"}), 10),
    ],
)
def test_they_come_back(preferences: Preferences, told: tuple[frozenset[str], int]) -> None:
    keep_abilities(preferences, *told)
    assert kept_abilities(preferences) == told


@pytest.mark.parametrize(
    ("former", "told"),
    [
        ({}, (WORDS, 0)),
        ({"takes_prompt": True, "classes": 0}, (WORDS, 0)),
        ({"takes_prompt": False, "classes": 0}, (frozenset(), 0)),
        ({"takes_prompt": False, "classes": 10}, (frozenset({"classes"}), 10)),
        ({"takes_prompt": False, "abilities": ["prompt"]}, (frozenset({"prompt"}), 0)),
        ({"abilities": ["prompt", "to fly", "classes"]}, (frozenset({"prompt"}), 0)),
        ({"abilities": [], "classes": -3}, (frozenset(), 0)),
        ({"abilities": [], "classes": 10**12}, (frozenset({"classes"}), MAX_CLASS)),
    ],
)
def test_those_of_earlier_versions_and_of_damage_are_read(
    preferences: Preferences, former: dict[str, Any], told: tuple[frozenset[str], int]
) -> None:
    for name, value in former.items():
        preferences.set(name, value)
    assert kept_abilities(preferences) == told
