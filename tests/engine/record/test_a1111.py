"""AUTOMATIC1111's text: ours is read back exactly whatever the prompt, by us, and by a reader that
is not ours in all ordinary cases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sd_parsers import ParserManager

import engine
from engine.record import a1111
from engine.record.interchange import programs
from tests.engine.record.interchange.own_record import RECORD, chunks, save_with_comment

TRAPS = st.sampled_from(
    [
        "\n",
        "Negative prompt:",
        "\nNegative prompt: x",
        "\nSteps: 3",
        "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 1",
        'Exact prompt: "x"',
        '"',
        "\\",
        ", ",
        ":",
        "\r\n",
        "\x00",
        "\x85",
        "\ud83d",
        " ",
        "Ã©",
        "{",
    ]
)

PROMPTS = st.lists(TRAPS | st.text(st.characters(codec=None), max_size=20), max_size=8).map("".join)


@settings(max_examples=400, deadline=None)
@given(PROMPTS, PROMPTS, st.text(max_size=20).filter(bool))
def test_our_text_goes_through_parse_and_format_unchanged(prompt, negative, checkpoint):
    request = replace(RECORD.request, prompt=prompt, negative_prompt=negative)
    text = replace(RECORD, request=request, checkpoint=checkpoint).to_parameters()
    parts = a1111.parse(text)
    assert (parts.prompt, parts.negative_prompt) == (prompt, negative)
    assert parts.settings["Model"] == checkpoint
    assert a1111.format_a1111(parts.prompt, parts.negative_prompt, parts.settings) == text
    text.encode()  # so that every format of files can hold it


@settings(max_examples=100, deadline=None)
@given(PROMPTS, PROMPTS)
def test_our_text_comes_out_of_a_file_as_it_went_in(tmp_path_factory, prompt, negative):
    """Without the exact record, which other programs drop."""
    path = tmp_path_factory.getbasetemp() / "own.png"
    request = replace(RECORD.request, prompt=prompt, negative_prompt=negative)
    text = replace(RECORD, request=request).to_parameters()
    Image.new("L", (1, 1)).save(path, pnginfo=chunks(parameters=text))
    recipe = programs.recipe_of_picture(path)
    wanted = {
        name: getattr(request, name)
        for name in (
            *("prompt", "negative_prompt", "width", "height", "steps", "guidance_scale", "seed"),
            *("scheduler", "scheduler_options"),
        )
    }
    assert (recipe.program, recipe.left_out, recipe.fields) == ("Safelight", (), wanted)
    assert (recipe.model, recipe.model_hash) == ("dream_shaper.v8", "9aba26abdf")


def test_a_very_long_prompt_is_read_back():
    prompt = "a cat, 'quoted': \"so\", " * 40_000
    text = a1111.format_a1111(prompt, prompt, a1111.settings_of({"steps": 3}, "m", "a" * 64))
    assert a1111.parse(text).prompt == prompt
    assert a1111.parse(text).negative_prompt == prompt


def test_an_ordinary_prompt_has_no_extra_words():
    text = RECORD.to_parameters()
    assert text == (
        "an owl, 3d\nNegative prompt: blurry\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, "
        "Seed: 42, Size: 512x768, Model hash: 9aba26abdf, Model: dream_shaper.v8, RNG: CPU, "
        "Version: Safelight 0.1.0"
    )


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize(
    ("prompt", "negative"),
    [
        ("an owl, 3d", "blurry, text"),
        ("an owl", ""),
        ("two\nlines: with a colon,\n\nand a gap", "many\nlines"),
        ('"quoted", (weighted:1.2), <b>bold</b>', "แอปเปิล 🍎"),
    ],
)
def test_a_reader_that_is_not_ours_finds_everything(
    tmp_path, suffix, prompt, negative, monkeypatch
):
    # It knows the last picture again by its id, which the next one may have once that is gone.
    monkeypatch.setattr("sd_parsers.extractors._jpeg_usercomment._image_id", None)
    record = replace(
        RECORD, request=replace(RECORD.request, prompt=prompt, negative_prompt=negative)
    )
    path = tmp_path / f"own{suffix}"
    if suffix == ".png":
        engine.save(Image.new("RGB", (8, 8)), path, record)
    else:
        save_with_comment(path, record.to_parameters())
    found = ParserManager().parse(path)
    assert found is not None
    assert (found.full_prompt, found.full_negative_prompt) == (prompt, negative)
    (sampler,) = found.samplers
    assert sampler.name == "DPM++ 2M Karras"
    assert sampler.parameters == {"steps": "20", "cfg_scale": "7.5", "seed": "42"}
    assert sampler.model is not None
    assert (sampler.model.name, sampler.model.hash) == ("dream_shaper.v8", "9aba26abdf")
    assert found.metadata["Size"] == "512x768"


@pytest.mark.parametrize("prompt", ["an owl\nSteps: 3, Seed: 4, Sampler: Euler", " an owl "])
def test_an_ambiguous_prompt_leaves_the_settings_readable_for_others(tmp_path, prompt):
    request = replace(RECORD.request, prompt=prompt)
    engine.save(Image.new("RGB", (8, 8)), tmp_path / "own.png", replace(RECORD, request=request))
    found = ParserManager().parse(tmp_path / "own.png")
    assert found is not None
    assert found.samplers[0].parameters == {"steps": "20", "cfg_scale": "7.5", "seed": "42"}
    assert found.full_prompt == prompt.strip()
