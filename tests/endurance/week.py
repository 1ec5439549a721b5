"""A person's week with the real program on its real models: `python -m tests.endurance.week DAY
LOCALE`. Run by test_week, on a screen of 1366 by 768 and with all cores busy.

DAY "yesterday" makes pictures, favourites, notes, settings and a queue, and dies in the middle of
it. DAY "today" begins there and does what the README promises, one promise a method of Today; it
prints as JSON what was done, the longest stall, and all that went wrong: exceptions wherever they
were, Qt's warnings, and promises that were not kept.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QLocale, QObject, Qt, QTimer, qInstallMessageHandler
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)

import engine
from app import paths
from app.main import Application, build
from engine.record.interchange.programs import recipe_of_picture as recipe_of

TICK = 10  # milliseconds
PATIENCE = 180.0
PROMPT, NEGATIVE = "a red apple, 3d", "blurry"
STEPS = 4

problems: list[str] = []


class Stalls(QObject):
    """The longest time that the event loop stood still. What the kernel gave to other processes
    meanwhile is none of the window's: neither while this thread could have run, nor beyond what
    all threads of this process computed."""

    def __init__(self) -> None:
        super().__init__()
        self.longest, self.when, self.doing = 0.0, "", ""
        self._waits = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._last = self._now()
        self._timer = QTimer(self, interval=TICK, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def begin(self, doing: str) -> None:
        """From now on the window is there, and must not wait."""
        self.doing, self._last = doing, self._now()
        self._timer.start()

    def _now(self) -> tuple[float, float, float]:
        waited = int(self._waits.read_text().split()[1]) / 1e9 if self._waits.exists() else 0.0
        return time.perf_counter(), waited, time.process_time()

    def _tick(self) -> None:
        passed, waited, computed = (
            after - before for after, before in zip(self._now(), self._last, strict=True)
        )
        stall = min(passed - waited, computed)
        if stall > self.longest:
            self.longest, self.when = stall, self.doing
        self._last = self._now()


def listen() -> None:
    """Whatever goes wrong anywhere becomes one of `problems`."""

    def note(kind: Any, error: Any, trace: Any) -> None:
        problems.append("".join(traceback.format_exception(kind, error, trace))[-1500:])

    sys.excepthook = note
    threading.excepthook = lambda it: note(it.exc_type, it.exc_value, it.exc_traceback)
    sys.unraisablehook = lambda it: note(it.exc_type, it.exc_value, it.exc_traceback)
    qInstallMessageHandler(
        lambda kind, context, words: (
            None if "This plugin does not support" in words else problems.append(f"Qt: {words}")
        )
    )


def until(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE:.0f} s")
        loop = QEventLoop()
        QTimer.singleShot(5, loop.quit)
        loop.exec()


def opened(stalls: Stalls) -> Application:
    application = build()
    application.show()
    stalls.begin("loading")
    until(lambda: application.models.card is not None, "the model is loaded")
    until(lambda: application.resumption.ready, "yesterday's queue is read")
    return application


def made(application: Application) -> int:
    """How many pictures this session has made."""
    return sum(line.result is not None for line in application.history.runs.values())


def idle(application: Application) -> bool:
    return application.queue.current is None and not len(application.queue)


def row_of(application: Application, name: str) -> int:
    return application.gallery.row_of(str(paths.image_folder() / name))


class Yesterday:
    def __init__(self, stalls: Stalls) -> None:
        self.application = opened(stalls)

    def live(self) -> None:
        application, session = self.application, self.application.session
        session.set_prompt(PROMPT)
        session.set_negative_prompt(NEGATIVE)
        session.set_steps(STEPS)
        session.set_guidance_scale(3.5)
        session.set_seed(77)
        session.set_seed_locked(True)
        application.window.themeChosen.emit("light")
        session.generate()
        until(lambda: made(application) == 1 and idle(application), "the first picture")
        until(lambda: application.gallery.rowCount() > 0, "the gallery")
        until(lambda: bool(application.gallery.picture(0)), "the first row")
        rows = [row for row in range(application.gallery.rowCount()) if _path(application, row)]
        application.gallery.set_favourite(rows[:2], True)
        application.gallery.set_note(rows[0], "a note of yesterday")
        until(
            lambda: any(
                application.gallery.index(row, 0).data(application.gallery.NoteRole)
                for row in range(application.gallery.rowCount())
            ),
            "the note",
        )
        session.set_steps(40)
        for _ in range(3):
            session.generate()
        session.set_steps(STEPS)
        until(lambda: application.resumption.kept, "the queue is kept")
        QTest.qWait(2500)
        os.kill(os.getpid(), signal.SIGKILL)


def _path(application: Application, row: int) -> str:
    picture = application.gallery.picture(row)
    return picture.path if picture is not None else ""


class Today:
    """Each method is a promise; `live` keeps them in this order."""

    def __init__(self, stalls: Stalls) -> None:
        self.stalls = stalls
        self.application = opened(stalls)
        self.window = self.application.window
        self.done: list[str] = []

    def live(self) -> None:
        for promise in (
            self.the_window_fits,
            self.all_settings_come_back,
            self.what_waited_is_offered_and_made,
            self.the_gallery_shows_every_file,
            self.favourites_and_notes_are_there,
            self.numbers_are_typed_with_either_sign,
            self.a_run_is_watched_and_steered,
            self.a_step_is_looked_at_and_branched_from,
            self.settings_of_other_programs_are_taken,
            self.a_grid_is_compared,
            self.another_model_draws,
            self.pictures_are_saved_elsewhere,
            self.a_picture_goes_to_the_trash_and_comes_back,
            self.an_image_is_made_again_by_its_file,
        ):
            self.stalls.doing = promise.__name__
            try:
                promise()
                self.done.append(promise.__name__)
            except Exception:
                problems.append(f"{promise.__name__}: {traceback.format_exc()[-1500:]}")
            if self.window.errors.isVisible():
                words = self.window.findChild(QLabel, "errorText").text()
                problems.append(f"{promise.__name__} showed: {words}")
                self.window.errors.clear()

    def the_window_fits(self) -> None:
        screen = self.window.screen().availableGeometry()
        assert screen.contains(self.window.frameGeometry()), self.window.frameGeometry()
        button = self.widget(QPushButton, "generateButton")
        corner = button.mapToGlobal(button.rect().bottomRight())
        assert button.isVisible() and screen.contains(corner)
        assert not button.visibleRegion().isEmpty()

    def all_settings_come_back(self) -> None:
        session = self.application.session
        assert (session.prompt, session.negative_prompt) == (PROMPT, NEGATIVE)
        assert (session.steps, session.guidance_scale) == (STEPS, 3.5)
        assert (session.seed, session.seed_locked) == (77, True)
        assert self.application.preferences.get("theme", "dark") == "light"

    def what_waited_is_offered_and_made(self) -> None:
        application = self.application
        waiting = sum(len(entry.plan.places) for entry in application.resumption.left)
        assert waiting == 3, f"{waiting} pictures wait"
        before = made(application)
        self.window.resume.firstChosen.emit()
        until(lambda: made(application) == before + 3 and idle(application), "the three")

    def the_gallery_shows_every_file(self) -> None:
        gallery = self.application.gallery
        files = [p for p in paths.image_folder().iterdir() if p.suffix in (".png", ".jpg", ".webp")]
        expected = {str(p) for p in files if not p.name.startswith(".")}
        rows = lambda: {_path(self.application, row) for row in range(gallery.rowCount())}  # noqa: E731
        until(lambda: expected <= rows(), "every file is in the gallery")
        self.window.set_gallery_large(True)
        view = self.window.gallery
        bar = view.verticalScrollBar()
        while True:
            QTest.qWait(120)
            if bar.value() >= bar.maximum():
                break
            bar.setValue(bar.value() + view.viewport().height())
        bar.setValue(0)
        until(lambda: gallery.index(0, 0).data(Qt.ItemDataRole.DecorationRole), "a thumbnail")
        self.window.set_gallery_large(False)

    def favourites_and_notes_are_there(self) -> None:
        gallery = self.application.gallery
        rows = range(gallery.rowCount())
        assert sum(bool(gallery.index(r, 0).data(gallery.FavouriteRole)) for r in rows) == 2
        notes = {gallery.index(r, 0).data(gallery.NoteRole) for r in rows}
        assert "a note of yesterday" in notes, notes

    def numbers_are_typed_with_either_sign(self) -> None:
        spin = self.widget(QAbstractSpinBox, "guidanceSpin")
        for typed in ("2.5", "2,5"):
            spin.setFocus()
            spin.selectAll()
            QTest.keyClicks(spin, typed)
            QTest.keyClick(spin, Qt.Key.Key_Return)
            assert self.application.session.guidance_scale == 2.5, typed
            self.application.session.set_guidance_scale(3.0)

    def a_run_is_watched_and_steered(self) -> None:
        application = self.application
        field = self.widget(QPlainTextEdit, "promptEdit")
        field.selectAll()
        QTest.keyClicks(field, "an owl")
        application.session.set_steps(8)
        before = made(application)
        seen: list[Any] = []
        application.worker.stepped.connect(seen.append)
        QTest.mouseClick(self.widget(QPushButton, "generateButton"), Qt.MouseButton.LeftButton)
        until(lambda: len(seen) >= 2, "two steps")
        application.window.guidance.scaleChanged.emit(6.0)
        self.widget(QPushButton, "pauseButton").click()
        until(lambda: application.run.paused, "a pause")
        application.window.guidance.scaleChanged.emit(5.0)
        QTest.qWait(400)
        self.widget(QPushButton, "pauseButton").click()
        until(lambda: made(application) == before + 1 and idle(application), "the steered picture")
        record = engine.read(self.latest().result.paths[0])
        assert any(edit.field == "guidance_scale" for edit in record.edits)

    def a_step_is_looked_at_and_branched_from(self) -> None:
        application, before = self.application, made(self.application)
        application.history.select(self.latest().result.number, 3)
        until(lambda: application.history.step is not None, "a step of the timeline")
        self.widget(QPushButton, "branchButton").click()
        until(lambda: made(application) == before + 1 and idle(application), "the branch")

    def settings_of_other_programs_are_taken(self) -> None:
        file = paths.image_folder().parent / "from another program.png"
        from PIL import Image, PngImagePlugin

        told = PngImagePlugin.PngInfo()
        told.add_text(
            "parameters",
            "a castle\nNegative prompt: fog\nSteps: 9, Sampler: Euler a, CFG scale: 4.5, Seed: 5, "
            "Size: 128x128, Model: other",
        )
        Image.new("RGB", (128, 128)).save(file, pnginfo=told)
        self.application.imports.take(str(file))
        session = self.application.session
        until(lambda: session.prompt == "a castle", "the settings of another program")
        assert (session.steps, session.guidance_scale, session.seed) == (9, 4.5, 5)

    def a_grid_is_compared(self) -> None:
        application = self.application
        application.session.set_prompt("an owl")
        application.session.set_steps(2)
        application.comparing.set_axes((("guidance", "1, 4"),))
        before = made(application)
        application.comparing.compare()
        until(lambda: made(application) >= before + 2 and idle(application), "the grid")

    def another_model_draws(self) -> None:
        application = self.application
        for source in ("bundled-ddpm", "bundled"):
            application.models.choose(source)
            until(
                lambda source=source: (
                    application.models.card.source == source and idle(application)
                ),
                source,
            )
            before = made(application)
            application.session.set_steps(2)
            application.session.generate()
            until(lambda n=before: made(application) == n + 1 and idle(application), "its picture")

    def pictures_are_saved_elsewhere(self) -> None:
        application, told = self.application, []
        application.exports.done.connect(told.append)
        picture = application.gallery.picture(row_of(application, self.latest_name()))
        for ending in (".png", ".jpg", ".webp"):
            target = paths.image_folder().parent / f"saved{ending}"
            application.exports.save(picture, str(target))
            until(lambda target=target: target.exists() and told, f"saved as {ending}")
            assert recipe_of(target)

    def a_picture_goes_to_the_trash_and_comes_back(self) -> None:
        application, name = self.application, self.latest_name()
        file = paths.image_folder() / name
        application.gallery.trash([row_of(application, name)])
        until(lambda: not file.exists(), "it is in the trash")
        application.gallery.undo_trash()
        until(file.exists, "it is back")

    def an_image_is_made_again_by_its_file(self) -> None:
        assert engine.replay(self.latest().result.paths[0]).identical

    def latest(self) -> Any:
        lines = self.application.history.runs
        return lines[max(number for number, line in lines.items() if line.result is not None)]

    def latest_name(self) -> str:
        return Path(self.latest().result.paths[0]).name

    def widget(self, kind: type, name: str) -> Any:
        found = self.window.findChild(kind, name)
        assert isinstance(found, QWidget), name
        return found


def main() -> None:
    day, locale = sys.argv[1:3]
    assert os.environ.get("SAFELIGHT_HOME"), "a person's own files are none to live on"
    listen()
    QLocale.setDefault(QLocale(locale))
    qt = QApplication([])
    stalls = Stalls()
    if day == "yesterday":
        Yesterday(stalls).live()
    today = Today(stalls)
    try:
        today.live()
    finally:
        closed = today.application.close()
        if not closed:
            problems.append("the worker's thread has not ended")
        report = {"done": today.done, "stall": stalls.longest, "in": stalls.when}
        print(json.dumps(report | {"problems": problems}), flush=True)
    qt.processEvents()
    os._exit(0)


if __name__ == "__main__":
    main()
