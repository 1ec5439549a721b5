"""What a whole image costs: Stable Diffusion 1.5 at full size, with random weights, beside peers.

    python tests/benchmarks/image.py [--rounds 3] [--steps 20] [--size 512]
        [--ours exact] [--peers diffusers,diffusers-best,openvino,stable-diffusion.cpp]
        [--peers-python PATH]

Prints one table, of the CPU: the same weights, prompt, noise, guidance (7.5) and steps of Euler,
each a UNet call on both prompts, for everyone. Every figure is of fresh processes of each kind in
turn: medians of the rounds, the ratio to diffusers in float32, or to what stands first. An image is
timed after one of a single step that warms up; its start is all before that, from the imports on;
memory is the whole process at its peak.

diffusers is float32, its default, and what is best for it here: bfloat16 with channels last where
the processor multiplies it, compiled where there is a C++ compiler. OpenVINO runs what
`openvino.convert_model` makes of diffusers' networks, at this one size. stable-diffusion.cpp reads
the same weights from a single file. The two are packages of any Python that --peers-python names:

    pip install openvino diffusers transformers stable-diffusion-cpp-python

--folder keeps the models there for the next time. Needs 9 GB of memory and of disk.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from fresh import ProgramError, abilities, decibels, machine, made, run

from engine.request.economy import ECONOMIES

OURS: dict[str, dict[str, Any]] = {"exact": {}, "fast": dict(ECONOMIES[-1].fields)}
"""What --ours can name: further fields of the request."""

PEERS = ("diffusers", "diffusers-best", "openvino", "stable-diffusion.cpp")

SAFELIGHT = """
import engine
pipeline = engine.load(FOLDER, device="cpu")

def render(steps):
    request = engine.Request(
        PROMPT, width=SIZE, height=SIZE, steps=steps, guidance_scale=GUIDANCE, seed=SEED,
        scheduler="euler", scheduler_options={"timestep_spacing": "linspace"}, **FIELDS,
    )
    *_, finished = engine.generate(pipeline, request)
    return finished.images[0]
"""

DIFFUSERS = """
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline
from diffusers.utils import logging
logging.set_verbosity_error()
logging.disable_progress_bar()
dtype = getattr(torch, DTYPE)
pipeline = StableDiffusionPipeline.from_pretrained(FOLDER, dtype=dtype, local_files_only=True)
pipeline.scheduler = EulerDiscreteScheduler.from_config(
    pipeline.scheduler.config, timestep_spacing="linspace"
)
pipeline.set_progress_bar_config(disable=True)
if DTYPE == "bfloat16":
    pipeline.unet.to(memory_format=torch.channels_last)
    pipeline.vae.to(memory_format=torch.channels_last)
if COMPILED:
    pipeline.unet.compile()
    pipeline.vae.decoder.compile()

def render(steps):
    images = pipeline(
        PROMPT, width=SIZE, height=SIZE, num_inference_steps=steps, guidance_scale=GUIDANCE,
        generator=torch.Generator().manual_seed(SEED), output_type="pt",
    ).images
    return images[0].float().mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()
"""

CONVERT = """
from pathlib import Path
import openvino, torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

