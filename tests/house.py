"""The counts that keep every fact in one room: `python -m tests.house` prints them beside their
targets and exits with 1 when one is missed. Run by CI, and by tests/test_house.py.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grimp

from tests.tables_of_families import tables_outside
from tests.test_new_field import files_for_a_new_field

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Count:
    """what: that is counted; found: how many; most: how many there may be; where: what is to be
    mended first, the worst one before the others."""

    what: str
    found: int
    most: int
    where: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.found <= self.most


def counts() -> list[Count]:
    """All that the house promises of its own sources."""
    return [
        files_of_a_field(),
        longest_file("app", 400),
        longest_file("engine", 300),
        longest_function(60),
        circles(),
        files_directly_in("engine", 6),
        files_directly_in("app", 12),
        tables_of_families(),
        long_tests(500),
        untyped(30),
    ]


def files_of_a_field() -> Count:
    """Files of the program that one more field of a request touches, where it has no control."""
    what = "files that a new field without a control touches"
    touched = files_for_a_new_field()
    return Count(what, len(touched), 3, touched)


def longest_file(folder: str, most: int) -> Count:
    lengths = {name(path): len(lines(path)) for path in sources(folder)}
    return Count(f"lines of the longest file in {folder}", *_longest(lengths, most))


def longest_function(most: int) -> Count:
    """From `def` to the last line of its body; decorators and what stands above are not counted."""
    lengths = {
        f"{name(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in sources("app", "engine")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return Count("lines of the longest function", *_longest(lengths, most))


def circles() -> Count:
    """Modules that import one another at run time, in however many steps."""
    found = tuple(" - ".join(sorted(group)) for group in modules_in_circles())
    return Count("circles of imports", len(found), 0, found)


def files_directly_in(folder: str, most: int) -> Count:
    found = sorted(name(path) for path in (ROOT / folder).glob("*.py"))
    return Count(f"files directly in {folder}/", len(found), most, tuple(found))


def tables_of_families() -> Count:
    """The modules outside `engine/families/` that name two families or more."""
    found = tuple(tables_outside())
    return Count("tables that name families outside engine/families/", len(found), 0, found)


def long_tests(most: int) -> Count:
    lengths = {name(path): len(lines(path)) for path in sources("tests")}
    found = _above(lengths, most)
    return Count(f"test files of more than {most} lines", len(found), 0, found)


def untyped(most: int) -> Count:
    found = {
        name(path): sum(1 for line in lines(path) if re.search(r": Any\b", line))
        for path in sources("app")
    }
    return Count("lines of app with `: Any`", sum(found.values()), most, _above(found, 0))


def modules_in_circles() -> Iterator[set[str]]:
    """The strongly connected components of more than one module, by Tarjan's algorithm, of what
    imports what at run time."""
    graph = grimp.build_graph("app", "engine", exclude_type_checking_imports=True, cache_dir=None)
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []

    def visit(module: str) -> Iterator[set[str]]:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            if imported not in order:
                yield from visit(imported)
            if imported in path:
                lowest[module] = min(lowest[module], lowest[imported])
        if lowest[module] == order[module]:
            at = path.index(module)
            found = set(path[at:])
            del path[at:]
            if len(found) > 1:
                yield found

    for module in sorted(graph.modules):
        if module not in order:
            yield from visit(module)


def sources(*folders: str) -> list[Path]:
    """Every file of Python in these folders of the repository."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse("\n".join(lines(path)))


def _longest(lengths: dict[str, int], most: int) -> tuple[int, int, tuple[str, ...]]:
    return max(lengths.values()), most, _above(lengths, most)


def _above(lengths: dict[str, int], most: int) -> tuple[str, ...]:
    above = sorted((name for name in lengths if lengths[name] > most), key=lambda n: -lengths[n])
    return tuple(f"{name} ({lengths[name]})" for name in above)


def main() -> int:
    found = counts()
    for count in found:
        mark = "" if count.holds else "  MISSED"
        print(f"{count.found:6} of at most {count.most:4}  {count.what}{mark}")
        for where in () if count.holds else count.where:
            print(f"{'':24}{where}")
    return 0 if all(count.holds for count in found) else 1


if __name__ == "__main__":
    sys.exit(main())
