"""The texts in an image file that say how it was made, by the names that programs gave them. Called
by `engine.record.interchange.programs`.

Only the parts of a file between which pixels lie are looked at, and no pixel is ever unpacked, so
that neither the size that a picture claims nor that of its file matters. What is read is limited by
the constants here; beyond them a text is not read, and the reason is told.
"""

from __future__ import annotations

import html
import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from engine.errors import EngineError
from engine.foreign import open_file
from engine.heads import JPEG, PNG, jpeg_mark
from engine.record import exif
from engine.record.interchange import easy_diffusion

MAX_TEXT = 4 * 2**20
"""Bytes of one text, unpacked. ComfyUI's longest graphs have some hundred thousand."""
MAX_TEXTS = 32 * 2**20
"""Bytes of all the texts of a file together, unpacked, also of those that are not kept."""
MAX_PARTS = 65536
"""Chunks of a PNG or WebP, or segments of a JPEG, that are passed on the way to the texts."""
MAX_OTHER_FILE = 64 * 2**20
"""Bytes of a file of another format, which Pillow reads as a whole."""
OTHER_FORMATS = ("AVIF", "TIFF")
"""What else than PNG, JPEG and WebP programs save pictures with settings as."""

KEYS = frozenset(
    (
        *("safelight", "parameters", "prompt", "workflow", "Comment"),
        *("Dream", "dream", "sd-metadata", "invokeai_metadata", "invokeai_graph", "invokeai"),
        *("XML:com.adobe.xmp", "Description", "Software", "Source"),  # NovelAI's the last three
        *easy_diffusion.KEYS,
    )
)
"""The texts of a PNG that are read."""
ENOUGH = frozenset(("safelight", "parameters", "prompt", "Dream", "dream", "sd-metadata"))
ENOUGH |= {"invokeai_metadata", "invokeai"}
"""With one of these before the pixels, nothing is looked for behind them."""
WEBP = b"WEBP"
OURS = b"Version: Safelight"
NAMED = b"parameters\0"
"""What a comment in a JPEG begins with that has a name, as a text of a PNG has."""
XMP = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass
class FoundTexts:
    """found: the texts by name; problems: why others were not read, a sentence each."""

    found: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    room: int = MAX_TEXTS

    def add(self, name: str, text: str) -> None:
        """Keep a text, the first of its name."""
        if text:
            self.found.setdefault(name, text)

    def spend(self, size: int) -> bool:
        """Whether so many bytes more may be read."""
        self.room -= size
        if self.room < 0:
            self.complain(f"Its texts are longer than {MAX_TEXTS:,} bytes in all.")
        return self.room >= 0

    def complain(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def texts_of(path: str | os.PathLike[str]) -> FoundTexts:
    """The texts of an image file. Raises EngineError, in a sentence without the path, where it
    cannot be read or is none."""
    texts = FoundTexts()
    try:
        with _opened(path) as file:
            head = file.read(16)
            if head.startswith(PNG):
                file.seek(len(PNG))
                _read_png(file, texts)
            elif head.startswith(JPEG):
                file.seek(2)
                _read_jpeg(file, texts)
            elif head[:4] == b"RIFF" and head[8:12] == WEBP:
                file.seek(12)
                _read_webp(file, texts)
            else:
                _read_other(file, texts)
    except OSError as error:
        raise EngineError(error.strerror or "it cannot be opened") from error
    except ValueError as error:  # a name with a NUL in it
        raise EngineError("no file has such a name") from error
    return texts


def _opened(path: str | os.PathLike[str]) -> BinaryIO:
    try:
        return open_file(path)
    except EngineError:
        raise EngineError("it is no file") from None


def _read_png(file: BinaryIO, texts: FoundTexts) -> None:
    for _ in range(MAX_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            if length > MAX_TEXT:
                texts.complain(_too_long(kind.decode()))
                file.seek(length + 4, os.SEEK_CUR)
                continue
            if not texts.spend(length):
                return
            content = file.read(length)
            if zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, "big") != file.read(4):
                texts.complain("One of its texts is damaged.")
            elif kind == b"eXIf":
                _read_exif(content, texts)
            else:
                _read_chunk(kind, content, texts)
        elif kind == b"IEND" or (kind == b"IDAT" and ENOUGH & texts.found.keys()):
            return
        else:
            file.seek(length + 4, os.SEEK_CUR)


def _read_chunk(kind: bytes, content: bytes, texts: FoundTexts) -> None:
    """A text of a PNG: its name, a zero, for two of the three kinds how it is packed, the text."""
    key, _, rest = content.partition(b"\0")
    name = key.decode("latin-1")
    if name not in KEYS:
        return
    packed = kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]  # language, name in that language
    if packed:
        unpacking = zlib.decompressobj()
        try:
            rest = unpacking.decompress(rest, MAX_TEXT + 1)
        except zlib.error:
            texts.complain(f"Its text {name!r} is damaged.")
            return
        if len(rest) > MAX_TEXT:
            texts.complain(_too_long(name))
        if not texts.spend(len(rest)) or len(rest) > MAX_TEXT:
            return
    if name == "XML:com.adobe.xmp":
        _read_xmp(rest, texts)
    else:
        texts.add("comment" if name == "Comment" else name, _decoded(rest, kind))


