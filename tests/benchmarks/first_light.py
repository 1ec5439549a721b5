"""How long a person waits: for the window, for a first image from a cold start, for the next one.

    python tests/benchmarks/first_light.py [--rounds 3]

Prints one table: the bundled model, 20 steps, guidance 5, 128 by 128, beside diffusers' pipeline on
the same weights in the same run (float32, its default, and bfloat16). Every round is a fresh
process of each kind in turn; figures are medians.
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
MODEL = ROOT / "resources" / "models" / "emoji"
PROMPT = "a red apple, 3d"

WINDOW = """
import json, sys, time
from PySide6.QtWidgets import QApplication
from PySide6.QtCore import QEvent, QObject, QTimer
from app import main
qt = QApplication([])
application = main.build()
seen, images = {}, []

class Painted(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and "window" not in seen:
            seen["window"] = time.time() - START
        return False

painted = Painted()
application.window.canvas.installEventFilter(painted)

def again():
    images.append(time.perf_counter())
    application.session.generate()

def ready(is_ready):
    if is_ready and "ready" not in seen:
        seen["ready"] = time.time() - START
        application.session.set_prompt(PROMPT)
        again()

def changed(running):
    if running:
        return
    images[-1] = time.perf_counter() - images[-1]
    if len(images) < 5:
        QTimer.singleShot(0, again)
    else:
        seen["image"] = sorted(images[1:])[1]
        application.close()
        qt.quit()

application.models.readyChanged.connect(ready)
application.run.runningChanged.connect(changed)
application.show()
QTimer.singleShot(600_000, qt.quit)
qt.exec()
print(json.dumps(seen))
"""

DIFFUSERS = """
import json, sys, time, warnings
import torch
from diffusers import StableDiffusionPipeline
pipeline = StableDiffusionPipeline.from_pretrained(MODEL, dtype=getattr(torch, DTYPE))
pipeline.set_progress_bar_config(disable=True)
times = []
for seed in range(4):
    begun = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    image = pipeline(PROMPT, width=128, height=128, num_inference_steps=20, guidance_scale=5.0,
                     generator=generator).images[0]
    if seed == 0:
        image.save(OUTPUT)
        cold = time.time() - START
    times.append(time.perf_counter() - begun)
print(json.dumps({"cold": cold, "image": sorted(times[1:])[1]}))
"""


def child(code: str, home: str, **names: str) -> dict[str, float]:
    """Run code in a fresh process, with START as now; the JSON that it printed last."""
    given = {"START": time.time(), "PROMPT": PROMPT, "MODEL": str(MODEL), **names}
    head = "\n".join(f"{name} = {value!r}" for name, value in given.items())
    done = subprocess.run(
        [sys.executable, "-c", head + code],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def environment(home: str) -> dict[str, str]:
    return {**os.environ, "SAFELIGHT_HOME": home, "QT_QPA_PLATFORM": SCREEN}


def render(home: str) -> float:
    """Seconds of a whole `safelight render`."""
    begun = time.perf_counter()
    words = [PROMPT, "--steps", "20", "--seed", "0", "-o", home]
    command = [sys.executable, "-m", "app", "render", *words]
    subprocess.run(command, cwd=ROOT, env=environment(home), check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as home:
        output = str(Path(home) / "diffusers.png")
        for _ in range(parser.parse_args().rounds):
            float32 = child(DIFFUSERS, home, DTYPE="float32", OUTPUT=output)
            bfloat16 = child(DIFFUSERS, home, DTYPE="bfloat16", OUTPUT=output)
            window = child(WINDOW, home)
            figures = {
                "cold": render(home),
                "cold float32": float32["cold"],
                "cold bfloat16": bfloat16["cold"],
                "image": window["image"],
                "image float32": float32["image"],
                "image bfloat16": bfloat16["image"],
                "window": window["window"],
                "ready": window["ready"],
            }
            for name, seconds in figures.items():
                rounds.setdefault(name, []).append(seconds)
    median = {name: statistics.median(values) for name, values in rounds.items()}

    packages = ", ".join(
        f"{name} {version(name)}" for name in ("torch", "diffusers", "PySide6_Essentials")
    )
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; {packages}\n")
    print("| seconds | Safelight | diffusers float32 | ratio | diffusers bfloat16 | ratio |")
    print("|---|---|---|---|---|---|")
    for name, label in (
        ("cold", "a cold start to a saved image"),
        ("image", "an image in the open program (ours with every preview, saved)"),
    ):
        ours, theirs, best = median[name], median[f"{name} float32"], median[f"{name} bfloat16"]
        ratios = f"{theirs:.2f} | {ours / theirs:.2f} | {best:.2f} | {ours / best:.2f}"
        print(f"| {label} | {ours:.2f} | {ratios} |")
    print(f"| the window on the screen | {median['window']:.2f} | | | | |")
    print(f"| Generate can be pressed | {median['ready']:.2f} | | | | |")


if __name__ == "__main__":
    main()
