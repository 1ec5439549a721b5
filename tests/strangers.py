"""A gallery as people have it: pictures of every kind, size and program, and files that are none.
Called by the tests of the gallery and by those of a person's week.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from io import BytesIO
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from PIL import Image, ImageFilter, PngImagePlugin

SMALLEST, LARGEST = 15_000, 8_000_000
"""Bytes of a file, about."""
LONGEST = 2200
"""Pixels of a side: what is dense enough to need more for its bytes has fewer bytes."""


class Stranger(NamedTuple):
    """size: what the picture in the file has, None where there is none that can be shown."""

    path: Path
    kind: str
    size: tuple[int, int] | None


class Kind(NamedTuple):
    """suffix: what the file is called, which need not be what it is; density: bytes of a pixel,
    once it is packed; options: for Image.save."""

    suffix: str
    mode: str
    format: str
    density: float
    options: Mapping[str, Any] = MappingProxyType({})


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "RGB": Kind(".png", "RGB", "PNG", 2.4),
        "RGBA": Kind(".png", "RGBA", "PNG", 2.6),
        "grey": Kind(".png", "L", "PNG", 0.8),
        "grey and alpha": Kind(".png", "LA", "PNG", 1.0),
        "palette": Kind(".png", "P", "PNG", 0.8),
        "see-through palette": Kind(".png", "P", "PNG", 0.8, {"transparency": 3}),
        "16 bits": Kind(".png", "I;16", "PNG", 1.8),
        "1 bit": Kind(".png", "1", "PNG", 0.12),
        "with a workflow": Kind(".png", "RGB", "PNG", 2.4, {"pnginfo": "workflow"}),
        "moving PNG": Kind(".png", "RGB", "PNG", 4.8, {"save_all": True}),
        "JPEG": Kind(".jpg", "RGB", "JPEG", 0.6, {"quality": 92}),
        "grey JPEG": Kind(".jpeg", "L", "JPEG", 0.4, {"quality": 92}),
        "progressive JPEG": Kind(".jpg", "RGB", "JPEG", 0.6, {"quality": 92, "progressive": True}),
        "CMYK JPEG": Kind(".jpg", "CMYK", "JPEG", 0.8, {"quality": 92}),
        "JPEG called PNG": Kind(".png", "RGB", "JPEG", 0.6, {"exif": bytes(50_000)}),
        "WebP": Kind(".webp", "RGB", "WEBP", 0.4, {"quality": 90, "method": 0}),
        "see-through WebP": Kind(".webp", "RGBA", "WEBP", 0.4, {"quality": 90, "method": 0}),
        "lossless WebP": Kind(".webp", "RGB", "WEBP", 2.2, {"lossless": True, "method": 0}),
        "moving WebP": Kind(".webp", "RGB", "WEBP", 0.8, {"save_all": True, "method": 0}),
    }
)


def gallery_of(folder: Path, count: int, seed: int, largest: int = LARGEST) -> list[Stranger]:
    """Fill that folder with so many files, every kind in turn, one in eight of them no picture.
    largest: bytes of the largest, about; sizes are spread evenly on a scale of factors."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    made = []
    for number in range(count):
        stem = f"{number:04d}"
        if number % 8 == 7:
            name, broken = [*BROKEN.items()][number // 8 % len(BROKEN)]
            path = folder / f"{stem}.png"
            path.write_bytes(broken(chance))
            made.append(Stranger(path, name, None))
            continue
        name, kind = [*KINDS.items()][(number - number // 8) % len(KINDS)]
        room = math.exp(chance.uniform(math.log(SMALLEST), math.log(largest)))
        side = min(max(8, round(math.sqrt(room / kind.density))), LONGEST)
        size = (side, max(8, round(side * chance.choice((0.66, 1, 1.5)))))
        path = folder / f"{stem}{kind.suffix}"
        path.write_bytes(packed(kind, size, chance))
        made.append(Stranger(path, name, size))
    return made


def packed(kind: Kind, size: tuple[int, int], chance: random.Random) -> bytes:
    """A file of that kind, whose picture is grainy."""
    image = picture(kind.mode, size, chance)
    options = dict(kind.options)
    if options.get("pnginfo") == "workflow":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("workflow", '{"nodes": [1]}' * 30_000, zip=True)
        options["pnginfo"].add_text("parameters", "an owl\nSteps: 4, Seed: 1")
    if options.get("save_all"):
        options["append_images"] = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    if "exif" in options:
        options["exif"] = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + options["exif"]
    buffer = BytesIO()
    image.save(buffer, kind.format, **options)
    return buffer.getvalue()


def picture(mode: str, size: tuple[int, int], chance: random.Random) -> Image.Image:
    tile, grain = Image.effect_noise((512, 512), 60), Image.new("L", size)
    for left, top in product(range(0, size[0], 512), range(0, size[1], 512)):
        grain.paste(tile, (left, top))
    slope = Image.linear_gradient("L").rotate(chance.choice((0, 90, 180))).resize(size)
    bands = [Image.blend(slope, grain, share) for share in (0.3, 0.4, 0.5)]
    rgb = Image.merge("RGB", bands)
    match mode:
        case "I;16":
            return grain.convert("I").point(lambda value: value * 257).convert("I;16")
        case "LA" | "RGBA":
            rgb.putalpha(slope.filter(ImageFilter.BoxBlur(1)))
            return rgb if mode == "RGBA" else rgb.convert("LA")
        case "P":
            return rgb.quantize(200)
    return rgb.convert(mode)


def _whole(chance: random.Random) -> bytes:
    return packed(KINDS["RGB"], (90, 90), chance)


def _huge(chance: random.Random) -> bytes:
    """A head that tells of more pixels than anything has, and nothing behind it."""
    content = _whole(chance)
    return content[:16] + (2**31 - 1).to_bytes(4, "big") * 2 + content[24:33]


def _damaged(chance: random.Random) -> bytes:
    content = bytearray(_whole(chance))
    for _ in range(40):
        content[chance.randrange(60, len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def _gif(chance: random.Random) -> bytes:
    return packed(Kind(".gif", "P", "GIF", 1), (90, 90), chance)


BROKEN: Mapping[str, Callable[[random.Random], bytes]] = MappingProxyType(
    {
        "half a file": lambda chance: _whole(chance)[:9000],
        "damaged": _damaged,
        "a head alone": _huge,
        "text": lambda _: b"this is no picture\n" * 900,
        "a drawing": lambda _: b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        "zeros": lambda _: bytes(40_000),
        "GIF called PNG": _gif,
    }
)
"""Files that end with .png and are none, or none that can be shown."""
