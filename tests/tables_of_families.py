"""Where families are named outside their room. Counted by `python -m tests.house`, and asked by the
tests of the families.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from engine.families import FAMILIES, Family

ROOT = Path(__file__).parents[1]
WORDS = {"unknown", "ddpm", "vae", "t5", "upscaler", "wan"}
"""Names of families that are those of other things as well: of a scheduler, of a part."""


def tables_outside() -> list[str]:
    """The modules of engine/ and app/ outside engine/families/ that name two families or more: in a
    dict, a tuple, a match, a chain of comparisons, whatever the form. What stands in docstrings
    does not count."""
    known = {name for family in FAMILIES for name in names_of(family)}
    found = []
    for path in sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("app/**/*.py")]):
        where = path.relative_to(ROOT).as_posix()
        if not where.startswith("engine/families/"):
            named = known & set(strings(ast.parse(path.read_text(encoding="utf-8"))))
            if len(named) > 1 and named - WORDS:
                found.append(f"{where}: {', '.join(sorted(named))}")
    return found


def names_of(family: Family) -> Iterator[str]:
    """Its own, those of its versions, and the pipelines of diffusers that are of it."""
    yield from (family.name, *(version.name for version in family.versions))
    yield from (name for name in family.classes if name.endswith("Pipeline"))


def strings(module: ast.Module) -> Iterator[str]:
    """Those of a module but for its docstrings."""
    told = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value
