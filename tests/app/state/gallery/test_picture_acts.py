"""PictureActs: what is asked of a picture goes to whoever does it, and is told where it cannot."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.state.gallery.picture import Picture
from app.state.gallery.picture_acts import PictureActs
from tests.app.by_hand import heard, image

WRITTEN = Picture("a.png", image(), "/images/a.png")
UNWRITTEN = Picture("b.png", image())
ROWS = (WRITTEN, UNWRITTEN)


class Doers:
    """Notes what it is asked to do."""

    def __init__(self, done: list[tuple[Any, ...]]) -> None:
        self._done = done

    def __getattr__(self, name: str) -> Any:
        return lambda *asked: self._done.append((name, *asked))


@pytest.fixture
def done() -> list[tuple[Any, ...]]:
    return []


def acts(done: list[tuple[Any, ...]], shown: Picture | None = None) -> PictureActs:
    showing: Any = SimpleNamespace(picture=shown)
    gallery: Any = SimpleNamespace(picture=lambda row: ROWS[row] if row < len(ROWS) else None)
    doers: Any = Doers(done)
    return PictureActs(showing, gallery, doers, doers, doers, doers)


def test_rows(done: list[tuple[Any, ...]]) -> None:
    made = acts(done)
    for act in (made.copy, made.reveal, made.reuse, made.reuse_seed, made.copy_settings):
        act(0)
    made.reopen(0)
    made.compare(0, 1)
    assert done == [
        ("copy", WRITTEN),
        ("reveal", WRITTEN),
        ("take", WRITTEN.path),
        ("take_seed", WRITTEN.path),
        ("copy", WRITTEN.path),
        ("open", WRITTEN.path),
        ("compare", WRITTEN, UNWRITTEN),
    ]


def test_a_picture_without_a_file_has_no_settings(done: list[tuple[Any, ...]]) -> None:
    made = acts(done)
    failed, opened = heard(made.failed), heard(made.timelineAsked)
    for act in (made.reuse, made.reuse_seed, made.copy_settings, made.reopen):
        act(1)
    assert failed == ["This image has no file yet. Save it first."] * 4
    assert not done and not opened


def test_a_row_that_is_gone_is_no_error(done: list[tuple[Any, ...]]) -> None:
    made = acts(done)
    failed = heard(made.failed)
    for act in (made.save, made.copy, made.reveal, made.reuse, made.reopen):
        act(9)
    made.compare(0, 9)
    assert not done and not failed


def test_what_is_shown(done: list[tuple[Any, ...]]) -> None:
    made = acts(done, WRITTEN)
    saved = heard(made.saveAsked)
    made.save_shown()
    made.copy_shown()
    made.copy_settings_of_shown()
    assert saved == [WRITTEN]
    assert done == [("copy", WRITTEN), ("copy", WRITTEN.path)]


def test_nothing_is_shown(done: list[tuple[Any, ...]]) -> None:
    made = acts(done)
    saved, failed = heard(made.saveAsked), heard(made.failed)
    made.save_shown()
    made.copy_shown()
    made.copy_settings_of_shown()
    assert failed == ["What is shown has no file with settings. Choose a finished image."]
    assert not done and not saved
