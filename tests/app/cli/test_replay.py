"""`safelight replay` on the bundled model, within this process: images that were steered, branched,
varied, made in a batch or with economies come out identical, and what cannot is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import engine
from app.cli import program as cli
from engine import Edit
from engine.record import image_file
from engine.record.image_file import Texts
from engine.run import cost
from tests import tiny

PLAIN = ["a red apple, 3d", "--steps", "4", "--seed", "7", "--size", "64x64"]


@pytest.fixture(scope="module", autouse=True)
def loaded_once() -> Any:
    """The bundled model is loaded once, on the CPU in float32, whoever asks for it."""
    from engine.pipelines import load as loading

    real, kept = loading.load, []

    def load(source: Any, device: Any = "auto", dtype: Any = "auto", *more: Any, **own: Any) -> Any:
        if source != "bundled" or str(dtype).removeprefix("torch.") not in ("auto", "float32"):
            return real(source, device, dtype, *more, **own)
        if not kept:
            kept.append(real(source, "cpu", "float32"))
            kept[0].close = lambda: None
        return kept[0]

    replaying = import_module("engine.run.replay")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "load", load)
        patch.setattr(replaying, "load", load)
        yield


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def render(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    def run(*words: str) -> list[str]:
        assert cli.main(["render", *words]) == 0
        return capsys.readouterr().out.split()

    return run


@pytest.fixture
def replay(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main(["replay", *words])
        out, err = capsys.readouterr()
        return code, out, err

    return run


IDENTICAL = (0, "identical\n", "")


def test_every_way_to_an_image_comes_out_identical(
    render: Callable[..., list[str]], replay: Callable[..., tuple[int, str, str]], here: Path
) -> None:
    changes = [Edit(1, "prompt", "a blue owl"), Edit(2, "guidance_scale", 9.0)]
    (here / "edits.json").write_text(json.dumps([edit.to_dict() for edit in changes]))
    made = render(*PLAIN, "--edits", "edits.json", "-o", "steered.png")
    made += render(*PLAIN, "--count", "2", "-o", "batch.png")
    made += render(*PLAIN, "--fast", "3", "--clip-skip", "2", "-o", "fast.png")
    made += render(*PLAIN, "--scheduler", "euler_ancestral", "-o", "ancestral.webp")
    leave = ["--branch-from", "steered.png", "--at-step", "2"]
    made += render("a green pear", *leave, "--guidance", "3", "-o", "branch.png")
    made += render(*leave, "--vary", "0.4", "--vary-seed", "3", "--count", "2", "-o", "vary.png")
    assert len(made) == 8
    assert engine.read("branch.png").branches == (2,)
    assert len({Path(path).read_bytes() for path in made}) == 8
    for path in made:
        assert replay(path) == IDENTICAL, path


def test_an_image_of_the_window_that_was_steered_and_ended_early(
    replay: Callable[..., tuple[int, str, str]],
) -> None:
    """Changed through a Control while it ran, as two images at once, and then finished."""
    control = engine.Control()
    request = engine.Request("an owl", width=64, height=64, steps=6, seed=3, count=2)
    event = None
    for event in engine.generate(engine.load("bundled"), request, control):
        if isinstance(event, engine.Step) and event.index == 1:
            control.set_guidance_scale(8.0)
            control.set_prompt("a red apple", negative="blue")
        if isinstance(event, engine.Step) and event.index == 3:
            control.finish()
    assert isinstance(event, engine.Finished)
    assert event.record.executed_steps == 4
    for index in range(2):
        engine.save(event.images[index], f"{index}.png", event.record, index)
        assert replay(f"{index}.png") == IDENTICAL


def test_a_difference_is_told_in_figures(
    render: Callable[..., list[str]], replay: Callable[..., tuple[int, str, str]], here: Path
) -> None:
    render(*PLAIN, "-o", "a.png")
    texts = image_file.read_texts("a.png")
    with Image.open("a.png") as image:
        pixels = np.asarray(image).copy()
    pixels[3, 5, 1] ^= 64
    image_file.write_picture(Image.fromarray(pixels), "b.png", texts)
    mean = 64 / pixels.size
    told = f"largest difference 64 of 255, mean difference {mean:.4f}\n"
    assert replay("b.png") == (3, told, "")

    image_file.convert("a.png", "c.jpg")
    code, out, err = replay("c.jpg", "-o", "again.png")
    assert code == 3
    assert out.startswith("largest difference ")
    assert out.endswith("\nagain.png\n")
    assert "JPEG" in err
    assert Path("again.png").read_bytes() == Path("a.png").read_bytes()
    image_file.convert("a.png", "d.webp")
    assert replay("d.webp") == IDENTICAL

    other = replace(
        engine.read("a.png"), device="cuda:1", versions={"safelight": "0", "torch": "1"}
    )
    image_file.write_picture(Image.fromarray(pixels), "e.png", Texts("", other.to_json()))
    code, out, err = replay("e.png")
    assert (code, out) == (3, told)
    assert "made on cuda:1, and this on cpu" in err
    assert "with torch 1, and" in err


def test_a_costly_record_is_asked_about(
    render: Callable[..., list[str]],
    replay: Callable[..., tuple[int, str, str]],
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is usual is made less here, so that the answer yes takes no hours."""
    render(*PLAIN, "-o", "a.png")
    monkeypatch.setattr(cost, "MOST_WORK", 64 * 64 * 3)
    code, out, err = replay("a.png")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "64 by 64 pixels in 4 steps" in err and "--yes" in err
    assert replay("a.png", "--yes") == IDENTICAL
    branch = ["render", "--branch-from", "a.png", "--at-step", "2", "-o", "b.png"]
    assert cli.main(branch) == 1
    assert not Path("b.png").exists()
    assert cli.main([*branch, "--yes"]) == 0


