"""What the networks of Stable Diffusion cost at full size, with random weights, beside diffusers'.

    python tests/benchmarks/networks.py [--rounds 3] [--only unet-512 --only text]

Prints one table: a UNet call with guidance, the VAE's decode and the encoding of both prompts, on
the CPU. Every figure is of fresh processes of each kind in turn: the median of the rounds, each
after a call that warms up, and the highest peak of memory of a whole loaded pipeline. Agreement is
with diffusers in float32: of a UNet's predictions the largest difference, relative to the largest
value; of a decoded picture, decibels.

bfloat16 and int8 are left out where the processor lacks them; --bfloat16 asks for it emulated.
--compiled: diffusers also under torch.compile, where there is a C++ compiler. --folder keeps the
models there for the next time. Takes about half an hour on two cores; needs 8 GB of memory, 20 for
SDXL, and 10 GB of disk.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from fresh import ProgramError, abilities, decibels, machine, made, run


@dataclass(frozen=True)
class Work:
    """part: "unet", "vae" or "text"; size: of the picture, in pixels."""

    label: str
    family: str
    part: str
    size: int


WORKS = {
    "unet-256": Work("a UNet call with guidance, SD 1.5, 256 by 256", "sd15", "unet", 256),
    "unet-512": Work("a UNet call with guidance, SD 1.5, 512 by 512", "sd15", "unet", 512),
    "unet-sdxl-512": Work("a UNet call with guidance, SDXL, 512 by 512", "sdxl", "unet", 512),
    "vae-512": Work("a VAE decode, 512 by 512", "sd15", "vae", 512),
    "vae-1024": Work("a VAE decode, 1024 by 1024", "sd15", "vae", 1024),
    "text": Work("the encoding of two prompts, SD 1.5", "sd15", "text", 512),
}


@dataclass(frozen=True)
class Kind:
    """Who computes, and how."""

    label: str
    program: str
    dtype: str
    channels_last: bool = False
    compiled: bool = False
    int8: bool = False


TIMED = """
import itertools, statistics
import numpy as np
import torch

