"""The file that says that a session is open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.state.store.open_session import OpenSession


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from app.state.store.open_session import OpenSession; "
        "print(OpenSession(pathlib.Path(sys.argv[1])).number, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    second = OpenSession(tmp_path)
    assert (second.number, second.crashed) == (2, False)
    process.kill()
    process.communicate()
    third = OpenSession(tmp_path)
    assert (third.number, third.crashed) == (1, True)
    for marker in (second, third):
        marker.remove()
