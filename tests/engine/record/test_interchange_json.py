"""Pictures of ComfyUI, InvokeAI, Fooocus and SwarmUI, made here as these programs write them, are
read right: what can be used, and what cannot."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import engine
from engine import Request
from engine.record.interchange import programs
from engine.schedulers import create
from engine.schedulers import sampler_names as peers

KARRAS = {"use_karras_sigmas": True}
TRAILING = {"timestep_spacing": "trailing"}


def png(path: Path, **texts: Any) -> Path:
    chunks = PngInfo()
    for key, text in texts.items():
        plain = text if isinstance(text, str) else json.dumps(text)
        chunks.add_text({"sd_metadata": "sd-metadata"}.get(key, key), plain)
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)
    return path


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
EULER = {"scheduler": "euler", "scheduler_options": {}}
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
        png(tmp_path / "comfy.png", prompt=graph, workflow={"nodes": []})
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
    path = png(tmp_path / "comfy.png", workflow={"nodes": [], "links": []})
    with pytest.raises(engine.EngineError, match=r"comfy\.png does not tell .*ComfyUI's drawing"):
        programs.recipe_of_picture(path)


METADATA = {
    "app_version": "5.4.2",
    "generation_mode": "txt2img",
    "positive_prompt": "an owl",
    "negative_prompt": "blurry",
    "width": 512,
    "height": 768,
    "seed": 2718281828,
    "rand_device": "cpu",
    "cfg_scale": 7.5,
    "cfg_rescale_multiplier": 0.7,
    "steps": 30,
    "scheduler": "dpmpp_2m_k",
    "clip_skip": 1,
    "model": {"key": "k", "hash": "blake3:ab12", "name": "dreamer", "base": "sd-1", "type": "main"},
}
OWL = {
    "prompt": "an owl",
    "negative_prompt": "blurry",
    "width": 512,
    "height": 768,
    "seed": 2718281828,
    "guidance_scale": 7.5,
    "steps": 30,
    "scheduler": "dpmpp_2m",
    "scheduler_options": KARRAS,
}
NEW = {"guidance_rescale": 0.7, "clip_skip": 2}
GRAPH = {"id": "g", "nodes": {"n": {"type": "noise", "seed": 1}}, "edges": []}
OLD = {
    "model": "stable diffusion",
    "model_weights": "dreamer",
    "model_hash": "cc6c",
    "app_id": "invoke-ai/InvokeAI",
    "app_version": "2.3.5",
    "image": {
        "prompt": [{"prompt": "an owl [blurry]", "weight": 1.0}],
        "steps": 30,
        "cfg_scale": 7.5,
        "threshold": 0,
        "perlin": 0.0,
        "height": 768,
        "width": 512,
        "seed": 2718281828,
        "type": "txt2img",
        "sampler": "k_euler_a",
        "postprocessing": None,
        "variations": [],
    },
}
OF_OLD = {"scheduler": "euler_ancestral", "scheduler_options": {}}
SPACED = "How k_euler_a spaced the noise is left out"
DREAM = '"an owl [blurry]" -s 30 -S 2718281828 -W 512 -H 768 -C 7.5 -A k_euler_a'


@pytest.mark.parametrize(
    ("texts", "fields", "told"),
    [
        ({"invokeai_metadata": METADATA, "invokeai_graph": GRAPH}, NEW, []),
        ({"invokeai_metadata": METADATA}, NEW, []),
        (
            {
                "invokeai_graph": {
                    "nodes": {"a": {"type": "noise"}, "b": METADATA | {"type": "core_metadata"}}
                }
            },
            NEW,
            [],
        ),
        (
            {
                "invokeai_metadata": METADATA
                | {
                    "model": {"model_name": "dreamer", "base_model": "sd-1"},
                    "clip_skip": 0,
                    "cfg_rescale_multiplier": None,
                    "negative_prompt": None,
                    "rand_device": "cuda",
                    "loras": [{"lora": {"model_name": "x"}, "weight": 0.7}],
                    "positive_style_prompt": "an owl",
                    "negative_style_prompt": "other",
                    "vae": {"name": "fine"},
                }
            },
            {"clip_skip": 1, "negative_prompt": None},
            [
                "Noise of cuda is left out: a seed's noise is drawn on the CPU",
                "loras with 1 parts is left out",
                "negative_style_prompt other is left out",
                "vae fine is left out",
            ],
        ),
        (
            {
                "invokeai_metadata": METADATA
                | {"scheduler": "heun_x", "seed": "1" * 5000, "steps": 1e400}
            },
            NEW | {"scheduler": None, "scheduler_options": None, "seed": None, "steps": None},
            [
                "Sampler heun_x is left out",
                "Seed 1111",
                "Steps inf is left out: it is no whole number.",
            ],
        ),
        ({"sd_metadata": OLD, "Dream": "broken"}, OF_OLD, [SPACED]),
        (
            {
                "sd_metadata": {
                    **OLD,
                    "image": None,
                    "images": [OLD["image"] | {"prompt": "an owl [blurry]"}],
                }
            },
            OF_OLD,
            [SPACED],
        ),
        (
            {"sd_metadata": "{broken", "Dream": DREAM},
            OF_OLD,
            [SPACED, "InvokeAI's sd-metadata is no JSON"],
        ),
        ({"Dream": DREAM}, OF_OLD, [SPACED]),
        ({"Dream": DREAM.replace('"', "") + " -G 0.8"}, OF_OLD, [SPACED, "-G 0.8 is left out"]),
        (
            {
                "invokeai": {
                    "type": "t2i",
                    "node": OLD["image"]
                    | {"prompt": "an owl [blurry]", "sampler_name": "dpmpp_2m_k"},
                }
            },
            {},
            [],
        ),
    ],
)
def test_generations_of_invokeai(tmp_path, texts, fields, told):
    recipe = programs.recipe_of_picture(png(tmp_path / "invoke.png", **texts))
    assert recipe.program == "InvokeAI"
    assert recipe.fields == {k: v for k, v in (OWL | fields).items() if v is not None}
    assert Request(**recipe.fields)
    names_no_model = "invokeai" in texts or texts.get("Dream", "").find("-S 2718281828") > 0
    assert recipe.model == ("" if names_no_model else "dreamer")
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)


FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL_v8Rundiffusion",
    "base_model_hash": "aeb7e9e689",
    "clip_skip": 2,
    "full_negative_prompt": ["(worst quality:1.4)", "blurry"],
    "full_prompt": ["cinematic still an owl", "an owl, great"],
    "guidance_scale": 4.0,
    "lora_combined_1": "sd_xl_offset : 0.1",
    "loras": [["sd_xl_offset", 0.1, "4852686128"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": "blurry",
    "performance": "Speed",
    "prompt": "an owl",
    "prompt_expansion": "an owl, great",
    "refiner_model": "None",
    "refiner_switch": 0.5,
    "resolution": "(1152, 896)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "2128938480083126484",
    "sharpness": 2.0,
    "steps": 30,
    "styles": "['Fooocus V2']",
    "vae": "Default (model)",
    "version": "Fooocus v2.4.1",
}
OF_FOOOCUS = {
    "prompt": "an owl",
    "negative_prompt": "blurry",
    "width": 1152,
    "height": 896,
    "seed": 2128938480083126484,
    "guidance_scale": 4.0,
    "steps": 30,
    "clip_skip": 2,
    "scheduler": "dpmpp_2m_sde",
    "scheduler_options": KARRAS,
}
NOT_OF_FOOOCUS = (
    "Styles ['Fooocus V2'] is left out: only the prompt itself is taken.",
    "LoRA sd_xl_offset : 0.1 is left out: LoRAs are not loaded here.",
    "Sharpness 2.0 is left out: there is no such setting here.",
    "Adm guidance (1.5, 0.8, 0.3) is left out: there is no such setting here.",
)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_fooocus(tmp_path, suffix):
    path = tmp_path / f"fooocus{suffix}"
    if suffix == ".png":
        png(path, parameters=FOOOCUS, fooocus_scheme="fooocus")
    else:  # right in the first directory of EXIF, as it does it
        exif = Image.Exif()
        exif[0x9286], exif[0x0131], exif[0x927C] = json.dumps(FOOOCUS), "Fooocus v2.4.1", "fooocus"
        Image.new("RGB", (8, 8)).save(path, exif=exif)
    recipe = programs.recipe_of_picture(path)
    assert (recipe.program, recipe.fields) == ("Fooocus", OF_FOOOCUS)
    assert (recipe.model, recipe.model_hash) == ("juggernautXL_v8Rundiffusion", "aeb7e9e689")
    assert sorted(recipe.left_out) == sorted(NOT_OF_FOOOCUS)


def test_the_log_of_fooocus_has_the_same_names_with_capitals():
    log = {key.replace("_", " ").title(): value for key, value in FOOOCUS.items()}
    log["Resolution"] = [1152, 896]
    assert programs.recipe_of_text(json.dumps(log)).fields == OF_FOOOCUS


SWARM = {
    "sui_image_params": {
        "prompt": "an owl",
        "negativeprompt": "",
        "model": "OfficialStableDiffusion/sd_xl_base_1.0",
        "seed": 1,
        "steps": 20,
        "cfgscale": 7.0,
        "aspectratio": "1:1",
        "width": 1024,
        "height": 1024,
        "automaticvae": True,
        "sampler": "dpmpp_2m",
        "scheduler": "karras",
        "swarm_version": "0.9.3.1",
    },
    "sui_extra_data": {"date": "2024-11-13"},
    "sui_models": [
        {"name": "x", "param": "loras", "hash": "0x1"},
        {"name": "sd_xl_base_1.0.safetensors", "param": "model", "hash": "0x31e35c80fc"},
    ],
}
OF_SWARM = {
    "prompt": "an owl",
    "negative_prompt": "",
    "width": 1024,
    "height": 1024,
    "seed": 1,
    "guidance_scale": 7.0,
    "steps": 20,
    "scheduler": "dpmpp_2m",
    "scheduler_options": KARRAS,
}
AS_TEXT = {
    **{key: str(value) for key, value in SWARM["sui_image_params"].items()},
    "clipstopatlayer": "-2",
    "variationseedstrength": "0",
    "loras": ["x", "y"],
    "refinerupscale": 2,
    "vae": "fine",
    "prompt": "an owl <lora:x>",
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize(
    ("params", "fields", "told"),
    [
        (SWARM["sui_image_params"], {}, []),
        (
            AS_TEXT,
            {"clip_skip": 2, "prompt": "an owl <lora:x>"},
            [
                "LoRAs are not loaded here: <lora:x> stays in the prompt as mere text.",
                "loras with 2 parts is left out: LoRAs are not loaded here.",
                "refinerupscale 2 is left out: there is no second pass here.",
                "vae fine is left out: the model's own autoencoder is taken.",
            ],
        ),
        (
            {"prompt": "an owl", "comfyuisampler": "euler", "seed": -1, "width": "a", "height": 8},
            {
                **dict.fromkeys(
                    ("negative_prompt", "width", "height", "seed", "guidance_scale", "steps")
                ),
                **EULER,
            },
            ["Seed -1 is left out", "Width a is left out: it is no whole number."],
        ),
    ],
)
def test_swarmui(tmp_path, suffix, params, fields, told):
    value = SWARM | {"sui_image_params": params}
    path = tmp_path / f"swarm{suffix}"
    if suffix == ".png":
        png(path, parameters=json.dumps(value, indent=2))
    else:
        exif = Image.Exif()
        text = json.dumps(value, indent=2)
        exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-le")
        Image.new("RGB", (8, 8)).save(path, exif=exif)
    recipe = programs.recipe_of_picture(path)
    assert recipe.program == "SwarmUI"
    assert recipe.fields == {k: v for k, v in (OF_SWARM | fields).items() if v is not None}
    assert recipe.model_hash == "31e35c80fc"
    for sentence, start in zip(sorted(recipe.left_out), sorted(told), strict=True):
        assert sentence.startswith(start)


def test_every_name_of_a_peer_makes_a_scheduler():
    tables = (peers.COMFYUI, peers.FOOOCUS, peers.SDCPP, peers.INVOKEAI_OLD)
    for name, options in (choice for table in tables for choice in table.values()):
        assert create(name, {}, 10, options).about.name == name
    for table in (peers.COMFYUI_SCHEDULES, peers.SDCPP_SCHEDULES, peers.A1111_TYPES):
        for options in table.values():
            assert create("euler", {}, 10, options).about.name == "euler"
