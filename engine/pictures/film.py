"""Development film: the steps of a run as an animation, as numbered pictures or as a contact sheet.
Written by `safelight render --film` and by the window. Imports no torch.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from PIL import Image, ImageDraw, ImageFont

from engine.atomic import shown_path, unwritable
from engine.errors import SaveError
from engine.pictures.animation import write_animation
from engine.pictures.sheet import GAP, INK, LEAST_TEXT, PAPER
from engine.record import image_file
from engine.record.image_file import Texts

Frame = tuple[int, Image.Image]
"""The number of a step, from 1, and its picture."""

ANIMATIONS: Mapping[str, str] = MappingProxyType(
    {".webp": "webp", ".gif": "gif", ".apng": "apng", ".png": "apng"}
)
"""The kind of film that a name's ending means. A name without one is a folder of "frames", and a
"sheet" is only made where that is said."""
KINDS = ("webp", "gif", "apng", "frames", "sheet")

SECONDS, LAST_SECONDS = 0.2, 2.0
SHORTEST, LONGEST = 0.02, 60.0
"""Seconds that a picture may stand. Viewers show what is shorter for as long as they like."""
WIDEST_SHEET = 8192
"""Pixels on a side; the pictures of a sheet are scaled down for it."""


def kind_of(target: str | os.PathLike[str]) -> str:
    """ "webp", "gif", "apng" or "frames", by the ending of the name. Raises SaveError."""
    suffix = Path(target).suffix.lower()
    if not suffix or Path(target).is_dir():
        return "frames"
    if suffix not in ANIMATIONS:
        raise SaveError(
            f"{shown_path(target)} has no ending of a film: take {', '.join(ANIMATIONS)}, or a "
            "folder for numbered pictures."
        )
    return ANIMATIONS[suffix]


def check_film(
    target: str | os.PathLike[str],
    kind: str = "auto",
    *,
    numbers: bool = False,
    seconds: float = SECONDS,
    last_seconds: float = LAST_SECONDS,
) -> str:
    """The kind of film that `write_film` would write, which takes the same. Raises SaveError for
    what it would refuse whatever the frames are."""
    kind = kind_of(target) if kind == "auto" else kind
    if kind not in KINDS:
        raise SaveError(f"{kind!r} is no kind of film: take {', '.join(KINDS)}.")
    if kind == "sheet":
        image_file.format_of(target)
    for value in (seconds, last_seconds):
        if not SHORTEST <= value <= LONGEST:
            raise SaveError(f"A picture can stand for {SHORTEST} to {LONGEST:g} s, not {value:g}.")
    if kind == "frames":
        _check_folder(Path(target))
    return kind


def write_film(
    frames: Iterable[Frame],
    target: str | os.PathLike[str],
    kind: str = "auto",
    *,
    numbers: bool = False,
    seconds: float = SECONDS,
    last_seconds: float = LAST_SECONDS,
    poll: Callable[[], None] = lambda: None,
) -> Path:
    """Write the frames, oldest first, as a film that runs again and again, and give its path.

    kind: one of KINDS; "auto" goes by the ending of `target`. WebP and APNG hold the very pixels, a
    GIF 256 colours a picture. "frames": PNGs named step-001.png, … in a folder, which must be new
    or empty. "sheet": all pictures side by side in one, near square, as PNG, JPEG or WebP. Pictures
    that are smaller than the largest are scaled to its size.
    numbers: whether each picture tells its step. seconds, last_seconds: how long a picture stands,
    0.02 to 60. poll: called before each picture and before the film gets its name; raises to give
    up, which leaves nothing behind, as any failure does.

    Raises SaveError; and whatever `frames` and `poll` raise.
    """
    path = Path(target)
    kind = check_film(path, kind, seconds=seconds, last_seconds=last_seconds)
    alike = _of_one_size([*_polled(frames, poll)])
    if kind == "frames":
        _write_folder(_numbered(alike, numbers, poll), path)
    elif kind == "sheet":
        image_file.write_picture(_sheet(alike, numbers, poll), path, Texts())
    else:
        stands = [round(1000 * seconds)] * (len(alike) - 1) + [round(1000 * last_seconds)]
        pictures = [picture for _, picture in _numbered(alike, numbers, poll)]
        write_animation(pictures, stands, kind, path, poll)
    return path


def _polled(frames: Iterable[Frame], poll: Callable[[], None]) -> Iterable[Frame]:
    for frame in frames:
        poll()
        yield frame


def _of_one_size(frames: Sequence[Frame]) -> list[Frame]:
    if not frames:
        raise SaveError("There is no step to make a film of. Make an image first.")
    size = max((picture.size for _, picture in frames), key=lambda size: size[0] * size[1])
    return [
        (number, picture if picture.size == size else picture.resize(size))
        for number, picture in ((number, picture.convert("RGB")) for number, picture in frames)
    ]


def _numbered(frames: Iterable[Frame], numbers: bool, poll: Callable[[], None]) -> Iterable[Frame]:
    for number, picture in _polled(frames, poll):
        yield number, _with_number(picture, str(number)) if numbers else picture


def _with_number(picture: Image.Image, text: str) -> Image.Image:
    """The picture with the text in its lower left corner, light on a dark ground, so that it can be
    read on anything."""
    font = ImageFont.load_default(max(LEAST_TEXT, min(picture.size) // 18))
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    pad = max(3, round((bottom - top) * 0.45))
    width, height = round(right - left) + 2 * pad, round(bottom - top) + 2 * pad
    plate = Image.new("RGB", picture.size)
    shape = Image.new("L", picture.size)
    x, y = pad, picture.height - pad - height
    ImageDraw.Draw(shape).rounded_rectangle((x, y, x + width, y + height), pad, fill=150)
    told = Image.composite(plate, picture, shape)
    ImageDraw.Draw(told).text(
        (x + pad - left, y + pad - top), text, (255, 255, 255), font, anchor="ls"
    )
    return told


def _check_folder(path: Path) -> None:
    try:
        taken = path.exists() and (not path.is_dir() or any(path.iterdir()))
    except OSError as error:
        raise unwritable(path, error, "film") from error
    if taken:
        raise SaveError(f"{shown_path(path)} is there already. Choose a new folder.")


def _write_folder(frames: Iterable[Frame], path: Path) -> None:
    """All pictures or none: the folder gets its name when they are written."""
    try:
        part = Path(tempfile.mkdtemp(dir=path.parent, prefix=".", suffix=".part"))
    except OSError as error:
        raise unwritable(path, error, "film") from error
    try:
        for number, picture in frames:
            image_file.write_picture(picture, part / f"step-{number:03d}.png", Texts())
        part.chmod(0o755)
        if path.is_dir():
            with suppress(OSError):  # where a folder does not take the place of another, empty one
                path.rmdir()
        part.replace(path)
    except OSError as error:
        raise unwritable(path, error, "film") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sheet(frames: list[Frame], numbers: bool, poll: Callable[[], None]) -> Image.Image:
    """One RGB picture, as near to a square as whole rows allow, the step's number under each."""
    whole_width, whole_height = frames[0][1].size
    letters = max(LEAST_TEXT, min(whole_width, whole_height) // 12) if numbers else 0

    def side(columns: int) -> int:
        rows = math.ceil(len(frames) / columns)
        cell = whole_height + GAP + round(1.6 * letters)
        return GAP + max(columns * (whole_width + GAP), rows * cell)

    columns = min(range(1, len(frames) + 1), key=side)
    rows = math.ceil(len(frames) / columns)
    scale = min(1.0, WIDEST_SHEET / side(columns))
    width, height = max(1, int(whole_width * scale)), max(1, int(whole_height * scale))
    line = round(1.6 * letters * scale)
    font = ImageFont.load_default(max(letters * scale, 6))
    sheet = Image.new(
        "RGB", (GAP + columns * (width + GAP), GAP + rows * (height + line + GAP)), PAPER
    )
    draw = ImageDraw.Draw(sheet)
    for place, (number, picture) in enumerate(_polled(frames, poll)):
        row, column = divmod(place, columns)
        x, y = GAP + column * (width + GAP), GAP + row * (height + line + GAP)
        sheet.paste(picture if scale == 1.0 else picture.resize((width, height)), (x, y))
        if numbers:
            draw.text((x + width / 2, y + height + line / 2), str(number), INK, font, anchor="mm")
    return sheet
