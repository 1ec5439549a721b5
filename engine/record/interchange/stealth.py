"""The text that NovelAI and some others hide in a picture: in the lowest bits of the alpha channel
of a PNG, column after column. Called by `engine.record.interchange.programs` where a file has no
text that tells.

The words that it begins with are looked for in the first column alone, of which little has to be
unpacked. Only where they are there are the pixels unpacked, of pictures of a usual size.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import BinaryIO

from engine import foreign
from engine.errors import EngineError
from engine.heads import PNG
from engine.record.interchange.texts import MAX_TEXT

PLAIN, PACKED = b"stealth_pnginfo", b"stealth_pngcomp"
BEGIN = len(PLAIN) * 8
"""Pixels that the first words take; a picture that is lower has them in two columns, and is none
of those."""
LENGTH = 32
"""Pixels behind them that tell how many bits the text has."""
MAX_PIXELS = 2**24
"""Of a picture that is unpacked: 4096 by 4096."""
MAX_CHUNKS = 4096
RGBA, DEPTH = 6, 8


def hidden_text(path: str | os.PathLike[str]) -> str | None:
    """The hidden text; None where there is none. Raises EngineError where it is damaged."""
    try:
        with foreign.open_file(path) as file:
            begin = _first_column(file)
    except (EngineError, OSError, zlib.error):
        return None
    if begin not in (PLAIN, PACKED):
        return None
    bits = _bits(path)
    length = int.from_bytes(bits[BEGIN // 8 : BEGIN // 8 + LENGTH // 8], "big") // 8
    content = bits[(BEGIN + LENGTH) // 8 :][:length]
    if length > MAX_TEXT or len(content) < length:
        raise EngineError("The text in its alpha channel is longer than the picture, or too long.")
    try:
        unpacking = zlib.decompressobj(wbits=31)
        text = content if begin == PLAIN else unpacking.decompress(content, MAX_TEXT + 1)
        if len(text) > MAX_TEXT:
            raise EngineError(f"The text in its alpha channel is longer than {MAX_TEXT:,} bytes.")
        return text.decode("utf-8")
    except (zlib.error, UnicodeDecodeError):
        raise EngineError("The text in its alpha channel is damaged.") from None


def _first_column(file: BinaryIO) -> bytes:
    """What the lowest bits of the alpha channel say in the first column; b"" where it has none.

    Of the five ways in which a row of a PNG may be packed, all take in the first pixel nothing from
    the left, and so from above only what the first pixel there is."""
    head = file.read(33)
    if len(head) < 33 or head[:8] != PNG or head[12:16] != b"IHDR":
        return b""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", head[16:29])
    is_usual = (depth, colour, interlaced) == (DEPTH, RGBA, 0)
    if not is_usual or height < BEGIN or not 0 < width * height <= MAX_PIXELS:
        return b""
    row = 1 + 4 * width
    rows = _unpacked(file, row * BEGIN)
    if len(rows) < row * BEGIN:
        return b""
    alpha, bits = 0, 0
    for at in range(0, row * BEGIN, row):
        way, value = rows[at], rows[at + 4]
        above = alpha if way in (2, 4) else alpha // 2 if way == 3 else 0
        alpha = (value + above) % 256
        bits = bits << 1 | alpha & 1
    return bits.to_bytes(BEGIN // 8, "big")


def _unpacked(file: BinaryIO, size: int) -> bytes:
    """So many of the first bytes of the rows."""
    unpacking, rows = zlib.decompressobj(), b""
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        length = int.from_bytes(head[:4], "big")
        if head[4:] != b"IDAT":
            file.seek(length + 4, os.SEEK_CUR)
            continue
        rows += unpacking.decompress(file.read(min(length, MAX_PIXELS)), size - len(rows))
        file.seek(4, os.SEEK_CUR)
        if len(rows) >= size:
            break
    return rows


def _bits(path: str | os.PathLike[str]) -> bytes:
    """The lowest bits of the whole alpha channel, column after column, eight in a byte."""
    import numpy
    from PIL import Image

    _, content = foreign.read_picture(path)
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            alpha = numpy.asarray(picture.getchannel("A"))
    except Exception as error:  # a stranger's file can fail in more ways than Pillow tells
        raise EngineError("Its pixels are damaged.") from error
    return numpy.packbits(alpha.T & 1).tobytes()
