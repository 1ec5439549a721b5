"""ComfyUI's graphs as its usual nodes make them, in PNG and WebP."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from PIL import Image

import engine
from engine import Request
from engine.record.interchange import programs
from tests.engine.record.interchange.pictures import EULER, KARRAS, picture

TRAILING = {"timestep_spacing": "trailing"}


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": kind}}


USUAL = {
    "3": node(
        "KSampler",
        seed=156680208700286,
        steps=20,
        cfg=8,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="v1-5-pruned.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
    "6": node("CLIPTextEncode", text="a glass\nbottle: blue", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="text, watermark", clip=["4", 1]),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
}

FOUND = {
    "prompt": "a glass\nbottle: blue",
    "negative_prompt": "text, watermark",
    "width": 512,
    "height": 768,
    "steps": 20,
    "guidance_scale": 8,
    "seed": 156680208700286,
    "scheduler": "dpmpp_2m",
    "scheduler_options": KARRAS,
}

ADVANCED = node(
    "KSamplerAdvanced",
    add_noise="enable",
    noise_seed=7,
    steps=25,
    cfg=8,
    sampler_name="euler",
    scheduler="normal",
    start_at_step=0,
    end_at_step=20,
    return_with_leftover_noise="enable",
    model=["4", 0],
    positive=["6", 0],
    negative=["7", 0],
    latent_image=["5", 0],
)

CUSTOM = {
    "3": node(
        "SamplerCustomAdvanced",
        noise=["20", 0],
        guider=["21", 0],
        sampler=["22", 0],
        sigmas=["23", 0],
        latent_image=["5", 0],
    ),
    "20": node("RandomNoise", noise_seed=7),
    "21": node("CFGGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], cfg=4.5),
    "22": node("KSamplerSelect", sampler_name="euler"),
    "23": node("BasicScheduler", scheduler="simple", steps=30, denoise=1, model=["4", 0]),
}

HIRES = {
    "10": node("LatentUpscale", samples=["3", 0], width=1024, height=1536),
    "11": node(
        "KSampler",
        seed=1,
        steps=14,
        cfg=8,
        sampler_name="dpmpp_2m",
        scheduler="simple",
        denoise=0.5,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["10", 0],
    ),
    "8": node("VAEDecode", samples=["11", 0], vae=["4", 2]),
}


def inputs(number: str, **changed: Any) -> dict[str, Any]:
    return {number: {**USUAL[number], "inputs": {**USUAL[number]["inputs"], **changed}}}


@pytest.mark.parametrize(
    ("change", "fields", "told"),
    [
        ({}, {}, []),
        (
            inputs("3", latent_image=["10", 0]) | {"10": node("LatentFlip", samples=["5", 0])},
            {},
            [],
        ),
        ({"3": ADVANCED}, {**EULER, "seed": 7, "steps": 25}, ["End at step 20 is left out"]),
        (
            CUSTOM,
            {
                "scheduler": "euler",
                "scheduler_options": TRAILING,
                "seed": 7,
                "steps": 30,
                "guidance_scale": 4.5,
            },
            [],
        ),
        (
            CUSTOM
            | {
                "21": node("BasicGuider", model=["4", 0], conditioning=["24", 0]),
                "24": node("FluxGuidance", guidance=3.5, conditioning=["6", 0]),
                "4": node(
                    "UNETLoader", unet_name="v1-5-pruned.safetensors", weight_dtype="default"
                ),
            },
            {
                "scheduler": "euler",
                "scheduler_options": TRAILING,
                "seed": 7,
                "steps": 30,
                "guidance_scale": 1.0,
                "negative_prompt": None,
            },
            ["The node FluxGuidance is left out"],
        ),
        (
            {
                "3": node(
                    "SamplerCustom",
                    add_noise=True,
                    noise_seed=7,
                    cfg=8,
                    model=["4", 0],
                    positive=["6", 0],
                    negative=["7", 0],
                    sampler=["22", 0],
                    sigmas=["23", 0],
                    latent_image=["5", 0],
                ),
                "22": node("KSamplerSelect", sampler_name="dpmpp_2m"),
                "23": node("BasicScheduler", scheduler="karras", steps=20, denoise=1),
            },
            {"seed": 7},
            [],
        ),
        (
            CUSTOM
            | {"23": node("KarrasScheduler", steps=30, sigma_max=14.6, sigma_min=0.03, rho=7)},
            {"scheduler": "euler", "seed": 7, "steps": 30, "guidance_scale": 4.5},
            [],
        ),
        (
            CUSTOM
            | {
                "21": node("DualCFGGuider", model=["4", 0], cond1=["6", 0], cond2=["6", 0]),
                "22": node("SamplerEulerAncestral", eta=1.0, s_noise=1.0),
                "23": node("SDTurboScheduler", steps=1, denoise=1),
            },
            {
                **dict.fromkeys(("scheduler", "scheduler_options", "prompt", "guidance_scale")),
                **{"negative_prompt": None, "seed": 7, "steps": 1},
            },
            [
                "Sampler SamplerEulerAncestral, SDTurboScheduler is left out",
                "The prompt is left out: its text cannot be found in the graph.",
            ],
        ),
        (
            CUSTOM | {"23": node("AlignYourStepsScheduler", model_type="SD1", steps=10)},
            {**EULER, "seed": 7, "steps": 10, "guidance_scale": 4.5},
            ["Schedule AlignYourStepsScheduler is left out: there is no such spacing"],
        ),
        (HIRES, {}, ["A second pass, KSampler, steps 14, denoise 0.5 is left out"]),
        (
            inputs("9", images=["31", 0])
            | {
                "31": node("ImageScale", image=["32", 0], width=2048, height=2048),
                "32": node("FaceDetailer", image=["8", 0], seed=3, steps=9, positive=["7", 0]),
            },
            {},
            [
                "The node FaceDetailer is left out: nothing",
                "The node ImageScale is left out: nothing",
            ],
        ),
        (
            {"30": deepcopy(USUAL["3"])},
            {},
            ["1 of the graph's 2 samplers is left out: the saved picture does not come from"],
        ),
        (
            inputs("6", clip=["12", 0]) | {"12": node("CLIPSetLastLayer", stop_at_clip_layer=-2)},
            {"clip_skip": 2},
            [],
        ),
        (
            inputs("3", seed=["40", 0], steps=["41", 0])
            | {"40": node("Seed (rgthree)", seed=99), "41": node("PrimitiveInt", value=33)},
            {"seed": 99, "steps": 33},
            [],
        ),
        (
            inputs("6", text=["40", 0])
            | {
                "40": node("StringConcatenate", string_a=["41", 0], string_b="b", delimiter=", "),
                "41": node("PrimitiveStringMultiline", value="a\nnew"),
            },
            {"prompt": "a\nnew, b"},
            [],
        ),
        (
            {
                "6": node(
                    "CLIPTextEncodeSDXL", width=1024, text_g="one", text_l="two", clip=["4", 1]
                ),
                "7": node("CLIPTextEncodeSDXL", text_g="none", text_l="none", clip=["4", 1]),
            },
            {"prompt": "one", "negative_prompt": "none"},
            ["text_l two is left out: all text encoders read text_g here."],
        ),
        (
            inputs("3", negative=["12", 0])
            | {"12": node("ConditioningZeroOut", conditioning=["6", 0])},
            {"negative_prompt": ""},
            ["ConditioningZeroOut is left out: an empty prompt stands in for it."],
        ),
        (
            inputs("3", positive=["12", 0], negative=["12", 1], model=["13", 0])
            | {
                "12": node(
                    "ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], strength=1
                ),
                "13": node("LoraLoader", lora_name="x.safetensors", model=["4", 0], clip=["4", 1]),
            },
            {},
            [
                "The node ControlNetApplyAdvanced is left out: nothing changes a prompt",
                "The node ControlNetApplyAdvanced is left out: nothing changes a prompt",
                "LoRA x.safetensors is left out",
            ],
        ),
        (
            inputs("3", latent_image=["12", 0], denoise=0.6)
            | {
                "12": node("VAEEncode", pixels=["13", 0], vae=["4", 2]),
                "13": node("LoadImage", image="x"),
            },
            {"width": None, "height": None},
            [
                "VAEEncode is left out: the picture that this one began from",
                "Denoise 0.6 is left out",
            ],
        ),
        (
            inputs("3", sampler_name="res_multistep", scheduler="beta57"),
            {"scheduler": None, "scheduler_options": None},
            ["Sampler res_multistep, beta57 is left out: there is no such scheduler here."],
        ),
        (
            inputs("3", scheduler="kl_optimal"),
            {"scheduler_options": {}},
            ["Schedule kl_optimal is left out: there is no such spacing of the noise here."],
        ),
        (
            inputs("3", seed=2**64 - 1, steps=0, cfg=["nowhere", 0]),
            {"seed": None, "steps": None, "guidance_scale": None},
            [
                "Seed 18446744073709551615 is left out",
                "Steps 0 is left out",
                "CFG is left out: the graph does not tell what its link leads to.",
            ],
        ),
        (
            inputs("3", positive=["nowhere", 0], negative=["3", 0], model=["3", 0]),
            {"prompt": None, "negative_prompt": None},
            [
                "The prompt is left out: its text cannot be found",
                "The negative prompt is left out: its text cannot be found",
                "The model is left out: its name cannot be found in the graph.",
                "The node KSampler is left out: nothing changes the model",
            ],
        ),
        (
            {
                "3": node("KSampler (Efficient)", seed=5, steps=20, cfg=8, sampler_name="dpmpp_2m")
                | {"inputs": {**USUAL["3"]["inputs"], "positive": ["4", 1], "negative": ["4", 2]}},
                "4": node(
                    "Efficient Loader",
                    ckpt_name="v1-5-pruned.safetensors",
                    positive="a glass\nbottle: blue",
                    negative="text, watermark",
                    empty_latent_width=512,
                    empty_latent_height=768,
                ),
                "5": node("Nothing"),
            }
            | inputs("9", images=["3", 5]),
            {"width": None, "height": None},
            ["The size is left out: it cannot be found in the graph."],
        ),
    ],
)
def test_graphs_of_comfyui(tmp_path, change, fields, told):
    graph = USUAL | change
    recipe = programs.recipe_of_picture(
        picture(tmp_path / "comfy.png", prompt=graph, workflow={"nodes": []})
    )
    assert recipe.program == "ComfyUI"
    assert recipe.fields == {k: v for k, v in (FOUND | fields).items() if v is not None}
    assert Request(**recipe.fields)
    in_a_circle = graph["3"]["inputs"].get("model") == ["3", 0]
    assert recipe.model == ("" if in_a_circle else "v1-5-pruned.safetensors")
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)
    assert programs.recipe_of_text(json.dumps(graph)).fields == recipe.fields
    assert programs.recipe_of_text(json.dumps({"prompt": graph})).fields == recipe.fields
    again = programs.recipe_of_text(recipe.text) if "steps" in recipe.fields else recipe
    assert again.fields.get("prompt", "") == recipe.fields.get("prompt", "")


def test_a_graph_in_a_webp(tmp_path):
    """As ComfyUI writes it, in fields that are for a camera's name."""
    exif = Image.Exif()
    exif[0x0110], exif[0x010F] = f"prompt:{json.dumps(USUAL)}", 'workflow:{"nodes": []}'
    Image.new("RGB", (8, 8)).save(tmp_path / "comfy.webp", exif=exif)
    assert programs.recipe_of_picture(tmp_path / "comfy.webp").fields == FOUND


def test_a_drawing_of_a_graph_alone_tells_nothing(tmp_path):
    path = picture(tmp_path / "comfy.png", workflow={"nodes": [], "links": []})
    with pytest.raises(engine.EngineError, match=r"comfy\.png does not tell .*ComfyUI's drawing"):
        programs.recipe_of_picture(path)
