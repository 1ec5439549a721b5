"""The command line's steering, branches and grids, on the real engine and a tiny random model: what
it writes replays from nothing to the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import engine
from app.cli import program as cli
from app.cli.arguments import MOST_BYTES
from engine import Edit
from tests import tiny

STEPS = 6


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.save_stable_diffusion(tmp_path_factory.mktemp("tiny") / "sd1", tiny.SD1))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every call of a network."""
    from engine.pipelines.unet_denoiser import UNetDenoiser

    calls: list[int] = []
    denoise = UNetDenoiser.__call__

    def counted(self: UNetDenoiser, *arguments: Any) -> object:
        calls.append(1)
        return denoise(self, *arguments)

    monkeypatch.setattr(UNetDenoiser, "__call__", counted)
    return calls


@pytest.fixture
def render(model: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[Path]]:
    """Renders with the tiny model, and gives the paths that were printed."""

    def run(*words: str) -> list[Path]:
        code = cli.main(["render", *words, "--model", model])
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return [Path(line) for line in out.splitlines()]

    return run


def plain(*words: str) -> list[str]:
    return ["an owl", "--steps", str(STEPS), "--seed", "3", "--scheduler", "dpmpp_2m", *words]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def replayed(path: Path, model: str) -> np.ndarray:
    """The image that the file's record alone makes."""
    record = engine.read(path)
    pipeline = engine.load(model, dtype=record.dtype)
    *_, finished = engine.generate(pipeline, record.request)
    assert isinstance(finished, engine.Finished)
    return np.asarray(finished.images[0])


