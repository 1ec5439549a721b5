"""Subjects: the things that the Emoji model is taught to draw, few enough that it draws each of
them well. Their list is subjects.txt. Asked by `encoded`, `phrases` and `evaluate`.
"""

from __future__ import annotations

from pathlib import Path

from resources.training.errors import TrainingError
from resources.training.pictures import Pictures

LIST = Path(__file__).with_name("subjects.txt")
STYLES = ("3d", "flat")


def names(path: Path = LIST) -> tuple[str, ...]:
    """As the list orders them: its lines are headings, and names with semicolons between."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(name.strip() for line in lines if ";" in line for name in line.split(";"))


def of(every: Pictures, wanted: tuple[str, ...]) -> Pictures:
    """Their pictures in both styles: 3d, flat, 3d, flat and so on. Raises TrainingError for a name
    that the pictures lack."""
    found = {(thing.name, thing.style): i for i, thing in enumerate(every.things)}
    asked = [(name, style) for name in wanted for style in STYLES]
    missing = [f"{name} in {style}" for name, style in asked if (name, style) not in found]
    if missing:
        raise TrainingError(
            f"The pictures have no {', '.join(missing)}: fetch the versions that are pinned, or "
            f"change {LIST.name}."
        )
    return every.at([found[it] for it in asked])
