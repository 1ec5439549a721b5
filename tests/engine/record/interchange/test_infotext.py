"""AUTOMATIC1111's text as others write it is read in all its variants."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, features

import engine
from engine import Request
from engine.record.interchange import programs
from tests.engine.record.interchange.own_record import RECORD, chunks, save_with_comment

LAST = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512"

BASE = {
    "prompt": "girl",
    "negative_prompt": "",
    "steps": 20,
    "guidance_scale": 7.0,
    "seed": 965400086,
    "width": 512,
    "height": 512,
    "scheduler": "euler_ancestral",
    "scheduler_options": {},
}

GPU = "RNG GPU is left out: a seed's noise is drawn on the CPU here, so that the picture will be"

THEIRS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (f"girl\n{LAST}, Model hash: 45dee52b", "AUTOMATIC1111", {}, [GPU]),
    (
        f"girl,\nwith: colons\n\nand gaps\nNegative prompt: ugly,\nbad: hands\n{LAST}, RNG: CPU",
        "AUTOMATIC1111",
        {
            "prompt": "girl,\nwith: colons\n\nand gaps",
            "negative_prompt": "ugly,\nbad: hands",
        },
        [],
    ),
    (
        f"Negative prompt: bad\n{LAST}",
        "AUTOMATIC1111",
        {"prompt": "", "negative_prompt": "bad"},
        [GPU],
    ),
    (LAST, "AUTOMATIC1111", {"prompt": ""}, [GPU]),
    (f"girl\r\n{LAST}, RNG: CPU\r\n", "AUTOMATIC1111", {}, []),
    (f"{{girl|boy}}\n{LAST}, RNG: CPU", "AUTOMATIC1111", {"prompt": "{girl|boy}"}, []),
    (
        "girl\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 965400086, "
        "Size: 512x512, Clip skip: 2, RNG: CPU, Version: v1.6.0",
        "AUTOMATIC1111",
        {
            "scheduler": "dpmpp_2m",
            "scheduler_options": {"use_karras_sigmas": True},
            "clip_skip": 2,
        },
        [],
    ),
    (
        "girl\nSteps: 20, Sampler: DPM++ 2M SDE, Schedule type: Exponential, CFG scale: 7, "
        "Seed: 965400086, Size: 512x512, RNG: CPU, Version: v1.9.4",
        "AUTOMATIC1111",
        {"scheduler": "dpmpp_2m_sde", "scheduler_options": {"use_exponential_sigmas": True}},
        [],
    ),
    (
        "girl\nSteps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG "
        "Scale: 3.5, Seed: 3045329758, Size: 832x1216, Model hash: 06f96f89f6, Model: flux_dev, "
        'Lora hashes: "A-B: de92428f6411, C: c4f0b45e6a60", Version: f2.0.1v1.10.1-previous-561-'
        "g82eb7566, Diffusion in Low Bits: Automatic (fp16 LoRA), Module 1: ae, Module 2: clip_l",
        "Forge",
        {
            "scheduler": "euler",
            "scheduler_options": {"timestep_spacing": "trailing"},
            "guidance_scale": 1.0,
            "seed": 3045329758,
            "width": 832,
            "height": 1216,
        },
        [
            GPU,
            "Distilled CFG Scale: 3.5 is left out",
            "Lora hashes: A-B: de92428f6411, C: c4f0b45e6a60 is left out: LoRAs are not loaded",
            "Diffusion in Low Bits: Automatic (fp16 LoRA) is left out",
            "Module 1: ae is left out",
            "Module 2: clip_l is left out",
        ],
    ),
    (
        f'girl\n{LAST}, ENSD: 31337, Denoising strength: 0.4, Hires upscale: 2, Hires prompt: "a, '
        'b: \\"c\\"", Hires steps: 9, Hires upscaler: Latent, ControlNet 0: "Module: canny, Weight:'
        ' 1", RNG: CPU, Version: v1.7.0',
        "AUTOMATIC1111",
        {},
        [
            "ENSD: 31337 is left out: noise is drawn in another way",
            "Denoising strength: 0.4 is left out",
            'Hires upscale: 2, Hires prompt: a, b: "c", Hires steps: 9 and 1 more are left out',
            "ControlNet 0: Module: canny, Weight: 1 is left out: there is no ControlNet",
        ],
    ),
    (
        f"girl\n{LAST}, RNG: CPU, Civitai resources: "
        '[{"type":"checkpoint","modelVersionId":1,"modelName":"a, b"}], Tiling: True',
        "AUTOMATIC1111",
        {},
        ["Civitai resources: [{", "Tiling: True is left out"],
    ),
    (
        f"girl\n{LAST}, RNG: CPU, Version: v1.5.0\nTemplate: {{girl|boy}}\nFoo: a",
        "AUTOMATIC1111",
        {},
        ["Foo: a is left out"],
    ),
    (
        "girl\nSteps: 20, Sampler: DPM adaptive, CFG scale: 7, Seed: 965400086, Size: 512x512, "
        "RNG: CPU",
        "AUTOMATIC1111",
        {"scheduler": None},
        ["Sampler DPM adaptive is left out: there is no such scheduler here."],
    ),
    (
        "girl\nSteps: 20, Sampler: Euler a, Schedule type: Turbo, CFG scale: 7, Seed: 965400086, "
        "Size: 512x512, RNG: CPU",
        "AUTOMATIC1111",
        {},
        ["Schedule Turbo is left out: there is no such spacing"],
    ),
    (
        "girl\nSteps: 20, Sampler: Euler a Karras, CFG scale: 7, Seed: 965400086, Size: 512x512, "
        "RNG: CPU",
        "AUTOMATIC1111",
        {},
        ["use_karras_sigmas True is left out: the scheduler euler_ancestral has no such option"],
    ),
    (
        "girl\nSteps: 99999, Sampler: DDIM, CFG scale: 1e9, Seed: -1, Size: 0x512, Clip skip: 99, "
        "Eta DDIM: 0.5, RNG: CPU",
        "AUTOMATIC1111",
        {
            **dict.fromkeys(("steps", "guidance_scale", "seed", "width", "height")),
            "scheduler": "ddim",
            "eta": 0.5,
        },
        [
            "Steps 99999 is left out: 99999 is outside 1 to 1000.",
            "CFG scale 1e9 is left out",
            "Seed -1 is left out: -1 is outside 0 to",
            "Clip skip 99 is left out",
            "Width 0 is left out: 0 is outside",
        ],
    ),
    (
        "a lovely cat\nNegative prompt: dog\nSteps: 20, CFG scale: 7.000000, Guidance: 3.500000, "
        "Eta: 0.000000, Seed: 42, Size: 512x512, Model: sd-v1-4.ckpt, RNG: cuda, Sampler: euler_a,"
        " Version: stable-diffusion.cpp",
        "stable-diffusion.cpp",
        {"prompt": "a lovely cat", "negative_prompt": "dog", "seed": 42},
        ["RNG cuda is left out"],
    ),
    (
        "girl\nSteps: 20, CFG scale: 7.0, SLG scale: 2.5, Skip layers: [7, 8, 9, ], Skip layer "
        "start: 0.01, Guidance: 4.0, Eta: 1.0, Seed: 965400086, Size: 512x512, Model: m.gguf, RNG: "
        "std_default, Sampler: dpm++2m karras, TE: a, TE: b, Clip skip: 2, Version: "
        'stable-diffusion.cpp, SDCPP: {"schema":"sdcpp.image.params/v1","prompt":{"positive":'
        '"girl, Steps: 3"},"seed":1}',
        "stable-diffusion.cpp",
        {
            "scheduler": "dpmpp_2m",
            "scheduler_options": {"use_karras_sigmas": True},
            "clip_skip": 2,
        },
        [
            "RNG std_default is left out",
            "Guidance 4.0 is left out",
            "SLG scale: 2.5 is left out",
            "Skip layers: [7, 8, 9, ] is left out",
            "Skip layer start: 0.01 is left out",
            "TE: b is left out",
        ],
    ),
    (
        "girl, cinematic still\nNegative prompt: anime\nSteps: 20, Sampler: DPM++ 2M SDE Karras, "
        "Seed: 965400086, Size: 512x512, CFG scale: 7, Sharpness: 2.0, Model: juggernautXL_v8, "
        'Model hash: 6e4f9a1, Performance: Speed, Scheduler: karras, VAE: x, Raw prompt: "girl\\n'
        'and: boy", Raw negative prompt: , Lora hashes: "l: 4852686128", Version: Fooocus v2.4.1',
        "Fooocus",
        {
            "prompt": "girl\nand: boy",
            "scheduler": "dpmpp_2m_sde",
            "scheduler_options": {"use_karras_sigmas": True},
        },
        [
            "Sharpness: 2.0 is left out",
            "Performance: Speed is left out",
            "VAE: x is left out",
            "Lora hashes: l: 4852686128 is left out",
        ],
    ),
    (
        "girl <lora:add_detail:0.8> <lora:b:1>\nSteps: 20, Sampler: euler, Scheduler: karras, CFG "
        "scale: 7, Seed: 965400086, Size: 512x512, Version: ComfyUI",
        "ComfyUI",
        {
            "prompt": "girl <lora:add_detail:0.8> <lora:b:1>",
            "scheduler": "euler",
            "scheduler_options": {"use_karras_sigmas": True},
        },
        ["LoRAs are not loaded here: <lora:add_detail:0.8>, <lora:b:1> stays in the prompt"],
    ),
]


@pytest.mark.parametrize(("text", "program", "fields", "told"), THEIRS)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ""])
def test_texts_of_others(tmp_path, suffix, text, program, fields, told):
    path = tmp_path / f"theirs{suffix}"
    if suffix == ".png":
        Image.new("RGB", (8, 8)).save(path, pnginfo=chunks(parameters=text))
    elif suffix:
        save_with_comment(path, text)
    recipe = programs.recipe_of_picture(path) if suffix else programs.recipe_of_text(text)
    assert recipe.program == program
    wanted = {name: value for name, value in (BASE | fields).items() if value is not None}
    if wanted.get("scheduler") is None:
        wanted.pop("scheduler_options")
    assert recipe.fields == wanted
    assert Request(**recipe.fields)
    assert len(recipe.left_out) == len(told), recipe.left_out
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)
        assert sentence.endswith(".") and sentence.isprintable()
    assert recipe.text == text


@pytest.mark.parametrize("text", ["", "a cat", "a: b, c: d, e: f", "Steps: 20", "{", "[1]", "{}"])
def test_a_pasted_text_without_settings_is_one_clear_error(text):
    with pytest.raises(engine.EngineError) as caught:
        programs.recipe_of_text(text)
    assert "\n" not in str(caught.value)


def test_our_record_is_read_from_its_own_json():
    recipe = programs.recipe_of_text(RECORD.to_json())
    assert recipe.record == RECORD
    assert recipe.fields["scheduler_options"] == {"use_karras_sigmas": True}
    assert Request(**recipe.fields) == RECORD.request
    assert recipe.text == RECORD.to_parameters()


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description><exif:UserComment><rdf:Alt>'
    '<rdf:li xml:lang="x-default">girl &lt;b&gt;\n{}</rdf:li></rdf:Alt></exif:UserComment>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def test_the_other_places_where_files_have_a_text(tmp_path):
    picture = Image.new("RGB", (8, 8))
    picture.save(tmp_path / "a.jpg", comment=f"girl <b>\n{LAST}".encode())
    picture.save(tmp_path / "b.jpg", xmp=XMP.format(LAST).encode())
    picture.save(tmp_path / "c.webp", xmp=XMP.format(LAST).encode())
    picture.save(tmp_path / "d.png", pnginfo=chunks(**{"XML:com.adobe.xmp": XMP.format(LAST)}))
    save_with_comment(tmp_path / "e.png", f"girl <b>\n{LAST}")
    if features.check("avif"):
        save_with_comment(tmp_path / "g.avif", f"girl <b>\n{LAST}")
    for path in sorted(tmp_path.iterdir()):
        assert programs.recipe_of_picture(path).fields == BASE | {"prompt": "girl <b>"}, path.name


@pytest.mark.parametrize("comment", ["Created with GIMP", "A day at the beach: sun, sea, sand"])
def test_a_comment_that_tells_no_settings_is_no_prompt(tmp_path, comment):
    save_with_comment(tmp_path / "a.jpg", comment)
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png", pnginfo=chunks(Comment=comment))
    for path in tmp_path.iterdir():
        with pytest.raises(engine.EngineError, match="Its comment tells no settings"):
            programs.recipe_of_picture(path)


def test_other_formats_than_pictures_with_settings_have_are_not_opened(tmp_path):
    """Pillow knows some forty formats, and finds out by trying."""
    for ending in (".bmp", ".ppm", ".pcx", ".tga"):
        path = tmp_path / f"a{ending}"
        Image.new("RGB", (8, 8)).save(path)
        with pytest.raises(engine.EngineError, match="it is no picture"):
            programs.recipe_of_picture(path)
