"""Nursery: bears windows as processes of their own that may be killed, and checks what they leave
behind. See tests/app/mortal.py for the windows. Used by test_durability and tests/endurance.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from PIL import Image

from engine.record.record import read_record
from tests.app.mortal import SEEDS

ROOT = Path(__file__).parents[2]
MOST_NEWS = 40
"""What a window announces at most before its moment comes; a round of ten announces some sixty."""
LONGEST = 30.0
"""Seconds from a window's start to its moment at most."""


class Nursery:
    """Bears windows of that program and tells how they ended. seconds: of a step."""

    def __init__(
        self, folder: Path, home: Path, seconds: float = 0.004, program: str = "tests.app.mortal"
    ) -> None:
        self.folder, self.images = folder, home / "images"
        environment = os.environ | {"SAFELIGHT_HOME": str(home), "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", program, str(folder), str(seconds)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def bear(self) -> int:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def wait_for_a_moment(self, chance: random.Random) -> None:
        """Until the window has announced some more, a few things or many, and a little longer."""
        enough = len(set(self.said)) + chance.randrange(MOST_NEWS)
        end = time.monotonic() + LONGEST
        while len(set(self.said)) < enough and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.3))

    @property
    def said(self) -> list[str]:
        log = self.folder / "announced"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def announced(self) -> list[Path]:
        return [Path(line.removeprefix("saved ")) for line in self.said if line.startswith("saved")]

    def check(self) -> tuple[int, int]:
        """What holds at any moment: what was announced is there, no half file has a final name, and
        nothing is lost or made twice. How many rounds are done, and how many images there are."""
        for path in self.announced:
            assert path.exists(), f"{path} was announced as saved"
        seeds = self.seeds()
        asked, done = (
            [int(line.split()[1]) for line in self.said if line.startswith(word)]
            for word in ("asked", "done")
        )
        whole = sum((expected(number) for number in done), Counter())
        assert seeds & whole == whole, f"lost: {whole - seeds}"
        possible = sum((expected(number) for number in asked), Counter())
        assert seeds <= possible, f"made twice: {seeds - possible}"
        return len(done), seeds.total()

    def seeds(self) -> Counter[int]:
        """The seeds of all images that have a final name; each opens and has its record."""
        seeds: Counter[int] = Counter()
        for path in self.images.glob("*.png"):
            if not path.name.startswith("."):
                with Image.open(path) as image:
                    image.load()
                seeds[read_record(path).request.seed] += 1
        return seeds


def expected(number: int) -> Counter[int]:
    """The seeds of the images of that round, each once."""
    first = number * SEEDS
    plans = ([first + 2 * plan + image for image in range(1 + plan % 2)] for plan in range(10))
    return Counter(seed for plan in plans for seed in plan)
