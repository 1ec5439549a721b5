"""A work folder as `fetch` and the first drawing would leave it, but of a handful of pictures that
are made here: discs of one colour, with the names that the trainings ask for.
"""

from __future__ import annotations

import colorsys
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw

pytest.importorskip("diffusers")

from resources.training import ddpm, fetch, perceived, pictures
from resources.training.pictures import Thing

SHOWN = 6


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    drawn = []
    for place, name in enumerate(sorted(ddpm.THINGS)):
        for style in ("3d", "flat"):
            thing = Thing(
                emoji=str(place),
                name=name,
                thai="",
                style=style,
                group="Food & Drink",
                held_out=place % SHOWN == 0,
            )
            drawn.append((thing, disc(place / len(ddpm.THINGS), style)))
    pictures.save(folder, drawn)
    return folder


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def disc(hue: float, style: str) -> Image.Image:
    colour = tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 1, 1))
    picture = Image.new("RGBA", (128, 128))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((14, 14, 114, 114), fill=(*colour, 255))
    if style == "3d":
        draw.ellipse((30, 30, 60, 60), fill=(255, 255, 255, 255))
    return picture


def perceiving(work: Path) -> None:
    """The network that knows photographs, as `fetch` leaves it, but that it knows nothing."""
    torch.manual_seed(0)
    path = work / "packages" / fetch.PERCEIVED.folder / "its_package" / "models" / "lite0.pth"
    path.parent.mkdir(parents=True)
    torch.save(perceived.Features().state_dict() | {"_fc.bias": torch.zeros(1000)}, path)
