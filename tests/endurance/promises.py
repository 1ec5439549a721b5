"""What the program has announced must be there, whatever ended it: checked against the files that a
killed window left behind, by test_kills and test_power_cuts. See tests/endurance/life.py.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from app.state.gallery.notes import Notes
from engine.record.record import read_record
from tests.app.nursery import Nursery


def check(nursery: Nursery) -> str:
    """Raises AssertionError for what was announced and is lost, made twice or half; else says how
    much was announced."""
    done, images = nursery.check()
    said = nursery.said
    notes = Notes(nursery.images)
    notes.refresh()
    starred = {line.removeprefix("starred ") for line in said if line.startswith("starred ")}
    for name in starred:
        assert notes.by_name[name].favourite, f"the star of {name} was shown and is lost"
    words = dict(line.split(" ", 2)[1:] for line in said if line.startswith("noted "))
    for name in words:
        assert notes.by_name[name].note, f"the note to {name} was shown and is lost"
    exported = _exported(said)
    for path in exported:
        with Image.open(path) as image:
            image.load()
        assert read_record(path).request.steps
    _check_typed(said)
    return f"{done} rounds, {images} images, {len(starred)} stars, {len(words)} notes, " + (
        f"{len(exported)} exports, {sum(line.startswith('typed') for line in said)} words kept"
    )


def _exported(said: list[str]) -> set[Path]:
    sentences = (line.removeprefix("exported Saved as ") for line in said if "exported" in line)
    return {Path(sentence.split(" · ")[0]) for sentence in sentences}


def _check_typed(said: list[str]) -> None:
    """Every window begins with the words that had been there for two seconds, or newer ones."""
    typing = typed = 0
    for line in said:
        what, _, rest = line.partition(" ")
        match what:
            case "typing":
                typing = int(rest)
            case "typed":
                typed = max(typed, int(rest))
            case "found":
                found = int(rest.removeprefix("typed "))
                assert typed <= found <= typing, f"{rest} came back, typed {typed} was kept"
