"""The whole program on its real models as a process that can be killed at any moment, and a person
who uses it meanwhile: `python -m tests.endurance.life FOLDER SECONDS`, after tests/app/mortal.py.
Run by test_kills and test_power_cuts.

Beside the ten plans of a round, which are for the two bundled models in turn, the person stars
pictures and writes notes to them, saves copies elsewhere and types prompts. What the program shows
as kept goes into FOLDER/announced as well, a line each: starred NAME, noted NAME WORDS, exported
PATH; and typing N when a prompt was typed, typed N two seconds later, found N for the prompt that
the next window began with.
"""

from __future__ import annotations

import os
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

import engine
from app.state.runs.plan import Plan
from tests.app.mortal import Life, bear_all, plans

STEPS = 2
KEPT_AFTER = 2.0
"""Seconds after which what was typed is to outlive everything."""
MODELS = ("bundled", "bundled-ddpm")


def mixed_plans(number: int) -> list[Plan]:
    """The ten of that round, the first five for one model and the others for the other."""
    mixed = []
    for place, plan in enumerate(plans(number)):
        source, prompt = MODELS[place // 5], "an owl" if place < 5 else ""
        request = replace(plan.requests[0], steps=STEPS, prompt=prompt)
        mixed.append(replace(plan, source=source, requests=(request,)))
    return mixed


class Person:
    """Does something every tenth of a second, and says what the program shows as kept."""

    def __init__(self, life: Life, folder: Path) -> None:
        self.life = life
        self.exports = Path(os.environ["SAFELIGHT_HOME"]) / "exports"
        self.exports.mkdir(parents=True, exist_ok=True)
        self.application = life.application
        self.chance = random.Random(os.getpid())
        self.starred: set[str] = set()
        self.noted: dict[str, str] = {}
        lines = (folder / "announced").read_text().splitlines()
        self.typed = sum(line.startswith("typing ") for line in lines)
        self.waiting: list[tuple[float, int]] = []
        self.begun = False
        self.application.exports.done.connect(self.exported)
        self.timer = QTimer(interval=100)
        self.timer.timeout.connect(self.act)
        self.timer.start()

    def act(self) -> None:
        if not self.begun:
            self.begun = True
            self.life.say("found", self.application.session.prompt or "typed 0")
        while self.waiting and self.waiting[0][0] < time.monotonic():
            self.life.say("typed", self.waiting.pop(0)[1])
        self.look()
        gallery = self.application.gallery
        row = self.chance.randrange(gallery.rowCount()) if gallery.rowCount() else -1
        picture = gallery.picture(row) if row >= 0 else None
        match self.chance.choice(("type", "star", "note", "export", "")):
            case "type":
                self.typed += 1
                self.life.say("typing", self.typed)
                self.application.window.prompt.promptChanged.emit(f"typed {self.typed}")
                self.waiting.append((time.monotonic() + KEPT_AFTER, self.typed))
            case "star" if picture is not None and picture.path:
                gallery.set_favourite([row], True)
            case "note" if picture is not None and picture.path:
                gallery.set_note(row, f"words {self.chance.randrange(1000)}")
            case "export" if picture is not None and picture.path:
                ending = self.chance.choice((".png", ".jpg", ".webp"))
                target = self.exports / f"{Path(picture.path).stem}{ending}"
                self.application.exports.save(picture, str(target))

    def look(self) -> None:
        """Say which stars and notes the gallery shows that were not said yet."""
        gallery = self.application.gallery
        for row in range(min(gallery.rowCount(), 60)):
            index, picture = gallery.index(row, 0), gallery.picture(row)
            if picture is None or not picture.path:
                continue
            name = Path(picture.path).name
            if index.data(gallery.FavouriteRole) and name not in self.starred:
                self.starred.add(name)
                self.life.say("starred", name)
            note = index.data(gallery.NoteRole)
            if note and self.noted.get(name) != note:
                self.noted[name] = note
                self.life.say("noted", name, note)

    def exported(self, sentence: str) -> None:
        self.life.say("exported", sentence)


def live(folder: Path, seconds: float) -> int:
    qt = QApplication([])
    life = Life(folder, engine, mixed_plans)
    person = Person(life, folder)
    code = qt.exec()
    person.timer.stop()
    assert life.application.close()
    return code


def main() -> None:
    import torch  # once, for all that are born here
    import transformers  # noqa: F401

    torch.set_num_threads(1)  # a process that has forked has none of its parent's threads
    bear_all(Path(sys.argv[1]), float(sys.argv[2]), live)


if __name__ == "__main__":
    main()
