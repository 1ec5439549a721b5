"""What a crash left half written goes, and nothing else: others use the ending .part, too."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from app import paths
from engine.atomic import replacing, whole_file


class Crash(BaseException):
    pass


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What this program leaves in a folder when it is killed in the middle of an image."""
    with monkeypatch.context() as patch, suppress(Crash):
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with paths.new_image(tmp_path, 7) as path, whole_file(path) as file:
            file.write(b"half")
            raise Crash
    with monkeypatch.context() as patch, suppress(Crash):
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with replacing(tmp_path / "no ending") as part:
            part.write_text("half")
            raise Crash
    found = sorted(tmp_path.iterdir())
    assert len(found) == 3
    return found


def age(*files: Path) -> None:
    old = time.time() - 2 * paths.LEFT_ALONE
    for path in files:
        os.utime(path, (old, old), follow_symlinks=False)


def test_what_is_ours_goes_when_nobody_can_be_writing_it(tmp_path: Path, left: list[Path]) -> None:
    paths.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == left, "somebody may still be writing them"
    age(*left)
    paths.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_home_of_nobody_is_a_folder_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFELIGHT_HOME", "~nobody-of-that-name/x")
    assert paths.config_folder() == Path.cwd() / "~nobody-of-that-name" / "x" / "config"


def test_what_others_left_stays(tmp_path: Path) -> None:
    strangers = [
        ".movie.mp4.part",
        ".tmpabcdefgh.png.part",
        ".safelight-notes.json.part",
        ".safelight-.png.part",
        f".safelight-{'0' * 31}g.png.part",
        f".safelight-{'0' * 32}.png",
        f"safelight-{'0' * 32}.png.part",
        "film.part",
    ]
    for name in strangers:
        (tmp_path / name).write_text("a download")
    own = f".safelight-{'0' * 32}.png.part"
    kept = tmp_path / "kept"
    kept.write_text("x")
    (tmp_path / own).symlink_to(kept)
    (tmp_path / f".safelight-{'1' * 32}.png.part").mkdir()
    before = sorted(tmp_path.iterdir())
    age(*before)
    paths.sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == before
