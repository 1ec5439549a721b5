"""Who may import whom (the law of the house), read from the sources; and what importing the window
costs, read from a fresh process.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
QT = "PySide6"
VALUES = {"engine.request", "engine.events", "engine.errors", "engine.foreign", "engine.atomic"}
"""The engine's plain value types, its door for strangers' bytes and its way of writing whole files,
which any part of the application may use."""
HEAVY = {"torch", "transformers", "huggingface_hub", "PIL", "numpy", "ssl", "difflib"}
"""What takes long to import, and nothing needs before there is work for it."""


def imports(path: Path) -> set[str]:
    """The modules that a file imports, anywhere in it, `from a import b` as both a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            module = node.module or ""
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def within(modules: set[str], *packages: str) -> set[str]:
    return {
        module
        for module in modules
        if any(module == package or module.startswith(f"{package}.") for package in packages)
    }


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, folder
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sources("engine"), ids=name)
def test_the_engine_knows_no_window(path: Path) -> None:
    assert not within(imports(path), "app", QT, "PyQt6", "diffusers")


@pytest.mark.parametrize("path", sources("app/widgets"), ids=name)
def test_widgets_know_only_qt_the_theme_and_the_words(path: Path) -> None:
    found = imports(path)
    assert not within(found, "engine", "torch", "transformers")
    allowed = within(found, "app.theme", "app.i18n", "app.harmless", "app.unfailing", "app.widgets")
    assert within(found, "app") - allowed <= {"app"}


@pytest.mark.parametrize("path", sources("app/state"), ids=name)
def test_state_knows_no_widgets(path: Path) -> None:
    found = imports(path)
    assert not within(found, "app.widgets", "app.windows", "app.theme", f"{QT}.QtWidgets")


@pytest.mark.parametrize("path", sources("app/windows"), ids=name)
def test_windows_only_arrange(path: Path) -> None:
    assert not within(imports(path), "engine", "app.state", "app.worker", "app.main")


@pytest.mark.parametrize("path", sources("app"), ids=name)
def test_only_three_files_reach_beyond_the_engines_values(path: Path) -> None:
    if path.parent.name == "app" and path.name in ("worker.py", "cli.py", "main.py"):
        return
    found = within(imports(path), "engine")
    assert not found - within(found, *VALUES)


@pytest.mark.parametrize("path", sources("app"), ids=name)
def test_nobody_imports_the_composition_root_but_the_command_line(path: Path) -> None:
    if path != ROOT / "app" / "cli.py":
        assert not within(imports(path), "app.main")


@pytest.mark.parametrize("path", sources("app"), ids=name)
def test_the_application_leaves_torch_to_the_engine(path: Path) -> None:
    assert not within(imports(path), "torch", "transformers", "diffusers")


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import app.main, app.windows.main_window", HEAVY),
        ("import engine; engine.schedulers.names()", HEAVY | {QT}),
        ("import app.cli; app.cli.main(['schedulers'])", HEAVY | {QT}),
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
    "app/theme.py": "the style sheet and the icons, which come with the program",
    "app/state/gallery_notes.py": "the digest of an image that the gallery lists",
    "app/state/thumbnail_process.py": "in its own process, after the door has looked",
    "engine/device.py": "what the system tells of its memory",
    "engine/tuning.py": "what was measured here, and what the system tells of its processor",
    "engine/pipelines/linear_map.py": "previews that were worked out here",
    "engine/hub/transfer.py": "the part of a file that is being fetched",
    "engine/foreign.py": "the door",
}
"""The files that read without the door, and what they read."""
READING = {"read_text", "read_bytes"}


def test_strangers_come_in_by_one_door() -> None:
    """`engine.foreign`, which neither waits nor unpacks, reads what the program did not write."""
    beside = []
    for path in sources("engine") + sources("app"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            by_the_door = isinstance(owner, ast.Name) and owner.id in ("foreign", "interchange")
            modes = {part.value for part in node.args if isinstance(part, ast.Constant)}
            is_open = called == "open" or getattr(node.func, "id", "") == "open"
            if (called in READING and not by_the_door) or (is_open and modes & {"rb", "r"}):
                beside.append(path.relative_to(ROOT).as_posix())
    assert {*beside} <= OWN.keys()
