"""The command line as a newcomer meets it: what is not said is asked for or drawn, what is mistyped
is answered with what was meant, and every help says defaults and an example."""

from __future__ import annotations

import argparse
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from app.cli import parser as cli_parser
from app.cli import program as cli
from app.cli.unsaid import NO_PROMPT
from engine.errors import RequestError, SchedulerError, did_you_mean
from tests import tiny
from tests.app.fake_engine import FAKE_DDPM, FakeEngine, FakePipeline


@pytest.fixture(autouse=True)
def here(fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and the scripted engine behind the command."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(cli, "engine", fake)
    return here


def answer(monkeypatch: pytest.MonkeyPatch, text: str, terminal: bool) -> None:
    stdin = io.StringIO(text)
    stdin.isatty = lambda: terminal  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setattr("sys.stdin", stdin)


def test_a_prompt_is_asked_for_where_a_person_is_there(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, "a red apple, 3d \n", terminal=True)
    assert cli.main(["render", "--seed", "7", "-o", "x.png"]) == 0
    assert fake.requests[0].prompt == "a red apple, 3d"
    out, err = capsys.readouterr()
    assert out == "x.png\n"  # and the question does not stand among the results
    assert err == "What shall the image show? Type it, and Enter:\n"


@pytest.mark.parametrize(("text", "terminal"), [("an owl\n", False), ("\n", True), ("", True)])
def test_nobody_answers(
    text: str,
    terminal: bool,
    fake: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer(monkeypatch, text, terminal)
    assert cli.main(["render", "--save-steps", "s"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", f"safelight: {NO_PROMPT}")
    assert fake.loaded == []
    assert [*Path().iterdir()] == []


def test_who_needs_no_prompt_is_not_asked(
    fake: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cats = str(tiny.save_ddpm(tmp_path / "cats", tiny.DDPM_CIFAR))
    fake.models[cats] = fake.models["bundled-ddpm"] = FAKE_DDPM
    fake.models["bundled"] = FakePipeline(class_count=10)
    for words in (
        ["--model", cats],
        ["--model", "bundled-ddpm"],
        [""],
        ["--class", "3"],
        ["--grid", "prompt=an owl | a cat", "-o", "x.png"],
    ):
        assert cli.main(["render", *words, "--seed", "1"]) == 0, words
    assert capsys.readouterr().err == ""


def test_a_seed_that_is_not_said_is_drawn_and_told(
    fake: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    for words in ([], ["--seed", "-1"], ["--count", "2"], ["--grid", "guidance=1,4"]):
        assert cli.main(["render", "an owl", "-o", "x.png", *words]) == 0
        seed = fake.requests[-1].seed
        assert capsys.readouterr().err == f"safelight: the seed is {seed}\n"
        told.append(seed)
    assert len(set(told)) == 4
    assert max(told) < 2**32
    fake.requests.clear()
    assert cli.main(["render", "an owl", "-o", "x.png", "--grid", "seed=0..2"]) == 0
    assert [request.seed for request in fake.requests] == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    name, version = capsys.readouterr().out.split()
    assert (name, version[0].isdigit()) == ("safelight", True)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("rendr owl", "'render'"),
        ("modles", "'models'"),
        ("models verfy", "'verify'"),
        ("render owl --sede 4", "--seed"),
        ("render owl --widht 512", "--size 512x512"),
        ("render owl --width 512", "--size 512x512"),
        ("render owl --height=512", "--size 512x512"),
        ("render owl --guidance-scale 7", "--guidance"),
        ("render owl --neg blur", "--negative"),
        ("render owl --prediction-type epsilom", "'epsilon'"),
        ("inspect x.png --jsno", "--json"),
        ("replay x.png --out y.png", "--output"),
        ("models get a/b --revison main", "--revision"),
    ],
)
def test_did_you_mean(line: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(line.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"id you mean {meant}?" in err


def test_what_is_like_nothing_is_no_guess(capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("paint owl", "render owl --frobnicate", "schedulers --json", "render owl pear"):
        assert cli.main(line.split()) == 2
        assert "you mean" not in capsys.readouterr().err
    assert did_you_mean("x" * 10**6, ["x" * 30]) == ""


def test_names_that_the_engine_knows_are_offered_by_it(tmp_path: Path) -> None:
    def refused(kind: type[Exception], call: object, *arguments: object) -> str:
        with pytest.raises(kind) as caught:
            call(*arguments)  # pyright: ignore[reportCallIssue]
        return str(caught.value).rpartition("Did you mean ")[2]

    describe, create = engine.schedulers.describe, engine.schedulers.create
    assert refused(SchedulerError, describe, "Euler-Ancestrel") == "'euler_ancestral'?"
    assert refused(SchedulerError, describe, "DPM++ 2M") == "'dpmpp_2m'?"
    wrong = {"use_karas_sigmas": True}
    assert refused(SchedulerError, create, "euler", {}, 4, wrong) == "'use_karras_sigmas'?"
    assert refused(RequestError, engine.Axis.parse, "guidence", "1") == "'guidance'?"
    assert refused(engine.LoadError, engine.load, "bundeld") == "'bundled'?"
    (tmp_path / "owls.safetensors").touch()
    owls = str(tmp_path / "owl.safetensors")
    assert refused(engine.LoadError, engine.load, owls) == f"'{tmp_path}/owls.safetensors'?"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1..3", (1.0, 2.0, 3.0)),
        ("1.5..3", (1.5, 2.5)),
        ("1..2:0.25, 9", (1.0, 1.25, 1.5, 1.75, 2.0, 9.0)),
        ("0..0.3:0.1", (0.0, 0.1, 0.2, 0.3)),  # and no 0.30000000000000004
    ],
)
def test_guidance_goes_in_steps_as_seeds_do(text: str, values: tuple[float, ...]) -> None:
    assert engine.Axis.parse("guidance", text).values == values


def test_a_range_that_cannot_be_is_refused() -> None:
    assert engine.Axis.parse("steps", "4..12:4").values == (4, 8, 12)
    for text in ("1..3:0", "1..100", "3..1", "1..", "0..9" + "9" * 400, "1..2:0.5"):
        with pytest.raises(RequestError):
            engine.Axis.parse("seed", text)


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """That one, and those of all commands below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from itertools.chain.from_iterable(map(parsers, action.choices.values()))


def test_every_help_has_an_example_and_every_default() -> None:
    every = [*parsers(cli._parser())]
    assert len(every) == 8
    for parser in every:
        assert "\nexample" in parser.format_help()
        for line in (parser.epilog or "").splitlines()[1:]:
            assert line.startswith(f"  {parser.prog} ") or line == f"  {parser.prog}"
        for action in parser._actions:
            if action.option_strings and action.nargs != 0:
                assert "default" in (action.help or ""), (parser.prog, action.option_strings)


def test_an_example_is_a_command_that_is_understood() -> None:
    import shlex

    parser = cli._parser()
    for one in parsers(parser):
        for line in (one.epilog or "").splitlines()[1:]:
            parser.parse_args(shlex.split(line)[1:])


def test_options_of_other_programs_are_none_of_ours() -> None:
    ours = {name for parser in parsers(cli._parser()) for name in parser._option_string_actions}
    assert not ours & cli_parser.OTHER_NAMES.keys()
    assert {meant.split()[0] for meant in cli_parser.OTHER_NAMES.values()} <= ours


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("True", True), ("FALSE", False), ("None", None), ("null", None),
        ("3", 3), ("0.5", 0.5), ("trailing", "trailing"), ('"True"', "True"), ("[1, 2]", [1, 2]),
        ("yes", "yes"), ("", ""),
    ],
)  # fmt: skip
def test_an_options_value_is_taken_as_it_is_meant(
    text: str, value: object, fake: FakeEngine
) -> None:
    assert cli.main(["render", "an owl", "--option", f"key={text}"]) == 0
    taken = fake.requests[0].scheduler_options["key"]
    assert (taken, type(taken)) == (value, type(value))


def test_a_side_alone_is_answered_with_the_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", "an owl", "--size", "512"]) == 2
    assert "like 512x512" in capsys.readouterr().err


def test_a_prompt_alone_is_answered_with_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["an owl"]) == 2
    assert "Did you mean 'render' and then that?" in capsys.readouterr().err


def test_quotes_are_no_advice_where_there_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    for line, advice in (("render an owl", "quotes"), ("schedulers euler", "leave it out")):
        assert cli.main(line.split()) == 2
        assert advice in capsys.readouterr().err


def test_either_decimal_sign_will_do(fake: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    line = "render owl -o x.png --guidance 7,5 --eta 0,5 --guidance-interval 0,2:0.8"
    assert cli.main(line.split()) == 0
    request = fake.requests[0]
    assert (request.guidance_scale, request.eta) == (7.5, 0.5)
    assert request.guidance_interval == (0.2, 0.8)
    for text in ("7,5,1", "1,000.5", "seven"):
        assert cli.main(["render", "owl", "--guidance", text]) == 2
        assert f"{text!r} is not a number; write it like" in capsys.readouterr().err


def test_a_folder_of_models_that_is_not_there_is_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["models", "--folder", "gone"]) == 1
    told = "safelight: gone cannot be read (No such file or directory). Choose another folder.\n"
    assert capsys.readouterr() == ("", told)


def test_a_model_that_only_shares_the_folder_is_no_guess(tmp_path: Path) -> None:
    (tmp_path / "portraits.safetensors").touch()
    for name, guess in (("landscape", False), ("portrait.safetensors", True)):
        with pytest.raises(engine.LoadError) as caught:
            engine.load(tmp_path / name)
        assert ("Did you mean" in str(caught.value)) is guess, name