def test_why_an_image_cannot_be_made_again(
    render: Callable[..., list[str]], replay: Callable[..., tuple[int, str, str]], here: Path
) -> None:
    render(*PLAIN, "-o", "a.png")
    record = engine.read("a.png")
    with Image.open("a.png") as image:
        picture = image.convert("RGB")
    cases = {
        "is not among the models here": replace(record, checkpoint="Dreams", sha256="0" * 64),
        f"bundled is not ({record.sha256[:10]})": replace(record, sha256="0" * 64),
        "float8 on cpu, which cannot be had": replace(record, dtype="float8"),
        "made in float16 on cuda:0": replace(record, dtype="float16", device="cuda:0"),
        "whose record has settings": replace(record, others={"lens": 3}),
        "its record makes 96 by 64": replace(record, request=replace(record.request, width=96)),
        "'best'": replace(record, request=replace(record.request, scheduler="best")),
        "is not among the models": replace(record, checkpoint="/etc/passwd"),
    }
    for words, other in cases.items():
        image_file.write_picture(picture, "b.png", Texts("", other.to_json()))
        code, out, err = replay("b.png")
        assert (code, out, err.count("\n")) == (1, "", 1), words
        assert words in err
        assert "traceback" not in err.lower()
    picture.save("plain.png")
    for path, words in (("plain.png", "no record"), ("gone.png", "No such file")):
        code, out, err = replay(path)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert words in err
    code, _, err = replay("a.png", "-o", "a.png")
    assert (code, "is the image itself" in err) == (1, True)
    assert replay("a.png", "-o", "a.bmp")[0] == 2


def test_other_models_are_found_by_name_or_told(
    render: Callable[..., list[str]],
    replay: Callable[..., tuple[int, str, str]],
    here: Path,
    home: Path,
) -> None:
    far = home / "models"
    folder = tiny.save_stable_diffusion(far / "sd1", tiny.SD1)
    render(*PLAIN, "--model", str(folder), "-o", "a.png")
    code, out, err = replay("a.png")
    assert (code, out) == (1, "")
    assert "made with the model sd1" in err
    code, out, err = replay("a.png", "--model", "bundled")
    assert (code, out) == (1, "")
    assert "bundled is not" in err
    assert replay("a.png", "--model", str(folder)) == IDENTICAL
    (home / "config").mkdir(parents=True)
    (home / "config" / "preferences.json").write_text(json.dumps({"model_folders": [str(far)]}))
    assert replay("a.png") == IDENTICAL
    folder.rename(here / "sd1")
    assert replay("a.png") == IDENTICAL
    # One of them is what it was made in, whichever is the quicker one here.
    assert {replay("a.png", "--dtype", dtype)[0] for dtype in ("float32", "bfloat16")} == {0, 3}


def test_film_and_contact_sheet_of_a_run(render: Callable[..., list[str]], here: Path) -> None:
    films = ["--film", "f.webp", "--contact-sheet", "c.png", "--save-steps", "steps"]
    out = render(*PLAIN, *films, "--film-seconds", "0.1", "-o", "a.png")
    assert out == ["a.png", "f.webp", "c.png"]
    with Image.open("f.webp") as film, Image.open("a.png") as image:
        assert film.n_frames == 4
        for index in range(4):
            film.seek(index)
            film.load()
            with Image.open(f"steps/step-{index + 1:03d}.png") as step:
                assert film.convert("RGB").tobytes() == step.tobytes()
            assert film.info["duration"] == (100 if index < 3 else 2000)
        assert film.convert("RGB").tobytes() == image.tobytes()  # which the last step foresees
    several = render(*PLAIN, "--grid", "seed=0,1", "--film", "g.gif", "-o", "x.png")
    assert several[:4] == ["x-1.png", "x-2.png", "g-1.gif", "g-2.gif"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("--film a.mp4", 1, "a.mp4 has no ending of a film"),
        ("--film gone/a.gif", 1, "gone"),
        ("--film a.gif --film-seconds 0", 1, "not 0"),
        ("--contact-sheet a.gif", 1, "a.gif has no ending"),
        ("--step-numbers", 2, "need --film"),
    ],
)
def test_a_film_that_cannot_be_is_told_before_any_work(
    capsys: pytest.CaptureFixture[str], words: str, code: int, told: str
) -> None:
    assert cli.main(["render", *PLAIN, *words.split()]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
