"""What each option that takes less time saves and costs, and each level of the slider.

    python tests/benchmarks/economy.py [--steps 20] [--prompts 8]

Prints one table for the bundled model: how many halves of an evaluation run the whole network and
how many only its ends, the seconds of a run against the exact one in the same round, and how far
its images lie from the exact ones, as the peak signal-to-noise ratio, in the median and at worst.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

import engine
from engine.request.economy import ECONOMIES

PROMPTS = (
    "a red apple, 3d",
    "owl on a purple background, flat",
    "rocket, cartoon",
    "a cat, 3d",
    "pizza on a yellow background",
    "a green tree, flat",
    "sailboat, 3d",
    "a bicycle",
)
OPTIONS: dict[str, dict[str, Any]] = {
    "exact": {},
    "guidance in 0.1 to 0.8 of the run": {"guidance_interval": (0.1, 0.8)},
    "guidance in 0.0 to 0.6 of the run": {"guidance_interval": (0.0, 0.6)},
    "guidance_reuse 0.2": {"guidance_reuse": 0.2},
    "guidance_reuse 0.3": {"guidance_reuse": 0.3},
    "guidance_reuse 0.5": {"guidance_reuse": 0.5},
    "int8": {"int8": True},
    "feature_reuse 2": {"feature_reuse": 2},
    "feature_reuse 3": {"feature_reuse": 3},
    "feature_reuse 5": {"feature_reuse": 5},
} | {f"--fast {number}": dict(level.fields) for number, level in enumerate(ECONOMIES) if number}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=len(PROMPTS), choices=range(1, 9))
    arguments = parser.parse_args()
    pipeline = engine.load("bundled")
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"torch {version('torch')}; {pipeline.name}, {pipeline.dtype}, {arguments.steps} steps\n"
    )
    own = replace(pipeline.default_request, steps=arguments.steps)
    requests = [replace(own, prompt=p, seed=n) for n, p in enumerate(PROMPTS[: arguments.prompts])]
    seconds: dict[str, list[float]] = {name: [] for name in OPTIONS}
    decibels: dict[str, list[float]] = {name: [] for name in OPTIONS}
    halves: dict[str, tuple[int, int]] = {}
    for request in requests:
        exact = None
        for name, fields in OPTIONS.items():
            begun = time.perf_counter()
            steps, image = run(pipeline, replace(request, **fields))
            seconds[name].append(time.perf_counter() - begun)
            exact = image if exact is None else exact
            decibels[name].append(distance(image, exact))
            halves[name] = counted(steps)
    print("| | whole halves | halves with the ends alone | time | PSNR, median | at worst |")
    print("|---|---|---|---|---|---|")
    for name in OPTIONS:
        pairs = zip(seconds[name], seconds["exact"], strict=True)
        ratio = statistics.median(own / exact for own, exact in pairs)
        whole, ends = halves[name]
        median, worst = statistics.median(decibels[name]), min(decibels[name])
        print(f"| {name} | {whole} | {ends} | {ratio:.2f} | {shown(median)} | {shown(worst)} |")


def run(pipeline: Any, request: Any) -> tuple[list[Any], np.ndarray]:
    steps = []
    for event in engine.generate(pipeline, request):
        if isinstance(event, engine.Step):
            steps.append(event)
        elif isinstance(event, engine.Finished):
            return steps, np.asarray(event.images[0], np.float64)
    raise SystemExit("the run gave no image")


def counted(steps: list[Any]) -> tuple[int, int]:
    """Halves of evaluations that ran all layers, and those that took the deep ones over."""
    whole, ends, former = 0, 0, None
    for step in steps:
        (reused,) = step.snapshot.reused or (None,)
        alone = step.snapshot.unconditional is None or (reused is not None and reused.alone)
        deep = reused.deep if reused is not None else None
        if deep is not None and deep is former:
            ends += 1 if alone else 2
        else:
            whole += 1 if alone else 2
        former = deep
    return whole, ends


def distance(image: np.ndarray, exact: np.ndarray) -> float:
    mean = float(((image - exact) ** 2).mean())
    return 10 * math.log10(255**2 / mean) if mean else math.inf


def shown(decibels: float) -> str:
    return "equal" if math.isinf(decibels) else f"{decibels:.1f} dB"


if __name__ == "__main__":
    main()
