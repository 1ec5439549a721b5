"""What the loop costs besides the network: everything between two calls of the UNet.

    python tests/benchmarks/loop.py [--rounds 5] [--steps 20]

Prints one table for the bundled model: the seconds of a step, those within the UNet's calls, and
the share of the rest, in the median over the steps of each round, with some schedulers.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import engine

SCHEDULERS = ("unipc", "dpmpp_2m", "euler", "ddim", "pndm", "euler_ancestral")
BAR = 0.03


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    pipeline = engine.load("bundled")
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; "
        f"torch {version('torch')}; {arguments.steps} steps, {arguments.rounds} rounds\n\n"
        "| | a step, ms | within the UNet, ms | the rest | bar |\n|---|---|---|---|---|"
    )
    seconds = _timed(pipeline)
    list(engine.generate(pipeline, engine.Request("an owl, 3d", steps=3)))
    for scheduler in SCHEDULERS:
        request = engine.Request(
            "an owl, 3d", steps=arguments.steps, guidance_scale=5.0, scheduler=scheduler
        )
        steps, calls = [], []
        for _ in range(arguments.rounds):
            seconds.clear()
            for step, call in _steps(pipeline, request, seconds):
                steps.append(step)
                calls.append(call)
        step, call = statistics.median(steps), statistics.median(calls)
        rest = statistics.median((s - c) / s for s, c in zip(steps, calls, strict=True))
        print(f"| {scheduler} | {1000 * step:.1f} | {1000 * call:.1f} | {rest:.1%} | {BAR:.0%} |")


def _timed(pipeline: Any) -> list[float]:
    """Where the seconds of each call of the UNet go from now on."""
    seconds: list[float] = []
    call = pipeline.denoiser._called

    def timed(*inputs: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        output = call(*inputs, **named)
        seconds.append(time.perf_counter() - begun)
        return output

    pipeline.denoiser._called = timed
    return seconds


def _steps(pipeline: Any, request: Any, seconds: list[float]) -> list[tuple[float, float]]:
    """The seconds from each evaluation to the next, and those of them within the UNet; the first,
    which has the noise and the prompt before it, is left out."""
    found, last = [], 0.0
    for event in engine.generate(pipeline, request):
        now = time.perf_counter()
        if isinstance(event, engine.Step):
            if event.index:
                found.append((now - last, seconds[-1]))
            last = time.perf_counter()
    return found


if __name__ == "__main__":
    main()
