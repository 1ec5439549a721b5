"""StoreThread: the thread that writes settings and the queue, so that the window never waits for a
disk. Made by `app.parts`; the preferences and the resumption hand over what has changed.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal, Slot

from app.i18n import tr
from app.state.store.former_files import SETTING
from app.state.store.store import WAL, Changes, Key, Store, StoredRow, glance
from engine.foreign import is_there

AGAIN = 3.0
"""Seconds from a writing that failed to the next try."""
STRETCH, BREATH = 0.0015, 0.0005
"""Seconds of work in Python, and of rest after it, in which the window gets its turn."""
ENDING = 5.0


T = TypeVar("T")
Work = Callable[[Store], Any]
Callback = Callable[[Any], None]


@dataclass(frozen=True)
class RowDraft:
    """A row that is made ready in the store's thread. text: makes it; None leaves it as it was."""

    text: Callable[[], str] | None
    position: float = 0.0


RowDrafts = Mapping[Key, RowDraft | None]


class StoreThread(QObject):
    """What is handed over in one go is written in one go, or not at all. What cannot be written
    stays in memory, is told once, and is tried again every few seconds; if the file comes to harm
    or goes, another is made of all that this window knows.

    path: see `Store`; first: what the file begins with if there has been none. settings: the texts
    of the rows of that kind when the file was opened, by name. warning: a sentence for the person,
    or "".
    """

    troubled = Signal(str)  # a sentence

    _done = Signal(object, object)

    def __init__(
        self,
        path: Path,
        first: Callable[[], Changes] = dict,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        receiver: weakref.ref[StoreThread] = weakref.ref(self)
        self._desk = _Desk(path, first, partial(_tell, receiver), partial(_say, receiver))
        settings, self.warning = self._desk.open_up()
        self.settings = {name: row.text for name, row in settings.items()}
        self._thread = threading.Thread(target=self._desk.run, name="store", daemon=True)
        # Not a method: this object must be free to go while its thread still runs.
        self._end = weakref.finalize(self, self._desk.end)
        self._done.connect(self._deliver)

    @property
    def path(self) -> Path:
        """Of the store's file."""
        return self._desk.store.path

    @property
    def at_rest(self) -> bool:
        """Whether all that was handed over is on the disk."""
        return self._desk.at_rest

    def start(self) -> None:
        """Begin to write, or to try to."""
        if not self._thread.is_alive() and self._end.alive:
            self._thread.start()

    def put(self, drafts: RowDrafts) -> None:
        """Have these rows written, all in one go."""
        self._desk.put(drafts)
        self.start()

    def put_settings(self, texts: Mapping[str, Callable[[], str]]) -> None:
        """Have these settings written, all in one go."""
        self.put({(SETTING, name): RowDraft(text) for name, text in texts.items()})

    def ask(
        self,
        work: Callable[[Store], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Call `work` with the store, in its thread, after what was handed over before; then `then`
        with its result, or `failed` with what it raised."""
        self._desk.ask(work, then, failed)
        self.start()

    def flush(self) -> None:
        """Return when all that was handed over is written, or has been tried."""
        if self._thread.is_alive():
            self._desk.flush(ENDING)

    def close(self) -> None:
        """Write what there is, and end the thread."""
        self._end()
        if self._thread.is_alive():
            self._thread.join(ENDING)
        elif self._thread.ident is None:  # it has never begun
            self._desk.store.close()

    @Slot(object, object)
    def _deliver(self, callback: Callable[[object], None], value: object) -> None:
        callback(value)


class _Desk:
    """What the thread has before it. tell: gets a callback with its value; say: a sentence."""

    def __init__(
        self,
        path: Path,
        first: Callable[[], Changes],
        tell: Callable[[Callback, object], None],
        say: Callable[[str], None],
    ) -> None:
        self.store = Store(path, WAL, self._contents)
        self._first = first
        self._tell = tell
        self._say = say
        self._known: dict[Key, StoredRow] = {}  # what this window has read and written
        self._lock = threading.Condition()
        self._drafts: dict[Key, RowDraft | None] = {}
        self._tasks: list[tuple[Work, Callback, Callback]] = []
        self._is_closed = True  # as long as the file has never been opened
        self._is_busy = False
        self._is_failing = False
        self._is_ending = False
        self._tries = 0  # that are over
        self._due = 0.0
        self._kept = ""  # that was told

    @property
    def at_rest(self) -> bool:
        return not (self._drafts or self._tasks or self._is_busy or self._is_closed)

    def open_up(self) -> tuple[dict[str, StoredRow], str]:
        """The settings, and a sentence if there is something to tell. Where the file can only be
        read, or not even that, the thread tries and tells why it cannot be done."""
        try:
            found = self.store.rows(SETTING)
            self._is_closed = False
        except OSError:
            try:
                found = glance(self.store.path, SETTING)
            except OSError:
                old = {} if is_there(self.store.path) else self._first()
                found = {name: row for (kind, name), row in old.items() if row and kind == SETTING}
        self._known.update({(SETTING, name): row for name, row in found.items()})
        self._kept = self.store.kept
        return found, _damage(self._kept) if self._kept else ""

    def put(self, drafts: RowDrafts) -> None:
        with self._lock:
            for key, draft in drafts.items():
                waiting = self._drafts.get(key)
                if draft is not None and draft.text is None and waiting is not None:
                    draft = replace(draft, text=waiting.text)  # only its position is another
                self._drafts[key] = draft
            self._lock.notify_all()

    def ask(self, work: Work, then: Callback, failed: Callback) -> None:
        with self._lock:
            self._tasks.append((work, then, failed))
            self._lock.notify_all()

    def flush(self, patience: float) -> None:
        with self._lock:
            enough = self._tries + (2 if self._is_busy else 1)
            self._due = 0.0
            self._lock.notify_all()
            self._lock.wait_for(lambda: self.at_rest or self._tries >= enough, patience)

    def end(self) -> None:
        with self._lock:
            self._is_ending = True
            self._lock.notify_all()

    def run(self) -> None:
        is_last = False
        while not is_last:
            with self._lock:
                while (seconds := self._seconds()) is None or seconds > 0:
                    self._lock.wait(seconds)
                is_last, self._is_busy = self._is_ending, True
                drafts, self._drafts = self._drafts, {}
                tasks, self._tasks = self._tasks, []
            is_written = not (drafts or self._is_closed) or self._write(drafts)
            for task in tasks:
                self._work(*task)
            with self._lock:
                self._is_busy = False
                self._tries += 1
                if not is_written:
                    self._drafts = drafts | self._drafts
                    self._due = time.monotonic() + AGAIN
                self._lock.notify_all()
        self.store.close()

    def _seconds(self) -> float | None:
        """Until there is something to do; None: until something is asked."""
        if self._is_ending or self._tasks:
            return 0
        return self._due - time.monotonic() if self._drafts or self._is_closed else None

    def _write(self, drafts: RowDrafts) -> bool:
        """Whether it is on the disk."""
        try:
            changes = self._made(drafts)
            for key, row in changes.items():
                if row is None:
                    self._known.pop(key, None)
                else:
                    self._known[key] = row
            self.store.write(changes)
        except Exception as error:  # a mistake of ours must not end the thread
            if not self._is_failing:
                self._is_failing = True
                self._say(_trouble(self.store.path, error))
            return False
        self._is_failing = self._is_closed = False
        if self.store.kept != self._kept:
            self._kept = self.store.kept
            self._say(_damage(self._kept))
        return True

    def _made(self, drafts: RowDrafts) -> dict[Key, StoredRow | None]:
        begun = time.perf_counter()
        changes: dict[Key, StoredRow | None] = {}
        for key, draft in drafts.items():
            known = self._known.get(key)
            if draft is None:
                changes[key] = None
            elif draft.text is not None:
                changes[key] = StoredRow(draft.text(), draft.position)
            elif known is not None:
                changes[key] = known._replace(position=draft.position)
            if time.perf_counter() - begun > STRETCH and not self._is_ending:
                time.sleep(BREATH)
                begun = time.perf_counter()
        return changes

    def _work(self, work: Work, then: Callback, failed: Callback) -> None:
        try:
            callback, value = then, work(self.store)
        except Exception as error:  # handed to whoever asked, in their thread
            callback, value = failed, error
        self._tell(callback, value)

    def _contents(self, kept: str) -> Changes:
        """What a file that has to be made begins with. After damage at the start that is nothing:
        what an older program left was taken over long ago."""
        if self._is_closed:
            return {} if kept else self._first()
        return self._known


def _tell(receiver: weakref.ref[StoreThread], callback: Callback, value: object) -> None:
    if (thread := receiver()) is not None:
        with suppress(RuntimeError):  # Qt's half of it has gone first
            thread._done.emit(callback, value)


def _say(receiver: weakref.ref[StoreThread], sentence: str) -> None:
    if (thread := receiver()) is not None:
        with suppress(RuntimeError):
            thread.troubled.emit(sentence)


def _trouble(path: Path, error: Exception) -> str:
    return tr(
        "Settings and what waits cannot be written to {path} ({reason}); they are kept in memory "
        "until you quit, and Safelight tries again by itself.",
        path=path,
        reason=getattr(error, "strerror", None) or error or type(error).__name__,
    )


def _damage(kept: str) -> str:
    return tr(
        "The file with the settings and with what waits was damaged, so there is a new one; the "
        "old one is kept as {path}.",
        path=kept,
    )
