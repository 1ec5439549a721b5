"""Draw Things' files are read right: what can be used, and what cannot."""

from __future__ import annotations

import html
import json

import pytest
from PIL import Image

from engine.record.interchange import programs
from tests.engine.record.interchange.written import DRAWN, KARRAS, check, png

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">a cat&#xA;-blurry&#xA;Steps: 25</rdf:li></rdf:Alt>'
    "</dc:description><xmp:CreatorTool>Draw Things</xmp:CreatorTool><exif:UserComment><rdf:Alt>"
    '<rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></exif:UserComment></rdf:Description>'
    "</rdf:RDF></x:xmpmeta>"
)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize(
    ("more", "changed", "told"),
    [
        ({}, {}, []),
        (
            {
                "strength": 0.6,
                "seed_mode": "Scale Alike",
                "v2": {"loras": [{"file": "fine.ckpt", "weight": 0.5}]},
                "hires_fix": True,
                "shift": 3,
                "sampler": "Euler A AYS",
                "size": "big",
                "clip_skip": 2,
            },
            dict.fromkeys(("scheduler", "scheduler_options", "width", "height")) | {"clip_skip": 2},
            [
                "Hires fix True is left out",
                "Lora fine.ckpt is left out: LoRAs are not",
                "Sampler Euler A AYS is left out",
                "Seed mode Scale Alike is left out: a seed's noise",
                "Shift 3 is left out",
                "Size big is left out: it is no width and height",
                "Strength 0.6 is left out: the picture that this one began from",
            ],
        ),
        (
            {"sampler": "UniPC Trailing"},
            {"scheduler": "unipc", "scheduler_options": {"timestep_spacing": "trailing"}},
            [],
        ),
    ],
)
def test_draw_things(tmp_path, suffix, more, changed, told):
    text = XMP.format(html.escape(json.dumps(DRAWN | more)))
    path = tmp_path / f"a.{suffix}"
    if suffix == "png":
        png(path, {"XML:com.adobe.xmp": text})
    else:
        Image.new("RGB", (8, 8)).save(path, xmp=text.encode())
    karras = {"scheduler": "dpmpp_2m", "scheduler_options": KARRAS}
    recipe = programs.recipe_of_picture(path)
    check(recipe, "Draw Things", told, **(karras | changed))
    assert recipe.model == "dream.ckpt"
