"""The command line where its output goes nowhere, where it is stopped, and where there is no
screen: one line at most, the right exit code, and what was made is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import program as cli
from app.cli.output import complain, show
from engine.errors import SaveError

ROOT = Path(__file__).parents[3]
FULL = Path("/dev/full")

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full and :77 are Linux's")
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the shell's redirections")


def run(
    command: str, redirected: str = "", folder: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command line in a shell, which can close a stream; standard error is taken unless it is
    redirected."""
    return subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m app {command} {redirected}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )


@linux_only
@pytest.mark.parametrize("command", ["schedulers", "--help", "--version"])
@pytest.mark.parametrize("redirected", [">/dev/full", ">&-", ">&- <&-"])
def test_what_cannot_be_printed_is_told_and_no_success(command: str, redirected: str) -> None:
    done = run(command, redirected)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("safelight: What is done cannot be printed")


@linux_only
@pytest.mark.parametrize("redirected", ["2>/dev/full", "2>&-", "2>&- >&- <&-"])
def test_what_cannot_be_complained_of_keeps_its_exit_code(redirected: str) -> None:
    done = run("render owl --steps much", redirected)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@linux_only
def test_a_picture_is_saved_where_nothing_can_be_said(tmp_path: Path, home: Path) -> None:
    """And is not written into by what libraries say: no file has the number of a closed stream."""
    words = "render 'an owl' --steps 1 --seed 3 --grid seed=3,4 -o"
    done = run(f"{words} a.png", ">/dev/full 2>&- <&-", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    names = ["a-1.png", "a-2.png", "a-grid.png"]
    assert sorted(path.name for path in tmp_path.iterdir() if path != home) == names
    told = run("inspect a-1.png", folder=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")


def test_lines_that_nobody_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SaveError, match="closed"):
        show("x.png")
    show()  # nothing is lost
    complain("And nowhere to say so.")


def test_a_complaint_never_stands_among_the_results(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.main(["render", "owl", "--steps", "much"]) == 2
    assert capsys.readouterr().out == ""


STOPPED = (130, "", "safelight: stopped\n")
STOP = "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)"
AT_IMPORT = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "app.cli.program":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(9)
sys.meta_path.insert(0, Finder())
"""
LOST = """
def stub(was_stopped):
    {lose}
    assert was_stopped()
    try:
        time.sleep(9)
    except KeyboardInterrupt:
        from app.cli.output import complain
        complain("stopped")
        return 130
sys.modules["app.cli.program"] = types.SimpleNamespace(main=stub)
"""
CAUGHT = "\n    ".join(["try:", f"    {STOP}", "except BaseException:", "    pass"])
FINALIZED = "\n    ".join(["class Last:", "    def __del__(self):", f"        {STOP}", "Last()"])


@posix_only
@pytest.mark.parametrize(
    "script",
    [AT_IMPORT, LOST.format(lose=CAUGHT), LOST.format(lose=FINALIZED)],
    ids=["at import", "caught by a library", "in a finalizer"],
)
def test_ctrl_c_is_one_line_whenever_it_comes(script: str) -> None:
    code = "import os, signal, sys, time, types\nfrom app.__main__ import main\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}{script}\nsys.exit(main())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == STOPPED


def test_an_error_that_was_a_ctrl_c_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise ImportError("cannot load module more than once per process")

    monkeypatch.setattr("engine.schedulers.names", fails)
    assert cli.main(["schedulers"], was_stopped=lambda: True) == 130
    assert capsys.readouterr().err == STOPPED[2]


@linux_only
@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("DISPLAY", ":77"),
        ("WAYLAND_DISPLAY", "wayland-77"),
        ("QT_QPA_PLATFORM", "wayland"),
        ("QT_QPA_PLATFORM", "none"),
        ("QT_QPA_PLATFORM", "linuxfb:fb=/dev/null"),
    ],
)
def test_a_screen_that_is_not_there_is_one_line(
    place: str, value: str, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    done = run("", **{place: value})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"safelight: The window cannot open on {place}={value} (")
    assert not home.exists()  # nothing was begun that the next start would take for a crash


def test_a_library_that_qt_misses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "app.main", None)
    assert cli.main([]) == 1
    err = capsys.readouterr().err
    assert (err.count("\n"), "safelight render" in err) == (1, True)


@posix_only
def test_ctrl_c_that_is_to_be_ignored_is() -> None:
    """Where Ctrl+C was to be ignored from the start, as behind nohup, it is."""
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    code += "from app.__main__ import _CtrlC; _CtrlC(); print(signal.getsignal(signal.SIGINT))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == str(signal.SIG_IGN)
