"""Library: the models on this computer, with what can be told of each before it is loaded: those
that ship with the program, the Hugging Face cache, and folders that the person adds. The library
dialog shows it, and the model picker its `sources`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices

from app.i18n import tr
from app.state.background import Background
from app.state.models.finder import Finder, SearchPlace
from app.state.models.library_table import LibraryRow, LibraryTable
from app.state.models.library_words import detail, presentable, shown_name, told_verdict
from app.state.models.prediction_types import PredictionTypes

if TYPE_CHECKING:
    from app.preferences import Preferences
    from app.state.models.model_card import ModelCard
    from engine.checkpoint.value import Checkpoint
    from engine.checkpoint.verification import Verdict

BUNDLED, HUB = "bundled", "hub"
"""Places besides the folders that the person adds."""
TELLING = 100
"""Milliseconds between two words on how far something is."""


class _Stopped(Exception):
    """Nobody wants the rest."""


class Library(QObject):
    """`model` has a row for each checkpoint. `sources` are those that pictures can be made with."""

    sourcesChanged = Signal(list)  # of (source, label, what there is to know of it)
    foldersChanged = Signal(list)  # of (folder, whether it is there)
    scanningChanged = Signal(bool)
    verifyingChanged = Signal(str, float)  # source and fraction; "" when it is over
    noteChanged = Signal(str)  # a sentence
    predictionTypeChanged = Signal(str)  # of that source
    loadAsked = Signal(str, object)  # source, what the person said that it predicts or None
    warned = Signal(str)  # a sentence

    _read = Signal(object, str, float)

    def __init__(
        self,
        preferences: Preferences,
        bundled: tuple[tuple[str, str, str], ...],
        *,
        inspect: Callable[[str], Checkpoint],
        scan: Callable[[str], Iterator[Checkpoint]],
        hub_cache: Callable[[], Iterator[Checkpoint]],
        hub_folder: Callable[[], Path],
        verify: Callable[[Checkpoint, Callable[[int, int], None]], Verdict],
        parent: QObject | None = None,
    ) -> None:
        """bundled: (source, label, folder) of what ships with the program. The others are the
        functions of engine.checkpoint, hub_folder its cache_folder."""
        super().__init__(parent)
        self._preferences = preferences
        self._bundled = bundled
        self._inspect, self._scan, self._verify = inspect, scan, verify
        self._hub = SearchPlace(hub_cache, hub_folder)
        self._folders: list[str] = preferences.get("model_folders")
        self._prediction_types = PredictionTypes(preferences)
        self._checkpoints: dict[str, Checkpoint] = {}
        self._verdicts: dict[str, tuple[int, int, str]] = {}
        self._told_sources: list[tuple[str, str, str]] = []
        self._background = Background(self)
        self._closing = threading.Event()
        self._over = threading.Event()  # set when the verification under way is not wanted
        self._read_before: set[tuple[str, int]] = set()
        self._finder = Finder(self)
        self._soon = QTimer(self, singleShot=True, interval=TELLING)
        self.model = LibraryTable(self)

        self._finder.changed.connect(self._publish_soon)
        self._soon.timeout.connect(self._publish)
        self._finder.busyChanged.connect(self._tell_scanning)
        self._read.connect(self._tell_progress)

    @property
    def sources(self) -> list[tuple[str, str, str]]:
        """(source, label, what there is to know of it) of every model that can be loaded."""
        names = Counter(row.name for row in self._checkpoints.values() if row.loadable)
        bundled = {source for source, _, _ in self._bundled}
        found = [
            (checkpoint.source, shown_name(checkpoint, names), detail(checkpoint))
            for checkpoint in self._checkpoints.values()
            if checkpoint.loadable
        ]
        return sorted(found, key=lambda entry: (entry[0] not in bundled, entry[1].casefold()))

    @property
    def folders(self) -> list[tuple[str, bool]]:
        """(folder, whether it is there) of those that the person has added."""
        return [(folder, folder not in self._finder.absent) for folder in self._folders]

    @property
    def is_scanning(self) -> bool:
        return self._finder.is_busy

    def announce(self) -> None:
        """Tell all to widgets that have just been connected, and look for models."""
        self.sourcesChanged.emit(self.sources)
        self._tell_folders()
        self._set_places()

    @Slot()
    def refresh(self) -> None:
        """Look again everywhere: not every change on the disk is told."""
        self._finder.look()

    @Slot(str)
    def add_folder(self, folder: str) -> None:
        folder = str(Path(folder).absolute())
        if folder in self._folders:
            self.noteChanged.emit(tr("{folder} is in the library already.", folder=folder))
        else:
            self._set_folders([*self._folders, folder])

    @Slot(str)
    def remove_folder(self, folder: str) -> None:
        """Take it out of the library; it stays as it is."""
        self._set_folders([known for known in self._folders if known != folder])

    @Slot(str)
    def set_filter(self, words: str) -> None:
        """Show only the rows that have all of these words."""
        self.model.set_filter(words)

    @Slot(str)
    def reveal(self, source: str) -> None:
        """Open the folder that a model is in."""
        if checkpoint := self._checkpoints.get(source):
            folder = str(Path(checkpoint.path).parent)
            QDesktopServices.openUrl(QUrl.fromLocalFile(folder))

    @Slot(str)
    def verify(self, source: str) -> None:
        """Read all of a model and tell whether it is what it should be; the latest wish wins."""
        self.stop_verifying()
        if checkpoint := self._checkpoints.get(source):
            self._over = over = threading.Event()
            tell = partial(self._read.emit, over, source)
            self._background.submit(
                partial(self._verify, checkpoint, _telling(over, tell)),
                partial(self._take_verdict, checkpoint, over),
                partial(self._fail, over),
            )
            self.verifyingChanged.emit(source, 0.0)

    @Slot()
    def stop_verifying(self) -> None:
        self._over.set()
        self.verifyingChanged.emit("", 0.0)

    def prediction_type(self, source: str) -> str | None:
        """What the person said that a file predicts, for `engine.load`; None if nothing."""
        checkpoint = self._checkpoints.get(source)
        told = self._prediction_types
        return (told.of(checkpoint) if checkpoint else told.at(source)) or None

    @Slot(str)
    def load(self, source: str) -> None:
        """Ask for that model, with what the person said that it predicts."""
        self.loadAsked.emit(source, self.prediction_type(source))

    @Slot(object)
    def warn_of_a_guess(self, card: ModelCard) -> None:
        """Say so where what the loaded model predicts was guessed."""
        if card.guessed_prediction:
            self.warned.emit(
                tr(
                    "{name} does not tell what it predicts, so v-prediction is assumed. If its "
                    "pictures are noise, choose epsilon in the model library (Ctrl+L).",
                    name=card.name,
                )
            )

    def needs_answer(self, source: str) -> bool:
        """Whether neither the file nor the person has told what it predicts."""
        checkpoint = self._checkpoints.get(source)
        if checkpoint is None or not _is_file(checkpoint) or checkpoint.prediction_type:
            return False
        return not self._prediction_types.of(checkpoint)

    @Slot(str, str)
    def set_prediction_type(self, source: str, value: str) -> None:
        """Remember what a file predicts. value: "epsilon", "v_prediction", …; "" for what the file
        itself says."""
        if checkpoint := self._checkpoints.get(source):
            self._prediction_types.set(checkpoint, value)
            self._publish()
            self.predictionTypeChanged.emit(source)

    def close(self) -> None:
        """End all that goes on behind the window, for good."""
        self._closing.set()
        self._over.set()
        self._soon.stop()
        self._finder.close()
        self._background.close()

    def _set_folders(self, folders: list[str]) -> None:
        self._folders = folders
        self._preferences.set("model_folders", folders)
        self._set_places()
        self._tell_folders()

    def _set_places(self) -> None:
        folders = {
            folder: SearchPlace(partial(self._scan, folder), partial(Path, folder))
            for folder in self._folders
        }
        self._finder.set_places(
            {BUNDLED: SearchPlace(self._find_bundled), HUB: self._hub, **folders}
        )
        self._publish()

    def _find_bundled(self) -> Iterator[Checkpoint]:
        for source, label, folder in self._bundled:
            yield replace(self._inspect(folder), source=source, name=label)

    def _publish_soon(self) -> None:
        """Once for many finds: the whole list is gone through each time."""
        if not self._soon.isActive():
            self._soon.start()

    def _publish(self) -> None:
        """Show what is found now."""
        self._soon.stop()
        found: dict[str, Checkpoint] = {}
        for place in self._finder.found.values():
            for checkpoint in place.values():
                found.setdefault(checkpoint.source, self._judged(presentable(checkpoint)))
        self._checkpoints = found
        bundled = {source for source, _, _ in self._bundled}
        self.model.set_rows(
            {
                source: LibraryRow(
                    checkpoint, self._prediction_types.of(checkpoint), source in bundled
                )
                for source, checkpoint in found.items()
            }
        )
        sources = self.sources
        if sources != self._told_sources:
            self._told_sources = sources
            self.sourcesChanged.emit(sources)
        for checkpoint in found.values():
            if _is_file(checkpoint) and self._prediction_types.is_worth_reading(checkpoint):
                self._read_sha256(checkpoint)

    def _judged(self, checkpoint: Checkpoint) -> Checkpoint:
        """With what a verification found, as long as the files stay as they were."""
        changed, size, problem = self._verdicts.get(checkpoint.source, (0, 0, ""))
        if problem and (changed, size) == (checkpoint.changed, checkpoint.bytes):
            return replace(checkpoint, state="damaged", problem=problem)
        return checkpoint

    def _tell_scanning(self, busy: bool) -> None:
        if not busy:
            self._publish()
            self._tell_folders()
        self.scanningChanged.emit(busy)

    def _tell_folders(self) -> None:
        self.foldersChanged.emit(self.folders)

    def _take_verdict(
        self, checkpoint: Checkpoint, over: threading.Event, verdict: Verdict
    ) -> None:
        self._prediction_types.learn(checkpoint, verdict.sha256)
        problem = verdict.problems[0] if verdict.problems else ""
        self._verdicts[checkpoint.source] = (checkpoint.changed, checkpoint.bytes, problem)
        self._publish()
        if over is self._over:
            self.verifyingChanged.emit("", 0.0)
            self.noteChanged.emit(told_verdict(checkpoint, verdict))

    def _tell_progress(self, over: threading.Event, source: str, fraction: float) -> None:
        if not over.is_set():
            self.verifyingChanged.emit(source, fraction)

    def _fail(self, over: threading.Event, error: Exception) -> None:
        if not over.is_set():
            self.verifyingChanged.emit("", 0.0)
            self.noteChanged.emit(str(error))

    def _read_sha256(self, checkpoint: Checkpoint) -> None:
        """Once for each file, so that an answer is found again wherever the file goes."""
        file = (checkpoint.source, checkpoint.changed)
        if file not in self._read_before:
            self._read_before.add(file)
            self._background.submit(
                partial(self._verify, checkpoint, _until(self._closing)),
                partial(self._learn, checkpoint),
                _pass_over,
            )

    def _learn(self, checkpoint: Checkpoint, verdict: Verdict) -> None:
        before = self.prediction_type(checkpoint.source)
        self._prediction_types.learn(checkpoint, verdict.sha256)
        self._publish()
        if self.prediction_type(checkpoint.source) != before:
            self.predictionTypeChanged.emit(checkpoint.source)


def _is_file(checkpoint: Checkpoint) -> bool:
    return checkpoint.loadable and checkpoint.layout == "file"


def _until(over: threading.Event) -> Callable[[int, int], None]:
    """For `verify`: end the work once `over` is set."""

    def progress(done: int, total: int) -> None:
        if over.is_set():
            raise _Stopped

    return progress


def _telling(over: threading.Event, tell: Callable[[float], None]) -> Callable[[int, int], None]:
    """For `verify`: the same, and tell the fraction that is read, a few times a second."""
    told = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal told
        if over.is_set():
            raise _Stopped
        if 1000 * (time.monotonic() - told) > TELLING:
            told = time.monotonic()
            tell(done / total if total else 1.0)

    return progress


def _pass_over(error: Exception) -> None:
    """A file that cannot be read is told when it is verified or loaded."""
