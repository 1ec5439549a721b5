"""Films: what is written is read back by Pillow, picture by picture; what fails leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

import engine
from engine.pictures import film
from engine.pictures.film import write_film

ROOT = Path(__file__).parents[3]


def frames(count: int = 5, size: tuple[int, int] = (40, 24)) -> list[film.Frame]:
    """Pictures of noise over a gradient, each another one."""
    random = np.random.default_rng(7)
    slope = np.linspace(0, 150, size[0], dtype=np.uint8)[None, :, None]
    noise = random.integers(0, 100, (count, size[1], size[0], 3), dtype=np.uint8)
    return [(2 * n + 1, Image.fromarray(noise[n] + slope)) for n in range(count)]


def read(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """The pictures of an animation, RGB, and how many milliseconds each stands."""
    with Image.open(path) as image:
        assert image.info.get("loop", 0) == 0
        pictures, stands = [], []
        for picture in ImageSequence.Iterator(image):
            pictures.append(np.asarray(picture.convert("RGB")))
            stands.append(picture.info["duration"])
        return pictures, stands


def same(pictures: list[np.ndarray], given: list[film.Frame]) -> bool:
    return len(pictures) == len(given) and all(
        np.array_equal(picture, np.asarray(frame))
        for picture, (_, frame) in zip(pictures, given, strict=True)
    )


@pytest.mark.parametrize("name", ["a.webp", "a.apng", "a.png", "A.WEBP"])
def test_webp_and_apng_hold_the_very_pixels(tmp_path: Path, name: str) -> None:
    given = frames()
    path = write_film(given, tmp_path / name, seconds=0.15, last_seconds=1.5)
    pictures, stands = read(path)
    assert same(pictures, given)
    assert stands == [150] * 4 + [1500]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_gif_is_as_near_as_256_colours_come(tmp_path: Path) -> None:
    given = frames()
    pictures, stands = read(write_film(given, tmp_path / "a.gif", seconds=0.15, last_seconds=1.5))
    assert stands == [150] * 4 + [1500]
    assert len(pictures) == 5
    for picture, (_, frame) in zip(pictures, given, strict=True):
        assert np.abs(picture.astype(int) - np.asarray(frame)).mean() < 12
    for one, other in pairwise(pictures):
        assert np.abs(one.astype(int) - other).mean() > 15  # and no picture is that before it


@given(st.lists(st.integers(0, 2), min_size=1, max_size=8), st.floats(0.02, 2))
@settings(max_examples=25, deadline=None)
def test_however_pictures_repeat_they_stand_as_long_as_they_should(
    tmp_path_factory: pytest.TempPathFactory, which: list[int], seconds: float
) -> None:
    """Formats may join pictures that are alike, and then the one stands as long as all of them."""
    folder = tmp_path_factory.mktemp("films")
    three = [frame for _, frame in frames(3, (9, 7))]
    given = [(number, three[index]) for number, index in enumerate(which, 1)]
    for name in ("a.webp", "a.apng", "a.gif"):
        path = write_film(given, folder / name, seconds=seconds, last_seconds=1.0)
        stands = [round(1000 * seconds)] * (len(which) - 1) + [1000]
        wanted = joined([three[index].tobytes() for index in which], stands)
        if name == "a.gif":  # its colours are near, its clock has hundredths
            colours = [pixels for pixels, _ in stood(path)]
            assert len(colours) == len(wanted)
            assert all(one != other for one, other in pairwise(colours))
            for (_, told), (_, right) in zip(stood(path), wanted, strict=True):
                assert abs(told - right) <= 10
            assert abs(sum(told for _, told in stood(path)) - sum(stands)) <= 5
        else:
            assert stood(path) == wanted


@pytest.mark.parametrize("seconds", [60.0, 59.999])
@pytest.mark.parametrize("name", ["a.webp", "a.apng", "a.gif"])
def test_no_time_is_lost_however_long_pictures_that_are_alike_stand(
    tmp_path: Path, name: str, seconds: float
) -> None:
    """More than a field of the format holds: 655 s in a GIF, 16,777 s in a WebP, and in an APNG
    65,535 s if they are whole, else a fraction of that."""
    red, blue = (Image.new("RGB", (9, 7), colour) for colour in ("red", "blue"))
    for counts in ((1, 40, 2), (1, 1300), (300,)):
        given = [
            (number, picture)
            for count, picture in zip(counts, (red, blue, red), strict=False)
            for number in range(1, count + 1)
        ]
        path = write_film(given, tmp_path / name, seconds=seconds, last_seconds=seconds)
        shown = stood(path)
        for (pixels, told), count, picture in zip(shown, counts, (red, blue, red), strict=False):
            assert pixels == picture.tobytes()
            assert abs(told - 1000 * seconds * count) <= 10
        assert len(shown) == len(counts)


def joined(pictures: list[bytes], stands: list[float]) -> list[tuple[bytes, float]]:
    """Each picture, and how long it stands with those behind it that are like it."""
    together: list[tuple[bytes, float]] = []
    for picture, stand in zip(pictures, stands, strict=True):
        if together and together[-1][0] == picture:
            together[-1] = picture, together[-1][1] + stand
        else:
            together.append((picture, stand))
    return together


def stood(path: Path) -> list[tuple[bytes, float]]:
    pictures, stands = read(path)
    return joined(
        [picture.tobytes() for picture in pictures],
        [round(stand, 6) for stand in stands],  # an APNG tells fractions
    )


def test_numbered_pictures_fill_a_new_folder(tmp_path: Path) -> None:
    given = frames()
    folder = write_film(given, tmp_path / "steps")
    names = [f"step-{number:03d}.png" for number in (1, 3, 5, 7, 9)]
    assert sorted(entry.name for entry in folder.iterdir()) == names
    pictures = [np.asarray(Image.open(folder / name)) for name in names]
    assert same(pictures, given)
    with pytest.raises(engine.SaveError, match="steps is there already"):
        write_film(given, folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert len(list(write_film(given, empty).iterdir())) == 5


def test_a_contact_sheet_is_near_square_with_every_picture_in_it(tmp_path: Path) -> None:
    given = frames(7, (64, 40))
    for name, numbers in (("a.png", True), ("b.webp", False)):
        with Image.open(write_film(given, tmp_path / name, "sheet", numbers=numbers)) as sheet:
            whole = np.asarray(sheet.convert("RGB"))
        height, width, _ = whole.shape
        assert 0.5 < width / height < 2
        found = [
            (y, x)
            for _, frame in given
            for y in range(height - 39)
            for x in range(width - 63)
            if np.array_equal(whole[y, x : x + 3], np.asarray(frame)[0, :3])
            and np.array_equal(whole[y : y + 40, x : x + 64], np.asarray(frame))
        ]
        assert len(found) == 7
        assert found == sorted(found)


def test_a_large_sheet_has_its_limit(tmp_path: Path) -> None:
    large = Image.new("RGB", (4000, 3000), "red")
    with Image.open(write_film([(1, large)] * 9, tmp_path / "a.png", "sheet")) as sheet:
        assert max(sheet.size) <= film.WIDEST_SHEET + film.GAP * 4
        assert sheet.getpixel((sheet.width // 2, sheet.height // 2)) == (255, 0, 0)


def test_a_number_is_drawn_in_the_corner_and_the_rest_stays(tmp_path: Path) -> None:
    given = frames(2, (128, 96))
    pictures, _ = read(write_film(given, tmp_path / "a.webp", numbers=True))
    for picture, (_, frame) in zip(pictures, given, strict=True):
        changed = np.argwhere((picture != np.asarray(frame)).any(-1))
        top, right = changed[:, 0].min(), changed[:, 1].max()
        assert top > 60
        assert right < 40
        assert (picture[top:, :right] > 240).all(-1).any()  # the letters
    corners = [picture[60:, :40] for picture in pictures]
    assert not np.array_equal(*corners)


def test_small_pictures_are_scaled_to_the_large(tmp_path: Path) -> None:
    given = [(1, Image.new("RGB", (4, 3), "blue")), (2, Image.new("RGB", (40, 30), "red"))]
    pictures, _ = read(write_film(given, tmp_path / "a.apng"))
    assert [picture.shape for picture in pictures] == [(30, 40, 3)] * 2
    assert tuple(pictures[0][15, 20]) == (0, 0, 255)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.mp4", {}, r"a\.mp4 has no ending of a film: take \.webp"),
        ("a.gif", {"seconds": 0.0}, "0.02 to 60 s, not 0"),
        ("a.gif", {"last_seconds": float("nan")}, "not nan"),
        ("a.gif", {"kind": "reel"}, "'reel' is no kind of film"),
        ("a.gif", {"kind": "sheet"}, r"a\.gif has no ending that a picture"),
        ("gone/a.gif", {}, r"film cannot be saved as .*a\.gif \(No such file"),
        ("gone/a", {}, r"film cannot be saved as .*a \(No such file"),
    ],
)
def test_what_cannot_be_written_is_told(
    tmp_path: Path, name: str, options: dict, words: str
) -> None:
    with pytest.raises(engine.SaveError, match=words):
        write_film(frames(2), tmp_path / name, **options)
    with pytest.raises(engine.SaveError, match="no step"):
        write_film([], tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.apng", "steps"])
@pytest.mark.parametrize("moment", ["disk", "poll"])
def test_a_film_that_breaks_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, moment: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    polls: list[int] = []

    def poll() -> None:
        polls.append(1)
        if moment == "poll" and len(polls) > 7:
            raise KeyboardInterrupt

    if moment == "disk":
        monkeypatch.setattr(os, "fsync", full)
    expected = {"disk": engine.SaveError, "poll": KeyboardInterrupt}[moment]
    with pytest.raises(expected):
        write_film(frames(), tmp_path / name, poll=poll)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys
from PIL import Image
from engine.pictures.film import write_film
frames = [(n, Image.effect_noise((400, 400), 90)) for n in range(1, 30)]
print("begun", flush=True)
write_film(frames, sys.argv[1])
"""


@pytest.mark.parametrize("name", ["a.apng", "steps"])
def test_a_killed_process_leaves_no_final_name(tmp_path: Path, name: str) -> None:
    """A real process, ended by the system while its hidden part lies beside the target."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / name)], cwd=ROOT, stdout=subprocess.PIPE
    ) as child:
        deadline = time.monotonic() + 60
        while not list(tmp_path.iterdir()):
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.005)
        child.kill()
    left = list(tmp_path.iterdir())
    assert len(left) == 1, left
    assert left[0].name.startswith(".") and left[0].name.endswith(".part")
