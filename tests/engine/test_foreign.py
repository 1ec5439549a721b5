"""The one door: what it lets in, and that it neither waits nor unpacks nor raises anything raw."""

from __future__ import annotations

import json
import math
import os
import struct
import sys
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.errors import EngineError
from engine.foreign import (
    LONGEST_PICTURE,
    MOST_DEPTH,
    MOST_PARTS,
    finite,
    fitted,
    is_folder,
    is_there,
    open_file,
    parse_json,
    picture_head,
    read_bytes,
    read_json,
    read_picture,
    read_text,
    whole,
)
from engine.heads import MOST_EXIF, read_head
from engine.record import image_file
from engine.record.interchange import texts


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("by", ["name", "link"])
def test_a_pipe_is_refused_at_once(tmp_path: Path, by: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "config.json"
    path = path.parent / "pipe" if by == "name" else path
    if by == "link":
        path.symlink_to(tmp_path / "pipe")
    began = time.perf_counter()
    for read in (open_file, lambda path: read_json(path, 100), picture_head):
        with pytest.raises(EngineError, match="is a pipe"):
            read(path)
    assert time.perf_counter() - began < 1


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such device")
def test_a_link_to_a_device_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").symlink_to("/dev/zero")
    with pytest.raises(EngineError, match="device"):
        read_bytes(tmp_path / "config.json", 100)
    with pytest.raises(EngineError, match="folder"):
        read_bytes(tmp_path, 100)


def test_a_file_that_is_not_there_is_the_callers_to_tell(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "none")
    with pytest.raises(EngineError, match="no name that a file can have"):
        open_file("a\0b")


def test_whether_a_file_is_there_is_never_an_error(tmp_path: Path) -> None:
    assert is_there(tmp_path) and is_folder(tmp_path)
    for name in ("none", "x" * 5000, "a\0b", "\ud800", "none/of/these"):
        assert not is_there(tmp_path / name) and not is_folder(str(tmp_path / name))


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 100)
    assert read_bytes(path, 100) == b"x" * 100
    with pytest.raises(EngineError, match="100 bytes, where at most 99"):
        read_bytes(path, 99)
    with path.open("wb") as file:
        file.truncate(2**34)  # sparse
    with pytest.raises(EngineError, match="17,179,869,184 bytes"):
        read_json(path, 2**20)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has such files")
def test_a_file_that_tells_no_length_is_read_up_to_its_limit() -> None:
    assert Path("/proc/self/maps").stat().st_size == 0
    with pytest.raises(EngineError, match="at most 10 "):
        read_bytes("/proc/self/maps", 10)


def test_text_is_utf8_with_or_without_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes('\ufeff{"a": "ä"}'.encode())
    assert read_json(path, 100) == {"a": "ä"}
    path.write_bytes(b"abc\xff")
    with pytest.raises(EngineError, match="no text in UTF-8"):
        read_text(path, 100)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * (MOST_DEPTH + 2) + "]" * (MOST_DEPTH + 2),
        "[" * 150_000 + "]" * 150_000,
        "[" * 150_000,
        "[" + "[]," * MOST_PARTS + "0]",
        '{"seed": ' + "9" * 400 + "}",
        "9" * 5000,
        "-" + "9" * 20,
        "1e400",
        "1." + "0" * 300 + "e400",
    ],
    ids=lambda text: f"{text[:12]}-{len(text)}",
)
def test_json_that_would_do_harm_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match=r"^The graph .*\.$"):
        parse_json(text, "The graph")


def test_json_that_people_have_is_read() -> None:
    deep = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert json.dumps(parse_json(deep, "It")) == deep
    assert parse_json(f"[{2**64 - 1}, {-(2**63)}, 1e308, -0, 0.1]", "It") == [
        2**64 - 1,
        -(2**63),
        1e308,
        0,
        0.1,
    ]
    assert math.isnan(parse_json('{"is_changed": [NaN]}', "It")["is_changed"][0])  # ComfyUI's


def test_half_a_letter_does_not_come_in() -> None:
    read = parse_json(r'{"\ud83d": ["\ud83d\ude00 \ude00", {"a": "\udfff"}], "b": 1}', "It")
    assert read == {"\ufffd": ["😀 \ufffd", {"a": "\ufffd"}], "b": 1}
    assert parse_json(r'"\ud800"', "It") == "\ufffd"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(VALUES)
def test_what_json_can_write_comes_back(value: Any) -> None:
    assert parse_json(json.dumps(value), "It") == value


@settings(deadline=None)
@given(st.text() | st.text(alphabet='[]{}",:0123456789eE.-+ntf\\u'))
def test_any_text_is_json_or_one_error(text: str) -> None:
    try:
        json.dumps(parse_json(text, "It")).encode()
    except EngineError as error:
        assert str(error).startswith("It ")


ODD_NUMBERS = (
    st.integers()
    | st.integers(10**399, 10**400)
    | st.floats()
    | st.text()
    | st.from_regex(r"-?[0-9]{1,500}(\.[0-9]{0,400})?(e[0-9]{1,9})?", fullmatch=True)
    | st.sampled_from(
        [None, True, False, [], {}, b"1", 10**5000, "9" * 5000, "nan", "-inf", "1e400"]
    )
)