def refused(words: Sequence[str], code: int, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command complains of, in one line and without a result."""
    assert cli.main(["render", *words]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return err


def test_all_steering_reaches_the_record_and_makes_the_image_again(
    render: Callable[..., list[Path]], model: str
) -> None:
    steered = ["--guidance-curve", "cosine 0:3,0.5:9,1:5", "--guidance-interval", "0.2:0.8"]
    steered += ["--guidance-rescale", "0.7", "--eta", "0.5", "--option", "clip_sample=false"]
    steered += ["--option", "timestep_spacing=trailing", "--seed", "3"]
    (path,) = render("an owl", "--steps", "6", "--scheduler", "ddim", *steered)
    request = engine.read(path).request
    assert request.guidance_curve == ((0.0, 3.0), (0.5, 9.0), (1.0, 5.0))
    assert (request.guidance_easing, request.guidance_interval) == ("cosine", (0.2, 0.8))
    assert (request.guidance_rescale, request.eta) == (0.7, 0.5)
    assert request.scheduler_options == {"clip_sample": False, "timestep_spacing": "trailing"}
    assert np.array_equal(pixels(path), replayed(path, model))


def test_edits_are_replayed_from_a_file_as_a_record_has_them(
    render: Callable[..., list[Path]], here: Path
) -> None:
    edits = (Edit(2, "guidance_scale", 15.0), Edit(4, "prompt", "a red apple"))
    (here / "edits.json").write_text(json.dumps([edit.to_dict() for edit in edits]))
    (steered,) = render(*plain("--edits", "edits.json", "-o", "a.png"))
    (straight,) = render(*plain("-o", "b.png"))
    assert engine.read(steered).edits == edits
    assert not np.array_equal(pixels(steered), pixels(straight))


def test_an_edit_behind_the_end_is_told(
    model: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "e.json").write_text('[{"step": 6, "field": "guidance_scale", "value": 9}]')
    assert cli.main(["render", *plain("--edits", "e.json", "--model", model)]) == 0
    assert "at step 6 does nothing: the run has 6 steps, 0 to 5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[{", "is no JSON"),
        ('{"step": 1}', "holds no list"),
        ('[{"step": 1, "field": "prompt", "value": "x"}, 5]', "entry 2: 5 must have step, field"),
        ('[{"step": 1, "field": "seed", "value": 4}]', "entry 1: edits: 'seed' cannot change"),
        ('[{"step": -1, "field": "prompt", "value": "x"}]', "entry 1: edits: step -1"),
        ('[{"step": 1, "field": "guidance_scale", "value": 900}]', "900 is outside 0 to 100"),
        ("[" * 100_000, "nested too deep"),
        ("[{}]" + " " * MOST_BYTES, "at most 16,777,216 are read"),
        (f'[{{"step": {"9" * 5000}, "field": "prompt", "value": "x"}}]', "no whole number"),
        (None, "cannot be read (No such file"),
        ("a pipe", "give an ordinary file"),
    ],
    ids=range(11),
)
def test_bad_edits_name_file_and_entry(
    text: str | None, words: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text == "a pipe":  # which is not waited for
        os.mkfifo(here / "e.json")
    elif text is not None:
        (here / "e.json").write_text(text)
    message = refused(["an owl", "--edits", "e.json"], 1, capsys)
    assert words in message
    assert "e.json" in message


def test_a_branch_that_changes_nothing_is_the_image(render: Callable[..., list[Path]]) -> None:
    (image,) = render(*plain("-o", "a.png"))
    (branch,) = render("--branch-from", "a.png", "--at-step", "3", "-o", "b.png")
    assert np.array_equal(pixels(image), pixels(branch))
    assert engine.read(branch).request == engine.read(image).request
    assert engine.read(branch).branches == ()


@pytest.mark.parametrize("scheduler", ["unipc", "ddim", "euler_ancestral", "heun", "pndm"])
def test_a_branch_goes_on_from_the_images_own_step_and_replays_from_nothing(
    scheduler: str, render: Callable[..., list[Path]], model: str, here: Path
) -> None:
    old = [Edit(1, "guidance_scale", 3.0), Edit(5, "prompt", "a cat")]
    (here / "old.json").write_text(json.dumps([edit.to_dict() for edit in old]))
    new = Edit(5, "guidance_rescale", 0.5)
    (here / "new.json").write_text(json.dumps([new.to_dict()]))
    (image,) = render(*plain("--scheduler", scheduler, "--edits", "old.json", "-o", "a.png"))
    turns = ["a red apple", "--negative", "blur", "--guidance", "7", "--guidance-curve", "0:9,1:2"]
    branching = ["--branch-from", "a.png", "--at-step", "4", "--edits", "new.json", "-o", "b.png"]
    (branch,) = render(*turns, *branching)

    record = engine.read(branch)
    assert record.edits == (
        old[0],
        Edit(4, "prompt", "a red apple"),
        Edit(4, "negative_prompt", "blur"),
        Edit(4, "guidance_scale", 7.0),
        Edit(4, "guidance_curve", ((0.0, 9.0), (1.0, 2.0))),
        Edit(4, "guidance_easing", "linear"),
        new,
    )
    assert record.branches == (4,)
    assert not np.array_equal(pixels(image), pixels(branch))
    assert np.array_equal(pixels(branch), replayed(branch, model))
    assert np.array_equal(pixels(branch), branched_at(image, branch, 4, model))


def branched_at(image: Path, branch: Path, step: int, model: str) -> np.ndarray:
    """What the engine makes when it starts the branch's request at the image's own snapshot."""
    pipeline = engine.load(model, dtype=engine.read(image).dtype)
    for event in engine.generate(pipeline, engine.read(image).request):
        if isinstance(event, engine.Step) and event.index == step - 1:
            *_, last = engine.generate(pipeline, engine.read(branch).request, start=event.snapshot)
            assert isinstance(last, engine.Finished)
            return np.asarray(last.images[0])
    raise AssertionError("the image has no such step")


def test_a_branch_of_a_branch_names_the_whole_path(
    render: Callable[..., list[Path]], model: str
) -> None:
    at = ["--branch-from", "a.png", "--at-step"]
    karras = ["--option", "final_sigmas_type=sigma_min"]
    render(*plain("-o", "a.png", "--option", "solver_order=3"))
    render("a red apple", *at, "2", *karras, "-o", "a.png")
    (path,) = render("a cat", *at, "4", "--option", "lower_order_final=false", "-o", "a.png")
    record = engine.read(path)
    assert record.branches == (2, 4)
    options = [edit.value for edit in record.edits if edit.field == "scheduler_options"]
    assert options[-1] == {
        "solver_order": 3,
        "final_sigmas_type": "sigma_min",
        "lower_order_final": False,
    }
    assert np.array_equal(pixels(path), replayed(path, model))


def test_an_image_that_was_finished_early_can_go_on(
    render: Callable[..., list[Path]], here: Path
) -> None:
    (here / "stop.json").write_text('[{"step": 3, "field": "finish", "value": true}]')
    (whole,) = render(*plain("-o", "whole.png"))
    render(*plain("--edits", "stop.json", "-o", "half.png"))
    (path,) = render("--branch-from", "half.png", "--at-step", "3", "-o", "on.png")
    assert engine.read(here / "half.png").executed_steps == 3
    assert np.array_equal(pixels(path), pixels(whole))


def test_variations_share_the_steps_before_and_replay_from_nothing(
    render: Callable[..., list[Path]], model: str, evaluations: list[int]
) -> None:
    render(*plain("-o", "a.png"))
    at = ["a red apple", "--branch-from", "a.png", "--at-step", "4"]
    (branch,) = render(*at, "-o", "b.png")
    evaluations.clear()
    paths = render(*at, "--vary", "0.5", "--count", "3", "--vary-seed", "7", "-o", "v.png")
    assert len(evaluations) == 4 + 3 * (STEPS - 4)
    assert [path.name for path in paths] == ["v-1.png", "v-2.png", "v-3.png"]
    records = [engine.read(path) for path in paths]
    assert [record.edits[-1] for record in records] == [
        Edit(4, "vary", {"amount": 0.5, "seed": seed}) for seed in (7, 8, 9)
    ]
    assert {record.branches for record in records} == {(4,)}
    made = [pixels(path) for path in (branch, *paths)]
    assert len({picture.tobytes() for picture in made}) == 4
    for path in paths:
        assert np.array_equal(pixels(path), replayed(path, model))

    (same,) = render(*at, "--vary", "0", "-o", "v.png")
    assert np.array_equal(pixels(same), pixels(branch))


def test_a_grid_is_a_sheet_and_single_images(render: Callable[..., list[Path]], model: str) -> None:
    axes = ["--grid", "guidance=1,9", "--grid", "seed=0..2"]
    *singles, sheet = render(*plain(*axes, "-o", "x.png", "--save-steps", "s"))
    assert [path.name for path in singles] == [f"x-{number}.png" for number in range(1, 7)]
    asked = [engine.read(path).request for path in singles]
    assert [(request.guidance_scale, request.seed) for request in asked] == [
        (1.0, 0), (9.0, 0), (1.0, 1), (9.0, 1), (1.0, 2), (9.0, 2),
    ]  # fmt: skip
    assert np.array_equal(pixels(singles[3]), replayed(singles[3], model))
    assert sheet.name == "x-grid.png"
    assert pixels(sheet).shape[0] > 3 * 64
    assert pixels(sheet).shape[1] > 2 * 64
    assert sorted(path.name for path in Path("s").iterdir()) == list("123456")
    assert len(list(Path("s/6").iterdir())) == STEPS


def test_a_grid_in_a_folder_has_names_of_its_own(render: Callable[..., list[Path]]) -> None:
    cells = [
        "an owl",
        "--seed",
        "3",
        "--steps",
        "1",
        "--grid",
        "prompt=a cat | a red apple",
        "-o",
        "out/",
    ]
    Path("out").mkdir()
    printed = [path for _ in range(2) for path in render(*cells)]
    assert sorted(printed) == sorted(Path("out").iterdir())
    assert [path.stem.endswith("-grid") for path in printed] == [False, False, True] * 2


def test_a_cell_that_fails_is_told_and_the_others_are_kept(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = ["--grid", "scheduler=euler,ddim", "--eta", "0.5", "-o", "x.png", "--model", model]
    assert cli.main(["render", "an owl", "--steps", "2", "--seed", "3", *cells]) == 1
    out, err = capsys.readouterr()
    assert out.split() == ["x-2.png", "x-grid.png"]
    assert err.startswith("safelight: scheduler euler: eta: 0.5 means nothing to")
    assert err.count("\n") == 1


def test_ctrl_c_in_the_middle_keeps_what_is_done(
    model: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    compare = engine.compare

    def interrupted(*arguments: object) -> object:
        for run, event in compare(*arguments):
            yield run, event
            if isinstance(event, engine.Finished):
                raise KeyboardInterrupt

    monkeypatch.setattr(engine, "compare", interrupted)
    cells = ["--grid", "steps=2,5", "-o", "x.png", "--model", model]
    assert cli.main(["render", "an owl", "--seed", "3", *cells]) == 130
    assert capsys.readouterr() == ("x-1.png\n", "safelight: stopped\n")
    assert [path.name for path in here.iterdir()] == ["x-1.png"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--at-step 3", "--at-step needs --branch-from"),
        ("--vary 0.3", "--vary needs --branch-from"),
        ("--branch-from a.png", "needs --at-step"),
        ("--branch-from a.png --at-step 3 --seed 4", "--seed cannot change at a branch"),
        ("--branch-from a.png --at-step 3 --size 64x64", "--size cannot change at a branch"),
        ("--branch-from a.png --at-step 3 --steps 4", "--steps cannot change at a branch"),
        ("--branch-from a.png --at-step 3 --scheduler ddim", "--scheduler cannot change"),
        ("--branch-from a.png --at-step 3 --class 0", "--class cannot change at a branch"),
        ("--branch-from a.png --at-step 3 --count 2", "--count needs --vary"),
        ("--branch-from a.png --at-step 3 --vary-seed 2", "--vary-seed needs --vary"),
        ("--branch-from a.png --at-step 3 --vary 1.5", "'1.5' is not a number from 0 to 1"),
        ("--grid seed=0..3 --count 2", "instead of --count"),
        ("--grid seed=0..3 --branch-from a.png --at-step 2", "leave out --branch-from or --grid"),
        ("--grid scheduler=ddim,euler --option eta=1", "--option is for one scheduler"),
        ("--grid seed", "'seed' has no ="),
        ("--option eta", "'eta' has no ="),
        ("--guidance-interval 0.2-0.8", "'0.2-0.8' is not a part of the run"),
        ("--guidance-rescale some", "'some' is not a number"),
    ],
)
def test_what_does_not_go_together_is_told(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in refused(line.split(), 2, capsys)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--guidance-curve 0:3,1", "Write fraction:scale"),
        ("--guidance-interval 0.8:0.2", "guidance_interval: starts at 0.8"),
        ("--guidance-rescale 2", "guidance_rescale: 2.0 is outside 0 to 1"),
        ("--eta 3", "eta: 3.0 is outside"),
        ("--grid colour=1", "'colour' is no axis"),
        ("--grid scheduler=best", "'best'"),
        ("--grid seed=0 --grid seed=1", "seed on both axes"),
        ("--grid steps=0,4", "steps: 0"),
        ("--branch-from gone.png --at-step 3", "gone.png cannot be read"),
    ],
)
def test_what_cannot_be_is_told_before_a_model_is_loaded(
    line: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(engine, "load", None)
    assert words in refused(line.split(), 1, capsys)


def test_a_branch_needs_its_own_model_a_step_on_the_way_and_no_edits_before_it(
    render: Callable[..., list[Path]], model: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    render(*plain("-o", "a.png"))
    at = ["--branch-from", "a.png", "--at-step"]
    message = refused([*at, "3"], 1, capsys)
    assert "made with the model sd1" in message
    assert "bundled is not; say with --model where that model is" in message
    for step in ("0", "6", "40"):
        assert "in 6 steps, so take 1 to 5" in refused([*at, step, "--model", model], 1, capsys)
    (here / "e.json").write_text('[{"step": 2, "field": "prompt", "value": "a cat"}]')
    message = refused([*at, "3", "--edits", "e.json"], 1, capsys)
    assert "e.json, entry 1: step 2 is before the branch. Write 3 or more" in message


def test_a_branch_of_the_bundled_models_image_finds_its_model(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And takes the dtype that the image was made in, which is not the machine's choice."""
    made = ["an owl", "--steps", "2", "--size", "64x64", "--dtype", "float32", "--seed", "3"]
    assert cli.main(["render", *made, "-o", "a.png"]) == 0
    assert cli.main(["render", "--branch-from", "a.png", "--at-step", "1", "-o", "b.png"]) == 0
    assert capsys.readouterr() == ("a.png\nb.png\n", "")
    assert np.array_equal(pixels(Path("a.png")), pixels(Path("b.png")))
