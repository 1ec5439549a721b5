"""The command line: results on standard output, one clear line on standard error, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.cli import program as cli
from engine.errors import LoadError, SaveError
from tests import tiny
from tests.app.fake_engine import FAKE_CLASSES, FakeEngine

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def here(fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and the scripted engine behind the command."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(cli, "engine", fake)
    return here


def test_render_prints_the_path_of_the_image(
    fake: FakeEngine, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["render", "a red apple", "--seed", "7"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert (here / out.strip()).stat().st_size > 0
    assert out.endswith("-7.png\n")
    assert fake.requests[0].prompt == "a red apple"


def test_what_is_not_said_is_the_models_own(fake: FakeEngine) -> None:
    assert cli.main(["render", "", "--seed", "0"]) == 0
    assert fake.requests == [fake.pipeline.default_request]


def test_all_options_reach_the_request(fake: FakeEngine) -> None:
    line = "render owl --negative blur --scheduler euler --steps 3 --guidance 2.5 --seed 9"
    assert cli.main([*line.split(), "--size", "32x48", "--count", "2", "--model", "/m"]) == 0
    request = fake.requests[0]
    assert (request.negative_prompt, request.scheduler, request.steps) == ("blur", "euler", 3)
    assert (request.guidance_scale, request.seed, request.count) == (2.5, 9, 2)
    assert (request.width, request.height) == (32, 48)
    assert fake.loaded == ["/m"]


def test_a_named_file_is_overwritten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "x.png").write_text("old")
    assert cli.main(["render", "owl", "-o", "x.png"]) == 0
    assert capsys.readouterr().out == "x.png\n"
    assert (here / "x.png").stat().st_size > 3


def test_several_images_are_numbered(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["render", "owl", "--count", "3", "-o", "x.png"]) == 0
    assert capsys.readouterr().out.split() == ["x-1.png", "x-2.png", "x-3.png"]


def test_a_folder_gets_automatic_names_that_overwrite_nothing(here: Path) -> None:
    (here / "out").mkdir()
    for _ in range(3):
        assert cli.main(["render", "owl", "-o", "out"]) == 0
    assert len(list((here / "out").iterdir())) == 3


def test_steps_are_saved(fake: FakeEngine, here: Path) -> None:
    assert cli.main(["render", "owl", "--steps", "3", "--save-steps", "s/t"]) == 0
    names = sorted(path.name for path in (here / "s" / "t").iterdir())
    assert names == ["step-001.png", "step-002.png", "step-003.png"]


def test_a_cut_prompt_is_told(fake: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    fake.truncated = "and a horse"
    assert cli.main(["render", "owl"]) == 0
    assert "this was not read: and a horse" in capsys.readouterr().err


def test_a_cut_negative_prompt_is_told(
    fake: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.negative_truncated = "and a horse"
    assert cli.main(["render", "owl"]) == 0
    said = capsys.readouterr().err
    assert "the negative prompt is too long; this was not read: and a horse" in said
    assert said.count("too long") == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("render owl --seed seven", "'seven' is not a whole number"),
        ("render owl --seed 1.5", "'1.5' is not a whole number"),
        ("render owl --size 128", "'128' is not a size"),
        ("render owl --size 0x-8", "'0x-8' is not a size"),
        ("render owl --guidance much", "'much' is not a number"),
        ("render owl --frobnicate", "--frobnicate"),
        ("render owl pear", "pear"),
        ("paint owl", "'paint'"),
        ("render owl -o picture.bmp", "picture.bmp"),
    ],
)
def test_a_command_that_is_not_understood(
    line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(line.split()) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("render owl --steps 0", "steps: 0"),
        ("render owl --steps 10000", "steps: 10000"),
        ("render owl --guidance nan", "guidance_scale: nan"),
        ("render owl --seed -2", "seed: -2"),
        ("render owl --scheduler best", "'best'"),
        ("render owl -o nowhere/x.png", "nowhere"),
        ("render owl -o nowhere/", "nowhere"),
    ],
)
def test_what_the_engine_refuses_is_told_before_a_model_is_loaded(
    fake: FakeEngine, line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(line.split()) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err
    assert fake.loaded == []


@pytest.mark.parametrize(
    ("stage", "error", "words"),
    [
        ("load", LoadError("There is no model\nfolder /gone."), "There is no model folder /gone."),
        (1, RuntimeError("mat1"), "unexpected RuntimeError: mat1"),
        (0, MemoryError(), "MemoryError"),
    ],
)
def test_a_failure_is_one_line(
    fake: FakeEngine,
    stage: object,
    error: Exception,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.failures[stage] = error
    assert cli.main(["render", "owl"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_an_image_that_cannot_be_written_is_kept(
    fake: FakeEngine,
    here: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    refuge = tmp_path / "refuge"
    refuge.mkdir()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(refuge))
    save = fake.save

    def full_disk(image: object, path: Path, *rest: object) -> None:
        if path.parent != refuge:
            raise SaveError("The disk is full.")
        save(image, path, *rest)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(fake, "save", full_disk)
    assert cli.main(["render", "owl"]) == 1
    kept = next(refuge.iterdir())
    assert kept.stat().st_size > 0
    assert f"The disk is full. It is kept as {kept}." in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_ctrl_c_stops(fake: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    fake.failures[1] = KeyboardInterrupt()  # pyright: ignore[reportArgumentType]
    assert cli.main(["render", "owl"]) == 130
    assert capsys.readouterr().err == "safelight: stopped\n"
    assert fake.generators_closed == 1


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schedulers"]) == 0
    assert "Sharp in few steps." in capsys.readouterr().out
    assert cli.main(["models"]) == 0
    listed = capsys.readouterr().out.splitlines()[0].split()
    assert (listed[:2], listed[-1]) == (["bundled", "Emoji,"], "ready")


def test_without_a_command_the_window_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.main.main", lambda: 0)
    assert cli.main([]) == 0


def test_without_a_screen_the_window_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main([]) == 1
    assert "no screen" in capsys.readouterr().err


def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=False,
    )


def test_the_lists_work_as_a_process_in_any_encoding() -> None:
    finished = run("schedulers")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("unipc")


def test_a_reader_that_has_gone_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    finished = subprocess.run(
        [sys.executable, "-m", "app", "schedulers"],
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert (finished.returncode, finished.stderr) == (0, b"")


def test_a_class_reaches_the_request(fake: FakeEngine) -> None:
    fake.models["bundled"] = FAKE_CLASSES
    assert cli.main(["render", "--class", "3"]) == 0
    assert fake.requests[0].class_label == 3


def test_a_model_without_a_prompt_as_a_process(tmp_path: Path) -> None:
    folder = tiny.save_ddpm(tmp_path / "cats", tiny.DDPM_CIFAR)
    target = tmp_path / "cat.png"
    plain = ["render", "--model", str(folder), "--seed", "3", "--steps", "2"]
    finished = run(*plain, "-o", str(target), "--save-steps", str(tmp_path / "steps"))
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.split() == [str(target)]
    assert target.stat().st_size > 0
    assert len(list((tmp_path / "steps").iterdir())) == 2

    refused = run(*plain, "a cat")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.count("\n") == 1
    assert "this model takes no prompt" in refused.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes")
def test_a_disk_that_takes_no_more_is_one_clear_line_and_leaves_no_half_file(
    tmp_path: Path,
) -> None:
    """A real process and real files: the system refuses to write more than a kilobyte."""
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)); "
        f"sys.argv = ['safelight', 'render', 'an owl', '--steps', '1', '-o', {str(tmp_path)!r}]; "
        "runpy.run_module('app', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", limited],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "cannot be saved" in line
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc takes no files, even from root")
def test_a_folder_that_takes_no_files_is_told_before_any_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["render", "an owl", "-o", "/proc"]) == 1
    captured = capsys.readouterr()
    assert "/proc" in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""


def test_a_compiled_network_is_only_for_who_asks(fake: FakeEngine) -> None:
    assert cli.main(["render", "owl"]) == 0
    assert not fake.compiled
    assert cli.main(["render", "owl", "--compiled"]) == 0
    assert fake.compiled
