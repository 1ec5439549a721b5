"""How long a person waits for the window and the engine behind it, and how long the window stands
still on the way.

    python tests/benchmarks/startup.py [--rounds 3]

Prints two tables, of medians over fresh processes: the real window with the bundled model, drawn
offscreen (see `tests/stalls.py` for what counts as a stall); and what the engine's parts take to
import, in seconds of computing, each with all that it needs and nothing that stands above it.
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
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCREEN = f"offscreen:configfile={ROOT}/tests/screen.json"
ROWS = {
    "window": "the window on the screen, s",
    "ready": "Generate can be pressed, s",
    "load": "longest stall while importing and loading, ms",
    "run": "longest stall of a run, ms",
    "decode": "longest stall from its last step to the picture, ms",
}
PARTS = ("app.main", "torch", "engine.run.generate", "transformers", "engine.pipelines.text")
IMPORTS = """
import gc, importlib, json, time
gc.disable()  # as the window does while it loads
taken = {}
for name in PARTS:
    begun = time.process_time()
    importlib.import_module(name)
    taken[name] = time.process_time() - begun
print(json.dumps(taken))
"""


def printed(arguments: list[str], home: str) -> dict[str, dict[str, float]]:
    """The JSON that a fresh Python prints last."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"SAFELIGHT_HOME": home, "QT_QPA_PLATFORM": SCREEN},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    waits, imports = [], []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(parser.parse_args().rounds):
            found = printed(["-m", "tests.stalls", str(time.time())], home)
            stalls = {phase: 1000 * seconds for phase, seconds in found["stalls"].items()}
            waits.append(found["seconds"] | stalls)
            imports.append(printed(["-c", f"PARTS = {PARTS!r}\n{IMPORTS}"], home))
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("torch", "transformers", "PySide6_Essentials")
    )
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; {packages}\n")
    print("| start | median | worst |\n|---|---|---|")
    for name, label in ROWS.items():
        values = [wait[name] for wait in waits]
        print(f"| {label} | {statistics.median(values):.3g} | {max(values):.3g} |")
    print("\n| import | CPU s |\n|---|---|")
    for name in PARTS:
        print(f"| {name} | {statistics.median(taken[name] for taken in imports):.2f} |")


if __name__ == "__main__":
    main()
