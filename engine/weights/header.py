"""The header of a safetensors file: which tensors it holds, from its first bytes alone. Read by the
layouts before any weights are, and by whoever lists checkpoints; needs neither torch nor
safetensors.

The form (github.com/huggingface/safetensors): 8 bytes with the length of the header, the header as
JSON, then the tensors one after the other without gaps.
"""

from __future__ import annotations

import errno
import json
import stat
import zipfile
from collections.abc import Mapping
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from engine import foreign
from engine.errors import EngineError, WeightsError

Shape = tuple[int, ...]

BYTES: Mapping[str, int | Fraction] = {
    "F4": Fraction(1, 2),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), Fraction(3, 4)),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E8M0"), 1),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}
"""The dtypes that a tensor may have, and the size of one number."""

LENGTH_BYTES = 8
LARGEST = 2**62
LONGEST_HEADER = 100_000_000
"""Bytes, as the format itself limits it. The headers of image models have some 300,000."""
MOST_TENSORS = 50_000
"""Tensors of one file, and what metadata have of the same brackets. The largest image models have
some 5,000; a header could have millions, which take minutes and gigabytes to read."""

PICKLE = (
    "is a pickle, which can run any program when it is opened, so Safelight never opens one: fetch "
    "the model as .safetensors, or convert it on a machine where that may happen."
)
PICTURE = "is a picture or a film and no model: give a .safetensors file or a model folder"
BEGINNINGS = (
    (b"version https://git-lfs", "is only a Git LFS pointer to the weights: run git lfs pull"),
    (b"GGUF", "is in the GGUF format, which Safelight does not read: fetch it as .safetensors"),
    (b"\x89HDF", "is in the HDF5 format, which Safelight does not read: fetch it as .safetensors"),
    (b"\x1f\x8b", "is a packed archive: unpack it and give the .safetensors file in it"),
    (b"7z\xbc\xaf", "is a packed archive: unpack it and give the .safetensors file in it"),
    (b"Rar!", "is a packed archive: unpack it and give the .safetensors file in it"),
    (b"\x89PNG", PICTURE),
    (b"\xff\xd8\xff", PICTURE),
    (b"RIFF", PICTURE),
    (b"GIF8", PICTURE),
)
"""What is often found where weights should be: its first bytes, and what to say."""


class RefusedError(WeightsError):
    """A file in a format that Safelight does not open on purpose, such as a pickle."""


class Stored(NamedTuple):
    """A tensor in a file. dtype: one of BYTES; start: where its bytes begin, from the beginning of
    the file."""

    dtype: str
    shape: Shape
    bytes: int
    start: int


class Header(NamedTuple):
    """tensors: by name, in the order of the file; metadata: free text by key."""

    path: Path
    tensors: Mapping[str, Stored]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """What a safetensors file holds. Reads no more than its header, and checks that the tensors lie
    as the header says and that the file is whole.

    Raises WeightsError, in one sentence that names the file, where that is not so or the file is
    something else, and its kind RefusedError for a pickle, a foreign format or an unknown dtype.
    Content counts, not the name's ending.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        if path.is_symlink():
            raise WeightsError(
                f"{path} is a link to a file that is not there: the download of this model is not "
                "complete, so fetch it again."
            ) from None
        raise WeightsError(
            f"There is no file {path}: check the path, or fetch this model again."
        ) from None
    except (OSError, ValueError) as error:
        raise WeightsError(unreadable(path, error)) from None
    except WeightsError:
        raise
    except EngineError as error:
        raise WeightsError(str(error)) from None


def unreadable(path: Path | str, error: Exception) -> str:
    """One sentence for a path that the system cannot follow or read."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ELOOP:
        return f"{path} is a link that leads back to itself: remove it, and fetch this model again."
    if code == errno.EACCES:
        return f"{path} may not be read by this user: change its permissions."
    if code == errno.ENAMETOOLONG:
        return f"{path} is longer than a path may be on this system: use a shorter one."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path} cannot be read ({reason}): check the disk and the path."


def _read(path: Path) -> Header:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise WeightsError(f"{path} is a folder and should be a safetensors file: check the path.")
    if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for without end
        raise WeightsError(f"{path} is no regular file: give a safetensors file.")
    size = status.st_size
    if size == 0:
        raise WeightsError(f"{path} is empty: fetch this file again.")
    with foreign.open_file(path) as file:
        beginning = file.read(LENGTH_BYTES + 1)
        length = int.from_bytes(beginning[:LENGTH_BYTES], "little")
        if beginning[LENGTH_BYTES:] != b"{" or not 2 <= length <= LONGEST_HEADER:
            _refuse_foreign(path, beginning + file.read(4096))
        if LENGTH_BYTES + length > size:
            _refuse(path, f"ends after {size:,} bytes, within its header of {length:,}")
        text = b"{" + file.read(length - 1)
    return _parsed(path, text, size)


