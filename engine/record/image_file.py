"""Image files: PNG, JPEG and WebP, and how each carries the two texts that say how its picture was
made. Called by `engine.record.record`, which knows what the texts mean. Imports no torch.

A PNG has two text chunks, `parameters` and `safelight`. JPEG and WebP have them in EXIF:
`parameters` as the UserComment that AUTOMATIC1111 writes there ("UNICODE", then UTF-16, big endian
whatever the byte order of the rest), and the record as the MakerNote, behind a mark of ours.
"""

from __future__ import annotations

import os
import shutil
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.atomic import shown_path, whole_file
from engine.errors import EngineError, SaveError
from engine.foreign import LONGEST_PICTURE, MOST_UNPACKED, is_there, open_file
from engine.heads import Head, read_head
from engine.record import exif

FORMATS: Mapping[str, str] = MappingProxyType(
    {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
)
"""What a picture is saved as, by the ending of its name."""
OPTIONS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "PNG": {},
        "JPEG": {"quality": 95, "subsampling": 0},  # 4:4:4: red edges stay sharp
        # Lossless, so that the exact record stands beside the exact pixels, and `replay` can say
        # "identical"; a smaller file than the PNG all the same.
        "WEBP": {"lossless": True},
    }
)
LARGEST: Mapping[str, int] = MappingProxyType({"PNG": 2**31 - 1, "JPEG": 65500, "WEBP": 16383})
"""Pixels on a side that a format can hold."""
MOST_EXIF = 65533
"""Bytes of EXIF in a JPEG, where it must fit into one segment. A WebP has room for 4 GiB."""

ASCII = b"ASCII\0\0\0"
ASCII_TYPE, POINTER_TYPE, UNDEFINED_TYPE = 2, 4, 7
TOO_LONG = "A JPEG has room for 64 KB of text, so"
NO_RECORD = f"{TOO_LONG} the exact record of Safelight is left out. Save as PNG or WebP to keep it."
NO_PARAMETERS = (
    f"{TOO_LONG} the settings for other programs are left out. Save as PNG or WebP to keep them."
)
NOTHING = f"{TOO_LONG} it does not say how it was made. Save as PNG or WebP to keep that."


@dataclass(frozen=True)
class Texts:
    """What a file says of its picture, "" where it says nothing. parameters: in AUTOMATIC1111's
    format; record: JSON; note: what of these there was no room for, in a sentence."""

    parameters: str = ""
    record: str = ""
    note: str = ""


