"""`safelight inspect`: what it prints for pictures of ours and of others, and that no picture can
send orders to the terminal through it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import engine
from app.cli.program import main
from engine import Edit, Request
from engine.record.record import Record

THEIRS = (
    "a cat,\nsecond line\nNegative prompt: dog\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, "
    "Seed: 5, Size: 512x768, Model hash: 9aba, Model: dreamer, RNG: CPU, Hires upscale: 2, "
    "Version: v1.9.4"
)


def picture(path: Path, text: str | None) -> str:
    chunks = PngInfo()
    if text is not None:
        chunks.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)
    return str(path)


def test_a_picture_of_another_program(tmp_path, capsys):
    assert main(["inspect", picture(tmp_path / "a.png", THEIRS)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "program           AUTOMATIC1111",
        "model             dreamer",
        "model hash        9aba",
        "prompt            a cat,",
        "                  second line",
        "negative prompt   dog",
        "scheduler         dpmpp_2m",
        "options           use_karras_sigmas=True",
        "steps             20",
        "guidance          7.0",
        "seed              5",
        "size              512x768",
        "",
        "Not used:",
        "  Hires upscale: 2 is left out: there is no second pass here.",
    ]


def test_a_file_of_text(tmp_path, capsys):
    (tmp_path / "a.txt").write_text(THEIRS, encoding="utf-8")
    assert main(["inspect", str(tmp_path / "a.txt")]) == 0
    assert "seed              5\n" in capsys.readouterr().out
    (tmp_path / "b.txt").write_text("just words")
    assert main(["inspect", str(tmp_path / "b.txt")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "b.txt" in said and "no settings that can be read" in said


def test_as_json(tmp_path, capsys):
    assert main(["inspect", "--json", picture(tmp_path / "a.png", THEIRS)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == {"program", "model", "model_hash", "fields", "left_out", "text"}
    assert told["fields"]["prompt"] == "a cat,\nsecond line"
    assert told["text"] == THEIRS
    assert Request.from_dict(told["fields"]).steps == 20


def test_our_own_picture_tells_all_that_is_exact(tmp_path, capsys):
    request = Request(
        "an owl",
        width=64,
        height=64,
        scheduler="euler",
        guidance_curve=((0, 1), (1, 9)),
        edits=(Edit(2, "vary", {"amount": 0.3, "seed": 7}),),
    )
    versions = {"safelight": "0.1.0"}
    record = Record(request, 25, "tiny", "ab" * 32, "cpu", "float32", versions, ())
    engine.save(Image.new("RGB", (8, 8)), tmp_path / "own.png", record)
    assert main(["inspect", "--json", str(tmp_path / "own.png")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Request.from_dict(told["fields"]) == request
    assert main(["inspect", str(tmp_path / "own.png")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "program           Safelight"
    assert "guidance curve    [[0.0, 1.0], [1.0, 9.0]]" in lines
    assert not any(line.startswith(("eta", "count", "clip skip", "Not used")) for line in lines)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_a_terminal_would_obey_is_spelt_out(tmp_path, capsys, form):
    evil = THEIRS.replace("a cat", "\x1b]0;title\x07 \x9b31m \u202e <b>").replace(
        "dreamer", '"\x1b[2J"'
    )
    assert main(["inspect", *form, picture(tmp_path / "a.png", evil)]) == 0
    out = capsys.readouterr().out
    assert all(letter.isprintable() or letter == "\n" for letter in out)
    assert "\\x1b" in out or "\\u001b" in out
    assert "<b>" in out


def test_nothing_to_tell_is_exit_code_1_and_one_line(tmp_path):
    """As a person has it: in a process of its own, and a name that is out to harm."""
    folder = tmp_path / "new\nline"
    folder.mkdir()
    plain = picture(folder / "\x1b[31m.png", None)
    finished = subprocess.run(
        [sys.executable, "-m", "app", "inspect", plain],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert (finished.returncode, finished.stdout) == (1, "")
    (line,) = finished.stderr.splitlines()
    assert "does not tell how it was made" in line
    assert line.isprintable()


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "gone.png")]) == 1
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err
    assert main(["inspect"]) == 2
