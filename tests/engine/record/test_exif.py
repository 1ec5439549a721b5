"""User comments of EXIF, in every way of writing them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine.record import exif
from engine.record.interchange import programs
from tests.engine.record.interchange.settings import SETTINGS

TEXT = f"a cat on a sofa, 猫\nSteps: 20, {SETTINGS}"


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + TEXT.encode(),  # as EXIF 3.0 has it
        b"UNICODE\0" + TEXT.encode() + b"\0\0",
        b"UNICODE\0" + TEXT.encode("utf-8-sig"),
        b"UNICODE\0" + TEXT.encode("utf-16-le"),
        b"UNICODE\0" + TEXT.encode("utf-16-be"),
        b"UNICODE\0" + TEXT.encode("utf-16"),
        b"ASCII\0\0\0" + TEXT.encode(),
        b"\0\0\0\0\0\0\0\0" + TEXT.encode(),
    ],
)
def test_every_way_of_writing_a_user_comment(comment):
    assert exif.comment(comment) == TEXT


def test_a_photograph_of_exif_3(tmp_path: Path):
    for suffix in ("jpg", "webp", "png"):
        picture = Image.Exif()
        picture[0x0131] = "a program"
        picture.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + TEXT.encode()
        Image.new("RGB", (8, 8)).save(tmp_path / f"a.{suffix}", exif=picture)
        recipe = programs.recipe_of_picture(tmp_path / f"a.{suffix}")
        assert recipe.fields["prompt"] == "a cat on a sofa, 猫"
