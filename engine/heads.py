"""The heads of PNG, JPEG and WebP: a picture's format, size and depth from its first bytes, without
unpacking anything; and a PNG without its texts. Called by `engine.foreign`, the door that pictures
come in by.

The forms: PNG (ISO/IEC 15948), JPEG (ITU T.81), WebP (RFC 9649).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO, NamedTuple

from engine.errors import EngineError

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Numbers of a pixel, by the type of colour of a PNG."""
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The segments of a JPEG that tell its size: one for each way in which its pixels may be packed."""
MOST_SEGMENTS = 4096
"""Segments of a JPEG before its pixels. Profiles and previews take some ten, 64 KB each."""
MOST_EXIF = 16
"""Of those, segments of EXIF, which is one by the standard. Pillow joins them in a time that grows
with the square of their number."""
MOST_FILLING = 4096
"""Bytes that a JPEG may have before a mark, to fill room."""


MOST_CHUNKS = 100_000
"""Chunks of a PNG. Those of most programs have 8 KB of the pixels or more."""
PIXELS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
"""The chunks of a PNG that its pixels are in."""


class Head(NamedTuple):
    """format: "PNG", "JPEG" or "WEBP"; width, height: pixels, as the file tells them, before a
    camera's turning; bits: of a pixel, all its channels together."""

    format: str
    width: int
    height: int
    bits: int

    @property
    def unpacked(self) -> int:
        """Bytes that the picture takes in memory, where a channel has 8 bits or 16 and there are
        four of them."""
        return self.width * self.height * (8 if self.format == "PNG" and self.bits > 32 else 4)


def read_head(file: BinaryIO) -> Head:
    """The head of the picture that begins where the file stands. Raises EngineError, without a
    name, for anything else."""
    beginning = file.read(30)
    if beginning.startswith(PNG):
        head = _png(beginning)
    elif beginning.startswith(JPEG):
        file.seek(2 - len(beginning), os.SEEK_CUR)
        head = _jpeg(file)
    elif beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        head = _webp(beginning)
    else:
        raise EngineError("it is neither a PNG, a JPEG nor a WebP")
    if head is None or not head.width or not head.height:
        raise EngineError("its beginning is damaged")
    return head


def bare_png(content: bytes) -> bytes:
    """A PNG without the chunks that no pixel is in, such as texts and profiles, which a reader
    would unpack whatever comes of it. Raises EngineError, without a name, for too many chunks."""
    view, at = memoryview(content), len(PNG)
    kept = [view[:at]]
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(content):
            return b"".join(kept)
        length, kind = struct.unpack_from(">I4s", content, at)
        if kind in PIXELS:
            kept.append(view[at : at + 12 + length])
        at += 12 + length
        if kind == b"IEND":
            return b"".join(kept)
    raise EngineError(f"it has more than {MOST_CHUNKS:,} parts")


def _png(beginning: bytes) -> Head | None:
    if len(beginning) < 29:
        return None
    length, kind, width, height, depth, colour = struct.unpack_from(">I4sIIBB", beginning, len(PNG))
    if (length, kind) != (13, b"IHDR") or depth not in DEPTHS.get(colour, ()):
        return None
    if max(width, height) >= 2**31:
        return None
    return Head("PNG", width, height, depth * CHANNELS[colour])


def jpeg_mark(file: BinaryIO) -> int | None:
    """The mark of a JPEG's next segment, with which the file stands at its length; None where there
    is none."""
    if file.read(1) == b"\xff":
        for _ in range(MOST_FILLING):
            if (mark := file.read(1)) != b"\xff":
                return mark[0] if mark else None
    return None


def _jpeg(file: BinaryIO) -> Head | None:
    """Each segment has a mark and its length, with the two bytes of the length itself. Behind the
    frame more may come, which a reader of the pixels reads too."""
    head, parts_of_exif = None, 0
    for _ in range(MOST_SEGMENTS):
        mark = jpeg_mark(file)
        if mark is None or mark in (0xD9, 0xDA):
            return head
        if mark in (0x00, 0x01) or 0xD0 <= mark <= 0xD8:
            continue
        length = int.from_bytes(file.read(2), "big")
        if length < 2:
            return head
        beginning = file.read(min(length - 2, 6))
        if mark in FRAMES and head is None:
            if len(beginning) < 6:
                return None
            depth, height, width, channels = struct.unpack(">BHHB", beginning)
            head = Head("JPEG", width, height, depth * channels)
        parts_of_exif += mark == 0xE1 and beginning.startswith(b"Exif")
        if parts_of_exif > MOST_EXIF:
            raise EngineError(f"it has more than {MOST_EXIF} parts of EXIF")
        file.seek(length - 2 - len(beginning), os.SEEK_CUR)
    raise EngineError(f"it has more than {MOST_SEGMENTS:,} parts before its pixels")


def _webp(beginning: bytes) -> Head | None:
    """Behind the twelve bytes of the file's own head: a packed picture with losses, one without, or
    the canvas that pictures, texts and profiles lie on."""
    kind, content = beginning[12:16], beginning[20:]
    if len(content) < 10:
        return None
    if kind == b"VP8 " and content[3:6] == b"\x9d\x01\x2a" and not content[0] & 1:
        width, height = struct.unpack_from("<HH", content, 6)
        return Head("WEBP", width & 0x3FFF, height & 0x3FFF, 24)  # above them: a scale for showing
    if kind == b"VP8L" and content[0] == 0x2F:
        packed = int.from_bytes(content[1:5], "little")  # 14 bits, 14 bits, whether it has alpha
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        return Head("WEBP", width, height, 32 if packed >> 28 & 1 else 24)
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (4, 7))
        return Head("WEBP", width, height, 32 if content[0] & 0x10 else 24)
    return None
