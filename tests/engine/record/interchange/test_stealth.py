"""The text that some programs hide in the alpha channel of a picture."""

from __future__ import annotations

import gzip
import struct
import time
import zlib
from typing import Any

import numpy
import pytest
from PIL import Image

import engine
from engine.record.interchange import programs, stealth
from tests.engine.record.interchange.written import PARAMETERS, check, hide

EULER = {"scheduler": "euler", "scheduler_options": {}}


@pytest.mark.parametrize("level", [0, 9])
@pytest.mark.parametrize("magic", [stealth.PLAIN, stealth.PACKED])
def test_a_text_in_the_alpha_channel(tmp_path, magic, level):
    content = PARAMETERS.encode()
    packed = gzip.compress(content) if magic == stealth.PACKED else content
    path = hide(tmp_path / "a.png", magic, packed, compress_level=level)
    check(programs.recipe_of_picture(path), "AUTOMATIC1111", [], **EULER)


@pytest.mark.parametrize("way", range(5))
def test_the_first_column_is_read_however_its_rows_are_packed(tmp_path, way):
    """Each of the five filters of a PNG, by hand: what a writer takes is its own choice."""
    path = hide(tmp_path / "a.png", stealth.PLAIN, PARAMETERS.encode())
    pixels = numpy.asarray(Image.open(path)).astype(int)
    height, width, _ = pixels.shape
    left = numpy.pad(pixels, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    above = numpy.pad(pixels, ((1, 0), (0, 0), (0, 0)))[:-1]
    corner = numpy.pad(pixels, ((1, 0), (1, 0), (0, 0)))[:-1, :-1]
    guess = left + above - corner
    distance = [abs(guess - of) for of in (left, above, corner)]
    by_left = (distance[0] <= distance[1]) & (distance[0] <= distance[2])
    paeth = numpy.where(by_left, left, numpy.where(distance[1] <= distance[2], above, corner))
    taken = [0, left, above, (left + above) // 2, paeth][way]
    rows = (pixels - taken).astype(numpy.uint8).reshape(height, 4 * width)
    packed = zlib.compress(b"".join(bytes([way]) + row.tobytes() for row in rows))
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", packed[:999]), (b"IDAT", packed[999:]), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n"
    for kind, part in parts:
        crc = struct.pack(">I", zlib.crc32(kind + part))
        content += struct.pack(">I", len(part)) + kind + part + crc
    path.write_bytes(content)
    assert stealth.hidden_text(path) == PARAMETERS


def test_nothing_is_unpacked_where_the_first_words_are_not_there(tmp_path, monkeypatch):
    def unpacked(path: Any) -> bytes:
        raise AssertionError("the pixels were unpacked")

    monkeypatch.setattr(stealth, "_bits", unpacked)
    for name, picture in {
        "alpha": Image.new("RGBA", (300, 300), (1, 2, 3, 255)),
        "plain": Image.new("RGB", (300, 300)),
        "low": Image.new("RGBA", (300, 60)),
        "grey": Image.new("LA", (300, 300)),
    }.items():
        picture.save(tmp_path / f"{name}.png")
        assert stealth.hidden_text(tmp_path / f"{name}.png") is None
    huge = (tmp_path / "alpha.png").read_bytes()
    (tmp_path / "huge.png").write_bytes(huge[:16] + struct.pack(">II", 60000, 60000) + huge[24:])
    assert stealth.hidden_text(tmp_path / "huge.png") is None


@pytest.mark.parametrize(
    ("magic", "content", "length", "problem"),
    [
        (stealth.PLAIN, b"\xff\xfe", None, "is damaged"),
        (stealth.PACKED, b"no gzip", None, "is damaged"),
        (stealth.PLAIN, b"a", 2**32 - 8, "longer than the picture"),
        (stealth.PACKED, gzip.compress(bytes(5 * 2**20)), None, "is longer than 4,194,304 bytes"),
    ],
)
def test_a_hidden_text_that_is_none_is_one_sentence(tmp_path, magic, content, length, problem):
    path = hide(tmp_path / "a.png", magic, content, (400, 400))
    if length is not None:
        pixels = numpy.asarray(Image.open(path)).copy()
        bits = numpy.unpackbits(numpy.frombuffer(struct.pack(">I", length), numpy.uint8))
        alpha = pixels[..., 3].T.reshape(-1)
        alpha[stealth.BEGIN : stealth.BEGIN + 32] = 254 | bits
        pixels[..., 3] = alpha.reshape(400, 400).T
        Image.fromarray(pixels, "RGBA").save(path)
    begun = time.perf_counter()
    with pytest.raises(engine.EngineError, match=problem):
        programs.recipe_of_picture(path)
    assert time.perf_counter() - begun < 2
