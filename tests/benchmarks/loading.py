"""What loading a checkpoint costs: Stable Diffusion 1.5 and SDXL at full size, with random weights.

    python tests/benchmarks/loading.py [--rounds 3] [--only sd15] [--dtype bfloat16]

Prints one table: `engine.load` beside diffusers' `from_pretrained` on the same float16 folder in
the same run, in turn, each in a fresh process whose imports do not count; seconds until it is
loaded, and until a first step at 64 by 64 pixels is done, which reads all that loading left; peak
memory of both.
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

from full_size import MAKE

ROOT = Path(__file__).parents[2]

MEASURE = """
import json, resource, time
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.perf_counter()
{load}
seconds = time.perf_counter() - begun
{step}
stepped = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, stepped, peak / 2**20, before / 2**20]))
"""

SAFELIGHT = MEASURE.format(
    imports="import engine, torch\nimport engine.generate, engine.pipelines.stable_diffusion\n"
    "import engine.pipelines.stable_diffusion_xl",
    load="pipeline = engine.load(FOLDER, dtype=DTYPE)",
    step="request = engine.Request('an owl', steps=1, seed=0, width=64, height=64)\n"
    "next(e for e in engine.generate(pipeline, request) if isinstance(e, engine.Step))",
)
DIFFUSERS = MEASURE.format(
    imports="import torch, diffusers\nfrom diffusers.utils import logging\n"
    "logging.set_verbosity_error(); logging.disable_progress_bar()\n"
    "from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline\n"
    "from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer",
    load="pipeline = diffusers.DiffusionPipeline.from_pretrained("
    "FOLDER, dtype=getattr(torch, DTYPE), local_files_only=True)",
    step="pipeline.set_progress_bar_config(disable=True)\n"
    "pipeline('an owl', num_inference_steps=1, width=64, height=64, output_type='latent')",
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
    heads = ("loaded s", "ratio", "first step s", "ratio", "peak GiB", "over weights")
    print(f"{'':12}" + "".join(f"{head:>13}" for head in heads))
    for name, figures in (("diffusers", theirs), ("Safelight", ours)):
        loaded, stepped, peak, before = _medians(figures)
        ratios = [x / base for x, base in zip((loaded, stepped), _medians(theirs), strict=False)]
        over = (peak - before) / weights - 1
        columns = (loaded, ratios[0], stepped, ratios[1], peak)
        print(f"{name:12}" + "".join(f"{x:13.2f}" for x in columns) + f"{over:13.0%}")


def _medians(figures: list[list[float]]) -> list[float]:
    return [statistics.median(column) for column in zip(*figures, strict=True)]


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
