"""Broken and hostile bytes at every door of the program: `python -m tests.endurance.fuzz --minutes
30`. Each door (tests.endurance.doors) is tried in a process of its own, with bounds of memory and
time, and what it did not take with a sentence is told with the words that repeat it. Run by
test_fuzz.

A case is decided by the door, the seed and its number alone: `--door NAME --seed S --case N` is
that one again.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
SECONDS = 2.0
"""Of its own work that a door has for one case."""
MEMORY = 2**30
"""Bytes that it has, beside what it takes before the first."""
OPENING_WINDOWS = ("homes",)
"""Doors that look at the memory of their own processes: a window's many threads reserve room that
they never use, and drawing without room ends it."""
HANGING = 60.0
"""Seconds without a word, on a machine that is busy, after which a process is ended."""
LISTENING = 0.2
"""Seconds after which it is looked whether a process is still there."""
LINES, MOST_TOLD = 24, 300
"""Lines of an error that are told, and letters of each."""
MOST_FAULTS = 5
"""Of one door, which then has been tried enough."""


@dataclass(frozen=True)
class Fault:
    """What a door did instead of taking a case or refusing it in a sentence."""

    door: str
    seed: int
    case: int
    what: str

    def __str__(self) -> str:
        again = f"python -m tests.endurance.fuzz --door {self.door} --seed {self.seed}"
        return f"{again} --case {self.case}\n{self.what}"


@dataclass
class Tried:
    """cases: how many there were, by door."""

    cases: dict[str, int]
    faults: list[Fault]


def fuzzed(
    seconds: float,
    seed: int,
    doors: tuple[str, ...],
    tell: Callable[[str], None] = lambda line: None,
) -> Tried:
    """Try the doors one after the other, each for its share of that time."""
    tried = Tried({}, [])
    for door in doors:
        _try_door(door, seed, seconds / len(doors), tried)
        faults = sum(fault.door == door for fault in tried.faults)
        tell(f"{door}: {tried.cases[door]} cases, {faults} faults")
    return tried


def _try_door(door: str, seed: int, seconds: float, tried: Tried) -> None:
    case, left = 0, seconds
    found: dict[str, Fault] = {}
    while left > 0 and len(found) < MOST_FAULTS:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            process = _child(door, seed, case, left, folder)
            last, spent, told = _watched(process, door, seed, found)
        left -= spent
        case = last + 1
        if told:
            break
    tried.cases[door] = case
    tried.faults += found.values()


def _child(door: str, seed: int, case: int, seconds: float, folder: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.endurance.fuzz", "--child", "--door", door]
    command += ["--seed", str(seed), "--case", str(case), "--seconds", f"{seconds:.1f}"]
    return subprocess.Popen(
        [*command, "--folder", folder],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=os.environ | _environment(folder),
    )


def _environment(folder: str) -> dict[str, str]:
    """In which nothing of this computer's is seen, and no connection opened."""
    return {
        "SAFELIGHT_HOME": f"{folder}/home",
        "HF_HUB_CACHE": f"{folder}/hub",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(ROOT),
        "QT_QPA_PLATFORM": "offscreen",
        "OMP_NUM_THREADS": "1",
        "PYTHONFAULTHANDLER": "1",
    }


def _watched(
    process: subprocess.Popen[str], door: str, seed: int, found: dict[str, Fault]
) -> tuple[int, float, bool]:
    """The number of the last case, the seconds spent on cases, and whether the process came to its
    own end."""
    lines: queue.Queue[str] = queue.Queue()
    errors: list[str] = []
    assert process.stdout is not None and process.stderr is not None
    for stream, take in ((process.stdout, lines.put), (process.stderr, errors.append)):
        threading.Thread(target=lambda s=stream, t=take: [t(line) for line in s] and None).start()
    last, begun, heard, is_over = 0, time.monotonic(), time.monotonic(), False
    while True:
        has_ended = process.poll() is not None
        try:
            told = json.loads(lines.get(timeout=LISTENING))
        except queue.Empty:
            if has_ended or time.monotonic() > heard + HANGING:
                break
            continue
        heard = time.monotonic()
        last = told.get("case", last)
        if "begun" in told:
            begun = time.monotonic()
        if what := told.get("fault"):
            kind = re.sub(r"\d+", "#", what.splitlines()[-1])[:200]
            found.setdefault(kind, Fault(door, seed, last, what))
        if is_over := "over" in told:
            break
    spent = time.monotonic() - begun
    if not is_over:
        hung = process.poll() is None
        process.kill()
        what = "".join(errors)[-1500:] + ("it hangs" if hung else f"ended with {process.wait()}")
        found.setdefault(what, Fault(door, seed, last, what))
    process.wait()
    return last, spent, is_over


def _run_child(arguments: argparse.Namespace) -> None:
    from tests.endurance.doors import DOORS, TRAPS

    folder = Path(arguments.folder)
    once = {**DOORS, **TRAPS}[arguments.door](folder)
    if arguments.door not in OPENING_WINDOWS:
        _bound_memory()
    _say(begun=True)
    end = time.monotonic() + arguments.seconds
    case = arguments.case
    while time.monotonic() < end:
        _say(case=case)
        if what := _faulty(once, Random(f"{arguments.door} {arguments.seed} {case}")):
            _say(fault=what)
        case += 1
    _say(over=True)
    os._exit(0)


def _faulty(once: Callable[[Random], None], random: Random) -> str:
    begun = time.process_time()
    try:
        once(random)
    except BaseException:
        lines = [line[:MOST_TOLD] for line in traceback.format_exc().splitlines()]
        return "\n".join(lines[-LINES:])
    spent = time.process_time() - begun
    return f"{spent:.1f} s of work" if spent > SECONDS else ""


def _bound_memory() -> None:
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return  # only Linux tells and bounds it
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _say(**told: object) -> None:
    print(json.dumps(told), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--door", help="that one alone")
    parser.add_argument("--case", type=int, default=None)
    for name in ("--child", "--seconds", "--folder"):
        how = {"action": "store_true"} if name == "--child" else {}
        parser.add_argument(name, help=argparse.SUPPRESS, **how)
    arguments = parser.parse_args()
    if arguments.child:
        arguments.seconds = float(arguments.seconds)
        _run_child(arguments)
    if arguments.case is not None:
        return _again(arguments)
    from tests.endurance.doors import DOORS

    doors = (arguments.door,) if arguments.door else tuple(DOORS)
    print(f"seed {arguments.seed}", flush=True)
    tried = fuzzed(
        arguments.minutes * 60, arguments.seed, doors, lambda line: print(line, flush=True)
    )
    print(*tried.faults, sep="\n\n")
    return 1 if tried.faults else 0


def _again(arguments: argparse.Namespace) -> int:
    """One case, here and without bounds, so that a debugger can look at it."""
    from tests.endurance.doors import DOORS

    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        os.environ.update(_environment(folder))
        once = DOORS[arguments.door](Path(folder))
        what = _faulty(once, Random(f"{arguments.door} {arguments.seed} {arguments.case}"))
    print(what or "nothing is wrong")
    return 1 if what else 0


if __name__ == "__main__":
    sys.exit(main())
