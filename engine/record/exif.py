"""The few fields of EXIF that programs put settings into, Safelight among them. Called by
`engine.record.image_file` and `engine.record.interchange.texts`.

Read by hand and not by Pillow: a field here can point at any part of the data, so that a small file
could ask for the same megabytes a thousand times. What is read here is never longer than the data.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

DESCRIPTION, MAKE, CAMERA = 0x010E, 0x010F, 0x0110
MAKER_NOTE, USER_COMMENT, SUB_DIRECTORY = 0x927C, 0x9286, 0x8769
WANTED = (DESCRIPTION, MAKE, CAMERA, MAKER_NOTE, USER_COMMENT)
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes of a value, by its type."""
MARK = b"Safelight\0"
"""What our record in a MakerNote begins with."""
UNICODE = b"UNICODE\0"
CODES = (b"ASCII\0\0\0", b"JIS\0\0\0\0\0", b"\0\0\0\0\0\0\0\0")


def fields_of(exif: bytes) -> dict[int, bytes]:
    """The wanted fields that are there. Data that is no EXIF has none."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return {}
    found: dict[int, bytes] = {}
    inner = 0
    for tag, value in _entries(exif, order, struct.unpack_from(f"{order}I", exif, 4)[0]):
        if tag == SUB_DIRECTORY and len(value) >= 4:
            inner = struct.unpack_from(f"{order}I", value)[0]
        elif tag in WANTED:
            found.setdefault(tag, value)
    if inner:
        for tag, value in _entries(exif, order, inner):
            if tag in WANTED:
                found.setdefault(tag, value)
    return found


def comment(value: bytes) -> str:
    """The text of a UserComment. Its first eight bytes name the encoding. UNICODE is UTF-16 before
    EXIF 3.0, which makes it UTF-8; UTF-16 has zeros in it wherever a letter is of ASCII. In which
    order its bytes are is not told, and programs differ: the one with more of ASCII is it."""
    if value.startswith(UNICODE):
        value = value[len(UNICODE) :]
        return _utf8(value.rstrip(b"\0")) or _utf16(value)
    for code in CODES:
        value = value.removeprefix(code)
    return value.decode("utf-8", "replace").rstrip("\0")


def _utf8(value: bytes) -> str:
    """The text, or "" where it is none of UTF-8."""
    try:
        return "" if b"\0" in value else value.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""


def _utf16(value: bytes) -> str:
    if value[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return value.decode("utf-16", "replace").rstrip("\0")
    head = value[:4096]
    high_first = sum(
        not high and low < 128 for high, low in zip(head[::2], head[1::2], strict=False)
    )
    low_first = sum(
        not high and low < 128 for low, high in zip(head[::2], head[1::2], strict=False)
    )
    order = "utf-16-le" if low_first > high_first else "utf-16-be"
    return value.decode(order, "replace").rstrip("\0")


def _entries(exif: bytes, order: str, start: int) -> Iterator[tuple[int, bytes]]:
    """Tag and value of what is wanted in a directory. Every tag once: no directory has it twice."""
    if start + 2 > len(exif):
        return
    seen = set[int]()
    for index in range(struct.unpack_from(f"{order}H", exif, start)[0]):
        at = start + 2 + 12 * index
        if at + 12 > len(exif):
            return
        tag, kind, count = struct.unpack_from(f"{order}HHI", exif, at)
        if tag in seen or tag not in (*WANTED, SUB_DIRECTORY):
            continue
        seen.add(tag)
        length = SIZES.get(kind, 1) * count
        where = at + 8
        if length > 4:
            where = struct.unpack_from(f"{order}I", exif, where)[0]
        if where + length <= len(exif):
            yield tag, exif[where : where + length]
