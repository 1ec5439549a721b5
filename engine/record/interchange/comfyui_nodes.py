"""What is known of ComfyUI's nodes by their names and inputs: what each of their outputs gives, how
they choose and join, and what their inputs are called. Read by the other modules of ComfyUI here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Node = Mapping[str, Any]
"""class_type, and inputs by name."""

CONDITIONING = (
    *("conditioning", "conditioning_1", "conditioning_to", "conditioning1", "cond1", "cond"),
    *("conditionings", "conds"),
)
SECOND = ("conditioning_2", "conditioning_from", "conditioning2", "cond2")
"""Of a node that puts prompts together, where the other is."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "seed": ("seed", "noise_seed"),
    "steps": ("steps", "steps_total"),
    "cfg": ("cfg", "cfg_scale"),
    "sampler": ("sampler_name", "sampler"),
    "scheduler": ("scheduler", "scheduler_name"),
    "width": ("width", "empty_latent_width"),
    "height": ("height", "empty_latent_height"),
    "model": ("model", "base_model", "opt_model", "model_override"),
    "clip": ("clip", "base_clip", "opt_clip"),
    "latent": ("latent_image", "latent", "samples", "latents", "optional_latent"),
    "conditioning": CONDITIONING,
    "positive": ("positive", "pos", "base_positive", "optional_positive"),
    "negative": ("negative", "neg", "base_negative", "optional_negative"),
    "checkpoint": ("ckpt_name", "unet_name", "base_ckpt_name", "checkpoint", "model_name"),
    "text": ("text", "string", "value", "prompt"),
}
"""What is asked for, and the inputs that have it, the likeliest first."""
NUMBERS = frozenset(("seed", "steps", "cfg", "denoise", "width", "height", "index", "number"))
WORDS = frozenset(("sampler", "scheduler", "checkpoint"))
PLAIN = re.compile(r"(?i)(?:value|int|integer|float|number|num|size|text|string|input|any|a)")
"""The only input of a node that does no more than give it; one with the name of something else,
such as a seed, may make something of it."""
PIPES = re.compile(r"pipe|ctx|context|tuple|^bus")
"""Inputs that carry many things together."""
RANDOM = re.compile(r"random|math|expression|operation|arithmetic|calculat|counter", re.IGNORECASE)
"""Nodes whose numbers are not those of their inputs."""
PLUMBING = re.compile(
    r"pipe|context|\bbus\b|reroute|switch|tuple|channel|module|sampler", re.IGNORECASE
)
"""Nodes that change nothing of what they pass on;"""
ADAPTING = re.compile(r"control|adapter|lora|instantid|pulid|style|regional", re.IGNORECASE)
"""and those that do, though they carry many things together."""

CONTEXT = ("pipe", "model", "clip", "vae", "positive", "negative", "latent", "images", "seed")
CONTEXT_BIG = (
    *(*CONTEXT, "steps", "step_refiner", "cfg", "ckpt_name", "sampler", "scheduler"),
    *("clip_width", "clip_height", "text_pos_g", "text_pos_l", "text_neg_g", "text_neg_l"),
)
BASIC_PIPE = ("model", "clip", "vae", "positive", "negative")
EFFICIENT = ("model", "positive", "negative", "latent", "vae", "image")
ASPECT = ("width", "height", "", "", "latent")
PRESCALED = ("width", "height", "", "", "", "latent")
BOTH = ("positive", "negative")

OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "Input Parameters (Image Saver)": (
        *("seed", "steps", "cfg", "sampler", "scheduler", "denoise"),
    ),
    "KSampler Config (rgthree)": ("steps", "refiner_step", "cfg", "sampler", "scheduler"),
    "SD Parameter Generator": (
        *("checkpoint", "vae_name", "model", "clip", "vae", "seed", "steps", "refiner_start"),
        *("cfg", "sampler", "scheduler", "positive_ascore", "negative_ascore", "width", "height"),
    ),
    "SD Prompt Reader": ("",) * 12,
    "Seed": ("seed",) * 4,
    "Constant Number": ("number",) * 3,
    "Random Number": ("",) * 3,
    "True Random.org Number Generator": ("",) * 3,
    "Number Counter": ("",) * 3,
    "Context (rgthree)": CONTEXT,
    "Context Switch (rgthree)": CONTEXT,
    "Context Merge (rgthree)": CONTEXT,
    "Context Big (rgthree)": CONTEXT_BIG,
    "Context Switch Big (rgthree)": CONTEXT_BIG,
    "Context Merge Big (rgthree)": CONTEXT_BIG,
    "FromBasicPipe": BASIC_PIPE,
    "FromBasicPipe_v2": ("pipe", *BASIC_PIPE),
    "ImpactKSamplerBasicPipe": ("pipe", "latent", "vae"),
    "ImpactKSamplerAdvancedBasicPipe": ("pipe", "latent", "vae"),
    "Bus Node": ("pipe", *BASIC_PIPE),
    "CR Module Input": (
        *("pipe", "model", "positive", "negative", "latent", "vae", "clip", "controlnet", "image"),
        "seed",
    ),
    "CR Data Bus Out": ("pipe", "any1", "any2", "any3", "any4"),
    "CR 8 Channel Out": ("pipe", *(f"ch{number}" for number in range(1, 9))),
    "Efficient Loader": ("model", "positive", "negative", "latent", "vae", "clip"),
    "Eff. Loader SDXL": ("pipe", "latent", "vae"),
    "Unpack SDXL Tuple": (
        *("model", "clip", "positive", "negative", "refiner_model", "refiner_clip"),
        *("refiner_positive", "refiner_negative"),
    ),
    "KSampler (Efficient)": EFFICIENT,
    "KSampler Adv. (Efficient)": EFFICIENT,
    "KSampler SDXL (Eff.)": ("pipe", "latent", "vae", "image"),
    "easy fullLoader": ("pipe", "model", "vae", "clip", "positive", "negative", "latent"),
    "easy a1111Loader": ("pipe", "model", "vae"),
    "easy comfyLoader": ("pipe", "model", "vae"),
    "easy pipeOut": (
        *("pipe", "model", "positive", "negative", "latent", "vae", "clip", "image", "seed"),
    ),
    "easy pipeEdit": ("pipe", "model", "positive", "negative", "latent", "vae", "clip", "image"),
    "easy fullkSampler": (
        *("pipe", "image", "model", "positive", "negative", "latent", "vae", "clip", "seed"),
    ),
    "easy controlnetLoader": ("pipe", *BOTH),
    "easy controlnetLoaderADV": ("pipe", *BOTH),
    "ControlNetApplyAdvanced": BOTH,
    "ControlNetApplySD3": BOTH,
    "ACN_AdvancedControlNetApply": (*BOTH, "model"),
    "CR Apply Multi-ControlNet": BOTH,
    "InpaintModelConditioning": (*BOTH, "latent"),
    "InstructPixToPixConditioning": (*BOTH, "latent"),
    "ApplyInstantID": ("model", *BOTH),
    "ImpactWildcardEncode": ("model", "clip", "conditioning", "text"),
    "CLIPTextEncode (NSP)": ("conditioning", "text", "text"),
    "Power Prompt (rgthree)": ("conditioning", "model", "clip", "text"),
    "Power Prompt - Simple (rgthree)": ("conditioning", "text"),
    "SDXL Power Prompt - Positive (rgthree)": (
        *("conditioning", "model", "clip", "prompt_g", "prompt_l"),
    ),
    "SDXL Power Prompt - Simple / Negative (rgthree)": ("conditioning", "prompt_g", "prompt_l"),
    "SDXLPromptStyler": ("text_positive", "text_negative"),
    "ShowText|pysssss": ("text",),
    "easy positive": ("positive",),
    "easy negative": ("negative",),
    "CR SD1.5 Aspect Ratio": ASPECT,
    "CR SDXL Aspect Ratio": ASPECT,
    "CR Aspect Ratio": PRESCALED,
    "CR Aspect Ratio Banners": PRESCALED,
    "CR Aspect Ratio Social Media": PRESCALED,
    "CR_Aspect Ratio For Print": PRESCALED,
    "CR Image Size": ("width", "height"),
    "SDXLEmptyLatentSizePicker+": ("latent", "width", "height"),
    "SDXL Empty Latent Image (rgthree)": ("latent", "", ""),
    "EmptyLatentImagePresets": ("latent", "width", "height"),
}
"""What an output gives, by its number: the name of the input that it comes from; "" for what is in
no input. "pipe" is all of them together."""