numbers = itertools.count()
latents = torch.randn(1, 4, SIZE // 8, SIZE // 8, generator=torch.Generator().manual_seed(0))
"""

MEASURE = """
with torch.no_grad():
    call = {"unet": unet, "vae": vae, "text": text}[PART]
    np.save(OUTPUT, call())
    seconds = []
    while sum(seconds) < 2:
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
found["seconds"] = statistics.median(seconds)
"""

# Every call encodes other prompts: ours keeps those that it read lately.
SAFELIGHT = f"""
import engine
{TIMED}
from engine.networks.layers.int8 import int8
from engine.pipelines.pipeline import Call, Half
from engine.request.conditions import conditions
pipeline = engine.load(FOLDER, device="cpu", dtype=DTYPE)

def told(prompt, negative_prompt):
    now = conditions(engine.Request(prompt, negative_prompt), 0, 20)
    return pipeline.conditioner.encode(now, tuple(Half))

def unet():
    with int8(INT8):
        return torch.stack(pipeline.denoiser(latents, 500.0, halves, Call())[::-1]).numpy()

def vae():
    return pipeline.codec.decode(latents).pictures[0]

def text():
    number = next(numbers)
    return told(f"a red apple {{number}}", f"a blurry picture {{number}}")[1].hidden.float().numpy()

with torch.no_grad():
    halves = told("a red apple, 3d", "")
{MEASURE}
"""

DIFFUSERS = f"""
{TIMED}
import diffusers
from diffusers.utils import logging
logging.set_verbosity_error()
logging.disable_progress_bar()
dtype = getattr(torch, DTYPE)
pipeline = diffusers.DiffusionPipeline.from_pretrained(FOLDER, dtype=dtype, local_files_only=True)
for network in (pipeline.unet, pipeline.vae):
    if CHANNELS_LAST:
        network.to(memory_format=torch.channels_last)
if COMPILED:
    pipeline.unet.compile()
    pipeline.vae.decoder.compile()

def told(prompt, negative_prompt):
    return pipeline.encode_prompt(
        prompt=prompt, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=True,
        negative_prompt=negative_prompt,
    )

def unet():
    both = pipeline.unet(
        torch.cat([latents, latents]).to(dtype), 500, encoder_hidden_states=texts,
        added_cond_kwargs=added, return_dict=False,
    )[0]
    unconditional, conditional = both.float().chunk(2)
    return torch.stack([conditional, unconditional]).numpy()

def vae():
    scaled = latents.to(dtype) / pipeline.vae.config.scaling_factor
    image = pipeline.vae.decode(scaled, return_dict=False)[0]
    pixels = (image[0].float() / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
    return pixels.permute(1, 2, 0).numpy()

def text():
    number = next(numbers)
    return told(f"a red apple {{number}}", f"a blurry picture {{number}}")[0].float().numpy()

with torch.no_grad():
    positive, negative, *pooled = told("a red apple, 3d", None)
    texts = torch.cat([negative, positive])
    added = None
    if pooled:
        sizes = torch.tensor([[SIZE, SIZE, 0, 0, SIZE, SIZE]] * 2, dtype=dtype)
        added = {{"text_embeds": torch.cat(pooled[::-1]), "time_ids": sizes}}
{MEASURE}
"""


@dataclass
class Row:
    """What a kind took for a work, a value a round; result: what it computed first."""

    seconds: list[float]
    peaks: list[int]
    result: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(WORKS))
    parser.add_argument("--bfloat16", action="store_true", help="also where it is emulated")
    parser.add_argument("--compiled", action="store_true", help="also torch.compile of diffusers")
    parser.add_argument("--folder", type=Path, help="keep the models here")
    arguments = parser.parse_args()

    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "diffusers"))
    print(f"{machine()}; {packages}; medians of {arguments.rounds} rounds\n")
    kinds = list(kinds_here(arguments.bfloat16, arguments.compiled))
    print("| | | seconds | ratio | peak memory, GB | agreement |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        models = arguments.folder or Path(place)
        for name in arguments.only or WORKS:
            work = WORKS[name]
            output = Path(place) / "result.npy"
            folder = made(models / work.family, work.family)
            print_rows(work, measured(work, kinds, folder, arguments.rounds, output))


def kinds_here(bfloat16: bool, compiled: bool) -> Iterator[Kind]:
    """Those that this machine can tell something about; prints which it leaves out, and why."""
    here = abilities()
    usual = here["dtype"]
    print(f"Safelight's choice here is {usual}.\n")
    yield Kind("diffusers, float32", DIFFUSERS, "float32")
    yield Kind("Safelight, float32", SAFELIGHT, "float32")
    if usual != "float32":
        yield Kind(f"Safelight, {usual} (its choice here)", SAFELIGHT, usual)
    if here["int8"]:
        yield Kind(f"Safelight, {usual}, int8", SAFELIGHT, usual, int8=True)
    if bfloat16 or here["bfloat16"]:
        label = "diffusers, bfloat16, channels last"
        yield Kind(label, DIFFUSERS, "bfloat16", channels_last=True)
    else:
        print("bfloat16 is emulated here: left out.\n")
    if compiled and not (shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")):
        print("There is no C++ compiler: torch.compile is left out.\n")
    elif compiled:
        yield Kind("diffusers, float32, compiled", DIFFUSERS, "float32", compiled=True)
        if here["bfloat16"]:
            label = "diffusers, bfloat16, channels last, compiled"
            yield Kind(label, DIFFUSERS, "bfloat16", channels_last=True, compiled=True)


def measured(
    work: Work, kinds: list[Kind], folder: Path, rounds: int, output: Path
) -> dict[str, Row]:
    """By the kinds' labels. One that fails is told and left out."""
    rows: dict[str, Row] = {}
    kinds = [kind for kind in kinds if not (kind.compiled and work.part == "text")]
    kinds = [kind for kind in kinds if not kind.int8 or work.part == "unet"]  # the UNet's alone
    failed: set[Kind] = set()
    for _ in range(rounds):
        for kind in kinds:
            if kind in failed:
                continue
            names: dict[str, Any] = {"PART": work.part, "SIZE": work.size, "DTYPE": kind.dtype}
            if kind.program is DIFFUSERS:
                names |= {"CHANNELS_LAST": kind.channels_last, "COMPILED": kind.compiled}
            else:
                names["INT8"] = kind.int8
            try:
                found = run(kind.program, FOLDER=str(folder), OUTPUT=str(output), **names)
            except ProgramError as error:
                print(f"{work.label}: {kind.label}: {error}", file=sys.stderr)
                failed.add(kind)
                continue
            row = rows.setdefault(kind.label, Row([], [], np.load(output)))
            row.seconds.append(found["seconds"])
            row.peaks.append(found["peak"])
    return rows


def print_rows(work: Work, rows: dict[str, Row]) -> None:
    base = rows.get("diffusers, float32")
    for label, row in rows.items():
        seconds = statistics.median(row.seconds)
        ratio = agreement = ""
        if base is not None:
            ratio = f"{seconds / statistics.median(base.seconds):.2f}"
        if base is not None and base is not row and work.part == "vae":
            agreement = decibels(row.result, base.result)
        elif base is not None and base is not row:
            agreement = relative(row.result, base.result)
        peak = max(row.peaks) / 1e9
        print(f"| {work.label} | {label} | {seconds:.2f} | {ratio} | {peak:.2f} | {agreement} |")
    sys.stdout.flush()


def relative(values: np.ndarray, reference: np.ndarray) -> str:
    """The largest difference, beside the largest value."""
    return f"{np.abs(values - reference).max() / np.abs(reference).max():.1e}"


if __name__ == "__main__":
    main()
