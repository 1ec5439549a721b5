"""ComfyUI's graphs: the output that is linked decides what a number, a text or a model is, through
switches, pipes and contexts; and what the graph does not tell is said, never guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import Request
from engine.record.interchange import programs
from engine.record.interchange.recipe import Recipe

KARRAS = {"use_karras_sigmas": True}


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def graph(more: dict[str, Any] | None = None, **sampler: Any) -> dict[str, Any]:
    """The default graph, with these inputs of its sampler and these nodes."""
    usual = node(
        "KSampler",
        seed=42,
        steps=20,
        cfg=7,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    )
    usual["inputs"] |= sampler
    return {
        "3": usual,
        "4": node("CheckpointLoaderSimple", ckpt_name="dream.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
        "6": node("CLIPTextEncode", text="a cat", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="x", images=["8", 0]),
    } | (more or {})


WHOLE = {
    "prompt": "a cat",
    "negative_prompt": "blurry",
    "width": 512,
    "height": 768,
    "steps": 20,
    "guidance_scale": 7,
    "seed": 42,
    "scheduler": "dpmpp_2m",
    "scheduler_options": KARRAS,
}


def read(nodes: dict[str, Any]) -> Recipe:
    recipe = programs.recipe_of_text(json.dumps(nodes))
    assert recipe.program == "ComfyUI"
    assert Request(**recipe.fields)
    return recipe


def check(nodes: dict[str, Any], told: tuple[str, ...] = (), **changed: Any) -> None:
    """That the recipe is the default one but for these fields (None: it has none), and that these
    sentences are said, in any order, and no others."""
    recipe = read(nodes)
    wanted = {key: value for key, value in (WHOLE | changed).items() if value is not None}
    assert recipe.fields == wanted, recipe.left_out
    assert recipe.model == "dream.safetensors"
    assert len(recipe.left_out) == len(told), recipe.left_out
    for start in told:
        assert any(sentence.startswith(start) for sentence in recipe.left_out), recipe.left_out


PARAMETERS = node(
    "Input Parameters (Image Saver)",
    **{"seed": 99, "steps": 28, "cfg": 5.5, "sampler": "euler", "scheduler": "beta", "denoise": 1},
)
CONFIG = node(
    "KSampler Config (rgthree)",
    **{"steps_total": 30, "refiner_step": 24, "cfg": 8, "sampler_name": "euler"},
    scheduler="normal",
)
EULER = {"scheduler": "euler", "scheduler_options": {}}
ALL_OF_20 = {
    "seed": ["20", 0],
    "steps": ["20", 1],
    "cfg": ["20", 2],
    "sampler_name": ["20", 3],
    "scheduler": ["20", 4],
    "denoise": ["20", 5],
}


def test_an_output_gives_what_stands_at_its_number():
    check(
        graph({"20": PARAMETERS}, **ALL_OF_20),
        seed=99,
        steps=28,
        guidance_scale=5.5,
        scheduler="euler",
        scheduler_options={"use_beta_sigmas": True},
    )
    linked = {"steps": ["20", 0], "cfg": ["20", 2]}
    check(graph({"20": CONFIG}, **linked), steps=30, guidance_scale=8)
    check(graph({"20": CONFIG}, steps=["20", 1]), steps=24)  # somebody linked the refiner's
    check(
        graph({"20": CONFIG}, sampler_name=["20", 3], scheduler=["20", 4]),
        **EULER,
    )
    check(
        graph({"20": PARAMETERS}, steps=["20", 9]),
        ("Steps is left out: the graph does not tell what its node Input Parameters",),
        steps=None,
    )
    swapped = node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], strength=1)
    check(
        graph({"20": swapped}, positive=["20", 1], negative=["20", 0]),
        ("The node ControlNetApplyAdvanced is left out",) * 2,
        prompt="blurry",
        negative_prompt="a cat",
    )


@pytest.mark.parametrize(
    ("inputs", "index", "steps"),
    [
        ({"seed": 5, "steps": 31, "cfg": 4}, 1, 31),  # by its name
        ({"value": 32}, 0, 32),  # it has no other
        ({"value": ["21", 0]}, 0, 33),
        ({"seed": 5}, 0, None),  # what it makes of its seed is its own affair
        ({"min": 1, "max": 50, "seed": 5}, 0, None),
        ({"a": 3, "b": 4}, 0, None),
        ({}, 0, None),
    ],
)
def test_a_node_that_is_not_known_tells_by_name_or_by_having_one_number(inputs, index, steps):
    nodes = {"20": node("Somebody's", **inputs), "21": node("PrimitiveInt", value=33)}
    told = () if steps else ("Steps is left out: the graph does not tell what its node Somebody's",)
    check(graph(nodes, steps=["20", index]), told, steps=steps)


@pytest.mark.parametrize(
    "kind",
    ["Random Number", "Random Int", "SimpleMath+", "MathExpression|pysssss", "Number Counter"],
)
def test_what_is_drawn_or_reckoned_is_in_no_input(kind):
    made = node(kind, number_type="integer", minimum=1, maximum=9, seed=77, steps=12, value="a+1")
    nodes = graph({"20": made}, steps=["20", 2], seed=["20", 2])
    check(
        nodes,
        ("Steps is left out: the graph does not tell", "Seed is left out: the graph does not tell"),
        steps=None,
        seed=None,
    )


def test_one_output_is_not_two_numbers():
    nodes = graph({"20": node("Mine", steps=12, cfg=4)}, steps=["20", 0], cfg=["20", 0])
    check(nodes, ("Steps is left out", "CFG is left out"), steps=None, guidance_scale=None)


CR = {"swap_dimensions": "Off", "upscale_factor": 2.0, "batch_size": 1}


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "size"),
    [
        (
            "CR SDXL Aspect Ratio",
            {"width": 1024, "height": 1024, "aspect_ratio": "3:4 portrait 896x1152", **CR},
            4,
            (896, 1152),
        ),
        (
            "CR SDXL Aspect Ratio",
            CR
            | {"width": 640, "height": 960, "aspect_ratio": "custom"}
            | {"swap_dimensions": "On"},
            4,
            (960, 640),
        ),
        (
            "CR Aspect Ratio",
            CR
            | {"width": 9, "height": 9, "aspect_ratio": "SDXL - 3:4 portrait 896x1152"}
            | {"prescale_factor": 0.5},
            5,
            (448, 576),
        ),
        (
            "SDXLEmptyLatentSizePicker+",
            {"resolution": "896x1152 (0.78)", "width_override": 0, "height_override": 640},
            0,
            (896, 640),
        ),
        ("SDXL Empty Latent Image (rgthree)", {"dimensions": " 896 x 1152  (p)"}, 0, (896, 1152)),
        (
            "EmptyLatentImagePresets",
            {"dimensions": "768 x 512 (1.5:1)", "invert": True},
            0,
            (512, 768),
        ),
        ("Anybody's", {"resolution": "768x1344 (9:16)", "batch_size": 1}, 0, (768, 1344)),
        ("Anybody's", {"resolution": "768x1344", "width": 64, "height": 64}, 0, None),
        ("Anybody's", {"aspect_ratio": "3:4", "width": 1024, "height": 1024}, 0, None),
        ("Anybody's", {"megapixels": 1.0}, 0, None),
    ],
)
def test_a_size_that_has_a_name_goes_before_numbers(kind, inputs, output, size):
    nodes = graph({"20": node(kind, **inputs)}, latent_image=["20", output])
    recipe = read(nodes)
    found = recipe.fields.get("width"), recipe.fields.get("height")
    assert found == (size or (None, None))
    assert bool(recipe.left_out) is (size is None), recipe.left_out
    if size and kind.startswith("CR"):  # its width and height are outputs too
        linked = node("EmptyLatentImage", width=["20", 0], height=["20", 1])
        recipe = read(graph({"20": node(kind, **inputs), "5": linked}))
        assert (recipe.fields["width"], recipe.fields["height"]) == size


def test_a_clip_size_is_no_size():
    kind = "SDXL Empty Latent Image (rgthree)"
    linked = node("EmptyLatentImage", width=["20", 1], height=["20", 2])
    more = {"20": node(kind, dimensions="896 x 1152", clip_scale=2.0), "5": linked}
    check(
        graph(more),
        ("Width is left out: the graph does not tell", "Height is left out: the graph does not"),
        width=None,
        height=None,
    )


def test_an_enlarged_start_has_the_size_that_it_is_enlarged_to():
    by_size = {"20": node("LatentUpscale", samples=["5", 0], width=640, height=960)}
    check(graph(by_size, latent_image=["20", 0]), width=640, height=960)
    by_factor = {"20": node("LatentUpscaleBy", samples=["5", 0], scale_by=1.5)}
    told = ("The size is left out: the graph does not tell what its node LatentUpscaleBy",)
    check(graph(by_factor, latent_image=["20", 0]), told, width=None, height=None)


def test_what_changes_the_start_is_said():
    batch = {"5": node("EmptyLatentImage", width=512, height=768, batch_size=4)}
    check(graph(batch), ("A batch of 4 is left out: which of them this picture is, the graph",))
    masked = {"20": node("SetLatentNoiseMask", samples=["5", 0], mask=["21", 0])}
    told = ("The node SetLatentNoiseMask is left out: nothing changes the noise here.",)
    check(graph(masked, latent_image=["20", 0]), told)
    check(graph(add_noise="disable"), ("Add noise disable is left out: every picture here begins",))
    flux = {"6": node("CLIPTextEncodeFlux", clip_l="a cat", t5xxl="a cat", guidance=3.5)}
    check(graph(flux), ("Guidance 3.5 is left out: no model here takes a distilled guidance.",))


def of_prompt(**nodes: Any) -> dict[str, Any]:
    """The default graph, whose prompt comes from the first of these nodes."""
    more = {name.lstrip("_"): made for name, made in nodes.items()}
    more["6"] = node("CLIPTextEncode", text=["20", 0], clip=["4", 1])
    return graph(more)


WILD = {"wildcard_text": "a {cat|dog} in __place__", "seed": 3}


@pytest.mark.parametrize("mode", ["populate", "fixed", "reproduce", True, False])
def test_the_text_that_was_drawn_goes_before_its_template(mode):
    inputs = WILD | {"populated_text": "a dog in a forest", "mode": mode}
    check(of_prompt(_20=node("ImpactWildcardProcessor", **inputs)), prompt="a dog in a forest")
    encode = node("ImpactWildcardEncode", **inputs, model=["4", 0], clip=["4", 1])
    nodes = graph({"20": encode}, positive=["20", 2], model=["20", 0])
    recipe = read(nodes)
    assert (recipe.fields["prompt"], recipe.model) == ("a dog in a forest", "dream.safetensors")


def test_a_choice_that_is_still_open_is_said():
    told = ("The node ImpactWildcardProcessor is left out", "The choice {cat|dog} is left out")
    inputs = WILD | {"populated_text": "", "mode": "populate"}
    template = WILD["wildcard_text"]
    recipe = read(of_prompt(_20=node("ImpactWildcardProcessor", **inputs)))
    assert not recipe.fields["prompt"] or recipe.left_out
    check(of_prompt(_20=node("ImpactWildcardProcessor", **WILD)), told, prompt=template)
    check(
        of_prompt(_20=node("DPRandomGenerator", text="a {cat|dog}", seed=1)),
        ("The node DPRandomGenerator is left out", "The choice {cat|dog} is left out"),
        prompt="a {cat|dog}",
    )


TWO = {"text_a": "a cat", "text_b": "a hat"}


@pytest.mark.parametrize(
    ("kind", "inputs", "prompt", "told"),
    [
        # a link stands behind the values in a file, whatever the row of the inputs
        (
            "StringConcatenate",
            {"string_b": "a hat", "delimiter": ", ", "string_a": ["21", 0]},
            "a dog, a hat",
            (),
        ),
        ("StringConcatenate", {"string_a": "a", "string_b": "", "delimiter": "+"}, "a+", ()),
        (
            "Text Concatenate",
            TWO | {"delimiter": "\\n", "clean_whitespace": "true", "text_c": "", "text_d": " x "},
            "a cat\na hat\nx",
            (),
        ),
        (
            "JoinStringMulti",
            {"inputcount": 3, "string_10": "c", "string_2": "b", "string_1": "a", "delimiter": " "},
            "a b c",
            (),
        ),
        ("CR Combine Prompt", {"part1": "a", "part2": "b", "separator": "; "}, "a; b", ()),
        (
            "StringFunction|pysssss",
            TWO | {"action": "append", "tidy_tags": "yes", "text_c": ""},
            "a cat, a hat",
            (),
        ),
        (
            "Somebody's Append",
            {"append": " end", "text": "a cat", "prepend": "start ", "delimiter": ""},
            "start a cat end",
            (),
        ),
        ("My Joiner", TWO, "a cata hat", ("What My Joiner puts between its texts is left out",)),
        ("CR Text Input Switch", {"Input": 2, "text1": "one", "text2": ["21", 0]}, "a dog", ()),
        ("CR Text Input Switch", {"Input": ["22", 0], "text1": "one", "text2": "two"}, "one", ()),
        ("ImpactSwitch", {"select": 2, "input1": "one", "input2": "two"}, "two", ()),
        ("LazySwitchKJ", {"switch": False, "on_true": "yes", "on_false": ["21", 0]}, "a dog", ()),
        ("Any Switch (rgthree)", {"any_02": ["21", 0], "any_01": ["gone", 0]}, "a dog", ()),
        ("ShowText|pysssss", {"text_0": "an old one", "text": ["21", 0]}, "a dog", ()),
        (
            "CR Text Input Switch",
            {"Input": ["23", 0], "text1": "one", "text2": "two"},
            None,
            (
                "A prompt is left out: the graph does not tell which text CR Text Input Switch",
                "The prompt is left out: its text cannot be found",
            ),
        ),
        (
            "Somebody's Picker",
            TWO,
            None,
            (
                "A prompt is left out: the graph does not tell which of its texts the node "
                "Somebody's Picker gives: a cat; a hat.",
                "The prompt is left out: its text cannot be found",
            ),
        ),
        (
            "Text Find and Replace",
            {"text": "a cat", "find": "cat", "replace": "dog"},
            "a cat",
            ("The node Text Find and Replace is left out: what it makes of the prompt is not in",),
        ),
    ],
)
def test_texts_are_put_together_as_their_nodes_do_it(kind, inputs, prompt, told):
    more = {
        "_21": node("PrimitiveStringMultiline", value="a dog"),
        "_22": node("PrimitiveInt", value=1),
        "_23": node("Random Number", number_type="integer", minimum=1, maximum=2, seed=2),
    }
    check(of_prompt(_20=node(kind, **inputs), **more), told, prompt=prompt)


def test_the_other_of_two_prompts_is_said():
    more = {
        "20": node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["21", 0]),
        "21": node("CLIPTextEncode", text="a red hat", clip=["4", 1]),
    }
    told = ("The node ConditioningCombine with another prompt, a red hat is left out",)
    check(graph(more, positive=["20", 0]), told)


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
