"""Resumption: what is being done and what waits, kept in a file as it changes, and offered again by
the next session: after a crash, and after a window that was closed too early. Fed by the queue and
the worker; `app.main` connects it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app import paths
from app.atomic import write_text
from app.i18n import tr
from app.state.background import Background
from app.state.plan import Begun, Place, Plan
from app.state.queue import Queue
from app.state.run import RunResult
from engine.errors import EngineError

LARGEST = 64 * 2**20
"""Bytes of the longest file that is read."""
SLACK = 5.0
"""Seconds by which the clock of a disk may be behind."""


@dataclass(frozen=True)
class Entry:
    """A plan that is not over. folders: where its images may be; since: when it was asked for, in
    seconds since 1970; begun: whether it was under way."""

    plan: Plan
    folders: tuple[str, ...]
    since: float
    begun: bool = False

    def to_dict(self, source: str) -> dict[str, Any]:
        """source: the model that a plan is for which names none."""
        plan = self.plan if self.plan.source else replace(self.plan, source=source)
        own = {"folders": list(self.folders), "since": self.since, "begun": self.begun}
        return {"plan": plan.to_dict(), **own}


class _Found(NamedTuple):
    """What the last session left. damaged: where a file is kept that could not be read."""

    entries: tuple[Entry, ...]
    damaged: str = ""


class Resumption(QObject):
    """Writes in the background, the latest state only. An entry stays until all its images are
    files; an image is known by the job in its record, so that what a crash interrupted between
    image and queue is neither lost nor made twice.

    path: the file of this session; orphans: those of sessions that are no more, which go into it.
    crashed: whether one of them came to no proper end. grid_of: makes the engine's grid of
    (name, values) pairs. job_of: the job and the seed in the record of an image file; what it
    raises means that there are none.
    """

    offered = Signal(str)  # a sentence for the person; "" when it is answered
    told = Signal(str)  # a sentence that needs no answer
    submitted = Signal(object)  # Plan of the last session that is to be done now
    troubled = Signal(str)

    def __init__(
        self,
        path: Path,
        orphans: tuple[Path, ...],
        crashed: bool,
        queue: Queue,
        background: Background,
        grid_of: Callable[[Any], Any],
        job_of: Callable[[str], tuple[str, int]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._path = path
        self._orphans = orphans
        self._crashed = crashed
        self._queue = queue
        self._background = background
        self._grid_of = grid_of
        self._job_of = job_of
        self._folder = ""
        self._source = ""
        self.left: tuple[Entry, ...] = ()  # by the last session, not answered
        self._entries: dict[str, Entry] = {}  # of this session, by job
        self._runs: dict[int, tuple[str, int]] = {}  # job and number of each run
        self._unwritten: dict[str, set[Place]] = {}  # images by job that are no files yet
        self.ready = False  # whether the file of the last session was read
        self._written = ""  # what the file holds
        self._writing = False
        self._reported = False
        self._closed = False
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._write)
        queue.changed.connect(self.refresh)

    @property
    def kept(self) -> bool:
        """Whether the file holds all there is."""
        return self.ready and not self._writing and self._written == self._text()

    def start(self, folder: str) -> None:
        """Look for what the last session left. folder: where images go now."""
        self._folder = folder
        files = (self._path, *self._orphans)
        work = partial(_read, files, folder, self._grid_of, self._job_of)
        self._background.submit(work, self._offer, self._begin_anew)

    def set_folder(self, folder: str) -> None:
        """Where images go from now on."""
        self._folder = folder
        for job, entry in self._entries.items():
            if folder not in entry.folders:
                self._entries[job] = replace(entry, folders=(*entry.folders, folder))
        self._keep()

    def set_source(self, source: str) -> None:
        """The model that plans are for which name none."""
        self._source = source
        self._keep()

    @Slot()
    def refresh(self) -> None:
        """What is being done or waits has changed."""
        there = [self._queue.current, *self._queue.waiting]
        plans = {plan.job: plan for plan in there if plan is not None}
        entries = {
            job: entry
            for job, entry in self._entries.items()
            if job in plans or self._unwritten.get(job)
        }
        for job, plan in plans.items():
            if job not in entries:
                entries[job] = Entry(plan, (self._folder,), time.time())
        waiting = [job for job in plans if job in entries]
        done = [job for job in entries if job not in plans]
        self._entries = {job: entries[job] for job in (*done, *waiting)}
        self._keep()

    @Slot(object)
    def begin(self, begun: Begun) -> None:
        job = begun.plan.job
        self._runs |= {row.number: (job, number) for number, row in enumerate(begun.rows)}
        if entry := self._entries.get(job):
            self._entries[job] = replace(entry, begun=True)
        self._keep()

    @Slot(int, object)
    def tell(self, run: int, request: Any) -> None:
        """What a run does as it is steered now, told from nothing."""
        job, number = self._runs.get(run, ("", 0))
        if entry := self._entries.get(job):
            self._entries[job] = replace(entry, plan=entry.plan.told(number, request))
            self._keep()

    @Slot(object)
    def finish(self, result: RunResult) -> None:
        """Note which images of a run are no files."""
        job, number = self._runs.get(result.number, ("", 0))
        lacking = {(number, index) for index, path in enumerate(result.paths) if path is None}
        if lacking and job in self._entries:
            self._unwritten.setdefault(job, set()).update(lacking)
            entry = self._entries[job]
            plan = replace(entry.plan, source=entry.plan.source or self._source)
            self._entries[job] = replace(entry, plan=plan)

    @Slot(int, int, str)
    def note_written(self, run: int, index: int, path: str) -> None:
        """An image that could not be written has become a file."""
        job, number = self._runs.get(run, ("", 0))
        self._unwritten.get(job, set()).discard((number, index))
        self.refresh()

    @Slot()
    def go_on(self) -> None:
        """Do what the last session left."""
        self.offered.emit("")
        while self.left:
            entry, *rest = self.left
            self._entries[entry.plan.job] = replace(entry, begun=False)
            self.left = tuple(rest)
            self.submitted.emit(entry.plan)

    @Slot()
    def forget(self) -> None:
        """Let go of what the last session left."""
        self.left = ()
        self.offered.emit("")
        self._keep()

    def close(self) -> None:
        """Write what there is. What the queue does from now on is its end and not the person's
        wish."""
        if self.ready and not self._closed:
            self._timer.stop()
            with suppress(OSError):
                write_text(self._path, self._text())
                self._drop_orphans()
        self._closed = True

    def _offer(self, found: _Found) -> None:
        self.ready = True
        self.left = found.entries
        crash = tr("Safelight came to no proper end last time. ") if self._crashed else ""
        if found.damaged:
            self.told.emit(
                tr(
                    "{crash}What waited then cannot be read; the file is kept as {path}.",
                    crash=crash,
                    path=found.damaged,
                )
            )
        if self.left:
            self.offered.emit(crash + _sentence(self.left))
        elif crash and not found.damaged:
            self.told.emit(tr("{crash}Your words and your pictures are all here.", crash=crash))
        self._keep()

    def _begin_anew(self, error: Exception) -> None:
        """The file cannot be read at all, such as on a disk that is gone."""
        self.ready = True
        self.told.emit(
            tr("What waited last time cannot be read from {path} ({reason}).",
               path=self._path, reason=error)
        )  # fmt: skip

    def _keep(self) -> None:
        if self.ready and not self._closed and not self._timer.isActive():
            self._timer.start()

    def _text(self) -> str:
        entries = [*self.left, *self._entries.values()]
        return json.dumps(
            {"version": 1, "entries": [entry.to_dict(self._source) for entry in entries]}
        )

    def _write(self) -> None:
        text = self._text()
        if self._closed or self._writing or text == self._written:
            return
        self._writing = True
        work = partial(write_text, self._path, text)
        self._background.submit(work, lambda _: self._end_writing(text), self._fail)

    def _end_writing(self, text: str) -> None:
        self._writing, self._written, self._reported = False, text, False
        self._drop_orphans()
        self._write()  # what has changed meanwhile

    def _drop_orphans(self) -> None:
        """What they had is in this session's file now."""
        orphans, self._orphans = self._orphans, ()
        for path in orphans:
            with suppress(OSError):
                path.unlink()

    def _fail(self, error: Exception) -> None:
        self._writing = False
        if not self._reported:
            self._reported = True
            reason = getattr(error, "strerror", None) or error
            self.troubled.emit(
                tr(
                    "What waits cannot be kept in {path} ({reason}); it lasts until you quit.",
                    path=self._path,
                    reason=reason,
                )
            )


