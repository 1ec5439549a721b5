"""Programs in fresh processes, what they cost, and how far two pictures lie apart. Used by the
benchmarks that compare with peers, networks.py and image.py. Needs no torch: a child that is born
of a large process counts that one's memory as its own peak.
"""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from full_size import MAKE

ROOT = Path(__file__).parents[2]

HEAD = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
found = {}
"""
PEAK = """
import json, resource
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print("\\n" + json.dumps(found | {"peak": peak}))
"""

PROBE = """
from engine import device
from engine.networks import int8
cpu = device.pick_device("cpu")
found["dtype"] = str(device.pick_dtype("auto", cpu)).removeprefix("torch.")
found["bfloat16"] = device._cpu_multiplies_bfloat16()
found["int8"] = int8.available(cpu)
"""


class ProgramError(Exception):
    """A program ended with an error, which this tells."""


def run(program: str, python: str = sys.executable, **names: object) -> dict[str, Any]:
    """What the program left in `found`, and its "peak" in bytes, from a process of its own that
    knows these names. Raises ProgramError."""
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    done = subprocess.run(
        [python, "-c", given + HEAD + program + PEAK], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise ProgramError(f"exit code {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def made(folder: Path, kind: str) -> Path:
    """A model of "sd15" or "sdxl" in this folder, written if it is not there yet."""
    if not (folder / "model_index.json").exists():
        tokenizer = str(ROOT / "resources" / "tokenizers" / "clip")
        run(MAKE, FOLDER=str(folder), KIND=kind, TOKENIZER=tokenizer)
    return folder


def abilities() -> dict[str, Any]:
    """Of this machine's CPU: "dtype", what `engine.load` takes for "auto"; "bfloat16" and "int8",
    whether it multiplies such in hardware."""
    return run(PROBE)


def machine() -> str:
    """Processor and cores."""
    name = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        name = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), name)
    return f"{name}, {os.cpu_count()} cores"


def decibels(one: np.ndarray, other: np.ndarray) -> str:
    """The peak signal-to-noise ratio of two pictures of 8 bits."""
    mean = float(((one.astype(np.float64) - other.astype(np.float64)) ** 2).mean())
    return "equal" if mean == 0 else f"{10 * math.log10(255**2 / mean):.1f} dB"
