"""Who may import whom, by the contracts in pyproject.toml; what importing the window costs, read
from a fresh process; and who reads what the program did not write, read from the sources.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
QT = "PySide6"
HEAVY = {"torch", "transformers", "huggingface_hub", "PIL", "numpy", "ssl", "difflib"}
"""What takes long to import, and nothing needs before there is work for it."""


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, folder
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_contracts_hold(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of pyproject.toml: who may import whom at run time, and no circles of rooms."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [*sys.path])  # import-linter adds to it
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


@pytest.mark.parametrize("path", sources("app/state"), ids=name)
def test_state_knows_no_widgets(path: Path) -> None:
    """Of Qt's own modules, which import-linter does not tell apart."""
    assert not re.search(r"\bQtWidgets\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import app.main, app.windows.main_window", HEAVY),
        ("import engine; engine.schedulers.names()", HEAVY | {QT}),
        ("import app.cli.program; app.cli.main(['schedulers'])", HEAVY | {QT}),
    ],
)
def test_importing_is_light(statement: str, absent: set[str]) -> None:
    code = f"import sys; {statement}; print(*sys.modules, file=sys.stderr)"
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not absent & set(finished.stderr.split())


OWN = {
    ("app/theme.py", "read_text"): "the style sheet and the icons, which come with the program",
    (
        "app/state/gallery/thumbnail_process.py",
        "open",
    ): "in its own process, after the door has looked",
    (
        "app/state/gallery/thumbnail_process.py",
        "Image.open",
    ): "the same file, of the format that it said",
    (
        "app/state/store/open_session.py",
        "os.open",
    ): "to be locked and written; what stands in it is not read",
    ("app/cli/output.py", "os.open"): "the device that takes what nobody reads",
    ("app/state/store/store.py", "sqlite3.connect"): "a regular file, of tables that are looked at",
    ("app/state/gallery/index_file.py", "sqlite3.connect"): "a cache of tables that are looked at",
    (
        "app/state/gallery/thumbnails.py",
        "sqlite3.connect",
    ): "a cache, of which every row has a digest",
    (
        "app/state/pixels.py",
        "QImageReader",
    ): "bytes that came by the door, of the format that it said",
    ("engine/hardware/memory.py", "read_text"): "what the system tells of its memory",
    ("engine/hardware/tuning.py", "read_text"): "what the system tells of its processor",
    ("engine/hub/transfer.py", "open"): "the part of a file that is being fetched",
    ("engine/atomic.py", "os.open"): "a folder, to be synced",
    ("engine/record/image_file.py", "Image.open"): "a file of the door, of the format that it said",
    (
        "engine/record/interchange/texts.py",
        "Image.open",
    ): "a file of the door, in limits of its own",
    (
        "engine/record/interchange/stealth.py",
        "Image.open",
    ): "bytes of the door, of the format it said",
    ("engine/pipelines/text.py", "from_pretrained"): "files that the vocabulary has been read of",
    ("engine/weights/tensors.py", "mmap.mmap"): "a file of the door",
    ("engine/foreign.py", "os.open"): "the door",
}
"""Where something is read without the door, and what that is."""
METHODS = {"read_text", "read_bytes", "from_pretrained"}
READERS = {
    *("Image.open", "os.open", "json.load", "sqlite3.connect", "mmap.mmap", "np.fromfile"),
    *("np.load", "numpy.load", "torch.load", "safe_open", "load_file", "Tokenizer.from_file"),
    *("QImage", "QPixmap", "QIcon", "QMovie", "QImageReader"),
}
NAMED = {"QImage", "QPixmap", "QIcon"}
"""Of those, the ones that read only where they are given a name."""
NAMES = re.compile(r"str\(.*|f?['\"].*|(Path\(|[\w.]*(path|file|name)).*")
"""What stands in an argument that is a name."""


def reading(call: ast.Call) -> str:
    """By what the call reads, "" if it reads nothing, or asks the door."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    called = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    called = called or getattr(call.func, "id", "")
    whose = owner.id if isinstance(owner, ast.Name) else ""
    if called in METHODS and owner is not None:
        return "" if whose == "foreign" else called
    if (whole := f"{whose}.{called}".lstrip(".")) in READERS:
        is_named = bool(call.args) and NAMES.fullmatch(ast.unparse(call.args[0])) is not None
        return whole if whole not in NAMED or is_named else ""
    if called == "open":
        modes = {part.value for part in call.args if isinstance(part, ast.Constant)}
        is_path = owner is None or (
            not call.args and NAMES.fullmatch(ast.unparse(owner)) is not None
        )
        return "open" if modes & {"rb", "r"} or (is_path and not modes) else ""
    return ""


def test_strangers_come_in_by_one_door() -> None:
    """`engine.foreign`, which neither waits nor unpacks, reads what the program did not write."""
    beside = {
        (name(path), how)
        for path in sources("engine") + sources("app")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and (how := reading(node))
    }
    assert beside == OWN.keys()
