"""RuinedFooocus, NovelAI, Draw Things, Easy Diffusion and stable-diffusion.cpp as they write their
files, the text that some hide in the alpha channel, files of text, and that no text of any shape
gives anything but a recipe or one sentence."""

from __future__ import annotations

import gzip
import html
import json
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import engine
from engine import Request
from engine.record.interchange import programs, stealth
from engine.record.interchange.recipe import Recipe

KARRAS = {"use_karras_sigmas": True}
PLAIN = {
    "prompt": "a cat on a sofa, 猫",
    "negative_prompt": "blurry",
    "width": 512,
    "height": 768,
    "steps": 25,
    "guidance_scale": 7.5,
    "seed": 42,
}


def png(path: Path, texts: dict[str, str]) -> Path:
    chunks = PngInfo()
    for key, text in texts.items():
        chunks.add_text(key, text)
    Image.new("RGB", (8, 8)).save(path, "PNG", pnginfo=chunks)
    return path


def check(recipe: Recipe, program: str, told: list[str], **changed: Any) -> None:
    assert recipe.program == program
    wanted = {key: value for key, value in (PLAIN | changed).items() if value is not None}
    assert recipe.fields == wanted, recipe.left_out
    assert Request(**recipe.fields)
    assert len(recipe.left_out) == len(told), recipe.left_out
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)
    again = programs.recipe_of_text(recipe.text)
    assert again.fields["prompt"] == recipe.fields["prompt"]


EASY = {
    "prompt": "a cat on a sofa, 猫",
    "negative_prompt": "blurry",
    "seed": "42",
    "use_stable_diffusion_model": "sd-v1-5",
    "clip_skip": "True",
    "use_vae_model": "None",
    "sampler_name": "euler_a",
    "width": "512",
    "height": "768",
    "num_inference_steps": "25",
    "guidance_scale": "7.5",
    "use_lora_model": "fine",
    "lora_alpha": "0.5",
    "tiling": "none",
    "use_upscale": "None",
}
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


RUINED = {
    "Prompt": "a cat on a sofa, 猫",
    "Negative": "blurry",
    "steps": 25,
    "cfg": 7.5,
    "width": 512,
    "height": 768,
    "seed": 42,
    "sampler_name": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "base_model_name": "xl.safetensors",
    "base_model_hash": "be9edd61",
    "loras": [["4852686128", "0.1 - offset.safetensors"]],
    "start_step": 0,
    "denoise": None,
    "clip_skip": 1,
    "software": "RuinedFooocus",
}


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


COMMENT = {
    "prompt": "a cat on a sofa, 猫",
    "steps": 25,
    "height": 768,
    "width": 512,
    "scale": 7.5,
    "uncond_scale": 0.0,
    "cfg_rescale": 0.0,
    "seed": 42,
    "n_samples": 1,
    "noise_schedule": "karras",
    "sampler": "k_euler",
    "sm": False,
    "dynamic_thresholding": False,
    "skip_cfg_above_sigma": None,
    "uc": "blurry",
    "request_type": "PromptGenerateRequest",
    "signed_hash": "x",
}
NOVEL = {"scheduler": "euler", "scheduler_options": KARRAS, "guidance_rescale": 0.0}
V4 = {
    "prompt": None,
    "uc": None,
    "v4_prompt": {
        "caption": {
            "base_caption": "a cat on a sofa, 猫",
            "char_captions": [{"char_caption": "a girl"}, {"char_caption": ""}],
        }
    },
    "v4_negative_prompt": {"caption": {"base_caption": "blurry", "char_captions": []}},
}


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


def hide(path: Path, magic: bytes, content: bytes, size=(160, 140), **saving: Any) -> Path:
    """A picture whose alpha channel has this text in its lowest bits, column after column."""
    width, height = size
    noise = numpy.random.default_rng(1).integers(0, 256, (height, width, 4), numpy.uint8)
    told = magic + struct.pack(">I", len(content) * 8) + content
    bits = numpy.unpackbits(numpy.frombuffer(told, numpy.uint8))
    alpha = numpy.full(width * height, 254, numpy.uint8)
    alpha[: len(bits)] |= bits[: width * height]
    noise[..., 3] = alpha.reshape(width, height).T
    Image.fromarray(noise, "RGBA").save(path, **saving)
    return path


PARAMETERS = "a cat on a sofa, 猫\nNegative prompt: blurry\nSteps: 25, Sampler: Euler, CFG scale: "
PARAMETERS += "7.5, Seed: 42, Size: 512x768, RNG: CPU"
EULER = {"scheduler": "euler", "scheduler_options": {}}


