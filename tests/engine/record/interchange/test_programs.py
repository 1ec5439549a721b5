"""Whose a text is: stable-diffusion.cpp's and ArtBot's, files of text, and that no text of any
shape gives anything but a recipe or one sentence."""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import engine
from engine import Request
from engine.record.interchange import programs
from tests.engine.record.interchange.written import (
    COMMENT,
    DRAWN,
    EASY,
    KARRAS,
    PARAMETERS,
    RUINED,
    V4,
    check,
    png,
)

SDCPP = (
    "a cat on a sofa, 猫\nNegative prompt: blurry\nSteps: 25, CFG scale: 7.500000, Guidance: "
    "3.500000, Eta: 0.000000, Seed: 42, Size: 512x768, Model: dream.safetensors, RNG: cpu, "
    'Sampler: dpm++2m karras, Version: stable-diffusion.cpp, SDCPP: {"seed":42}'
)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_stable_diffusion_cpp(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix == "png":
        png(path, {"parameters": SDCPP})
    elif suffix == "jpg":  # as a text of a PNG, in a comment
        Image.new("RGB", (8, 8)).save(path, comment=b"parameters\0" + SDCPP.encode() + b"\0")
    else:
        xmp = f"<rdf:Description><sdcpp:parameters>{html.escape(SDCPP)}</sdcpp:parameters>"
        Image.new("RGB", (8, 8)).save(path, xmp=f"<x:xmpmeta>{xmp}</x:xmpmeta>".encode())
    recipe = programs.recipe_of_picture(path)
    changed = {"scheduler": "dpmpp_2m", "scheduler_options": KARRAS}
    check(recipe, "stable-diffusion.cpp", [], **changed)


def test_artbot(tmp_path):
    text = PARAMETERS.replace("Euler", "k_euler_a").replace(", RNG: CPU", ", model: Deliberate")
    recipe = programs.recipe_of_picture(png(tmp_path / "a.png", {"Comment": text}))
    check(recipe, "ArtBot", [], scheduler="euler_ancestral", scheduler_options={})
    assert recipe.model == "Deliberate"


def test_a_file_of_text(tmp_path):
    for name, content in {
        "a.txt": PARAMETERS.encode(),
        "b.txt": b"\xef\xbb\xbf" + PARAMETERS.replace("\n", "\r\n").encode(),
        "c.json": json.dumps(RUINED).encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert programs.recipe_of_file(tmp_path / name).fields["seed"] == 42
    picture = png(tmp_path / "d.txt", {"parameters": PARAMETERS})  # a picture is one by its content
    assert programs.recipe_of_file(picture).fields["seed"] == 42
    for name, content in {
        "none.txt": b"just words",
        "empty.txt": b"",
        "latin.txt": b"\xe9",
        "zeros.txt": bytes(9),
        "list.json": b"[1]",
        "other.json": b"{}",
        "broken.json": b'{"a',
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(engine.EngineError, match=name):
            programs.recipe_of_file(tmp_path / name)
    for missing in (tmp_path / "gone.txt", tmp_path):
        with pytest.raises(engine.EngineError):
            programs.recipe_of_file(missing)


SHAPES = {
    "comfyui": {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "latent_image": ["5", 0]}}},
    "swarmui": {"sui_image_params": {"seed": 1}},
    "fooocus": {"metadata_scheme": "fooocus", "resolution": "(1, 2)", "styles": []},
    "ruined": RUINED,
    "novelai": COMMENT | V4,
    "draw things": DRAWN,
    "easy": EASY,
    "invokeai": {"positive_prompt": "a", "canvas_v2_metadata": {"rasterLayers": []}, "loras": []},
    "safelight": {"request": {}, "executed_steps": 1},
}

ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from([10**400, "9" * 400, "-1", "1e999", ["4", 0], [["a", "b"]], {"name": {}}])
    | st.lists(
        st.integers() | st.text(max_size=3) | st.dictionaries(st.text(max_size=3), st.none())
    )
)

KEYS = ("Steps", "Sampler", "Schedule type", "Scheduler", "CFG scale", "Seed", "Size", "Model")

KEYS += ("Clip skip", "Eta", "RNG", "Version", "App", "Sampler order", "Sampler sigma", "CFG end")

VALUES = st.text(max_size=5) | st.sampled_from(
    (
        *("", '""', "None", "9" * 400, "-1", "1e999", "NaN", "Euler", "karras", "euler_a x y"),
        *("SD.Next", "Fooocus v2", "stable-diffusion.cpp", "ComfyUI", "Safelight 1", "neo"),
        *("{", "[1, ", '"a'),
    )
)


def is_read_or_said(text: str) -> None:
    try:
        recipe = programs.recipe_of_text(text)
    except engine.EngineError as error:
        assert "\n" not in str(error)
    else:
        assert Request(**recipe.fields)
        assert len(recipe.left_out) < 60


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SHAPES)), st.data())
def test_the_json_of_any_program_with_any_values(shape, data):
    value = json.loads(json.dumps(SHAPES[shape]))
    inner = value
    if shape == "comfyui":
        inner = value["3"]["inputs"]
        names = ("steps", "cfg", "positive", "sampler_name", "scheduler", "model", "width", "pipe")
    elif shape == "swarmui":
        inner, names = value["sui_image_params"], ("steps", "sampler", "scheduler", "loras")
    else:
        names = tuple(inner)
    for name in data.draw(st.lists(st.sampled_from(names), max_size=4)):
        inner[name] = data.draw(ODD)
    is_read_or_said(json.dumps(value))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES), st.text(max_size=12))
@example({"Sampler": "", "Seed": "1", "Size": "64x64"}, "a cat")
@example({"Steps": "20", "Sampler": "", "Schedule type": "Karras", "Seed": "1"}, "a cat")
def test_settings_of_any_shape(told, prompt):
    line = ", ".join(f"{key}: {value}" for key, value in told.items())
    is_read_or_said(f"{prompt}\n{line}")
    is_read_or_said(f"{prompt} {line}")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_at_all(text):
    is_read_or_said(text)
