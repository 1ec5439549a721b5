"""Every call that changes a file, made to fail once (no room, a broken disk) and to be the last:
`pytest -m endurance tests/endurance/test_calls.py -s`, some ten minutes. A shim that is preloaded
(faults.c) counts the calls and lets one go wrong. Linux with a C compiler.

What holds: what was announced is there, nothing is there twice or half, and what had been there
before is there still. tests/endurance/keeping.py is the program that is run.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
KINDS = ("image", "setting", "queue", "note")
FAULTS = {"no room": str(errno.ENOSPC), "a broken disk": str(errno.EIO), "death": "die"}


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("shim") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.mark.endurance
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_each_call_fails_once_and_is_the_last_once(shim: Path, tmp_path: Path, kind: str) -> None:
    before = tmp_path / "before"
    _run(kind, "prepare", before, {})
    log = tmp_path / "calls"
    whole = _copied(before, tmp_path / "whole")
    preload = {"LD_PRELOAD": str(shim)}
    said = _run(kind, "keep", whole, preload | {"FAULT_AT": "0", "FAULT_LOG": str(log)})
    assert said == "kept"
    calls = log.read_text().split()
    assert "fsync" in calls or "fdatasync" in calls
    outcomes: dict[str, int] = {}
    for number, call in enumerate(calls, 1):
        for fault, how in FAULTS.items():
            home = _copied(before, tmp_path / f"{number}-{how}")
            told = _run(kind, "keep", home, preload | {"FAULT_AT": str(number), "FAULT_KIND": how})
            found = json.loads(_run(kind, "look", home, {}))
            context = f"{fault} at call {number} ({call}): {told or 'dead'}; {found}"
            assert not found["half"], context
            assert found["old"], f"what had been there is lost; {context}"
            assert found["new"] in ((1,) if told == "kept" else (0, 1)), context
            assert told == "kept" or told.startswith("refused ") or how == "die", context
            outcomes[f"{fault}: {told.split()[0] if told else 'dead'}"] = (
                outcomes.get(f"{fault}: {told.split()[0] if told else 'dead'}", 0) + 1
            )
            shutil.rmtree(home)
    print(kind, len(calls), "calls", outcomes)


def _copied(home: Path, target: Path) -> Path:
    shutil.copytree(home, target)
    return target


def _run(kind: str, act: str, home: Path, more: dict[str, Any]) -> str:
    """The last line that the program printed, "" where it died."""
    environment = os.environ | {"FAULT_FOLDER": str(home)} | more
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "tests.endurance.keeping", kind, act, str(home)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if more.get("FAULT_KIND") != "die":
        assert done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    return (done.stdout.splitlines() or [""])[-1]
