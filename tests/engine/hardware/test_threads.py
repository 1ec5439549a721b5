"""How torch's threads wait is settled before torch is there, whoever starts, and what a person has
chosen stays. Each start is a process of its own, which ends where it would import torch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.hardware.threads import PERSONS_OWN, WAITS

ROOT = Path(__file__).parents[3]
# What a library written in C is told, which reads the environment itself.
AT_TORCH = """
import ctypes, json, os, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            getenv = ctypes.CDLL(None).getenv
            getenv.restype, getenv.argtypes = ctypes.c_char_p, [ctypes.c_char_p]
            told = {name: (getenv(name.encode()) or b"").decode() for name in NAMES}
            print(json.dumps(told), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Watch())
"""
STARTS = {
    "command line": "from app.cli import main; main(['render', 'an owl', '--steps', '1'])",
    "python -m app": "sys.argv = ['app', 'render', 'an owl']\n"
    "import runpy; runpy.run_module('app', run_name='__main__')",
    "window": "import app.main, engine; engine.load('bundled')",
    "library": "import engine; engine.load('bundled')",
    "library after its schedulers": "import engine.schedulers, torch",
    "tests": "import tests.conftest, torch",
    "a test that begins with torch": "import tests.engine.pipelines.test_load",
    "a benchmark as a script": "import runpy\n"
    "runpy.run_path('tests/benchmarks/loop.py'); import torch",
    "a benchmark as a module": "import tests.benchmarks.bench_schedulers",
    "training": "import resources.training.__main__, torch",
}


def seen_by_torch(start: str, home: Path, **chosen: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in PERSONS_OWN}
    own = {"SAFELIGHT_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", f"NAMES = {PERSONS_OWN}\n{AT_TORCH}\n{start}"],
        cwd=ROOT,
        env=inherited | own | chosen,
        capture_output=True,
        text=True,
    )
    assert done.stdout, f"torch was never asked for: {done.stderr[-500:]}"
    return {name: value for name, value in json.loads(done.stdout).items() if value}


@pytest.mark.skipif(os.name != "posix", reason="asks the C library of POSIX")
@pytest.mark.parametrize("start", STARTS)
def test_every_start_settles_it_before_torch_comes(start: str, tmp_path: Path) -> None:
    assert seen_by_torch(STARTS[start], tmp_path) == WAITS


@pytest.mark.skipif(os.name != "posix", reason="asks the C library of POSIX")
@pytest.mark.parametrize(
    "chosen", [{"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"}, {"KMP_BLOCKTIME": "200"}]
)
def test_what_a_person_chose_stays(chosen: dict[str, str], tmp_path: Path) -> None:
    assert seen_by_torch(STARTS["command line"], tmp_path, **chosen) == chosen
