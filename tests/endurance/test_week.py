"""A person's week: yesterday's settings, favourites, notes, waiting pictures and a gallery of every
kind of file; a small screen, another locale, all cores busy: `pytest -m endurance
tests/endurance/test_week.py -s`. One locale with fewer files is in every run of the suite.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.strangers import gallery_of

ROOT = Path(__file__).parents[2]
SCREEN = {"screens": [{"name": "small", "x": 0, "y": 0, "width": 1366, "height": 768, "dpr": 1}]}
LONGEST_STALL = 0.1
ATTEMPTS = 3


@pytest.fixture
def busy() -> Iterator[None]:
    """Every core has somebody else's work to do."""
    work = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(work) for _ in range(os.cpu_count() or 1)]
    yield
    for other in others:
        other.kill()
        other.wait()


@pytest.mark.parametrize(
    ("locale", "files"),
    [
        ("de_DE", 40),
        *(
            pytest.param(locale, 300, marks=pytest.mark.endurance)
            for locale in ("de_DE", "th_TH", "fa_IR")
        ),
    ],
)
@pytest.mark.timeout(1800)
def test_a_week_of_use(tmp_path: Path, busy: None, locale: str, files: int) -> None:
    # As in test_stalls: busy cores lengthen a stall at random; the program's own comes every time.
    stalls = []
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        report = _week(folder, locale, files)
        print(json.dumps(report, indent=1))
        assert not report["problems"], report["problems"]
        assert len(report["done"]) == 14
        stalls.append((report["stall"], report["in"]))
        if report["stall"] < LONGEST_STALL:
            return
    raise AssertionError(stalls)


def _week(folder: Path, locale: str, files: int) -> dict[str, Any]:
    """What the program said of the day after yesterday."""
    home = folder / "home"
    (home / "images").mkdir(parents=True)
    gallery_of(home / "images", files, seed=files)
    screen = folder / "screen.json"
    screen.write_text(json.dumps(SCREEN))
    environment = os.environ | {
        "SAFELIGHT_HOME": str(home),
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "share"),
        "QT_QPA_PLATFORM": f"offscreen:configfile={screen}",
        "LANG": f"{locale}.UTF-8",
        "PYTHONPATH": str(ROOT),
    }
    for day in ("yesterday", "today"):
        done = subprocess.run(
            [sys.executable, "-m", "tests.endurance.week", day, locale],
            env=environment,
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
    assert done.stdout, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout.splitlines()[-1])
