"""ComfyUI's pipes, contexts and nodes of others: they are looked into."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.record.interchange.graphs import EULER, KARRAS, check, graph, node, read


def members(start: int, *names: str) -> dict[str, list]:
    """Inputs of a sampler that are outputs of node 20, from this number on."""
    known = {"latent": "latent_image", "sampler": "sampler_name"}
    return {known.get(name, name): ["20", start + at] for at, name in enumerate(names) if name}


BASIC = {"model": ["4", 0], "clip": ["4", 1], "vae": ["4", 2], "positive": ["6", 0]}

BASIC |= {"negative": ["7", 0]}

WITH_LATENT = BASIC | {"latent": ["5", 0]}

IN_CONTEXT = members(1, "model", "", "", "positive", "negative", "latent")

CONTEXTS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (
        {
            "20": node("Context (rgthree)", base_ctx=["21", 0]),
            "21": node("Context (rgthree)", base_ctx=["22", 0], positive=["6", 0]),
            "22": node("Context (rgthree)", **WITH_LATENT | {"positive": ["7", 0]}, seed=1),
        },
        IN_CONTEXT | {"seed": ["20", 8]},
        {"seed": 1},
    ),
    (
        {
            "20": node("Context Big (rgthree)", base_ctx=["21", 0], steps=9),
            "21": node("Context Big (rgthree)", **WITH_LATENT, cfg=3.5, steps=8, sampler="euler"),
        },
        IN_CONTEXT | {"steps": ["20", 9], "cfg": ["20", 11], "sampler_name": ["20", 13]},
        {"steps": 9, "guidance_scale": 3.5, **EULER, "scheduler_options": KARRAS},
    ),
    (
        {
            "20": node("Context Switch (rgthree)", ctx_01=["gone", 0], ctx_02=["22", 0]),
            "22": node("Context (rgthree)", **WITH_LATENT),
        },
        IN_CONTEXT,
        {},
    ),
    (
        {
            "20": node("Context Merge (rgthree)", ctx_01=["21", 0], ctx_02=["22", 0]),
            "21": node("Context (rgthree)", **WITH_LATENT | {"positive": ["7", 0]}),
            "22": node("Context (rgthree)", positive=["6", 0]),
        },
        IN_CONTEXT,
        {},
    ),
    (
        {"20": node("FromBasicPipe", basic_pipe=["21", 0]), "21": node("ToBasicPipe", **BASIC)},
        members(0, "model", "", "", "positive", "negative"),
        {},
    ),
    (
        {
            "20": node("FromBasicPipe_v2", basic_pipe=["21", 0]),
            "21": node("EditBasicPipe", basic_pipe=["22", 0], positive=["6", 0]),
            "22": node("ToBasicPipe", **BASIC | {"positive": ["7", 0]}),
        },
        members(1, "model", "", "", "positive", "negative"),
        {},
    ),
    (
        {"20": node("Bus Node", bus=["21", 0]), "21": node("Bus Node", **BASIC)},
        members(1, "model", "", "", "positive", "negative"),
        {},
    ),
    (
        {
            "20": node("CR Module Input", pipe=["21", 0]),
            "21": node(
                "CR Module Pipe Loader",
                **{"model": ["4", 0], "pos": ["6", 0], "neg": ["7", 0], "latent": ["5", 0]},
                seed=4,
            ),
        },
        members(1, "model", "positive", "negative", "latent") | {"seed": ["20", 9]},
        {"seed": 4},
    ),
    (
        {
            "20": node("easy pipeOut", pipe=["21", 0]),
            "21": node("easy pipeIn", model=["4", 0], pos=["6", 0], neg=["7", 0], latent=["5", 0]),
        },
        members(1, "model", "positive", "negative", "latent"),
        {},
    ),
    (
        {
            "20": node("Somebody's Unpack", the_pipe=["21", 0]),
            "21": node("Somebody's Pack", **BASIC),
        },
        members(0, "model", "positive", "negative"),
        {},
    ),
]


@pytest.mark.parametrize(("nodes", "sampler", "changed"), CONTEXTS)
def test_pipes_and_contexts_are_looked_into(nodes, sampler, changed):
    check(graph(nodes, **sampler), (), **changed)


def test_the_output_of_a_pipe_decides_and_not_the_name_of_the_input():
    nodes = {"20": node("FromBasicPipe", basic_pipe=["21", 0]), "21": node("ToBasicPipe", **BASIC)}
    check(
        graph(nodes, positive=["20", 4], negative=["20", 3]),
        prompt="blurry",
        negative_prompt="a cat",
    )


EFFICIENT = {
    "positive": "a cat",
    "negative": "blurry",
    "empty_latent_width": 512,
    "empty_latent_height": 768,
    "batch_size": 1,
}

NUMBERS = {"seed": 42, "steps": 20, "cfg": 7, "sampler_name": "dpmpp_2m", "scheduler": "karras"}


def test_efficiency_nodes():
    loader = node(
        "Efficient Loader",
        **EFFICIENT,
        ckpt_name="dream.safetensors",
        clip_skip=-2,
        lora_name="fine.safetensors",
        lora_stack=["50", 0],
    )
    links = {"model": ["4", 0], "positive": ["4", 1], "negative": ["4", 2]}
    sampler = node("KSampler (Efficient)", **NUMBERS, **links, latent_image=["4", 3], denoise=1)
    save = node("SaveImage", images=["3", 5])
    told = ("LoRA fine.safetensors is left out", "LoRA of Efficient Loader is left out")
    check({"3": sampler, "4": loader, "9": save}, told, clip_skip=2)
    loader = node(
        "Eff. Loader SDXL",
        **EFFICIENT,
        base_ckpt_name="dream.safetensors",
        base_clip_skip=-2,
        refiner_ckpt_name="refine.safetensors",
    )
    numbers = {key: value for key, value in NUMBERS.items() if key != "seed"}
    sampler = node(
        "KSampler SDXL (Eff.)",
        **numbers,
        noise_seed=42,
        sdxl_tuple=["4", 0],
        latent_image=["4", 1],
        start_at_step=0,
    )
    save = node("SaveImage", images=["3", 3])
    told = ("Refiner refine.safetensors is left out",)
    check({"3": sampler, "4": loader, "9": save}, told, clip_skip=2)


def test_easy_use_has_all_of_it_in_a_pipe():
    loader = node(
        "easy fullLoader",
        **EFFICIENT | {"empty_latent_width": 64},
        ckpt_name="dream.safetensors",
        clip_skip=-1,
        lora_name="None",
        resolution="512 x 768",
    )
    nodes = {
        "1": loader,
        "2": node("easy preSampling", **NUMBERS, denoise=1, pipe=["1", 0]),
        "3": node("easy kSampler", pipe=["2", 0], image_output="Save"),
        "9": node("SaveImage", images=["3", 1]),
    }
    check(nodes, clip_skip=1)
    nodes["4"] = node("easy controlnetLoader", pipe=["1", 0], control_net_name="x", strength=1)
    nodes["2"]["inputs"]["pipe"] = ["4", 0]
    told = ("The node easy controlnetLoader is left out: nothing",) * 3  # both prompts, the model
    check(nodes, told, clip_skip=1)
    edit = node("easy pipeEdit", pipe=["1", 0], optional_positive="a hat", optional_negative="")
    nodes["4"] = edit
    check(nodes, clip_skip=1, prompt="a hat")


def test_the_parts_of_a_sampler_are_read_through_what_changes_them():
    nodes = {
        "3": node(
            "SamplerCustomAdvanced",
            noise=["30", 0],
            guider=["31", 0],
            sampler=["35", 0],
            sigmas=["33", 0],
            latent_image=["5", 0],
        ),
        "30": node("RandomNoise", noise_seed=["36", 0]),
        "31": node("CFGGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], cfg=5),
        "32": node("KSamplerSelect", sampler_name="euler"),
        "33": node("SplitSigmas", sigmas=["34", 0], step=10),
        "34": node("BasicScheduler", scheduler="beta", steps=25, denoise=1, model=["4", 0]),
        "35": node("DetailDaemonSamplerNode", sampler=["32", 0], detail_amount=0.1),
        "36": node("Seed (rgthree)", seed=9),
    }
    check(
        graph(nodes),
        (
            "The node SplitSigmas, step 10 is left out: nothing changes the sigmas here.",
            "The node DetailDaemonSamplerNode, detail_amount 0.1 is left out",
        ),
        seed=9,
        steps=25,
        guidance_scale=5,
        scheduler="euler",
        scheduler_options={"use_beta_sigmas": True},
    )
    silent = nodes | {"30": node("DisableNoise")}
    told = read(graph(silent)).left_out
    assert "The noise of DisableNoise is left out: it names no seed." in told


def test_the_loras_that_are_put_in_are_said():
    power = node(
        "Power Lora Loader (rgthree)",
        lora_1={"on": True, "lora": "fine.safetensors", "strength": 1},
        lora_2={"on": False, "lora": "off.safetensors", "strength": 1},
        model=["4", 0],
        clip=["4", 1],
    )
    told = ("LoRA fine.safetensors is left out: LoRAs are not loaded here.",)
    check(graph({"20": power}, model=["20", 0]), told)


def test_a_model_that_is_not_found_is_said():
    recipe = read(graph({"4": node("Somebody's Loader", which=3)}))
    assert recipe.model == ""
    assert recipe.left_out == ("The model is left out: its name cannot be found in the graph.",)
