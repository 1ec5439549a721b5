"""Keeps one thing with the program's own code and says whether it is kept: `python -m
tests.endurance.keeping KIND ACT HOME`, where the home becomes SAFELIGHT_HOME. Run by test_calls.

KIND is image, setting, queue or note. ACT "prepare" makes what had been there before; "keep" adds
something new and prints "kept", or "refused" and the program's sentence; "look" prints as JSON what
a fresh start finds: whether the old is there, how often the new is, and whether anything is half.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

import app.main
import engine
from app import paths
from app.main import Application
from app.state.runs.plan import Plan
from engine.errors import SaveError
from engine.record.record import Record, read_record
from engine.request.request import Request
from tests.app.fake_engine import SHA256, VERSIONS
from tests.app.mortal import QuickEngine

OLD, NEW = "old words", "new words"
PATIENCE = 60.0
OPENED: list[Application] = []
"""Kept until the process ends, which it does without closing them."""


def opened(seconds: float = 3600.0) -> Application:
    """The program on a fake engine, of which a step takes that long, at rest."""
    application = app.main.build(QuickEngine(seconds))
    OPENED.append(application)
    application.show()
    until(lambda: application.models.card is not None and application.resumption.ready)
    return application


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to rest"
        loop = QEventLoop()
        QTimer.singleShot(5, loop.quit)
        loop.exec()


def request(seed: int) -> Request:
    return Request("owl", width=64, height=64, steps=3, scheduler="unipc", seed=seed)


def save(path: Path, seed: int) -> None:
    record = Record(request(seed), 3, "fake", SHA256, "cpu", "float32", VERSIONS, ())
    engine.save(Image.new("RGB", (64, 64), (seed % 255, 0, 0)), path, record)


def prepare() -> None:
    folder = paths.image_folder()
    folder.mkdir(parents=True)
    save(folder / "old.png", 1)
    application = opened()
    application.session.set_prompt(OLD)
    until(lambda: row_of(application, "old.png") >= 0)
    application.gallery.set_note(row_of(application, "old.png"), OLD)
    until(lambda: shown_note(application) == OLD)
    for seed in (100, 200):
        application.queue.submit(Plan((request(seed),)))
    until(lambda: application.resumption.kept)
    application.preferences.flush()
    application.open_session.remove()  # as another computer finds it, without waiting for an end


def keep_image() -> str:
    try:
        save(paths.image_folder() / "new.png", 2)
    except SaveError as error:
        return f"refused {error}"
    return "kept"


def keep(kind: str, armed: Path) -> str:
    if kind == "image":
        paths.image_folder()
        armed.touch()
        return keep_image()
    application = opened()
    refused: list[str] = []
    for signal in (application.store.troubled, application.gallery.failed):
        signal.connect(refused.append)
    until(lambda: row_of(application, "old.png") >= 0)
    armed.touch()
    match kind:
        case "setting":
            application.session.set_prompt(NEW)
            application.preferences.flush()
            until(lambda: application.store.at_rest or bool(refused))
        case "queue":
            application.queue.submit(Plan((request(300),)))
            until(lambda: application.resumption.kept or bool(refused))
        case "note":
            application.gallery.set_note(row_of(application, "old.png"), NEW)
            until(lambda: shown_note(application) == NEW or bool(refused))
    armed.unlink()
    return f"refused {refused[0]}" if refused else "kept"


def look(kind: str) -> dict[str, object]:
    application = opened()
    until(lambda: row_of(application, "old.png") >= 0)
    half = [path.name for path in paths.image_folder().glob("[!.]*.png") if not is_whole(path)]
    match kind:
        case "image":
            old = is_whole(paths.image_folder() / "old.png")
            new = int((paths.image_folder() / "new.png").exists())
        case "setting":
            old, new = (
                application.session.prompt in (OLD, NEW),
                int(application.session.prompt == NEW),
            )
        case "queue":
            seeds = [entry.plan.requests[0].seed for entry in application.resumption.left]
            old, new = {100, 200} <= set(seeds), seeds.count(300)
        case _:
            until(lambda: shown_note(application) != "")
            old, new = shown_note(application) in (OLD, NEW), int(shown_note(application) == NEW)
    return {"old": old, "new": new, "half": half}


def is_whole(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.load()
        return read_record(path).request.prompt == "owl"
    except Exception:
        return False


def row_of(application: Application, name: str) -> int:
    return application.gallery.row_of(str(paths.image_folder() / name))


def shown_note(application: Application) -> str:
    gallery = application.gallery
    return gallery.index(row_of(application, "old.png"), 0).data(gallery.NoteRole) or ""


def main() -> None:
    kind, act, home = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    os.environ["SAFELIGHT_HOME"] = str(home)
    QApplication([])
    match act:
        case "prepare":
            prepare()
        case "keep":
            print(keep(kind, Path(f"{home}.armed")), flush=True)
        case "look":
            print(json.dumps(look(kind)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
