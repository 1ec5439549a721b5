"""Which model is loaded: the last one at the start, the former one after a failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from app.state.models import RECENT, Models
from tests.app.test_state_session import CARD


@pytest.fixture
def preferences(qtbot: QtBot, tmp_path: Path) -> Preferences:
    return Preferences(tmp_path / "preferences.json")


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def models(preferences: Preferences, asked: list[str]) -> Models:
    models = Models(preferences, (("bundled", "Emoji"),))
    models.loadRequested.connect(asked.append)
    return models


def test_loads_the_bundled_model_first(models: Models, asked: list[str]) -> None:
    models.load_last()
    assert asked == ["bundled"]


def test_the_last_model_is_back_at_the_next_start(
    models: Models, preferences: Preferences, asked: list[str]
) -> None:
    models.choose("/models/sd15")
    models.set_card(replace(CARD, source="/models/sd15"))
    again = Models(preferences, (("bundled", "Emoji"),))
    again.loadRequested.connect(asked.append)
    again.load_last()
    assert asked == ["/models/sd15"] * 2
    assert again.known == [("bundled", "Emoji"), ("/models/sd15", "sd15")]


def test_the_loaded_model_is_not_loaded_again(models: Models, asked: list[str]) -> None:
    models.load_last()
    models.set_card(CARD)
    models.choose("bundled")
    assert asked == ["bundled"]


def test_a_failure_leaves_the_former_model(models: Models, asked: list[str]) -> None:
    models.load_last()
    models.set_card(CARD)
    models.choose("/gone")
    ready: list[bool] = []
    current: list[str] = []
    models.readyChanged.connect(ready.append)
    models.currentChanged.connect(current.append)
    models.show_loading("UNet", 0.5)
    models.fail("There is no model folder /gone.")
    assert asked == ["bundled", "/gone"]
    assert ready == [False, True]
    assert current == ["bundled"]


def test_without_a_former_model_the_bundled_one_is_loaded(
    preferences: Preferences, models: Models, asked: list[str]
) -> None:
    models.choose("/gone")
    models.fail("There is no model folder /gone.")
    assert asked == ["/gone", "bundled"]
    models.fail("The bundled model is missing.")
    assert asked == ["/gone", "bundled"]


def test_tells_the_device_in_plain_words(models: Models) -> None:
    devices: list[str] = []
    models.deviceChanged.connect(devices.append)
    models.set_card(CARD)
    assert devices == ["Emoji · CPU · float32"]


def test_remembers_only_the_latest_folders(models: Models) -> None:
    for number in range(RECENT + 5):
        models.choose(f"/models/{number}")
    assert len(models.known) == RECENT + 1
    assert models.known[1] == (f"/models/{RECENT + 4}", f"{RECENT + 4}")
