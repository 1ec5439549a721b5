"""Animations: pictures that stand for a while each, as WebP, GIF or APNG. Called by
`engine.pictures.film`. Imports no torch.

Pillow and libwebp join pictures that are alike: where one is left, they write a still without its
time, and a GIF's field for it overflows. So what is alike is joined here, and has its time.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path

from PIL import Image

from engine.atomic import shown_path, whole_file
from engine.errors import SaveError
from engine.record import image_file

Shot = tuple[Image.Image, int]
"""A picture and the milliseconds that it stands."""

LONGEST_GIF = 2**16 - 1
"""Hundredths of a second that a picture of a GIF can stand."""
LONGEST_APNG = 2**16 - 1
"""Seconds that one of an APNG can, where they are whole."""
LONGEST_WEBP = 2**24 - 1
"""Milliseconds that one of a WebP can."""
TRAILER, DESCRIPTOR = 0x3B, 0x2C
"""What the end and a picture of a GIF begin with (GIF89a, sections 27 and 20)."""


def write_animation(
    pictures: Sequence[Image.Image],
    stands: Sequence[int],
    kind: str,
    path: Path,
    poll: Callable[[], None],
) -> None:
    """Write RGB pictures of one size as an animation that runs again and again. stands:
    milliseconds for each; kind: "webp", "gif" or "apng". poll: called now and then; raises to give
    up, which leaves nothing behind. Raises SaveError."""
    if kind == "webp" and max(pictures[0].size) > image_file.LARGEST["WEBP"]:
        raise SaveError(f"{shown_path(path)}: the pictures are too large for WebP. Take APNG.")
    if kind == "gif":
        pictures = [_in_256_colours(picture) for picture in _each(pictures, poll)]
    content = {"webp": _webp, "gif": _gif, "apng": _apng}[kind](_joined(pictures, stands))
    with whole_file(path, "film") as file:
        file.write(content)
        poll()


def _each(pictures: Sequence[Image.Image], poll: Callable[[], None]) -> Iterator[Image.Image]:
    for picture in pictures:
        poll()
        yield picture


def _joined(pictures: Sequence[Image.Image], stands: Sequence[int]) -> list[Shot]:
    """Each picture once for as long as it and what is like it behind it stand."""
    shots: list[Shot] = []
    before = b""
    for picture, stand in zip(pictures, stands, strict=True):
        pixels = picture.convert("RGB").tobytes()
        if shots and pixels == before:
            shots[-1] = (shots[-1][0], shots[-1][1] + stand)
        else:
            shots.append((picture, stand))
        before = pixels
    return shots


def _saved(shots: Sequence[Shot], kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    (first, _), *others = shots
    first.save(
        file,
        format=kind,
        save_all=True,
        append_images=[picture for picture, _ in others],
        duration=[stand for _, stand in shots],
        loop=0,
        **options,
    )
    return file.getvalue()


def _apng(shots: list[Shot]) -> bytes:
    """What stands longer than an APNG can tell, and a lone picture, are written twice, in two ways
    of drawing that are the same where nothing is transparent: so Pillow takes them for two."""
    parts = [list(_seconds(stand)) for _, stand in shots]
    if sum(map(len, parts)) == 1:
        stand = shots[0][1]
        parts = [[stand - stand // 2, stand // 2]]
    every = [
        (shot[0], told) for shot, several in zip(shots, parts, strict=True) for told in several
    ]
    ways = [number % 2 for several in parts for number in range(len(several))]
    return _saved(every, "PNG", blend=ways)


def _seconds(stand: int) -> Iterator[int]:
    """The milliseconds in parts that are each a fraction of a second in two numbers of 16 bits."""
    if Fraction(stand, 1000).numerator <= LONGEST_APNG:
        yield stand
        return
    yield from _parts(stand - stand % 1000, 1000 * LONGEST_APNG)
    if stand % 1000:
        yield stand % 1000


def _webp(shots: list[Shot]) -> bytes:
    """A lone picture becomes an animation of one here, since libwebp makes a still of it."""
    if len(shots) > 1:
        parts = [(one, told) for one, stand in shots for told in _parts(stand, LONGEST_WEBP // 2)]
        return _saved(parts, "WEBP", lossless=True)  # libwebp joins them as far as it can
    picture, stand = shots[0]
    file = io.BytesIO()
    picture.save(file, format="WEBP", lossless=True)
    still = file.getvalue()[12:]  # behind the mark of a WebP, one chunk with the pixels
    size = b"".join((side - 1).to_bytes(3, "little") for side in picture.size)
    content = _chunk(b"VP8X", b"\2\0\0\0" + size) + _chunk(b"ANIM", bytes(6))
    for part in _parts(stand, LONGEST_WEBP):
        content += _chunk(b"ANMF", bytes(6) + size + part.to_bytes(3, "little") + b"\0" + still)
    return _chunk(b"RIFF", b"WEBP" + content)


def _chunk(name: bytes, content: bytes) -> bytes:
    """A part of a RIFF file (RFC 9649, section 2.3)."""
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _gif(shots: list[Shot]) -> bytes:
    """What stands longer than a GIF can tell goes on as a picture of one transparent pixel."""
    # Rounded over the whole, so that no time is lost on the way.
    ends = [0, *(round(end / 10) for end in accumulate(stand for _, stand in shots))]
    parts = [list(_parts(end - start, LONGEST_GIF)) for start, end in pairwise(ends)]
    first = [(picture, 10 * told[0]) for (picture, _), told in zip(shots, parts, strict=True)]
    gif = _saved(first, "GIF", disposal=1)
    content, done = b"", 0
    for told, end in zip(parts, _ends_of_pictures(gif), strict=True):
        content += gif[done:end] + b"".join(_wait(hundredths) for hundredths in told[1:])
        done = end
    return content + gif[done:]


def _wait(hundredths: int) -> bytes:
    """A picture of a GIF that changes nothing for a while (sections 23, 20 and 22)."""
    control = b"!\xf9\4\5" + struct.pack("<H", hundredths) + b"\0\0"
    return control + struct.pack("<BHHHHB", DESCRIPTOR, 0, 0, 1, 1, 0) + b"\2\2D\1\0"


def _ends_of_pictures(gif: bytes) -> Iterator[int]:
    """Where each picture ends. A GIF is a head, and blocks that begin with what they are."""
    at = 13 + _bytes_of_colours(gif[10])
    while (block := gif[at]) != TRAILER:
        at += 2 if block != DESCRIPTOR else 11 + _bytes_of_colours(gif[at + 9])
        while gif[at]:  # sub-blocks, the last of which is empty
            at += 1 + gif[at]
        at += 1
        if block == DESCRIPTOR:
            yield at


def _bytes_of_colours(packed: int) -> int:
    return 3 * 2 << (packed & 7) if packed & 0x80 else 0


def _parts(whole: int, most: int) -> Iterator[int]:
    """The whole as numbers of which none is above `most`."""
    while whole > most:
        yield most
        whole -= most
    yield whole


def _in_256_colours(picture: Image.Image) -> Image.Image:
    """In the colours that suit it best, with its gradients dithered."""
    return picture.quantize(palette=picture.quantize(256), dither=Image.Dither.FLOYDSTEINBERG)