def _sentence(left: tuple[Entry, ...]) -> str:
    pictures = sum(len(entry.plan.places) - len(entry.plan.written) for entry in left)
    begun = any(entry.begun for entry in left)
    if pictures == 1:
        if begun:
            return tr("A picture was not finished: make it again from its beginning?")
        return tr("A picture is still waiting: make it now?")
    if begun:
        return tr("{count} pictures are still waiting, one of them half done.", count=pictures)
    return tr("{count} pictures are still waiting.", count=pictures)


def _read(
    files: tuple[Path, ...],
    folder: str,
    grid_of: Callable[[Any], Any],
    job_of: Callable[[str], tuple[str, int]],
) -> _Found:
    """What the files of sessions that are no more say, without the images that are there; what
    was left half written in `folder` is taken away. Raises OSError."""
    paths.sweep(Path(folder))
    entries: list[Entry] = []
    damaged = ""
    for path in files:
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError("too long")
            plain = json.loads(path.read_text(encoding="utf-8"))
            entries += [_entry(one, grid_of) for one in plain["entries"]]
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError, EngineError, RecursionError):
            kept = path.with_name(f"damaged-{path.name}")
            path.replace(kept)
            damaged = str(kept)
    return _Found(tuple(_without_written(entries, job_of)), damaged)


