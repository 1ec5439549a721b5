"""No two results of `safelight render` under one name, and none over what it reads: told before
anything is made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.cli import program as cli
from engine.errors import EngineError
from tests.app.fake_engine import FakeEngine


@pytest.fixture(autouse=True)
def here(fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a folder, a link to it and a file of edits; the scripted engine."""
    here = tmp_path / "here"
    (here / "s").mkdir(parents=True)
    (here / "e.png").write_text("[]")
    if sys.platform != "win32":
        (here / "link").symlink_to("s", target_is_directory=True)
    monkeypatch.chdir(here)
    monkeypatch.setattr(cli, "engine", fake)
    monkeypatch.setattr(fake, "check_film", lambda *path, **how: None, raising=False)
    monkeypatch.setattr(fake, "write_film", lambda frames, path, *how, **more: path, raising=False)
    return here


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-o x.webp --film x.webp", "the image and the film"),
        ("-o x.webp --film ./s/../x.webp", "the image and the film"),
        ("-o x.webp --film X.WEBP", "the image and the film"),
        ("-o x.png --contact-sheet x.png", "the image and the contact sheet"),
        ("-o y.png --film x.webp --contact-sheet x.webp", "the film and the contact sheet"),
        ("-o x.png --count 2 --contact-sheet x-2.png", "the image 2 and the contact sheet"),
        ("-o x.png --grid seed=1,2 --contact-sheet x-grid.png --film f", None),
        ("-o x.webp --grid seed=1,2 --film x.webp", "the image 1 and the film 1"),
        ("-o x.png --grid seed=1 --contact-sheet x-grid.png", "the sheet of the grid and the cont"),
        ("-o s/step-001.png --save-steps s", "the image and a picture of --save-steps"),
        ("-o s/STEP-001.png --save-steps s", "the image and a picture of --save-steps"),
        ("-o s/2/step-001.png --save-steps s", "the image and a picture of --save-steps"),
        ("--film steps --save-steps steps", "the film and the folder of --save-steps"),
        ("--edits e.png -o e.png", "is read as --edits"),
        ("--edits e.png --contact-sheet s/../e.png", "is read as --edits"),
        ("--model s --film s", "is read as --model"),
        ("-o s/x.png --save-steps s --film x.webp --contact-sheet y.webp", None),
        ("-o x.webp --count 2 --film x.webp", None),
    ],
)
def test_two_things_under_one_name(
    line: str, words: str | None, fake: FakeEngine, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.rglob("*"))
    code = cli.main(["render", "an owl", "--seed", "1", *line.split()])
    out, err = capsys.readouterr()
    if words is None:
        assert (code, err) == (0, "")
        printed = out.split()
        assert len(printed) == len(set(printed)) > 1
        return
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert fake.loaded == []
    assert sorted(here.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")
def test_through_a_link(capsys: pytest.CaptureFixture[str]) -> None:
    line = "render owl -o s/x.webp --film link/x.webp"
    assert cli.main(line.split()) == 2
    assert "link/x.webp is to be the image and the film" in capsys.readouterr().err


def test_an_image_may_take_the_place_of_the_one_that_it_leaves_and_nothing_else_may(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class LoadIsReached(EngineError):
        pass

    assert cli.main(["render", "an owl", "--seed", "1", "-o", "a.webp"]) == 0
    (*_, finished) = fake.generate(fake.pipeline, fake.requests[0])
    monkeypatch.setattr(fake, "read", lambda path: finished.record, raising=False)
    fake.failures["load"] = LoadIsReached("The names are as they should be.")
    at = ["render", "--branch-from", "a.webp", "--at-step", "1"]
    capsys.readouterr()
    assert cli.main([*at, "-o", "a.webp"]) == 1
    assert "names are as they should be" in capsys.readouterr().err
    assert cli.main([*at, "-o", "b.png", "--film", "a.webp"]) == 2
    assert "a.webp is read as --branch-from and is to be the film" in capsys.readouterr().err