FIRST = re.compile(r"(?:any|ctx)_\d+")
FIRST_OF = ("Any Switch (rgthree)", "Context Switch (rgthree)", "Context Switch Big (rgthree)")
"""Nodes that give the first of these inputs that is there."""
LAST_OF = ("Context Merge (rgthree)", "Context Merge Big (rgthree)")
"""Nodes where what comes later in the row goes before."""

BY_NUMBER: Mapping[str, tuple[str, str]] = {
    "ImpactSwitch": ("select", "input"),
    "CR Text Input Switch": ("Input", "text"),
    "CR Text Input Switch (4 way)": ("Input", "text"),
    "CR Model Input Switch": ("Input", "model"),
    "CR Latent Input Switch": ("Input", "latent"),
    "CR Conditioning Input Switch": ("Input", "conditioning"),
    "CR Input Switch (pipe)": ("Input", "pipe"),
    "CR Switch Model and CLIP": ("Input", "model"),
    "easy textSwitch": ("input", "text"),
    "easy anythingIndexSwitch": ("index", "value"),
}
"""Where the number stands of the input that is given, and how the inputs' names begin."""
BY_TRUTH: Mapping[str, tuple[str, str, str]] = {
    "ComfySwitchNode": ("switch", "on_true", "on_false"),
    "LazySwitchKJ": ("switch", "on_true", "on_false"),
    "easy ifElse": ("boolean", "on_true", "on_false"),
    "ImpactConditionalBranch": ("cond", "tt_value", "ff_value"),
    "Text Input Switch": ("boolean", "text_a", "text_b"),
    "Model Input Switch": ("boolean", "model_a", "model_b"),
    "Latent Input Switch": ("boolean", "latent_a", "latent_b"),
    "Conditioning Input Switch": ("boolean", "conditioning_a", "conditioning_b"),
    "Number Input Switch": ("boolean", "number_a", "number_b"),
}
"""Where yes or no stands, and the inputs that are given then."""

SKIP_EMPTY = ("Text Concatenate", "JoinStringMulti", "StringFunction|pysssss")
"""Nodes that join their texts without those that are empty."""

SAMPLER = re.compile(r"k.?sampler", re.IGNORECASE)
SIGMAS: Mapping[str, str] = {
    "BetaSamplingScheduler": "beta",
    "ExponentialScheduler": "exponential",
    "KarrasScheduler": "karras",
}
"""Nodes that space the noise and are no more than one of the schedules."""


def is_link(value: Any) -> bool:
    """Whether an input has, in place of a value, the number of a node and of one of its outputs."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str | int)
        and isinstance(value[1], int)
    )


def loras(node: Node) -> list[str]:
    """The LoRAs that a node puts into the model."""
    kind, told = node["class_type"], node["inputs"]
    if "lora" not in kind.lower() and "lora_name" not in told and "lora_stack" not in told:
        return []
    names = [value for key, value in told.items() if re.fullmatch(r"lora(_name)?(_?\d+)?", key)]
    put = [name for name in names if not (isinstance(name, dict) and name.get("on") is False)]
    names = [name.get("lora") if isinstance(name, dict) else name for name in put]
    found = [name for name in names if isinstance(name, str) and name not in ("", "None")]
    stacked = any(is_link(told.get(key)) for key in ("lora_stack", "optional_lora_stack"))
    return [*found, f"of {kind}"] if stacked else found


def is_sampler(node: Node) -> bool:
    """Whether it takes prompts, or a guider, and the latents to work on; or all of it at once."""
    told, kind = node["inputs"], node["class_type"]
    if "guider" in told and ("sigmas" in told or "noise" in told):
        return True
    if SAMPLER.search(kind) and any(PIPES.search(key) and is_link(told[key]) for key in told):
        return "provider" not in kind.lower()
    makes = {"positive", "latent_image"} <= told.keys() or "KSampler" in kind
    return makes and ("seed" in told or "noise_seed" in told)