class First(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network
    def forward(self, *inputs):
        return self.network(*inputs, return_dict=False)[0]

class Decoder(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae
    def forward(self, latents):
        return self.vae.decode(latents, return_dict=False)[0]

def convert(name, network, *inputs):
    with torch.no_grad():
        shapes = [tuple(one.shape) for one in inputs]
        converted = openvino.convert_model(network.eval(), example_input=inputs, input=shapes)
    # In float16, as is usual, the timestep's frequencies would lose what makes equal pictures.
    openvino.save_model(converted, Path(CONVERTED) / f"{name}.xml", compress_to_fp16=False)

def network(kind, name):
    return kind.from_pretrained(FOLDER, subfolder=name, dtype=torch.float32)

side = SIZE // 8
latents, texts = torch.randn(2, 4, side, side), torch.randn(2, 77, 768)
ids = torch.ones(2, 77, dtype=torch.long)
convert("vae", Decoder(network(AutoencoderKL, "vae")), latents[:1])
convert("text", First(network(CLIPTextModel, "text_encoder")), ids)
convert("unet", First(network(UNet2DConditionModel, "unet")), latents, torch.tensor(500.0), texts)
"""

OPENVINO = """
import openvino, torch
from diffusers import EulerDiscreteScheduler
from transformers import CLIPTokenizer
core = openvino.Core()
hints = {} if PRECISION is None else {"INFERENCE_PRECISION_HINT": PRECISION}
text, unet, vae = (
    core.compile_model(f"{CONVERTED}/{name}.xml", "CPU", hints) for name in ("text", "unet", "vae")
)
found["note"] = unet.get_property("INFERENCE_PRECISION_HINT").to_string()
tokenizer = CLIPTokenizer.from_pretrained(FOLDER + "/tokenizer")
scheduler = EulerDiscreteScheduler.from_pretrained(
    FOLDER + "/scheduler", timestep_spacing="linspace"
)

def render(steps):
    texts = tokenizer(
        ["", PROMPT], padding="max_length", max_length=77, truncation=True, return_tensors="np"
    ).input_ids
    hidden = text(texts)[0]
    scheduler.set_timesteps(steps)
    noise = torch.randn(1, 4, SIZE // 8, SIZE // 8, generator=torch.Generator().manual_seed(SEED))
    latents = noise * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, timestep).expand(2, -1, -1, -1)
        both = torch.from_numpy(unet((seen.numpy(), timestep.numpy(), hidden))[0])
        unconditional, conditional = both.chunk(2)
        guided = unconditional + GUIDANCE * (conditional - unconditional)
        latents = scheduler.step(guided, timestep, latents).prev_sample
    image = torch.from_numpy(vae((latents / 0.18215).numpy())[0])[0]
    return (image / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0).numpy()
"""

SINGLE_FILE = """
from pathlib import Path
from safetensors.torch import save_file
from tests.original_layout import LEFTOVERS, original
weights = original(Path(FOLDER))
save_file({key: weights[key].contiguous() for key in weights if key not in LEFTOVERS}, CHECKPOINT)
"""

# Its generator "cpu" draws as torch's does, and its usual spacing of steps is linspace.
STABLE_DIFFUSION_CPP = """
from stable_diffusion_cpp import StableDiffusion
pipeline = StableDiffusion(
    model_path=CHECKPOINT, vae_decode_only=True, n_threads=os.cpu_count(), rng_type="cpu",
    verbose=False,
)

def render(steps):
    images = pipeline.generate_image(
        PROMPT, width=SIZE, height=SIZE, sample_steps=steps, cfg_scale=GUIDANCE, seed=SEED,
        sample_method="euler", scheduler="discrete",
    )
    return images[0].convert("RGB")
"""

MEASURE = """
import numpy as np
begun = time.perf_counter()
{program}
found["start"] = time.perf_counter() - begun
render(1)
begun = time.perf_counter()
picture = render(STEPS)
found["seconds"] = time.perf_counter() - begun
np.save(OUTPUT, np.asarray(picture))
"""


@dataclass(frozen=True)
class Kind:
    """Who computes, in which Python, with which names told; like: whose picture it should make."""

    label: str
    program: str
    names: Mapping[str, Any]
    like: str
    python: str = sys.executable


@dataclass
class Row:
    """What a kind took, a value a round; picture: what it made first; note: how it computed."""

    picture: np.ndarray
    note: str
    seconds: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", type=int, default=512, help="width and height in pixels")
    parser.add_argument("--ours", default=",".join(OURS), help=f"of {', '.join(OURS)}")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of {', '.join(PEERS)}")
    parser.add_argument("--peers-python", default=sys.executable, help="has OpenVINO and the like")
    parser.add_argument("--folder", type=Path, help="keep the models here")
    arguments = parser.parse_args()
    ours, peers = (
        [name for name in names.split(",") if name] for names in (arguments.ours, arguments.peers)
    )
    if unknown := {*ours} - {*OURS} | {*peers} - {*PEERS}:
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    python = arguments.peers_python

    packages = [f"{name} {version(name)}" for name in ("torch", "diffusers")]
    for peer, package in (
        ("openvino", "openvino"),
        ("stable-diffusion.cpp", "stable-diffusion-cpp-python"),
    ):
        if peer in peers and (installed := version_in(python, package)):
            packages.append(f"{package} {installed}")
        elif peer in peers:
            print(f"{peer} is left out: {python} has no {package}.")
            peers.remove(peer)
    print(
        f"{machine()}; {', '.join(packages)}; {arguments.size} by {arguments.size}, "
        f"{arguments.steps} steps, medians of {arguments.rounds} rounds\n"
    )
    with tempfile.TemporaryDirectory() as place:
        models = (arguments.folder or Path(place)).resolve()
        folder = made(models / "sd15", "sd15")
        kinds = [*ours_here(ours, folder), *diffusers_here(peers, folder)]
        others = {  # which make their models only when they are asked for their kinds
            "openvino": openvino_here(python, folder, models, arguments.size),
            "stable-diffusion.cpp": cpp_here(python, folder, models),
        }
        for peer in (name for name in others if name in peers):
            try:
                kinds += others[peer]
            except ProgramError as error:
                print(f"{peer} is left out: its model could not be made: {error}")
        print_table(measured(kinds, arguments.rounds, arguments.steps, arguments.size), kinds)


def version_in(python: str, package: str) -> str | None:
    """Of a package in another Python; None if it is not there."""
    program = "from importlib.metadata import version\nfound['version'] = version(PACKAGE)"
    try:
        return run(program, python, PACKAGE=package)["version"]
    except ProgramError:
        return None


def ours_here(ours: list[str], folder: Path) -> Iterator[Kind]:
    dtype = abilities()["dtype"]
    for name in ours:
        like = "diffusers, float32" if name == "exact" else f"Safelight, exact, {dtype}"
        names = {"FOLDER": str(folder), "FIELDS": OURS[name]}
        yield Kind(f"Safelight, {name}, {dtype}", SAFELIGHT, names, like)


def diffusers_here(peers: list[str], folder: Path) -> Iterator[Kind]:
    names = {"FOLDER": str(folder), "DTYPE": "float32", "COMPILED": False}
    if "diffusers" in peers:
        yield Kind("diffusers, float32", DIFFUSERS, names, "")
    if "diffusers-best" in peers:
        dtype = abilities()["dtype"]
        compiled = any(map(shutil.which, ("c++", "g++", "clang++")))
        if dtype == "float32" and not compiled:
            print("diffusers-best is left out: no C++ compiler, and bfloat16 is no quicker here.\n")
            return
        how = ", channels last" * (dtype == "bfloat16") + ", compiled" * compiled
        names |= {"DTYPE": dtype, "COMPILED": compiled}
        yield Kind(f"diffusers, {dtype}{how}", DIFFUSERS, names, "diffusers, float32")


def openvino_here(python: str, folder: Path, models: Path, size: int) -> Iterator[Kind]:
    """Its default, which may be less precise than float32 where the processor is faster so."""
    converted = models / f"openvino-{size}"
    names = {"FOLDER": str(folder), "CONVERTED": str(converted)}
    if not (converted / "unet.xml").exists():
        converted.mkdir(exist_ok=True)
        run(CONVERT, python, SIZE=size, **names)
    precisions = {"its default": None}
    if abilities()["dtype"] != "float32":
        precisions["float32"] = "f32"
    for how, precision in precisions.items():
        names = {**names, "PRECISION": precision}
        yield Kind(f"OpenVINO, {how}", OPENVINO, names, "diffusers, float32", python)


def cpp_here(python: str, folder: Path, models: Path) -> Iterator[Kind]:
    checkpoint = models / "sd15.safetensors"
    names = {"CHECKPOINT": str(checkpoint)}
    if not checkpoint.exists():
        run(SINGLE_FILE, FOLDER=str(folder), **names)
    label = "stable-diffusion.cpp, float16 weights"
    yield Kind(label, STABLE_DIFFUSION_CPP, names, "diffusers, float32", python)


def measured(kinds: list[Kind], rounds: int, steps: int, size: int) -> dict[str, Row]:
    """By the kinds' labels. One that fails is told and left out."""
    told = {"PROMPT": "a red apple, 3d", "GUIDANCE": 7.5, "SEED": 7, "STEPS": steps, "SIZE": size}
    rows: dict[str, Row] = {}
    failed: set[str] = set()
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "picture.npy"
        for _ in range(rounds):
            for kind in kinds:
                if kind.label in failed:
                    continue
                program = MEASURE.format(program=kind.program)
                try:
                    found = run(program, kind.python, OUTPUT=str(output), **told, **kind.names)
                except ProgramError as error:
                    print(f"{kind.label}: {error}", file=sys.stderr)
                    failed.add(kind.label)
                    continue
                row = rows.setdefault(kind.label, Row(np.load(output), found.get("note", "")))
                row.seconds.append(found["seconds"])
                row.starts.append(found["start"])
                row.peaks.append(found["peak"])
    return rows


def print_table(rows: dict[str, Row], kinds: list[Kind]) -> None:
    if not rows:
        raise SystemExit("Nothing could be measured.")
    print("| | an image, s | ratio | start, s | peak memory, GB | its picture |")
    print("|---|---|---|---|---|---|")
    base = rows.get("diffusers, float32") or next(iter(rows.values()))
    for kind in kinds:
        if kind.label not in rows:
            continue
        row = rows[kind.label]
        seconds = statistics.median(row.seconds)
        ratio = seconds / statistics.median(base.seconds)
        label = f"{kind.label} ({row.note})" if row.note else kind.label
        picture = ""
        if kind.like in rows:
            picture = f"{decibels(row.picture, rows[kind.like].picture)} of {kind.like}"
        print(
            f"| {label} | {seconds:.1f} | {ratio:.2f} | {statistics.median(row.starts):.1f} | "
            f"{max(row.peaks) / 1e9:.2f} | {picture} |"
        )


if __name__ == "__main__":
    main()