@settings(deadline=None)
@given(ODD_NUMBERS)
def test_any_number_is_taken_or_one_short_error(value: object) -> None:
    for take in (finite, whole):
        try:
            taken = take(value)
        except EngineError as error:
            assert len(str(error)) < 150
        else:
            assert math.isfinite(taken)
            assert taken == float(value) or taken == int(value)  # pyright: ignore[reportArgumentType]


def test_numbers_that_people_write_are_taken() -> None:
    assert (finite("7.5"), finite(7), finite("1e3")) == (7.5, 7.0, 1000.0)
    assert (whole("20"), whole(20.0), whole("20.0"), whole(2**64 - 1)) == (20, 20, 20, 2**64 - 1)
    for odd in (20.5, "20.5", True, 2**64, "", "twenty", None):
        with pytest.raises(EngineError):
            whole(odd)


def packed(size: tuple[int, int], mode: str, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


EXIF = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + bytes(60000)


@dataclass(frozen=True)
class _Wish:
    steps: int
    scale: float = 1.0
    points: tuple[tuple[float, str], ...] = ()
    named: dict[str, int] | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps: {self.steps} is too few.")


def test_a_plain_value_becomes_the_kind_that_is_asked_for() -> None:
    plain = {"steps": 3, "scale": 2, "points": [[0.5, "a"]]}
    assert fitted(plain, _Wish, "The wish") == _Wish(3, 2.0, ((0.5, "a"),))
    assert fitted([[1, "a"]], list[tuple[int, str]], "It") == [(1, "a")]


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        ({"steps": "x"}, "steps is 'x', and should be a whole number."),
        ({"steps": True}, "steps is True, and should be a whole number."),
        ({}, "it lacks steps."),
        ([], "it is [], and should be a list of names with values."),
        ({"steps": 1, "points": [[0, "a"], [0, 1]]}, "points[1][1] is 1, and should be text."),
        ({"steps": 1, "points": [[0]]}, "points[0] is [0], and should be a list of length 2."),
        (
            {"steps": 1, "named": {"a": "b"}},
            "named has a value that should be a whole number.",
        ),
        ({"steps": 0}, "steps: 0 is too few."),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(plain: object, sentence: str) -> None:
    with pytest.raises(EngineError) as raised:
        fitted(plain, _Wish, "The wish")
    assert str(raised.value) == f"The wish cannot be used: {sentence}"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (packed((3, 5), "1", "PNG"), ("PNG", 3, 5, 1)),
        (packed((3, 5), "L", "PNG"), ("PNG", 3, 5, 8)),
        (packed((3, 5), "LA", "PNG"), ("PNG", 3, 5, 16)),
        (packed((3, 5), "I;16", "PNG"), ("PNG", 3, 5, 16)),
        (packed((3, 5), "P", "PNG"), ("PNG", 3, 5, 1)),
        (packed((70000, 1), "RGB", "PNG"), ("PNG", 70000, 1, 24)),
        (packed((3, 5), "RGBA", "PNG"), ("PNG", 3, 5, 32)),
        (packed((3, 5), "L", "JPEG"), ("JPEG", 3, 5, 8)),
        (packed((3, 5), "RGB", "JPEG"), ("JPEG", 3, 5, 24)),
        (packed((3, 5), "CMYK", "JPEG"), ("JPEG", 3, 5, 32)),
        (packed((300, 5), "RGB", "JPEG", progressive=True), ("JPEG", 300, 5, 24)),
        (packed((300, 5), "RGB", "JPEG", exif=EXIF, comment=b"x" * 4000), ("JPEG", 300, 5, 24)),
        (packed((300, 5), "RGB", "WEBP"), ("WEBP", 300, 5, 24)),
        (packed((16383, 2), "RGB", "WEBP", lossless=True), ("WEBP", 16383, 2, 24)),
        (packed((300, 5), "RGB", "WEBP", exif=EXIF), ("WEBP", 300, 5, 24)),
        (
            packed(
                (300, 5),
                "RGB",
                "WEBP",
                save_all=True,
                append_images=[Image.new("RGB", (300, 5), "red")],
            ),
            ("WEBP", 300, 5, 24),
        ),
    ],
)
def test_heads_of_all_kinds(tmp_path: Path, content: bytes, expected: tuple[object, ...]) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(content)
    assert picture_head(path) == expected


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": EXIF}])
def test_a_webp_with_alpha_has_four_channels(options: dict[str, Any]) -> None:
    image = Image.new("RGBA", (30, 40), (200, 100, 0, 90))
    buffer = BytesIO()
    image.save(buffer, "WEBP", **options)
    buffer.seek(0)
    assert read_head(buffer) == ("WEBP", 30, 40, 32)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(90),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        packed((3, 5), "RGB", "BMP"),
        packed((3, 5), "RGB", "TIFF"),
        packed((3, 5), "RGB", "PNG")[:20],
        packed((3, 5), "RGB", "PNG").replace(struct.pack(">II", 3, 5), struct.pack(">II", 0, 5)),
        packed((3, 5), "RGB", "JPEG")[:12],
        packed((3, 5), "RGB", "WEBP")[:25],
        b"\xff\xd8" + b"\xff\xe1\0\2" * 100_000,
    ],
    ids=lambda content: content[:8].hex() + f"-{len(content)}",
)
def test_anything_else_is_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=r"a.png cannot be read \(.*\). Choose an image file."):
        picture_head(path)


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF"]))
def test_any_bytes_are_a_head_or_one_error(content: bytes, beginning: bytes) -> None:
    try:
        head = read_head(BytesIO(beginning + content))
    except EngineError:
        return
    assert head.width > 0
    assert head.height > 0


