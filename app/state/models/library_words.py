"""What the library says of a checkpoint, in words. Used by `app.state.models.library`."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.i18n import tr
from app.state.models.library_table import size_text

if TYPE_CHECKING:
    from engine.checkpoint.value import Checkpoint
    from engine.checkpoint.verification import Verdict


def presentable(checkpoint: Checkpoint) -> Checkpoint:
    """Qt keeps no text that is none: such a name would lead to another file, or to nothing."""
    source = os.fsencode(checkpoint.source).decode("utf-8", "replace")
    if source == checkpoint.source:
        return checkpoint
    problem = tr("The name of {name} has bytes that are no text: rename it.", name=source)
    path = os.fsencode(checkpoint.path).decode("utf-8", "replace")
    return replace(checkpoint, source=source, path=path, state="refused", problem=problem)


def shown_name(checkpoint: Checkpoint, names: Counter[str]) -> str:
    """The name, with the folder where two have the same."""
    if names[checkpoint.name] < 2:
        return checkpoint.name
    folder = Path(checkpoint.path).parent.name
    return tr("{name} in {folder}", name=checkpoint.name, folder=folder)


def detail(checkpoint: Checkpoint) -> str:
    facts = (checkpoint.label, checkpoint.dtype, size_text(checkpoint.bytes))
    return f"{' · '.join(filter(None, facts))}\n{checkpoint.path}"


def told_verdict(checkpoint: Checkpoint, verdict: Verdict) -> str:
    """What a verification has found."""
    name = checkpoint.name
    if verdict.problems:
        rest = len(verdict.problems) - 1
        more = tr("And {count} more problems.", count=rest) if rest else ""
        return f"{verdict.problems[0]} {more}".strip()
    if verdict.compared:
        return tr(
            "{name} is as it should be: {count} files agree with their digests.",
            name=name,
            count=verdict.compared,
        )
    if verdict.sha256:
        return tr(
            "{name} can be read to its end. Nothing here tells what its SHA-256 should be; it is "
            "{sha256}.",
            name=name,
            sha256=verdict.sha256,
        )
    return tr(
        "{name} can be read to its end. Nothing here tells what its digests should be.", name=name
    )