def _decoded(content: bytes, kind: bytes) -> str:
    """UTF-8 where it can be, though two of the three kinds are Latin-1 by the standard: programs
    differ. Ours keeps to it, and what it writes is read exactly."""
    if kind != b"iTXt" and OURS in content:
        return content.decode("latin-1")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("utf-8", "replace") if kind == b"iTXt" else content.decode("latin-1")


def _read_jpeg(file: BinaryIO, texts: FoundTexts) -> None:
    """The segments before the pixels, each with a mark and its length."""
    for _ in range(MAX_PARTS):
        mark = jpeg_mark(file)
        if mark is None or mark in (0xD9, 0xDA):
            return
        if mark == 0x01 or 0xD0 <= mark <= 0xD8:
            continue
        length = max(int.from_bytes(file.read(2), "big") - 2, 0)
        if mark not in (0xE1, 0xFE):
            file.seek(length, os.SEEK_CUR)
            continue
        if not texts.spend(length):
            return
        content = file.read(length)
        if mark == 0xE1 and content.startswith(b"Exif\0\0"):
            _read_exif(content, texts)
        elif mark == 0xE1 and content.startswith(XMP):
            _read_xmp(content.removeprefix(XMP), texts)
        elif mark == 0xFE and content.startswith(NAMED):  # stable-diffusion.cpp
            content = content.removeprefix(NAMED)
            texts.add("parameters", content.decode("utf-8", "replace").rstrip("\0"))
        elif mark == 0xFE:
            texts.add("comment", content.decode("utf-8", "replace").rstrip("\0"))


def _read_webp(file: BinaryIO, texts: FoundTexts) -> None:
    for _ in range(MAX_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return
        kind, length = struct.unpack("<4sI", head)
        if kind not in (b"EXIF", b"XMP ") or length > MAX_TEXT:
            if kind in (b"EXIF", b"XMP "):
                texts.complain(_too_long(kind.decode().strip()))
            file.seek(length + length % 2, os.SEEK_CUR)
            continue
        if not texts.spend(length):
            return
        content = file.read(length)
        file.seek(length % 2, os.SEEK_CUR)
        (_read_exif if kind == b"EXIF" else _read_xmp)(content, texts)


def _read_other(file: BinaryIO, texts: FoundTexts) -> None:
    """One of OTHER_FORMATS, by the EXIF of the file's head."""
    from PIL import Image

    if os.fstat(file.fileno()).st_size > MAX_OTHER_FILE:
        raise EngineError("it is too large for a picture that is neither PNG, JPEG nor WebP")
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=OTHER_FORMATS) as image:
                known = image.info.get("exif", b"")
                xmp = image.info.get("xmp", b"")
    except Exception as error:  # a stranger's file can fail in more ways than Pillow tells
        raise EngineError("it is no picture") from error
    if isinstance(known, bytes):
        _read_exif(known[:MAX_TEXT], texts)
    if isinstance(xmp, bytes):
        _read_xmp(xmp[:MAX_TEXT], texts)


def _read_exif(content: bytes, texts: FoundTexts) -> None:
    fields = exif.fields_of(content)
    note = fields.get(exif.MAKER_NOTE, b"")
    if note.startswith(exif.MARK):
        texts.add("safelight", note.removeprefix(exif.MARK).decode("utf-8", "replace"))
    for tag in (exif.CAMERA, exif.MAKE, exif.DESCRIPTION):
        name, colon, text = fields.get(tag, b"").decode("utf-8", "replace").partition(":")
        if colon and name.lower() in ("prompt", "workflow"):  # ComfyUI's WebP
            texts.add(name.lower(), text.rstrip("\0"))
    texts.add("comment", exif.comment(fields.get(exif.USER_COMMENT, b"")))


def _read_xmp(content: bytes, texts: FoundTexts) -> None:
    """The user comment in a packet of XML, or stable-diffusion.cpp's parameters. They are looked
    for as text: a parser of XML would do a stranger's bidding."""
    text = content.decode("utf-8", "replace")
    for part in _between(text, "<sdcpp:parameters>", "</sdcpp:parameters>"):
        texts.add("parameters", html.unescape(part).strip())
    for part in _between(text, "<exif:UserComment>", "</exif:UserComment>"):
        items = list(_between(part, "<rdf:li", "</rdf:li>"))
        words = items[0].partition(">")[2] if items else part
        texts.add("comment", html.unescape(words).strip())


def _between(text: str, opening: str, closing: str) -> Iterator[str]:
    """What stands between the first two marks."""
    start = text.find(opening)
    end = text.find(closing, start)
    if 0 <= start < end:
        yield text[start + len(opening) : end]


def _too_long(name: str) -> str:
    return f"Its text {name!r} is longer than {MAX_TEXT:,} bytes, and so not read."