def _parsed(path: Path, text: bytes, size: int) -> Header:
    if text.count(b"{") > MOST_TENSORS:
        raise RefusedError(
            f"{path} tells of more than {MOST_TENSORS:,} tensors, as no image model has: check "
            "that it is the right file."
        )
    try:
        # No number here has a fraction; None in its place is refused below.
        content = json.loads(
            text.decode("utf-8"), parse_float=_no_number, parse_constant=_no_number
        )
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        _refuse(path, "has a header that is not JSON")
    metadata = content.pop("__metadata__", None)
    texts = metadata.items() if isinstance(metadata, dict) else ()
    data = LENGTH_BYTES + len(text)
    tensors = [(name, _stored(path, name, entry, data)) for name, entry in content.items()]
    tensors.sort(key=_place)
    end = data
    for name, tensor in tensors:
        if tensor.start != end:
            what = "overlaps another" if tensor.start < end else "leaves a gap before it"
            _refuse(path, f"has a header in which the tensor {_short(name)} {what}")
        end += tensor.bytes
    if end > LARGEST:
        _refuse(path, "has a header that tells of more bytes than any disk has")
    if end > size:
        _refuse(path, f"ends after {size:,} of {end:,} bytes")
    if end < size:
        _refuse(path, f"has {size:,} bytes where its header tells of {end:,}")
    return Header(
        path, dict(tensors), {key: value for key, value in texts if isinstance(value, str)}
    )


def _stored(path: Path, name: str, entry: Any, data: int) -> Stored:
    # Thousands of files with thousands of tensors each are listed while somebody waits, so this
    # asks no more than it must: what is neither a whole number nor true or false is a TypeError.
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if dtype not in BYTES:
            raise RefusedError(
                f"{path} holds the tensor {_short(name)} with the dtype {_short(dtype)}, which "
                "Safelight does not know: take the model in float16, bfloat16 or float32."
            )
        bytes_ = prod(shape) * BYTES[dtype]
        fits = bytes_ == end - begin and begin >= 0
        if not fits or (shape and (min(shape) < 0 or max(shape) > LARGEST)):
            _refuse(path, f"has a header with impossible numbers for the tensor {_short(name)}")
        return Stored(dtype, tuple(shape), end - begin, data + begin)
    except (KeyError, TypeError, ValueError):
        _refuse(path, f"has a header that does not describe the tensor {_short(name)}")


def _place(named: tuple[str, Stored]) -> tuple[int, int]:
    return named[1].start, named[1].bytes  # an empty tensor lies before the one at the same place


def _no_number(_text: str) -> None:
    return None


def _refuse_foreign(path: Path, beginning: bytes) -> NoReturn:
    """Say what a file is that is no safetensors file, as far as its first bytes tell."""
    for signature, what in BEGINNINGS:
        if beginning.startswith(signature):
            raise RefusedError(f"{path} {what}.")
    if beginning[:1] == b"\x80" and beginning[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise RefusedError(f"{path} {PICKLE}")
    if beginning.startswith(b"PK\x03\x04"):
        if b"data.pkl" in beginning or _packs_a_pickle(path):
            raise RefusedError(f"{path} {PICKLE}")
        raise RefusedError(f"{path} is a zip archive: unpack it and give the file in it.")
    text = beginning.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        _refuse(path, "holds a web page, perhaps an error message, in place of weights")
    if _is_text(beginning):
        _refuse(path, "holds text, perhaps an error message, in place of weights")
    _refuse(path, "does not begin like a safetensors file")


def _packs_a_pickle(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _is_text(beginning: bytes) -> bool:
    try:
        text = beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut at the end of what was read.
        if error.start < len(beginning) - 3:
            return False
        text = beginning[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter.isspace() for letter in text)


def shown(name: str) -> str:
    """A stranger's name for a sentence: as it is, or quoted and cut if it is no short word."""
    return name if name.isprintable() and len(name) <= 90 else _short(name)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:60] + "…" + text[-10:]


def _refuse(path: Path, what: str) -> NoReturn:
    raise WeightsError(f"{path} {what}: fetch this file again.")
