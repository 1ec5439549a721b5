#!/usr/bin/env bash
# sd-parsers 0.6, a reader of how pictures were made, gives a ComfyUI picture both of its prompts as
# prompt and both as negative prompt as soon as the two go through one node.
#
# The graph is the one that ComfyUI writes for its own node ControlNetApplyAdvanced, which every
# picture with a ControlNet has between the texts and the sampler: its output 0 is the positive
# conditioning, its output 1 the negative one, and the sampler's links say which by that number. The
# reader follows all the inputs of the node, whichever output is linked. Without the node, the same
# graph is read right.
#
# Seen (sd-parsers 0.6, Pillow 12.0.0):
#   without: prompts ['a cat']            negative ['blurry']
#   with:    prompts ['a cat', 'blurry']  negative ['a cat', 'blurry']
#
# Why it matters: galleries and training sets sorted with such a reader hold "blurry, deformed" as
# what was wanted, and what was wanted as what was not.
#
# Exits with an error if that is no longer so.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sd-parsers==0.6 pillow==12.0.0

cat > "$folder/try.py" <<'PYTHON'
import json
import sys

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sd_parsers import ParserManager


def node(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


def read(graph, path):
    """What the reader finds in a picture as ComfyUI saves it: the graph, and its drawing."""
    kinds = {"model": "MODEL", "clip": "CLIP", "vae": "VAE", "images": "IMAGE", "samples": "LATENT"}
    kinds |= {"latent_image": "LATENT", "control_net": "CONTROL_NET", "image": "IMAGE"}
    links = [
        [number, int(value[0]), value[1], int(name), 0, kinds.get(key, "CONDITIONING")]
        for number, (name, key, value) in enumerate(
            (name, key, value)
            for name, one in graph.items()
            for key, value in one["inputs"].items()
            if isinstance(value, list)
        )
    ]
    texts = PngInfo()
    texts.add_text("prompt", json.dumps(graph))
    texts.add_text("workflow", json.dumps({"nodes": [], "links": links}))
    Image.new("RGB", (8, 8)).save(path, pnginfo=texts)
    (sampler,) = ParserManager().parse(path).samplers
    return [
        sorted(prompt.value for prompt in prompts)
        for prompts in (sampler.prompts, sampler.negative_prompts)
    ]


usual = {
    "3": node(
        "KSampler",
        **{"seed": 42, "steps": 20, "cfg": 7, "sampler_name": "euler", "scheduler": "normal"},
        **{"denoise": 1, "model": ["4", 0], "latent_image": ["5", 0]},
        **{"positive": ["6", 0], "negative": ["7", 0]},
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="model.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=512, batch_size=1),
    "6": node("CLIPTextEncode", text="a cat", clip=["4", 1]),
    "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
}
control = node(
    "ControlNetApplyAdvanced",
    **{"positive": ["6", 0], "negative": ["7", 0], "control_net": ["11", 0], "image": ["12", 0]},
    **{"strength": 1.0, "start_percent": 0.0, "end_percent": 1.0},
)
more = {
    "10": control,
    "11": node("ControlNetLoader", control_net_name="canny.safetensors"),
    "12": node("LoadImage", image="edges.png"),
}
through = json.loads(json.dumps(usual | more))
through["3"]["inputs"] |= {"positive": ["10", 0], "negative": ["10", 1]}

without = read(usual, f"{sys.argv[1]}/without.png")
with_node = read(through, f"{sys.argv[1]}/with.png")
print("without:", without)
print("with:   ", with_node)
assert without == [["a cat"], ["blurry"]], "the plain graph is read otherwise now"
assert with_node == [["a cat", "blurry"]] * 2, "the two prompts are told apart now"
PYTHON
"$folder/venv/bin/python" "$folder/try.py" "$folder"