def _entry(plain: Any, grid_of: Callable[[Any], Any]) -> Entry:
    plan = Plan.from_dict(plain["plan"], grid_of)
    folders = tuple(map(str, plain["folders"]))
    return Entry(plan, folders, float(plain["since"]), bool(plain["begun"]))


def _without_written(entries: list[Entry], job_of: Callable[[str], tuple[str, int]]) -> list[Entry]:
    """The entries of which an image is missing, each with what is there."""
    since: dict[str, float] = {}
    for entry in entries:
        for folder in entry.folders:
            since[folder] = min(entry.since, since.get(folder, entry.since))
    there = {
        made: path
        for folder, earliest in since.items()
        for made, path in _images(Path(folder), earliest - SLACK, job_of)
    }
    left = []
    for entry in entries:
        plan = entry.plan
        seeds = {
            (number, index): (f"{plan.job}/{number}", plan.requests[number].seed + index)
            for number, index in plan.places
        }
        written = {place: path for place, path in plan.written.items() if Path(path).exists()}
        written |= {place: there[made] for place, made in seeds.items() if made in there}
        if len(written) < len(seeds):
            left.append(replace(entry, plan=replace(plan, written=written)))
    return left


def _images(
    folder: Path, since: float, job_of: Callable[[str], tuple[str, int]]
) -> list[tuple[tuple[str, int], str]]:
    """Job and seed of the images in that folder that were written since then."""
    found = []
    with suppress(OSError):
        for path in folder.glob("*.png"):
            with suppress(Exception):  # strangers' files lie there, too
                if not path.name.startswith(".") and path.stat().st_mtime >= since:
                    found.append((job_of(str(path)), str(path)))
    return found
