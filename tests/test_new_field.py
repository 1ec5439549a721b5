"""A new field of a request, without a control in the window: three files are written, and the
command line, the record, inspection, comparisons and branches have it.

A live field with a control touches three more: `app/state/recipe/session.py` (its signal and its
setter), the widget, and `app/wiring/steering.py`, which connects the two and tells
`Steering.steer("grain", value)`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINE = """    grain: float = setting(
        0.0, number(0, 1), Moment.LIVE, needs=PROMPT, axis=("grain", "0, 0.5, 1")
    )
"""
WORDS = """    "grain": Words(
        label=lambda: tr("Grain of the picture"),
        flag="--grain G",
        help="how coarse the picture is, 0 (default) to 1",
    ),
"""
CHANGES = {
    "engine/request/request.py": ("\n    def __post_init__(self) -> None:\n        for name", LINE),
    "app/wording.py": ('    "edits": Words(', WORDS),
    "engine/run/guider.py": ("now.guidance_scale", "(1 + now.request.grain) * "),
}
"""What is written before what, in the three files."""

PROBE = """
import contextlib, io, json, sys
from dataclasses import replace
from pathlib import Path
from PIL import Image
import engine
from app.cli.program import main

def told(*words):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*words]) == 0, words
    return out.getvalue()

small = ("--size", "64x64", "--steps", "3", "--seed", "1", "--scheduler", "euler")
told("render", "an owl", *small, "-o", "plain.png")
told("render", "an owl", *small, "--grain", "0.5", "-o", "grainy.png")
told("render", "--branch-from", "plain.png", "--at-step", "1", "--grain", "0.5", "-o", "branch.png")
told("render", "an owl", *small, "--grid", "grain=0,0.5", "-o", "grid.png")

from app.state.gallery.pair import _compared
from app.state.gallery.picture import Picture
from app.state.recipe.draft import FIELDS, EXTRAS
from app import wording
from engine.record.interchange import programs
from engine.run.branch import as_branch, branched

control, plain = engine.Control(), engine.read("plain.png").request
turned = branched(as_branch(replace(plain, grain=0.5), plain, 1, 3), plain, 1, 3)
control.set("grain", 0.25)
sides = [Picture(name, path=str(Path(name).resolve())) for name in ("plain.png", "grainy.png")]
print(json.dumps({
    "help": told("render", "--help"),
    "record": engine.read("grainy.png").request.grain,
    "inspection": told("inspect", "grainy.png"),
    "inspection of none": told("inspect", "plain.png"),
    "acts": Image.open("plain.png").tobytes() != Image.open("grainy.png").tobytes(),
    "branch": [[e.step, e.field, e.value] for e in engine.read("branch.png").edits],
    "branch of the window": [[e.step, e.field, e.value] for e in turned.edits],
    "grid": [engine.read(f"grid-{number}.png").request.grain for number in (1, 2)],
    "comparison": _compared(*sides, programs.recipe_of_picture)[-1],
    "steered": [[e.step, e.field, e.value] for e in control.take_edits(2)],
    "kept in the draft": "grain" in FIELDS and "grain" in EXTRAS,
    "told beside the controls": wording.beside("grain", 0.5),
    "told on the timeline": wording.changed("grain", 0.5),
}))
"""


def files_for_a_new_field() -> tuple[str, ...]:
    """The production files in which a field without a control is named; no others are."""
    return tuple(CHANGES)


def test_a_new_field_is_written_in_three_files_and_found_everywhere(tmp_path: Path) -> None:
    for folder in ("app", "engine"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=skip)
    (tmp_path / "resources").symlink_to(ROOT / "resources", target_is_directory=True)
    for name, (place, text) in CHANGES.items():
        path = tmp_path / name
        source = path.read_text(encoding="utf-8")
        assert place in source, f"{name} has another place for it now"
        path.write_text(source.replace(place, text + place, 1), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])

    assert "  --grain G" in found["help"]
    assert "how coarse the picture is, 0 (default) to 1" in " ".join(found["help"].split())
    assert found["record"] == 0.5 and found["acts"]
    assert "grain             0.5\n" in found["inspection"]
    assert "grain" not in found["inspection of none"]
    assert found["branch"] == [[1, "grain", 0.5]]
    assert found["branch of the window"] == [[1, "grain", 0.5]]
    assert found["grid"] == [0.0, 0.5]
    assert ["Grain of the picture", "0", "0.5"] in found["comparison"]
    assert found["steered"] == [[2, "grain", 0.25]]
    assert found["kept in the draft"]
    assert found["told beside the controls"] == "grain 0.5"
    assert found["told on the timeline"] == "grain"
    assert len(files_for_a_new_field()) == 3
