"""What one busy program beside it costs a step, with torch's threads soon asleep while they wait
(ours) and spinning (as torch brings it, what we had):

    python tests/benchmarks/busy.py [--rounds 5] [--model bundled] [--size 128]

One process of each kind, with as many threads as cores, takes turns: first with the machine idle,
then beside one process that computes all the time. Prints one table, the median of the steps, and
exits with 1 where ours misses a bar: beside the busy process at most 3 times its idle step, idle at
most 1.02 of the spinning kind. Make it on a quiet machine; other programs count as busy ones.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine.hardware.threads import PERSONS_OWN, WAITS

ROOT = Path(__file__).parents[2]
STEPS = 6
"""Of each turn; the first, which also reads the prompt, does not count."""
PATIENCE = 60.0
"""Seconds that a turn may take beside the busy process."""
BUSY_BAR, IDLE_BAR = 3.0, 1.02
SPINNING = {"GOMP_SPINCOUNT": "300000", "KMP_BLOCKTIME": "200"}
"""What the libraries do when nobody says anything."""

CHILD = """
import sys
import engine
pipeline = engine.load(MODEL, device="cpu")
size = {"width": SIZE, "height": SIZE} if SIZE else {}
print("ready", flush=True)
for line in sys.stdin:
    request = engine.Request("an owl, 3d", steps=STEPS, guidance_scale=5.0, **size)
    events = engine.generate(pipeline, request)
    print([e.seconds for e in events if isinstance(e, engine.Step)][1:], flush=True)
"""


class Kind:
    """A process that draws when it is asked to."""

    def __init__(self, waits: Mapping[str, str], model: str, size: int) -> None:
        given = f"MODEL, SIZE, STEPS = {model!r}, {size}, {STEPS}\n"
        inherited = {k: v for k, v in os.environ.items() if k not in PERSONS_OWN}
        self._process = subprocess.Popen(
            [sys.executable, "-c", given + CHILD],
            cwd=ROOT,
            env={**inherited, **waits},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seconds: list[float] = []
        assert self._answers.readline() == "ready\n"
        self.draw()
        self.seconds.clear()  # the first run finds out what is quick

    @property
    def _answers(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def draw(self, patience: float | None = None) -> bool:
        """Whether the run came to its end in time; its steps' seconds are added."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        if not select.select([self._answers], [], [], patience)[0]:
            self.seconds.append(float("inf"))
            return False
        self.seconds += json.loads(self._answers.readline())
        return True

    def take_median(self) -> float:
        """Of the steps since the last time."""
        seconds, self.seconds = statistics.median(self.seconds), []
        return seconds

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--size", type=int, default=0, help="pixels; by default the model's own")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores", flush=True)
    kinds = {
        "soon asleep (ours)": Kind(WAITS, arguments.model, arguments.size),
        "spinning": Kind(SPINNING, arguments.model, arguments.size),
    }
    try:
        return _compare(kinds, arguments.rounds)
    finally:
        for kind in kinds.values():
            kind.close()


def _compare(kinds: Mapping[str, Kind], rounds: int) -> int:
    time.sleep(1)  # the last threads of the loading fall asleep
    for _ in range(rounds):
        for kind in kinds.values():
            kind.draw()
    idle = {name: kind.take_median() for name, kind in kinds.items()}
    busy = _beside_a_busy_process(kinds, rounds)
    print("| threads that wait | idle, ms | beside a busy process, ms | ratio |\n|---|---|---|---|")
    for name in kinds:
        ratio = busy[name] / idle[name]
        print(f"| {name} | {_ms(idle[name])} | {_ms(busy[name])} | {ratio:.2f} |")
    ours, spinning = kinds
    slower, ratio = busy[ours] / idle[ours], idle[ours] / idle[spinning]
    print(f"beside a busy process {slower:.2f} of idle (bar {BUSY_BAR:g})")
    print(f"idle {ratio:.3f} of spinning (bar {IDLE_BAR:g})")
    return int(slower > BUSY_BAR or ratio > IDLE_BAR)


def _beside_a_busy_process(kinds: Mapping[str, Kind], rounds: int) -> dict[str, Any]:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            patient = dict(kinds)
            for _ in range(rounds):
                for name, kind in tuple(patient.items()):
                    if not kind.draw(PATIENCE):
                        del patient[name]  # it would still be at it in its next turn
                        kind.close()
        finally:
            busy.kill()
    return {name: kind.take_median() for name, kind in kinds.items()}


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}" if seconds < PATIENCE else f"over {1000 * PATIENCE / STEPS:.0f}"


if __name__ == "__main__":
    sys.exit(main())
