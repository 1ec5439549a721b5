"""A record and a picture with its texts, for the tests of AUTOMATIC1111's text."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine import Request
from engine.record.record import Record

RECORD = Record(
    request=Request(
        "an owl, 3d", "blurry", 512, 768, 20, 7.5, "dpmpp_2m", {"use_karras_sigmas": True}, 42
    ),
    executed_steps=20,
    checkpoint="dream_shaper.v8",
    sha256="9aba26abdf" * 6 + "0000",
    device="cpu",
    dtype="float32",
    versions={"safelight": "0.1.0"},
    notes=(),
)


def chunks(**texts: str) -> PngInfo:
    made = PngInfo()
    for key, text in texts.items():
        made.add_text(key, text)
    return made


def save_with_comment(path: Path, text: str) -> None:
    """As AUTOMATIC1111 does it: UTF-16, big endian, behind the name of the encoding."""
    exif = Image.Exif()
    exif[0x0131] = "some program"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    Image.new("RGB", (8, 8)).save(path, exif=exif)
