"""GalleryThread: the thread that a gallery keeper works in. `app.state.gallery.gallery` asks it;
what it tells comes back in the thread of whoever made it.
"""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.i18n import tr
from app.state.gallery.image_reading import RecipeReader
from app.state.gallery.keeper import GalleryKeeper
from app.state.gallery.messages import Trouble
from app.unfailing import Complaints

STRETCH, BREATH = 0.0015, 0.0005
"""Seconds that the keeper works, and rests after it. Python runs one thread at a time; whoever
waits for its turn, such as the window, gets it then."""
ENDING = 5.0

Command = Callable[[GalleryKeeper], None]


class GalleryThread(QObject):
    told = Signal(object)  # what GalleryKeeper tells

    def __init__(
        self, index_folder: Path, recipe_of: RecipeReader, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        keeper = GalleryKeeper(index_folder, recipe_of, partial(_tell, weakref.ref(self)))
        self._thread = threading.Thread(
            target=_run, args=(keeper, self._commands), name="gallery", daemon=True
        )
        # Not a method: this object must be free to go while its thread still runs.
        self._end = weakref.finalize(self, self._commands.put, None)

    def ask(self, command: Command) -> None:
        """Call it with the keeper, in its thread, between two of its steps."""
        if self._end.alive:
            if not self._thread.is_alive():
                self._thread.start()
            self._commands.put(command)

    def close(self) -> None:
        """End the thread, for good. What was asked for before is still done."""
        self._end()
        if self._thread.is_alive():
            self._thread.join(ENDING)


def _tell(receiver: weakref.ref[GalleryThread], word: object) -> None:
    thread = receiver()
    if thread is not None:
        try:
            thread.told.emit(word)
        except RuntimeError:  # Qt's half of it has gone first
            return


def _run(keeper: GalleryKeeper, commands: queue.SimpleQueue[Command | None]) -> None:
    complaints = Complaints()
    try:
        is_busy = True
        while True:
            try:
                command = commands.get(timeout=BREATH if is_busy else None)
            except queue.Empty:
                command = _work
            if command is None:
                return
            is_busy = _done(keeper, command, complaints) is not False
    finally:
        keeper.close()


def _work(keeper: GalleryKeeper) -> bool:
    begun = time.perf_counter()
    while keeper.step():
        if time.perf_counter() - begun > STRETCH:
            return True
    return False


def _done(
    keeper: GalleryKeeper, command: Callable[[GalleryKeeper], Any], complaints: Complaints
) -> Any:
    """What the command returned. A mistake of ours must not end the thread; what a person has asked
    for is answered each time, and what is done by itself complains once."""
    try:
        return command(keeper)
    except Exception as error:
        if complaints.is_new(error) or command is not _work:
            keeper.tell(
                Trouble(
                    tr(
                        "The gallery could not do that ({kind}: {reason}). Its images are "
                        "untouched.",
                        kind=type(error).__name__,
                        reason=error,
                    )
                )
            )
        if command is _work:
            keeper.begin_anew()
        time.sleep(0.2)
        return True
