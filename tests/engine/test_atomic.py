"""Whole files or none, whatever call of the system fails or ends the process, and nothing said to
be there before the disk knows its name.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

import engine
from engine.atomic import is_part, make_folder, replacing, whole_file
from engine.errors import SaveError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no folder can be synced there")


class System:
    """What is synced and renamed, in order, and one of these calls that fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[tuple[str, str]] = []
        self.fails: tuple[int, int] = (-1, 0)  # the number of the call, and the reason
        sync, rename = os.fsync, Path.replace

        def fsync(descriptor: int) -> None:
            self._note("fsync", Path(f"/proc/self/fd/{descriptor}").readlink())
            sync(descriptor)

        def replace(source: Path, target: Path) -> Path:
            self._note("replace", source)
            return rename(source, target)

        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(Path, "replace", replace)

    def _note(self, call: str, about: Path) -> None:
        self.said.append((call, str(about)))
        number, reason = self.fails
        if len(self.said) - 1 == number:
            raise OSError(reason, os.strerror(reason))


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    if not Path("/proc/self/fd").exists():
        pytest.skip("the names of open files are not told here")
    return System(monkeypatch)


def save(target: Path) -> None:
    engine.save(Image.new("RGB", (8, 8), "red"), target, None, 0)


def test_the_disk_knows_the_name_before_it_is_said(system: System, tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    save(target)
    (first, part), (second, renamed), (third, folder) = system.said
    assert (first, second, third) == ("fsync", "replace", "fsync")
    assert part == renamed and is_part(Path(part).name)
    assert folder == str(tmp_path)


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("before", [None, b"before"])
def test_whatever_fails_there_is_no_half_file_and_no_second_one(
    system: System, tmp_path: Path, number: int, reason: int, before: bytes | None
) -> None:
    target = tmp_path / "a.png"
    if before is not None:
        target.write_bytes(before)
    system.fails = (number, reason)
    with pytest.raises(SaveError, match=os.strerror(reason)):
        save(target)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ([] if before is None else ["a.png"])
    if before is not None and number < 2:
        assert target.read_bytes() == before
    save(target)
    with Image.open(target) as image:
        image.load()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_disk_that_fills_up_in_the_block(tmp_path: Path) -> None:
    def fill() -> None:
        with whole_file(tmp_path / "a.png") as file:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SaveError, match="No space left"):
        fill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reason", [errno.EINVAL, errno.ENOTSUP])
def test_a_disk_that_cannot_sync_folders_is_good_enough(
    system: System, tmp_path: Path, reason: int
) -> None:
    system.fails = (2, reason)
    save(tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


def test_new_folders_are_known_to_the_ones_around_them(system: System, tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert system.said == [("fsync", str(tmp_path)), ("fsync", str(tmp_path / "a"))]
    make_folder(tmp_path / "a" / "b")
    assert len(system.said) == 2


def test_a_file_has_the_rights_that_the_person_gives_to_new_files(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt") as part:
        part.write_text("x")
    (tmp_path / "b.txt").write_text("x")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode
