"""Easy Diffusion's files are read right: what can be used, and what cannot."""

from __future__ import annotations

import json

import pytest
from PIL import Image

import engine
from engine.record.interchange import programs
from tests.engine.record.interchange.written import EASY, check, png

AS_LINES = """Prompt: a cat on a sofa, 猫
Negative Prompt: blurry
Seed: 42
Stable Diffusion model: sd-v1-5
Clip Skip: True
Sampler: euler_a
Width: 512
Height: 768
Steps: 25
Guidance Scale: 7.5
LoRA model: fine
"""


@pytest.mark.parametrize("form", ["png", "named", "jpg", "json", "txt"])
def test_easy_diffusion(tmp_path, form):
    path = tmp_path / f"easy.{'png' if form == 'named' else form}"
    if form == "png":
        png(path, EASY)
    elif form == "named":
        png(path, {line.split(": ")[0]: line.split(": ")[1] for line in AS_LINES.splitlines()})
    elif form == "jpg":
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + json.dumps(EASY).encode("utf-16-be")
        Image.new("RGB", (8, 8)).save(path, exif=exif)
    else:
        path.write_text(json.dumps(EASY) if form == "json" else AS_LINES, encoding="utf-8")
    recipe = programs.recipe_of_file(path)
    changed = {"scheduler": "euler_ancestral", "scheduler_options": {}, "clip_skip": 2}
    check(recipe, "Easy Diffusion", ["LoRA model fine is left out: LoRAs are not"], **changed)
    assert recipe.model == "sd-v1-5"


def test_a_prompt_that_is_no_graph_is_not_blamed_on_comfyui(tmp_path):
    path = png(tmp_path / "a.png", {"prompt": "a cat"})
    with pytest.raises(engine.EngineError) as caught:
        programs.recipe_of_picture(path)
    assert "ComfyUI" not in str(caught.value)