@pytest.mark.parametrize("level", [0, 9])
@pytest.mark.parametrize("magic", [stealth.PLAIN, stealth.PACKED])
def test_a_text_in_the_alpha_channel(tmp_path, magic, level):
    content = PARAMETERS.encode()
    packed = gzip.compress(content) if magic == stealth.PACKED else content
    path = hide(tmp_path / "a.png", magic, packed, compress_level=level)
    check(programs.recipe_of_picture(path), "AUTOMATIC1111", [], **EULER)


@pytest.mark.parametrize("way", range(5))
def test_the_first_column_is_read_however_its_rows_are_packed(tmp_path, way):
    """Each of the five filters of a PNG, by hand: what a writer takes is its own choice."""
    path = hide(tmp_path / "a.png", stealth.PLAIN, PARAMETERS.encode())
    pixels = numpy.asarray(Image.open(path)).astype(int)
    height, width, _ = pixels.shape
    left = numpy.pad(pixels, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    above = numpy.pad(pixels, ((1, 0), (0, 0), (0, 0)))[:-1]
    corner = numpy.pad(pixels, ((1, 0), (1, 0), (0, 0)))[:-1, :-1]
    guess = left + above - corner
    distance = [abs(guess - of) for of in (left, above, corner)]
    by_left = (distance[0] <= distance[1]) & (distance[0] <= distance[2])
    paeth = numpy.where(by_left, left, numpy.where(distance[1] <= distance[2], above, corner))
    taken = [0, left, above, (left + above) // 2, paeth][way]
    rows = (pixels - taken).astype(numpy.uint8).reshape(height, 4 * width)
    packed = zlib.compress(b"".join(bytes([way]) + row.tobytes() for row in rows))
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", packed[:999]), (b"IDAT", packed[999:]), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n"
    for kind, part in parts:
        crc = struct.pack(">I", zlib.crc32(kind + part))
        content += struct.pack(">I", len(part)) + kind + part + crc
    path.write_bytes(content)
    assert stealth.hidden_text(path) == PARAMETERS


def test_nothing_is_unpacked_where_the_first_words_are_not_there(tmp_path, monkeypatch):
    def unpacked(path: Any) -> bytes:
        raise AssertionError("the pixels were unpacked")

    monkeypatch.setattr(stealth, "_bits", unpacked)
    for name, picture in {
        "alpha": Image.new("RGBA", (300, 300), (1, 2, 3, 255)),
        "plain": Image.new("RGB", (300, 300)),
        "low": Image.new("RGBA", (300, 60)),
        "grey": Image.new("LA", (300, 300)),
    }.items():
        picture.save(tmp_path / f"{name}.png")
        assert stealth.hidden_text(tmp_path / f"{name}.png") is None
    huge = (tmp_path / "alpha.png").read_bytes()
    (tmp_path / "huge.png").write_bytes(huge[:16] + struct.pack(">II", 60000, 60000) + huge[24:])
    assert stealth.hidden_text(tmp_path / "huge.png") is None


@pytest.mark.parametrize(
    ("magic", "content", "length", "problem"),
    [
        (stealth.PLAIN, b"\xff\xfe", None, "is damaged"),
        (stealth.PACKED, b"no gzip", None, "is damaged"),
        (stealth.PLAIN, b"a", 2**32 - 8, "longer than the picture"),
        (stealth.PACKED, gzip.compress(bytes(5 * 2**20)), None, "is longer than 4,194,304 bytes"),
    ],
)
def test_a_hidden_text_that_is_none_is_one_sentence(tmp_path, magic, content, length, problem):
    path = hide(tmp_path / "a.png", magic, content, (400, 400))
    if length is not None:
        pixels = numpy.asarray(Image.open(path)).copy()
        bits = numpy.unpackbits(numpy.frombuffer(struct.pack(">I", length), numpy.uint8))
        alpha = pixels[..., 3].T.reshape(-1)
        alpha[stealth.BEGIN : stealth.BEGIN + 32] = 254 | bits
        pixels[..., 3] = alpha.reshape(400, 400).T
        Image.fromarray(pixels, "RGBA").save(path)
    begun = time.perf_counter()
    with pytest.raises(engine.EngineError, match=problem):
        programs.recipe_of_picture(path)
    assert time.perf_counter() - begun < 2


DRAWN = {
    "c": "a cat on a sofa, 猫",
    "uc": "blurry",
    "steps": 25,
    "sampler": "DPM++ 2M Karras",
    "scale": 7.5,
    "seed": 42,
    "size": "512x768",
    "model": "dream.ckpt",
    "strength": 1,
    "seed_mode": "Torch CPU Compatible",
    "v2": {"loras": [], "controls": []},
}
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
