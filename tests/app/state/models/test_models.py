"""Which model is loaded: the last one at the start, the former one after a failure; and which ones
are offered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from app.state.background import Background
from app.state.models.models import RECENT, Models
from tests.app.state.recipe.test_session import CARD

BUNDLED = (("bundled", "Emoji"),)


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    background = Background()
    yield background
    background.close()


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def models(preferences: Preferences, background: Background, asked: list[str]) -> Models:
    models = Models(preferences, BUNDLED, background)
    models.loadRequested.connect(asked.append)
    return models


def load(models: Models, source: str) -> None:
    models.choose(source)
    models.begin(source)
    models.set_card(replace(CARD, source=source))


def labels(models: Models) -> list[str]:
    return [label for _, label, _ in models.known]


def heard(signal: Any) -> list[Any]:
    values: list[Any] = []
    signal.connect(values.append)
    return values


def test_loads_the_bundled_model_first(models: Models, asked: list[str]) -> None:
    models.load_last()
    assert asked == ["bundled"]


def test_the_last_model_is_back_at_the_next_start(
    models: Models, preferences: Preferences, background: Background, asked: list[str]
) -> None:
    load(models, "/models/sd15")
    again = Models(preferences, BUNDLED, background)
    again.loadRequested.connect(asked.append)
    current = heard(again.currentChanged)
    again.announce()
    again.load_last()
    assert asked == ["/models/sd15"] * 2
    assert again.known == [("bundled", "Emoji", ""), ("/models/sd15", "sd15", "/models/sd15")]
    assert set(current) == {"/models/sd15"}


def test_the_present_model_is_not_loaded_again(models: Models, asked: list[str]) -> None:
    load(models, "bundled")
    withdrawn: list[bool] = []
    models.loadWithdrawn.connect(lambda: withdrawn.append(True))
    models.choose("bundled")
    models.choose("/models/cats")
    models.begin("/models/cats")
    models.choose("/models/cats")
    models.choose("bundled")  # while another is being loaded it is no longer what will be there
    assert asked == ["bundled", "/models/cats", "bundled"]
    assert withdrawn == [True, True]


def test_the_picker_shows_the_present_model_until_the_other_is_there(models: Models) -> None:
    load(models, "bundled")
    current = heard(models.currentChanged)
    models.choose("/models/cats")
    models.begin("/models/cats")
    models.show_loading("UNet", 0.5)
    assert set(current) == {"bundled"}
    models.set_card(replace(CARD, source="/models/cats"))
    assert current[-1] == "/models/cats"


def test_a_failure_leaves_the_former_model(models: Models, asked: list[str]) -> None:
    load(models, "bundled")
    models.choose("/gone")
    models.begin("/gone")
    ready, current = heard(models.readyChanged), heard(models.currentChanged)
    models.show_loading("UNet", 0.5)
    models.fail("There is no model folder /gone.")
    assert asked == ["bundled", "/gone"]
    assert ready == [False, True]
    assert current == ["bundled"]
    assert labels(models) == ["Emoji"]  # what was never loaded is not remembered


def test_without_a_former_model_the_bundled_one_is_loaded(models: Models, asked: list[str]) -> None:
    models.choose("/gone")
    models.begin("/gone")
    models.fail("There is no model folder /gone.")
    assert asked == ["/gone", "bundled"]
    models.begin("bundled")
    models.fail("The bundled model is missing.")
    assert asked == ["/gone", "bundled"]


def test_a_folder_that_is_gone_is_shown_as_such(
    qtbot: QtBot, preferences: Preferences, background: Background, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    sources = [str(tmp_path / "there"), str(tmp_path / "gone"), "google/ddpm-cat-256"]
    preferences.set("recent_models", sources)
    models = Models(preferences, BUNDLED, background)
    models.announce()
    qtbot.waitUntil(
        lambda: labels(models) == ["Emoji", "there", "gone (folder is gone)", "ddpm-cat-256"]
    )
    (tmp_path / "gone").mkdir()
    load(models, str(tmp_path / "gone"))
    models.announce()
    qtbot.waitUntil(lambda: labels(models) == ["Emoji", "gone", "there", "ddpm-cat-256"])


def test_equal_names_are_told_apart(models: Models) -> None:
    for source in ("/a/unet", "/b/unet", "/b/vae"):
        load(models, source)
    assert labels(models) == ["Emoji", "vae", "unet in b", "unet in a"]


def test_a_model_can_be_forgotten_unless_it_is_loaded(
    models: Models, preferences: Preferences
) -> None:
    offered = heard(models.forgettableChanged)
    load(models, "/models/a")
    load(models, "/models/b")
    assert offered[-1] == [("/models/a", "a")]
    models.forget("/models/a")
    assert offered[-1] == []
    assert labels(models) == ["Emoji", "b"]
    assert preferences.get("recent_models", []) == ["/models/b"]


def test_asks_in_a_sentence(models: Models) -> None:
    questions = heard(models.questionChanged)
    models.ask("/models/cats", 0)
    models.ask("/models/cats", 2)
    models.stop_asking()
    assert questions == [
        "A picture is developing. Load cats when it is done, or stop it and load at once?",
        "A picture is developing, and more wait: 2. Load cats when all are done, or stop this one "
        "and make those that wait with cats?",
        "",
    ]


def test_tells_the_device_in_plain_words(models: Models) -> None:
    devices = heard(models.deviceChanged)
    models.set_card(CARD)
    assert devices == ["Emoji · CPU · float32"]


def test_remembers_only_the_latest_folders(models: Models) -> None:
    for number in range(RECENT + 5):
        load(models, f"/models/{number}")
    assert len(models.known) == RECENT + 1
    assert models.known[1][:2] == (f"/models/{RECENT + 4}", f"{RECENT + 4}")