def test_the_head_of_a_huge_file_without_a_body_is_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    head = struct.pack(">II", 3, 5)
    start = packed((3, 5), "RGB", "PNG").replace(head, struct.pack(">II", 2**31 - 1, 2**31 - 1))
    with path.open("wb") as file:
        file.write(start[:33])
        file.truncate(2**34)
    began = time.perf_counter()
    assert picture_head(path).unpacked > 2**60
    assert time.perf_counter() - began < 1


def test_filling_without_end_is_not_followed(tmp_path: Path) -> None:
    """A JPEG may have any number of bytes before a mark, as far as the standard goes."""
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8" + b"\xff" * 30_000_000)
    began = time.perf_counter()
    with pytest.raises(EngineError, match="damaged"):
        picture_head(path)
    assert texts.texts_of(path).found == {}
    assert time.perf_counter() - began < 1
    whole_one = packed((40, 30), "RGB", "JPEG", comment=b"an owl")
    path.write_bytes(whole_one.replace(b"\xff\xfe", b"\xff" * 1000 + b"\xfe", 1))
    assert picture_head(path)[:3] == ("JPEG", 40, 30)
    assert texts.texts_of(path).found == {"comment": "an owl"}


@pytest.mark.parametrize("before", [b"\xff\xc0", b"\xff\xda"], ids=["size", "pixels"])
def test_parts_of_exif_without_end_do_not_come_to_a_reader(tmp_path: Path, before: bytes) -> None:
    """Pillow joins them, and so copies the first ones again and again."""
    path = tmp_path / "a.jpg"
    part = b"\xff\xe1" + struct.pack(">H", len(EXIF) + 2) + EXIF
    start, rest = packed((40, 30), "RGB", "JPEG").split(before, 1)
    path.write_bytes(start + part * MOST_EXIF + before + rest)
    assert picture_head(path)[:3] == ("JPEG", 40, 30)
    assert image_file.read_texts(path).record == ""
    path.write_bytes(start + part * 500 + before + rest)
    for read in (picture_head, read_picture, image_file.read_texts):
        with pytest.raises(EngineError, match="parts of EXIF"):
            read(path)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_file_longer_than_any_picture_is_not_read(tmp_path: Path, kind: str) -> None:
    """Pillow reads all of a WebP, and all of a text of a PNG, to begin with."""
    path = tmp_path / "a.picture"
    start = packed((40, 30), "RGB", kind)
    text = struct.pack(">I4s", 2**31 - 1, b"tEXt") if kind == "PNG" else b""
    with path.open("wb") as file:
        file.write(start[:33] + text if kind == "PNG" else start)
        file.truncate(2**34)
    began = time.perf_counter()
    for read in (image_file.read_texts, lambda path: image_file.convert(path, tmp_path / "b.png")):
        with pytest.raises(EngineError, match=f"at most {LONGEST_PICTURE:,}"):
            read(path)
    assert time.perf_counter() - began < 1


def test_a_picture_is_opened_by_its_head_and_within_its_bound(tmp_path: Path) -> None:
    """By the command line's `replay`, and where a picture is saved in another format."""
    path = tmp_path / "a.png"
    path.write_bytes(packed((40, 30), "RGB", "JPEG"))
    with image_file.opened(path) as image:
        assert (image.format, image.size) == ("JPEG", (40, 30))
    many = packed((13_000, 13_000), "1", "PNG")  # 21 MB unpacked, and 676 as colours
    path.write_bytes(many)
    image_file.read_texts(path)  # the texts alone
    with pytest.raises(EngineError, match="far more pixels"):
        image_file.convert(path, tmp_path / "b.webp")
    whole = packed((40, 30), "RGB", "PNG")
    path.write_bytes(whole[:33] + whole[8:16] + many[16:29] + whole[29:33] + whole[33:])
    with pytest.raises(EngineError, match="cannot be read"), image_file.opened(path) as image:
        image.load()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(EngineError, match="is a pipe"):
            image_file.convert(tmp_path / "pipe.png", tmp_path / "c.png")


def test_a_name_that_is_no_text_fits_no_kind() -> None:
    with pytest.raises(EngineError, match=r"The wish has a name that is no text\."):
        fitted({"a \ud800": 2}, _Wish, "The wish")
