"""Pictures: what the fetched packages show, drawn as RGBA squares with their names, and put on
backgrounds while training. Read by every stage after `fetch`.
"""

from __future__ import annotations

import io
import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from resources.training import fetch
from resources.training.errors import TrainingError

SIDES = (128, 64)
STYLES = ("3d", "flat", "noto")
HELD_OUT = 0.05
"""Share of the things, in all of their styles, that no training sees."""
SEED = 9
"""Of the draw of what is held out."""

BACKGROUNDS = {
    "white": (255, 255, 255),
    "pink": (246, 190, 205),
    "orange": (255, 205, 150),
    "yellow": (255, 240, 160),
    "green": (190, 230, 185),
    "blue": (175, 215, 250),
    "purple": (215, 198, 245),
    "gray": (150, 154, 160),
    "black": (20, 20, 24),
    "navy": (24, 30, 80),
}
"""The colours that prompts ask for by name."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """What one picture shows. emoji: as text; thai: its Thai name, "" where there is none; group:
    "Food & Drink" and so on; held_out: whether no training sees it."""

    emoji: str
    name: str
    thai: str
    style: str
    group: str
    held_out: bool


@dataclass(frozen=True)
class Pictures:
    """pixels: uint8 (N, side, side, 4), colours and alpha, not premultiplied; things: (N)."""

    pixels: Tensor
    things: tuple[Thing, ...]

    def where(
        self,
        *,
        held_out: bool | None = None,
        styles: tuple[str, ...] = STYLES,
        groups: tuple[str, ...] = (),
    ) -> Pictures:
        """Only those of these styles and groups (none named: of every group), on one side of the
        split. Raises TrainingError if nothing is left."""
        kept = [
            i
            for i, thing in enumerate(self.things)
            if held_out in (None, thing.held_out)
            and thing.style in styles
            and (not groups or thing.group in groups)
        ]
        if not kept:
            raise TrainingError(
                f"There is no picture of the styles {', '.join(styles)} and the groups "
                f"{', '.join(groups) or 'any'}: take another --work folder or fetch again."
            )
        return Pictures(self.pixels[kept], tuple(self.things[i] for i in kept))

    def on(self, backgrounds: Tensor) -> Tensor:
        """(N, 3, side, side), -1 to 1: all of them, on colours (N, 3), 0 to 255."""
        pixels = self.pixels.float()
        alpha = pixels[..., 3:] / 255
        laid = pixels[..., :3] * alpha + backgrounds[:, None, None] * (1 - alpha)
        return (laid / 127.5 - 1).permute(0, 3, 1, 2).contiguous()

    def at(self, indices: list[int] | Tensor) -> Pictures:
        chosen = [int(i) for i in indices]
        return Pictures(self.pixels[chosen], tuple(self.things[i] for i in chosen))


def random_backgrounds(count: int, generator: torch.Generator) -> Tensor:
    """(count, 3), 0 to 255: a third white, a third of those with names, a third any colour."""
    named = torch.tensor(list(BACKGROUNDS.values())).float()
    kind = torch.rand(count, 1, generator=generator)
    picked = named[torch.randint(0, len(named), (count,), generator=generator)]
    other = 255 * torch.rand(count, 3, generator=generator)
    white = torch.full((count, 3), 255.0)
    return torch.where(kind < 1 / 3, white, torch.where(kind < 2 / 3, picked, other))


def load(work: Path, side: int) -> Pictures:
    """The pictures of a side of SIDES, drawn from the packages the first time and kept in `work`.
    Raises TrainingError where nothing was fetched."""
    kept = work / f"pictures-{side}.npy"
    if not kept.is_file():
        draw(work)
    things = json.loads((work / "things.json").read_text(encoding="utf-8"))
    return Pictures(torch.from_numpy(np.load(kept)), tuple(Thing(**thing) for thing in things))


def save(work: Path, drawn: list[tuple[Thing, Image.Image]]) -> None:
    """Keep what was drawn in `work`, in every size. The size comes last: it is the sign that all is
    there."""
    work.mkdir(parents=True, exist_ok=True)
    things = json.dumps([asdict(thing) for thing, _ in drawn], ensure_ascii=False, indent=0)
    (work / "things.json").write_text(things, encoding="utf-8")
    for side in SIDES:
        pixels = np.stack([_resized(picture, side) for _, picture in drawn])
        part = work / f".pictures-{side}.part.npy"
        np.save(part, pixels)
        part.replace(work / f"pictures-{side}.npy")


def draw(work: Path) -> None:
    """Draw every thing that the packages in `work` name, in each of its styles."""
    packages = work / "packages"
    names = _json(packages / fetch.NAMES.folder / "data-by-emoji.json")
    told = _json(packages / fetch.THAI.folder / "th" / "data.json")
    thai = {entry["hexcode"]: entry["label"] for entry in told}
    flat, noto = (Drawings(packages / it.folder) for it in (fetch.FLUENT_FLAT, fetch.NOTO))
    solid = packages / fetch.FLUENT_3D.folder / "assets"
    kept_back = held_out([emoji for emoji, named in names.items() if named["group"] != "Flags"])
    drawn = []
    for emoji, named in names.items():
        if named["group"] == "Flags":
            continue
        codes = _spellings(emoji)
        for style, picture in (
            ("3d", _painted(solid, codes)),
            ("flat", flat.picture(codes)),
            ("noto", noto.picture(codes)),
        ):
            if picture is None:
                continue
            thing = Thing(
                emoji=emoji,
                name=named["name"],
                thai=next((thai[code.upper()] for code in codes if code.upper() in thai), ""),
                style=style,
                group=named["group"],
                held_out=emoji in kept_back,
            )
            drawn.append((thing, picture))
    save(work, drawn)


def held_out(emoji: list[str]) -> frozenset[str]:
    """Which of them no training sees: the same for the same list."""
    return frozenset(random.Random(SEED).sample(sorted(emoji), round(HELD_OUT * len(emoji))))


class Drawings:
    """An icon set of vector drawings, found by code points."""

    def __init__(self, folder: Path) -> None:
        self._icons = _json(folder / "icons.json")
        self._names = _json(folder / "chars.json")

    def picture(self, codes: list[str]) -> Image.Image | None:
        name = next((self._names[code] for code in codes if code in self._names), None)
        icon = self._icons["icons"].get(name)
        if icon is None:
            return None
        width, height = (icon.get(side, self._icons.get(side, 16)) for side in ("width", "height"))
        return _drawn(
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
        )


def _drawn(svg: str) -> Image.Image | None:
    """RGBA of the largest side; None for a drawing that cannot be drawn."""
    try:
        import resvg_py  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise TrainingError("There is no resvg-py to draw with: pip install '.[train]'.") from None
    try:
        png = resvg_py.svg_to_bytes(svg_string=svg, width=SIDES[0], height=SIDES[0])
    except ValueError:
        return None
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def _painted(folder: Path, codes: list[str]) -> Image.Image | None:
    """RGBA of a WebP or PNG file named by its code points; None where there is none."""
    for code in codes:
        for path in (folder / f"{code}.webp", folder / f"{code}.png"):
            if path.is_file():
                try:
                    return Image.open(path).convert("RGBA")
                except (OSError, UnidentifiedImageError):
                    raise TrainingError(
                        f"{path} cannot be read as a picture: remove its package and fetch again."
                    ) from None
    return None


def _resized(picture: Image.Image, side: int) -> np.ndarray:
    """uint8 (side, side, 4). Pillow weighs colours by their alpha, so that no edge gets dark."""
    if picture.size != (side, side):
        picture = picture.resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(picture.convert("RGBA"))


def _spellings(emoji: str) -> list[str]:
    """Its code points as files are named by them, with and without the variation selector."""
    codes = [f"{ord(letter):04x}" for letter in emoji]
    return ["-".join(codes), "-".join(code for code in codes if code != "fe0f")]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TrainingError(
            f"There is no {path}: run `python -m resources.training fetch` first."
        ) from None
