"""Texts that lost the ends of their lines or their sampler, and those of Forge Neo and ArtBot."""

from __future__ import annotations

import pytest

from engine.record.interchange import programs
from tests.engine.record.interchange.settings import SETTINGS


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        (f"a cat, Steps: 20, {SETTINGS}", "a cat", ""),
        (f"a cat: big Steps: 20, {SETTINGS}", "a cat: big", ""),
        (f"a cat. Negative prompt: blurry. Steps: 20, {SETTINGS}", "a cat.", "blurry."),
        (f"a cat Negative prompt: blurry, Steps: 20, {SETTINGS}", "a cat", "blurry"),
        (f"Negative prompt: blurry Steps: 20, {SETTINGS}", "", "blurry"),
        (f"a cat\nNegative prompt: blurry Steps: 20, {SETTINGS}", "a cat", "blurry"),
        (f"a cat, Steps: 3 of the way Steps: 20, {SETTINGS}", "a cat, Steps: 3 of the way", ""),
        (f"a cat Steps: 20, {SETTINGS}\nTemplate: {{cat|dog}}", "a cat", ""),
        (f'a cat\nSteps: 20, {SETTINGS}, Hires prompt: "x, Steps: 3, Seed: 1"', "a cat", ""),
        (f"a cat\nSampler: Euler a, Steps: 20, {SETTINGS}", "a cat", ""),
    ],
)
def test_texts_that_lost_the_ends_of_their_lines(text, prompt, negative):
    recipe = programs.recipe_of_text(text)
    assert (recipe.fields["prompt"], recipe.fields["negative_prompt"]) == (prompt, negative)
    assert (recipe.fields["steps"], recipe.fields["seed"]) == (20, 42)
    assert recipe.fields["scheduler"] == "euler_ancestral"


@pytest.mark.parametrize(
    ("settings", "scheduler", "told"),
    [
        ("Schedule type: Karras", None, ("Schedule type Karras is left out: the text names no",)),
        ("Sampler: , Schedule type: Karras", None, ("Schedule type Karras is left out",)),
        ('Sampler: "", Schedule type: Automatic', None, ()),
        ("Sampler: ", None, ()),
        ("Sampler: None", None, ()),
        ("Sampler: Euler, Schedule type: ", "euler", ()),
        ("Size: , Sampler: Euler", "euler", ()),
        ("Sampler: , Version: stable-diffusion.cpp", None, ()),
        ("Sampler: , Scheduler: karras, Version: Fooocus v2", None, ()),
        ("Sampler: , Scheduler: karras, Version: ComfyUI", None, ()),
        ("Sampler: , Version: Safelight 1", None, ()),
    ],
)
def test_a_sampler_may_be_missing(settings, scheduler, told):
    recipe = programs.recipe_of_text(
        f"a cat\nSteps: 20, {settings}, CFG scale: 7, Seed: 1, RNG: CPU"
    )
    assert recipe.fields.get("scheduler") == scheduler
    assert recipe.fields["steps"] == 20
    assert len(recipe.left_out) == len(told), recipe.left_out
    for sentence, start in zip(recipe.left_out, told, strict=True):
        assert sentence.startswith(start)


def test_forge_neo_and_artbot_are_known():
    neo = programs.recipe_of_text(f"a cat\nSteps: 20, {SETTINGS}, Version: neo")
    assert neo.program == "Forge"
    text = (
        "a cat\nNegative prompt: blurry\nSteps: 20, Sampler: k_dpmpp_2m, CFG scale: 7, Seed: 42, "
        "Size: 512x768, model: AlbedoBase XL"
    )
    artbot = programs.recipe_of_text(text)
    assert (artbot.program, artbot.model) == ("ArtBot", "AlbedoBase XL")
    assert (artbot.fields["scheduler"], artbot.left_out) == ("dpmpp_2m", ())