def format_of(path: str | os.PathLike[str]) -> str:
    """ "PNG", "JPEG" or "WEBP". Raises SaveError for a name with another ending."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise SaveError(
            f"{shown_path(path)} has no ending that a picture is saved with: take "
            f"{', '.join(FORMATS)}."
        )
    return FORMATS[suffix]


def write_picture(
    image: Image.Image, path: str | os.PathLike[str], texts: Texts
) -> tuple[str, ...]:
    """Write the picture with the texts, in the format that the name ends with, whole or not at all.
    What there was no room for, a sentence each: a JPEG takes 64 KB of text, and where that is too
    little, the record goes before the parameters, since its picture is not exact anyway.

    Raises SaveError.
    """
    target = Path(path)
    kind = format_of(target)
    if max(image.size) > LARGEST[kind]:
        raise SaveError(
            f"The image is {image.width} by {image.height} pixels, and {kind} takes at most "
            f"{LARGEST[kind]} on a side: save {shown_path(target)} as PNG."
        )
    options = dict(OPTIONS[kind])
    note = texts.note
    if kind == "PNG":
        options["pnginfo"] = _chunks(texts)
    elif texts != Texts():
        options["exif"], note = _fitting_exif(texts, MOST_EXIF if kind == "JPEG" else 2**32 - 1)
    if kind != "PNG" and image.mode not in ("RGB", "L") and (kind, image.mode) != ("WEBP", "RGBA"):
        image = image.convert("RGB")
    with whole_file(target) as file:
        image.save(file, format=kind, **options)
    return (f"{shown_path(target)}: {note}",) if note else ()


def read_texts(path: str | os.PathLike[str]) -> Texts:
    """The texts in a file. Raises EngineError where it is none of the three formats, or damaged.
    Only its head is read, so that its size does no harm; more than 64 MiB of text is damage."""
    with _opened(path) as (image, _):
        return texts_of(image)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """The picture, whose pixels are read when they are asked for, within the block. Raises
    EngineError, also for a picture of more pixels than the door lets in."""
    with _opened(path) as (image, head):
        if head.unpacked > MOST_UNPACKED:
            raise unreadable(path, Image.DecompressionBombError())
        yield image


def texts_of(image: Image.Image) -> Texts:
    """The texts of a picture that Pillow has opened. Raises EngineError."""
    try:
        if image.format == "PNG":
            return Texts(*(str(image.info.get(key, "")) for key in ("parameters", "safelight")))
        fields = exif.fields_of(image.info.get("exif", b""))
        return Texts(
            parameters=_comment(fields.get(exif.USER_COMMENT, b"")),
            record=_marked(fields.get(exif.MAKER_NOTE, b"")),
            note=fields.get(exif.DESCRIPTION, b"").decode("ascii", "replace").rstrip("\0"),
        )
    except Exception as error:  # see `_opened`
        raise unreadable(getattr(image, "filename", "The picture"), error) from error


def convert(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> tuple[str, ...]:
    """Copy an image file into the format that `target` ends with, with all that it says of its
    making, also if that is of a later version or of another program; byte for byte where the format
    stays. Gives what `write_picture` gives. Raises EngineError."""
    with opened(source) as image:
        if image.format == format_of(target):
            _copy(Path(source), Path(target))
            return ()
        texts = texts_of(image)
        try:
            image.load()
        except Exception as error:  # see `_opened`
            raise unreadable(source, error) from error
        return write_picture(image, target, texts)


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[Image.Image, Head]]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open_file(path, LONGEST_PICTURE))
        except OSError as error:
            raise unreadable(path, error) from error
        try:
            head = read_head(file)
            file.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of many pixels: they are counted here
                image = stack.enter_context(Image.open(file, formats=[head.format]))
            if image.size != (head.width, head.height):
                raise EngineError("its beginning is damaged")
        except Exception as error:  # a stranger's file can fail in more ways than Pillow tells
            raise unreadable(path, error) from error
        yield image, head


def unreadable(path: str | os.PathLike[str], error: Exception) -> EngineError:
    reason = getattr(error, "strerror", None) or "it is no whole picture"
    if isinstance(error, EngineError):
        reason = str(error)
    if isinstance(error, Image.DecompressionBombError):
        reason = "it would unpack to far more pixels than pictures have"
    return EngineError(f"{shown_path(path)} cannot be read ({reason}). Choose an image file.")


def _chunks(texts: Texts) -> PngInfo:
    chunks = PngInfo()
    if texts.parameters:
        chunks.add_text("parameters", texts.parameters)
    if texts.record:
        chunks.add_text("safelight", texts.record)
    return chunks


def _fitting_exif(texts: Texts, room: int) -> tuple[bytes, str]:
    """EXIF with as much of the texts as there is room for, and what is left out."""
    for fewer in (
        texts,
        Texts(texts.parameters, "", NO_RECORD),
        Texts("", texts.record, NO_PARAMETERS),
    ):
        if len(written := _exif(fewer)) <= room:
            return written, fewer.note
    return _exif(Texts(note=NOTHING)), NOTHING


def _exif(texts: Texts) -> bytes:
    """Written by hand: Pillow would write these fields as BYTE, where readers want UNDEFINED."""
    told = (
        {exif.MAKER_NOTE: exif.MARK + texts.record.encode("utf-8", "replace")}
        if texts.record
        else {}
    )
    if texts.parameters:
        told[exif.USER_COMMENT] = exif.UNICODE + texts.parameters.encode("utf-16-be", "replace")
    note = {exif.DESCRIPTION: (ASCII_TYPE, texts.note.encode("ascii", "replace") + b"\0")}
    head = note if texts.note else {}
    room = len(_directory({**head, exif.SUB_DIRECTORY: (POINTER_TYPE, 0)}, 8))
    first = _directory({**head, exif.SUB_DIRECTORY: (POINTER_TYPE, 8 + room)}, 8)
    second = _directory({tag: (UNDEFINED_TYPE, told[tag]) for tag in sorted(told)}, 8 + room)
    return b"Exif\0\0MM" + struct.pack(">HI", 42, 8) + first + second


def _directory(fields: Mapping[int, tuple[int, bytes | int]], start: int) -> bytes:
    """A directory of EXIF with what its fields hold behind it; all of these are longer than the
    four bytes that would stand in the directory itself. start: where it begins in the file."""
    entries, held = b"", b""
    behind = start + 2 + 12 * len(fields) + 4
    for tag, (kind, value) in fields.items():
        if isinstance(value, int):
            entries += struct.pack(">HHII", tag, kind, 1, value)
        else:
            entries += struct.pack(">HHII", tag, kind, len(value), behind + len(held))
            held += value + bytes(len(value) % 2)  # everything begins at an even place
    return struct.pack(">H", len(fields)) + entries + bytes(4) + held


def _comment(value: bytes) -> str:
    if value.startswith(exif.UNICODE):
        return value.removeprefix(exif.UNICODE).decode("utf-16-be", "replace")
    return value.removeprefix(ASCII).decode("ascii", "replace") if value.startswith(ASCII) else ""


def _marked(value: bytes) -> str:
    if not value.startswith(exif.MARK):
        return ""
    return value.removeprefix(exif.MARK).decode("utf-8", "replace")


def _copy(source: Path, target: Path) -> None:
    if is_there(target) and target.samefile(source):
        return
    try:
        file = open_file(source, LONGEST_PICTURE)
    except OSError as error:
        raise unreadable(source, error) from error
    with file, whole_file(target) as copy:
        shutil.copyfileobj(file, copy)
