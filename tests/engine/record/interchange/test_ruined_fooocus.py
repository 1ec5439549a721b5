"""RuinedFooocus's files are read right: what can be used, and what cannot."""

from __future__ import annotations

import json

import pytest

from engine.record.interchange import programs
from tests.engine.record.interchange.written import KARRAS, RUINED, check, png


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, ["LoRA 0.1 - offset.safetensors is left out"]),
        ({"loras": "Loras:<x:0.5>"}, ["LoRA <x:0.5> is left out"]),
        ({"loras": [], "refiner_model_name": "None"}, []),
        ({"loras": [[1]], "denoise": 0.5}, ["Denoise 0.5 is left out: the picture that this one"]),
    ],
)
def test_ruined_fooocus(tmp_path, more, told):
    recipe = programs.recipe_of_picture(
        png(tmp_path / "a.png", {"parameters": json.dumps(RUINED | more)})
    )
    changed = {"scheduler": "dpmpp_2m_sde", "scheduler_options": KARRAS, "clip_skip": 1}
    check(recipe, "RuinedFooocus", told, **changed)
    assert (recipe.model, recipe.model_hash) == ("xl.safetensors", "be9edd61")
