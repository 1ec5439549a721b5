"""ImageFolder and SaveFolder: where pictures go, and where they were saved last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.state.gallery.image_folder import ImageFolder
from app.state.gallery.save_folder import SaveFolder
from tests.app.by_hand import heard


class Kept(dict):
    """Stands in for the preferences."""

    def set(self, name: str, value: Any) -> None:
        self[name] = value


@pytest.mark.parametrize("kept", [{}, {"image_folder": ""}, {"image_folder": "/a\0b"}])
def test_pictures_go_to_the_usual_folder_until_another_is_chosen(kept: dict, home: Path) -> None:
    preferences: Any = Kept(kept)
    folder = ImageFolder(preferences)
    assert folder.path == str(home / "images")
    changed = heard(folder.changed)
    folder.choose("/elsewhere")
    assert changed == ["/elsewhere"]
    assert ImageFolder(preferences).path == "/elsewhere"


def test_a_name_is_suggested_where_something_was_saved_last() -> None:
    preferences: Any = Kept()
    folder = SaveFolder(preferences)
    assert folder.suggested("a.png") == str(Path.home() / "a.png")
    folder.remember("/pictures/b.png")
    assert SaveFolder(preferences).suggested("a.png") == "/pictures/a.png"
