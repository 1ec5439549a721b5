"""What a picture of google/ddpm-cat-256 costs: its network at full size, with random weights.

    python tests/benchmarks/ddpm.py [--steps 25]

Prints one table: `safelight render --model FOLDER` beside diffusers' DDPMPipeline on the same
weights in the same run, in float32 and in bfloat16; and how far the pictures lie apart. Every
figure is that of a fresh process; a step is what all steps but the first add to a process of one
step. Needs Linux or macOS, 2 GB of memory and 0.5 GB of disk.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
CONFIG = {
    "sample_size": 256,
    "block_out_channels": [128, 128, 256, 256, 512, 512],
    "down_block_types": ["DownBlock2D"] * 4 + ["AttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "AttnUpBlock2D"] + ["UpBlock2D"] * 4,
    "attention_head_dim": None,
    "downsample_padding": 0,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "norm_eps": 1e-6,
}

MAKE = """
import sys, torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
torch.manual_seed(0)
unet = UNet2DModel(**CONFIG)
print(sum(parameter.numel() for parameter in unet.parameters()))
DDPMPipeline(unet=unet, scheduler=DDPMScheduler()).save_pretrained(FOLDER)
"""

DIFFUSERS = """
import torch
from PIL import Image
from diffusers import DDPMPipeline
from diffusers.utils import logging
logging.set_verbosity_error()
logging.disable_progress_bar()
pipeline = DDPMPipeline.from_pretrained(FOLDER, dtype=getattr(torch, DTYPE))
pipeline.set_progress_bar_config(disable=True)
generator = torch.Generator().manual_seed(0)
# Its own way to a PIL image stumbles over bfloat16.
images = pipeline(num_inference_steps=STEPS, generator=generator, output_type="pt").images
pixels = images[0].float().mul(255).round().to(torch.uint8).permute(1, 2, 0)
image = Image.fromarray(pixels.numpy())
image.save(TARGET)
"""


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds, bytes at its peak, and what it printed."""

    seconds: float
    peak: int
    printed: str


def measured(command: list[str]) -> Cost:
    """Run a command in a fresh process."""
    begun = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(time.perf_counter() - begun, usage.ru_maxrss * unit, printed)


def python(code: str, **names: object) -> Cost:
    head = "\n".join(f"{name} = {value!r}" for name, value in names.items())
    return measured([sys.executable, "-c", head + code])


def ours(folder: Path, steps: int, dtype: str, target: Path) -> Cost:
    command = [sys.executable, "-m", "app", "render", "--model", str(folder), "--dtype", dtype]
    return measured([*command, "--steps", str(steps), "--seed", "0", "-o", str(target)])


def theirs(folder: Path, steps: int, dtype: str, target: Path) -> Cost:
    return python(DIFFUSERS, FOLDER=str(folder), STEPS=steps, DTYPE=dtype, TARGET=str(target))


def decibels(first: Path, second: Path) -> str:
    """The peak signal-to-noise ratio of two pictures, and their largest difference."""
    with Image.open(first) as one, Image.open(second) as other:
        difference = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    mean = float((difference**2).mean())
    ratio = "equal" if mean == 0 else f"{10 * math.log10(255**2 / mean):.1f} dB"
    return f"{ratio}, largest difference {np.abs(difference).max():.0f} of 255"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=25, help="2 or more")
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        parameters = int(python(MAKE, FOLDER=str(folder), CONFIG=CONFIG).printed)
        rows = {}
        for dtype in ("float32", "bfloat16"):
            for name, run in (("diffusers", theirs), ("Safelight", ours)):
                target = Path(place) / f"{name}-{dtype}.png"
                first, whole = (run(folder, count, dtype, target) for count in (1, steps))
                rows[name, dtype] = (whole.seconds - first.seconds) / (steps - 1), whole
        packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "diffusers"))
        machine = platform.processor() or platform.machine()
        print(f"{machine}, {os.cpu_count()} cores; {packages}; ", end="")
        print(f"{parameters / 1e6:.1f} M parameters, 256 by 256, {steps} steps\n")
        print("| | seconds a step | ratio | a cold start to a saved picture, s | peak memory, GB |")
        print("|---|---|---|---|---|")
        for (name, dtype), (step, whole) in rows.items():
            ratio = step / rows["diffusers", dtype][0]
            print(
                f"| {name}, {dtype} | {step:.2f} | {ratio:.2f} | {whole.seconds:.1f} | "
                f"{whole.peak / 1e9:.2f} |"
            )
        print()
        for one, other in (
            ("Safelight-float32", "diffusers-float32"),
            ("Safelight-bfloat16", "Safelight-float32"),
            ("diffusers-bfloat16", "diffusers-float32"),
        ):
            apart = decibels(Path(place) / f"{one}.png", Path(place) / f"{other}.png")
            print(f"{one} against {other}: {apart}")


if __name__ == "__main__":
    main()
