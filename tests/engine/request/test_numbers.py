"""Numbers of strangers, at every door of the engine: what no field can have is refused in one
sentence, however it is written, and never as an OverflowError of a conversion somewhere behind."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from app.cli.arguments import read_edits
from engine import schedulers
from engine.errors import EngineError
from engine.record.interchange import programs
from engine.record.record import Record, read_record
from engine.request import curve
from engine.request.grid import AXES, Axis, Grid
from engine.request.request import AT_A_BRANCH, STEERABLE, Edit, Request

HUGE = {
    "10**400": 10**400,
    "-10**400": -(10**400),
    "10**5000": 10**5000,  # which Python does not even write
    "infinity": float("inf"),
    "nan": float("nan"),
    "a list of them": [10**5000, 10**400],
    "digits": "9" * 400,
}
WRITTEN = ("9" * 400, "-" + "9" * 400, "9" * 5000, "1e999", "nan", "Infinity", "-Infinity")
TEXTS = ("prompt", "negative_prompt", "scheduler", "guidance_easing")
NUMBERS = [field.name for field in fields(Request) if field.name not in TEXTS]
MOST_LETTERS = 400
"""Of a sentence that a person is to read."""


def refused(call: Callable[[], Any]) -> None:
    with pytest.raises(EngineError) as caught:
        call()
    assert 0 < len(str(caught.value)) <= MOST_LETTERS


@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
def test_a_request_and_its_edits(value: Any) -> None:
    for name in NUMBERS:
        refused(lambda name=name: Request(**{name: value}))
        if name in (*STEERABLE, *AT_A_BRANCH):
            refused(lambda name=name: Edit(1, name, value))
        refused(lambda name=name: Request.from_dict({name: value}))
    refused(lambda: Request(guidance_interval=(0.0, value)))
    refused(lambda: Request(guidance_curve=((0.0, value),)))
    refused(lambda: Request(scheduler_options={"steps_offset": value, "a": [10**400]}))
    refused(lambda: Edit(value, "prompt", "an owl"))
    refused(lambda: Edit(1, "finish", value))
    for vary in (value, {"amount": value, "seed": 0}, {"amount": 0.5, "seed": value}):
        refused(lambda vary=vary: Edit(1, "vary", vary))
    for edits in (value, [value], [[value]], {"step": value}):
        refused(lambda edits=edits: Request.from_dict({"edits": edits}))
    refused(lambda: Request.from_dict(value))


@pytest.mark.parametrize("written", WRITTEN)
def test_numbers_as_they_are_written(written: str, tmp_path: Path) -> None:
    for name in NUMBERS:
        refused(lambda name=name: Request.from_json(f'{{"{name}": {written}}}'))
    for name in AXES:
        if name not in ("scheduler", "prompt"):
            for text in (written, f"0..{written}", f"1,{written}"):
                refused(
                    lambda name=name, text=text: Grid((Axis.parse(name, text),)).requests(Request())
                )
    refused(lambda: curve.parse(f"0:{written}"))
    refused(lambda: curve.parse(f"{written}:1"))
    path = tmp_path / "edits.json"
    for edit in (
        f'{{"step": {written}, "field": "prompt", "value": "x"}}',
        f'{{"step": 1, "field": "guidance_scale", "value": {written}}}',
        f'{{"step": 1, "field": "vary", "value": {{"amount": {written}, "seed": 0}}}}',
    ):
        path.write_text(f"[{edit}]", encoding="utf-8")
        refused(lambda: read_edits(path))


@pytest.mark.parametrize("name", schedulers.names())
def test_options_of_a_scheduler_and_settings_of_a_model(name: str) -> None:
    options = {option.name for option in schedulers.describe(name).options}
    for option in options | {"num_train_timesteps"}:
        for value in (10**400, -(10**400), 10**30, float("nan"), [10**400]):
            refused(lambda o=option, v=value: schedulers.create(name, {o: v}, 4))
            refused(lambda o=option, v=value: schedulers.create(name, {}, 4, {o: v}))


def test_the_exact_record(tmp_path: Path) -> None:
    """Every number of a record in turn, and one in a field that a later version might have."""
    versions = {"safelight": "0.1.0"}
    edits = (Edit(1, "guidance_scale", 2.0), Edit(2, "vary", {"amount": 0.5, "seed": 3}))
    request = Request("x", width=64, height=64, scheduler="unipc", edits=edits, class_label=1)
    request = Request.from_dict(request.to_dict() | {"guidance_curve": [[0.0, 1.0]]})
    record = Record(request, 4, "Emoji", "0" * 64, "cpu", "float32", versions, (), branches=(1,))
    plain = json.loads(record.to_json()) | {"later": {"number": 1}}
    path = tmp_path / "a.png"
    places = [*_places(plain)]
    assert len(places) > 20
    for place in places:
        for written in WRITTEN:
            write_png(path, {"safelight": _with(plain, place, written)})
            refused(lambda: read_record(path))


A1111 = """a cat
Negative prompt: dogs
Steps: {0}, Sampler: Euler a, CFG scale: {0}, Seed: {0}, Size: {0}x{0}, Clip skip: {0}, Eta: {0}, \
Denoising strength: {0}"""
COMFYUI = """{{"1": {{"class_type": "KSampler", "inputs": {{"seed": {0}, "steps": {0}, "cfg": {0},
"sampler_name": "euler", "scheduler": "normal", "denoise": {0}, "positive": ["2", 0],
"negative": ["2", 0], "latent_image": ["3", 0], "model": ["4", {0}]}}}},
"2": {{"class_type": "CLIPTextEncode", "inputs": {{"text": "a cat", "clip": ["4", 1]}}}},
"3": {{"class_type": "EmptyLatentImage",
"inputs": {{"width": {0}, "height": {0}, "batch_size": {0}}}}},
"4": {{"class_type": "CheckpointLoaderSimple", "inputs": {{"ckpt_name": "x.safetensors"}}}},
"5": {{"class_type": "SaveImage", "inputs": {{"images": ["1", 0]}}}}}}"""
INVOKEAI = """{{"positive_prompt": "a cat", "steps": {0}, "cfg_scale": {0}, "seed": {0},
"width": {0}, "height": {0}, "clip_skip": {0}, "cfg_rescale_multiplier": {0},
"scheduler": "euler"}}"""
INVOKEAI_2 = """{{"model_weights": "x", "image": {{"prompt": [{{"prompt": "a cat", "weight": {0}}}],
"steps": {0}, "cfg_scale": {0}, "seed": {0}, "width": {0}, "height": {0},
"sampler": "k_euler"}}}}"""
FOOOCUS = """{{"prompt": "a cat", "steps": {0}, "guidance_scale": {0}, "seed": {0},
"resolution": [{0}, {0}], "clip_skip": {0}, "sampler": "euler", "scheduler": "karras",
"sharpness": {0}, "metadata_scheme": "fooocus", "version": "Fooocus v2.5.0"}}"""
SWARMUI = """{{"sui_image_params": {{"prompt": "a cat", "steps": {0}, "cfgscale": {0},
"seed": {0}, "width": {0}, "height": {0}, "clipstopatlayer": {0}}}}}"""
OTHERS = {
    "AUTOMATIC1111": ("parameters", A1111),
    "ComfyUI": ("prompt", COMFYUI),
    "InvokeAI": ("invokeai_metadata", INVOKEAI),
    "InvokeAI 2": ("sd-metadata", INVOKEAI_2),
    "Fooocus": ("parameters", FOOOCUS),
    "SwarmUI": ("parameters", SWARMUI),
}


@pytest.mark.parametrize("written", [*WRITTEN, f'"{"9" * 400}"', "[]"])
@pytest.mark.parametrize("program", OTHERS)
def test_what_other_programs_tell(program: str, written: str, tmp_path: Path) -> None:
    """The picture is refused in a sentence, or read without these numbers."""
    name, form = OTHERS[program]
    write_png(tmp_path / "a.png", {name: form.format(written)})
    try:
        recipe = programs.recipe_of_picture(tmp_path / "a.png")
    except EngineError as error:
        assert len(str(error)) <= MOST_LETTERS
    else:
        told = dict(recipe.fields)
        Request.from_dict(told)
        assert not {"steps", "guidance_scale", "seed", "width"} & {k for k, v in told.items() if v}
        assert all(len(sentence) <= MOST_LETTERS for sentence in recipe.left_out)


def write_png(path: Path, texts: dict[str, str], size: tuple[int, int] = (1, 1)) -> None:
    """A picture of that size, of whose pixels there is only one, and these texts."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = zlib.crc32(kind + content).to_bytes(4, "big")
        return struct.pack(">I", len(content)) + kind + content + checked

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))
    told = b"".join(chunk(b"tEXt", f"{k}\0{v}".encode("latin-1")) for k, v in texts.items())
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + told + pixels + chunk(b"IEND", b""))


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in the record there is a number."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*place, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place


def _with(plain: Any, place: tuple[Any, ...], written: str) -> str:
    """The record as JSON, with this in the place of that number."""
    changed = json.loads(json.dumps(plain))
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = "THE NUMBER"
    return json.dumps(changed).replace('"THE NUMBER"', written)
