"""InvokeAI's three generations: the text `Dream` of 1, the JSON `sd-metadata` of 1 and 2, and
`invokeai_metadata` since 3, where `invokeai_graph` may hold the same in a node. Called by
`engine.record.interchange.programs`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine import schedulers
from engine.errors import EngineError
from engine.record.interchange import reasons
from engine.record.interchange.plain_json import part, read_object
from engine.record.interchange.recipe import ABSENT, Excerpt, is_nothing, whole
from engine.schedulers import sampler_names

CHUNKS = ("invokeai_metadata", "sd-metadata", "Dream", "dream", "invokeai", "invokeai_graph")
"""By how much they tell, the most first."""
METADATA_NODES = ("core_metadata", "metadata_accumulator")
DREAM_END = re.compile(r'"\s+-[A-Za-z]')
DREAM_OPTION = re.compile(r"(?<!\S)-{1,2}([A-Za-z_]\w*)[ \t]+([^\s-]\S*|-\d\S*)")
DREAM_FIELDS = {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg_scale"}
DREAM_FIELDS |= {"A": "sampler"}
UNWANTED = re.compile(r"\[([^\[\]]*)\]")
ADAPTERS = "there are no adapters here"
ENCODERS = "the model's own parts are taken"
REASONS = {
    "controlnets": reasons.NO_CONTROLNET,
    "hrf_enabled": reasons.NO_SECOND_PASS,
    "init_image": reasons.BEGUN_FROM,
    "init_image_path": reasons.BEGUN_FROM,
    "ipAdapters": "there are no IP adapters here",
    "loras": reasons.NO_LORAS,
    "mask_image_path": reasons.NOT_PAINTED_OVER,
    "negative_style_prompt": "the prompt goes to all text encoders here",
    "perlin": "there is no such noise here",
    "positive_style_prompt": "the prompt goes to all text encoders here",
    "ref_images": reasons.NO_REFERENCES,
    "refiner_model": reasons.NO_SECOND_MODEL,
    "regions": reasons.ONE_PROMPT,
    "seamless_x": reasons.NO_TILING,
    "seamless_y": reasons.NO_TILING,
    "strength": reasons.BEGUN_FROM,
    "t2iAdapters": ADAPTERS,
    "threshold": "there is no such threshold here",
    "upscale_initial_image": reasons.BEGUN_FROM,
    "upscale_model": reasons.ENLARGED_APART,
    "vae": reasons.OWN_AUTOENCODER,
    "variations": reasons.SEEDS_UNMIXED,
}
REASONS |= dict.fromkeys(("t5_encoder", "clip_embed_model", "qwen3_encoder"), ENCODERS)
"""Everything else that made the picture is left out because there is no such setting here."""
LAYERS = {
    "controlLayers": "there are no control layers here",
    "inpaintMasks": reasons.NOT_PAINTED_OVER,
    "rasterLayers": reasons.BEGUN_FROM,
    "regionalGuidance": reasons.ONE_PROMPT,
    "vectorLayers": reasons.BEGUN_FROM,
}
"""What the canvas of version 5 and later is made of."""
READ = frozenset(
    (
        *("positive_prompt", "negative_prompt", "model", "steps", "cfg_scale", "seed", "width"),
        *("height", "clip_skip", "scheduler", "rand_device", "cfg_rescale_multiplier", "prompt"),
        *("sampler", "sampler_name", "generation_mode", "canvas_v2_metadata"),
    )
)
"""What is read,"""
SILENT = frozenset(
    (
        *("app_version", "app_id", "id", "type", "is_intermediate", "use_cache", "workflow", "fit"),
        *("postprocessing", "orig_hash", "hash", "image_name", "board", "board_id", "created_at"),
        *("metadata_version", "name", "grid", "upscale_scale", "hrf_method", "hrf_strength"),
    )
)
"""and what did not make the picture, or is part of something that is named."""


def excerpt_of(chunks: Mapping[str, str]) -> Excerpt:
    """What the first of `CHUNKS` that can be read says. Raises EngineError where none can."""
    problems: list[str] = []
    for name in CHUNKS:
        if name not in chunks:
            continue
        try:
            excerpt = READERS[name](chunks[name])
        except EngineError as error:
            problems.append(str(error))
            continue
        excerpt.left_out += problems
        return excerpt
    raise EngineError(" ".join(problems))


def excerpt_of_metadata(text: str) -> Excerpt:
    """Version 3 and later."""
    return _core(read_object(text, "InvokeAI's metadata"))


def _read_graph(text: str) -> Excerpt:
    nodes = read_object(text, "InvokeAI's graph").get("nodes")
    for node in nodes.values() if isinstance(nodes, dict) else ():
        if isinstance(node, dict) and node.get("type") in METADATA_NODES:
            return _core(node)
    raise EngineError("InvokeAI's graph has no node of metadata, so it does not tell the settings.")


def _read_sd_metadata(text: str) -> Excerpt:
    """Versions 1.14 to 2."""
    told = read_object(text, "InvokeAI's sd-metadata")
    images = told.get("images")
    first = images[0] if isinstance(images, list) and images else None
    image = part(told, "image") or (first if isinstance(first, dict) else {})
    if not image:
        raise EngineError("InvokeAI's sd-metadata has no image in it.")
    excerpt = Excerpt("InvokeAI")
    excerpt.checkpoint(told.get("model_weights", told.get("model_id")), told.get("model_hash"))
    _old_prompt(excerpt, image.get("prompt"))
    _old_fields(excerpt, image)
    return excerpt


def _read_node(text: str) -> Excerpt:
    """The first builds of version 3: the settings of a single node."""
    node = part(read_object(text, "InvokeAI's node"), "node")
    excerpt = Excerpt("InvokeAI")
    _old_prompt(excerpt, node.get("prompt"))
    excerpt.checkpoint(node.get("model"))
    _old_fields(excerpt, node | {"sampler": node.get("sampler_name", node.get("scheduler"))})
    return excerpt


def _read_dream(text: str) -> Excerpt:
    """Version 1: what was typed at its prompt, as in `"an owl [blurry]" -s 50 -S 1 -C 7.5`."""
    excerpt = Excerpt("InvokeAI")
    text = text.strip()
    end = DREAM_END.search(text) if text.startswith('"') else None
    if end:
        prompt, options = text[1 : end.start()].replace('\\"', '"'), text[end.start() + 1 :]
    elif option := DREAM_OPTION.search(text):
        prompt, options = text[: option.start()].strip().strip('"'), text[option.start() :]
    else:
        raise EngineError("InvokeAI's Dream text has no settings behind its prompt.")
    _old_prompt(excerpt, prompt)
    told: dict[str, Any] = {}
    for option in DREAM_OPTION.finditer(options):
        if option[1] in DREAM_FIELDS:
            told[DREAM_FIELDS[option[1]]] = option[2]
        else:
            excerpt.leave_out(f"-{option[1]}", option[2], reasons.NO_SETTING)
    _old_fields(excerpt, told)
    return excerpt


READERS = {
    "invokeai_metadata": excerpt_of_metadata,
    "sd-metadata": _read_sd_metadata,
    "Dream": _read_dream,
    "dream": _read_dream,
    "invokeai": _read_node,
    "invokeai_graph": _read_graph,
}


def _core(told: Mapping[str, Any]) -> Excerpt:
    excerpt = Excerpt("InvokeAI")
    excerpt.text("prompt", told.get("positive_prompt"))
    excerpt.text("negative_prompt", told.get("negative_prompt"))
    _checkpoint(excerpt, told.get("model"))
    excerpt.whole("steps", told.get("steps"), "Steps")
    excerpt.number("guidance_scale", told.get("cfg_scale"), "CFG scale")
    excerpt.number("guidance_rescale", told.get("cfg_rescale_multiplier"), "CFG rescale")
    excerpt.whole("seed", told.get("seed"), "Seed")
    excerpt.size(told.get("width"), told.get("height"))
    skipped = told.get("clip_skip")
    if (layers := whole(skipped)) is not None:  # 0 there is our 1
        excerpt.whole("clip_skip", layers + 1, "CLIP skip")
    if told.get("scheduler") is not None:
        _scheduler(excerpt, told["scheduler"])
    if told.get("rand_device") not in (*ABSENT, "cpu"):
        excerpt.leave_out("Noise of", told["rand_device"], reasons.CPU_NOISE)
    _leave_out(excerpt, told)
    return excerpt


def _old_fields(excerpt: Excerpt, told: Mapping[str, Any]) -> None:
    excerpt.whole("steps", told.get("steps"), "Steps")
    excerpt.number("guidance_scale", told.get("cfg_scale"), "CFG scale")
    excerpt.whole("seed", told.get("seed"), "Seed")
    excerpt.size(told.get("width"), told.get("height"))
    if told.get("sampler") is not None:
        _scheduler(excerpt, told["sampler"])
    _leave_out(excerpt, told)


def _old_prompt(excerpt: Excerpt, prompt: Any) -> None:
    """A text, or a list of texts with weights; what is unwanted stands in it, in [brackets]."""
    if isinstance(prompt, list):
        weighted = [entry for entry in prompt if isinstance(entry, dict)]
        weights = {str(entry.get("weight", 1)) for entry in weighted}
        prompt = ", ".join(str(entry.get("prompt", "")) for entry in weighted)
        if len(weighted) > 1 and len(weights) > 1:
            excerpt.note(
                "The weights of the prompt's parts are left out: they are mixed evenly here."
            )
    if isinstance(prompt, str):
        unwanted = [text.strip(" ,") for text in UNWANTED.findall(prompt)]
        excerpt.fields["prompt"] = " ".join(UNWANTED.sub(" ", prompt).split(" ")).strip(" ,")
        excerpt.fields["negative_prompt"] = ", ".join(filter(None, unwanted))
    else:
        excerpt.text("prompt", prompt)


def _checkpoint(excerpt: Excerpt, told: Any) -> None:
    if isinstance(told, dict):
        excerpt.checkpoint(told.get("name", told.get("model_name")), told.get("hash"))
    else:
        excerpt.checkpoint(told)


def _scheduler(excerpt: Excerpt, name: Any) -> None:
    excerpt.scheduler(schedulers.from_invokeai, name)
    if isinstance(name, str) and name.startswith("k_") and name in sampler_names.INVOKEAI_OLD:
        excerpt.note(
            f"How {name} spaced the noise is left out: old files of InvokeAI do not tell it, so "
            "that the model's own spacing is taken."
        )


def _leave_out(excerpt: Excerpt, told: Mapping[str, Any]) -> None:
    """A sentence for everything that is not read: other versions have settings that are not known
    here by name."""
    mode = told.get("generation_mode", told.get("type"))
    if isinstance(mode, str) and mode.endswith(("img2img", "inpaint", "outpaint", "i2v")):
        excerpt.leave_out("The mode", mode, reasons.BEGUN_FROM)
    canvas = told.get("canvas_v2_metadata")
    for kind, layers in canvas.items() if isinstance(canvas, dict) else ():
        if isinstance(layers, list) and layers:
            excerpt.leave_out(kind, layers, LAYERS.get(kind, "there is no such layer here"))
    has_refiner = told.get("refiner_model") not in ABSENT
    for key, value in told.items():
        if key in READ or key in SILENT or is_nothing(value):
            continue
        if key.endswith("style_prompt") and value == told.get(key.replace("_style", "")):
            continue
        if key.startswith("refiner_") and key != "refiner_model" and not has_refiner:
            continue
        usual = reasons.NO_SECOND_MODEL if key.startswith("refiner_") else reasons.NO_SETTING
        said = value.get("name", value) if isinstance(value, dict) else value
        excerpt.leave_out(key, said, REASONS.get(key, usual))
