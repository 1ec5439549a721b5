"""The files of the images, and what cannot be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.worker.worker import Worker
from engine.errors import SaveError
from tests.app.conftest import Told
from tests.app.fake_engine import FakeEngine
from tests.app.worker.conftest import REQUEST, plan


def test_images_are_written_by_date_time_and_seed(
    qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "folder"
    with qtbot.waitSignal(told.finished) as finished:
        loaded.run(plan(replace(REQUEST, count=3)), str(folder))
    result = finished.args[0]
    assert [path.rsplit("-", 1)[1] for path in result.paths] == ["40.png", "41.png", "42.png"]
    assert all(Path(path).stat().st_size > 0 for path in result.paths)
    assert result.sheet.size().toTuple() == (128, 128)
    assert result.sheet.pixelColor(70, 5) == result.images[1].pixelColor(0, 0)
    assert result.save_error == ""


def test_the_same_request_twice_overwrites_nothing(
    qtbot: QtBot, loaded: Worker, told: Told, tmp_path: Path
) -> None:
    for _ in range(3):
        with qtbot.waitSignal(told.finished):
            loaded.run(plan(), str(tmp_path))
    assert len(list(tmp_path.glob("*.png"))) == 3


@pytest.mark.parametrize("error", [SaveError("The disk is full."), OSError(28, "No space left")])
def test_an_image_that_cannot_be_written_is_not_lost(
    qtbot: QtBot, loaded: Worker, told: Told, fake: FakeEngine, tmp_path: Path, error: Exception
) -> None:
    fake.failures["save"] = error
    with qtbot.waitSignal(told.finished) as finished:
        loaded.run(plan(), str(tmp_path))
    result = finished.args[0]
    assert result.paths == (None,)
    assert str(getattr(error, "strerror", None) or error) in result.save_error
    assert result.images[0].size().toTuple() == (64, 64)
    assert list(tmp_path.glob("*.png")) == []

    with qtbot.waitSignal(told.saveFailed):
        loaded.save(result.number, 0, str(tmp_path / "again.png"))
    fake.failures.clear()
    with qtbot.waitSignal(told.saved):
        loaded.save(result.number, 0, str(tmp_path / "again.png"))
    assert (tmp_path / "again.png").stat().st_size > 0
