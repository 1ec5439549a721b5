"""NovelAI's files are read right, also by the text in the alpha channel."""

from __future__ import annotations

import gzip
import json

import pytest

from engine.record.interchange import programs, stealth
from tests.engine.record.interchange.written import COMMENT, KARRAS, PLAIN, V4, check, hide, png

NOVEL = {"scheduler": "euler", "scheduler_options": KARRAS, "guidance_rescale": 0.0}


@pytest.mark.parametrize(
    ("more", "changed", "told"),
    [
        ({}, {}, []),
        ({"prompt": ""}, {}, []),  # of old versions, which have it as the description alone
        (V4, {}, ["A character's prompt, a girl is left out: the whole picture has one prompt"]),
        (
            {"sm": True, "request_type": "Img2ImgRequest", "strength": 0.7, "cfg_rescale": 0.2},
            {"guidance_rescale": 0.2},
            ["The mode Img2ImgRequest is left", "sm True is left", "strength 0.7 is left"],
        ),
        (
            {"sampler": "k_dpmpp_2s_ancestral", "uncond_scale": 1.5},
            {"scheduler": None, "scheduler_options": None},
            ["Sampler k_dpmpp_2s_ancestral, karras is left", "uncond_scale 1.5 is left out"],
        ),
        (
            {"noise_schedule": "polyexponential"},
            {"scheduler_options": {}},
            ["Schedule polyexponential is left out"],
        ),
        (
            {"sampler": "ddim_v3", "noise_schedule": None, "cfg_rescale": None},
            {"scheduler": "ddim", "scheduler_options": {}, "guidance_rescale": None},
            [],
        ),
    ],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_novelai(tmp_path, hidden, more, changed, told):
    texts = {
        "Title": "NovelAI generated image",
        "Description": "a cat on a sofa, 猫",
        "Software": "NovelAI",
        "Source": "NovelAI Diffusion V4 37442FCA",
        "Comment": json.dumps(COMMENT | more),
    }
    if hidden:
        hide(tmp_path / "a.png", stealth.PACKED, gzip.compress(json.dumps(texts).encode()))
    else:
        png(tmp_path / "a.png", texts)
    recipe = programs.recipe_of_picture(tmp_path / "a.png")
    check(recipe, "NovelAI", told, **(NOVEL | changed))
    assert (recipe.model, recipe.model_hash) == ("NovelAI Diffusion V4", "37442FCA")
    pasted = programs.recipe_of_text(json.dumps(COMMENT))
    assert (pasted.program, pasted.fields) == ("NovelAI", PLAIN | NOVEL)
