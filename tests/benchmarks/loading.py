"""What loading a checkpoint costs: Stable Diffusion 1.5 and SDXL at full size, with random weights.

    python tests/benchmarks/loading.py [--rounds 3] [--only sd15] [--dtype bfloat16]

Prints one table: `engine.load` beside diffusers' `from_pretrained` on the same float16 folder in
the same run, in turn, each in a fresh process whose imports do not count; seconds and peak memory.
Needs Linux or macOS, 16 GB of memory and 10 GB of disk for SDXL, 5 and 3 for SD 1.5.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Written tensor by tensor from shapes alone, so that making a folder takes no more memory than
# loading it.
MAKE = """
import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL, EulerDiscreteScheduler, PNDMScheduler, StableDiffusionPipeline,
    StableDiffusionXLPipeline, UNet2DConditionModel,
)
from safetensors.torch import save_file
from transformers import (
    CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer,
)

def tower(width, layers, heads, act, projection):
    return CLIPTextConfig(
        vocab_size=49408, hidden_size=width, intermediate_size=4 * width,
        num_hidden_layers=layers, num_attention_heads=heads, max_position_embeddings=77,
        hidden_act=act, projection_dim=projection,
    )

VAE = dict(
    block_out_channels=(128, 256, 512, 512), down_block_types=("DownEncoderBlock2D",) * 4,
    up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, layers_per_block=2,
)
folder = Path(FOLDER)
with torch.device("meta"):
    if KIND == "sd15":
        parts = {
            "unet": UNet2DConditionModel(
                sample_size=64, cross_attention_dim=768, attention_head_dim=8
            ),
            "vae": AutoencoderKL(**VAE, sample_size=512, scaling_factor=0.18215),
            "text_encoder": CLIPTextModel(tower(768, 12, 12, "quick_gelu", 768)),
        }
    else:
        parts = {
            "unet": UNet2DConditionModel(
                sample_size=128, cross_attention_dim=2048, attention_head_dim=[5, 10, 20],
                block_out_channels=(320, 640, 1280), transformer_layers_per_block=[1, 2, 10],
                down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                use_linear_projection=True, addition_embed_type="text_time",
                addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
            ),
            "vae": AutoencoderKL(**VAE, sample_size=1024, scaling_factor=0.13025),
            "text_encoder": CLIPTextModel(tower(768, 12, 12, "quick_gelu", 768)),
            "text_encoder_2": CLIPTextModelWithProjection(tower(1280, 32, 20, "gelu", 1280)),
        }
count = 0
for name, part in parts.items():
    place = folder / name
    place.mkdir(parents=True)
    weights = {
        key: torch.randn(value.shape).mul_(0.02).half() if value.is_floating_point()
        else torch.zeros(value.shape, dtype=value.dtype)
        for key, value in part.state_dict().items()
    }
    count += sum(value.numel() for value in weights.values())
    text = name.startswith("text")
    file = "model.safetensors" if text else "diffusion_pytorch_model.safetensors"
    save_file(weights, place / file, metadata={"format": "pt"})
    if text:
        part.config.architectures = [type(part).__name__]
        part.config.save_pretrained(place)
    else:
        part.save_config(place)
    del weights
scheduler = PNDMScheduler if KIND == "sd15" else EulerDiscreteScheduler
scheduler(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
).save_pretrained(folder / "scheduler")
tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER)
index = {"_class_name": "StableDiffusionPipeline", "safety_checker": [None, None],
         "feature_extractor": [None, None], "requires_safety_checker": False}
if KIND == "sdxl":
    index = {"_class_name": "StableDiffusionXLPipeline", "force_zeros_for_empty_prompt": True,
             "tokenizer_2": ["transformers", "CLIPTokenizer"],
             "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"]}
    tokenizer.save_pretrained(folder / "tokenizer_2")
tokenizer.save_pretrained(folder / "tokenizer")
index |= {"_diffusers_version": "0.42.0", "tokenizer": ["transformers", "CLIPTokenizer"],
          "text_encoder": ["transformers", "CLIPTextModel"],
          "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
          "scheduler": ["diffusers", scheduler.__name__]}
(folder / "model_index.json").write_text(json.dumps(index))
print(count)
"""

MEASURE = """
import json, resource, time
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.perf_counter()
{load}
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, peak / 2**20, before / 2**20]))
"""

SAFELIGHT = MEASURE.format(
    imports="import engine, torch\nimport engine.generate, engine.pipelines.stable_diffusion\n"
    "import engine.pipelines.stable_diffusion_xl",
    load="pipeline = engine.load(FOLDER, dtype=DTYPE)",
)
DIFFUSERS = MEASURE.format(
    imports="import torch, diffusers\nfrom diffusers.utils import logging\n"
    "logging.set_verbosity_error(); logging.disable_progress_bar()\n"
    "from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline\n"
    "from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer",
    load="pipeline = diffusers.DiffusionPipeline.from_pretrained("
    "FOLDER, dtype=getattr(torch, DTYPE), local_files_only=True)",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["sd15", "sdxl"])
    parser.add_argument("--dtype", default="bfloat16")
    arguments = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "diffusers"))
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {versions}")
    for kind in [arguments.only] if arguments.only else ["sd15", "sdxl"]:
        with tempfile.TemporaryDirectory() as folder:
            measure(kind, folder, arguments.dtype, arguments.rounds)


def measure(kind: str, folder: str, dtype: str, rounds: int) -> None:
    tokenizer = str(ROOT / "resources" / "tokenizers" / "clip")
    count = int(run(MAKE, FOLDER=folder, KIND=kind, TOKENIZER=tokenizer))
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(json.loads(run(DIFFUSERS, FOLDER=folder, DTYPE=dtype)))
        ours.append(json.loads(run(SAFELIGHT, FOLDER=folder, DTYPE=dtype)))
    weights = count * (4 if dtype == "float32" else 2) / 2**30
    print(f"\n{kind}: {count / 1e9:.2f} billion weights, {weights:.2f} GiB in {dtype}")
    print(f"{'':12}{'seconds':>10}{'ratio':>8}{'peak GiB':>11}{'over weights':>15}")
    base = statistics.median(figures[0] for figures in theirs)
    for name, figures in (("diffusers", theirs), ("Safelight", ours)):
        seconds, peak, before = (statistics.median(column) for column in zip(*figures, strict=True))
        over = (peak - before) / weights - 1
        print(f"{name:12}{seconds:10.2f}{seconds / base:8.2f}{peak:11.2f}{over:14.0%}")


def run(program: str, **names: str) -> str:
    """What the program prints last, in a process of its own that knows these names."""
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    done = subprocess.run(
        [sys.executable, "-c", given + program], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    main()
