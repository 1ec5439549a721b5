"""Downloads: what a person looks at on the Hugging Face Hub and fetches from there, one model at a
time. The download dialog asks; app.wiring passes it on. Nothing is asked of the Hub before `look`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)

from app.i18n import tr
from app.state.background import Background
from app.unfailing import unfailing

if TYPE_CHECKING:
    from pathlib import Path

    from engine.hub import Survey

HALF = "fp16"
NOWHERE = QModelIndex()

_Index = QModelIndex | QPersistentModelIndex


class StartingPoints(QAbstractTableModel):
    """Models to begin with: name, rough size, licence, what each is good for. Facts that came with
    the program; what is true today is told when one is looked at."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows = _starting_points()

    def rowCount(self, parent: _Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(_columns())

    @unfailing()
    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        shown = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        if not self.hasIndex(index.row(), index.column()):
            return None
        return self._rows[index.row()][index.column()] if role in shown else None

    @unfailing()
    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        titles = _columns()
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(titles):
            return None
        return titles[section] if role == Qt.ItemDataRole.DisplayRole else None

    def retranslate(self) -> None:
        self.beginResetModel()
        self._rows = _starting_points()
        self.endResetModel()


class Hub(Protocol):
    """`engine.hub`, or what stands in for it."""

    @property
    def NoSuchVariant(self) -> type[Exception]: ...

    def survey(
        self, source: str, *, variant: str | None = None, cancelled: Callable[[], bool]
    ) -> Survey | None: ...

    def fetch(
        self,
        survey: Survey,
        progress: Callable[[int, int, float], None],
        cancelled: Callable[[], bool],
    ) -> Path | None: ...

    def byte_text(self, size: float) -> str: ...


class Downloads(QObject):
    """stateChanged: "idle" (nothing is looked at), "looking", "found" (it can be fetched) or
    "fetching". What is new ends what was before, and a cancel ends either."""

    stateChanged = Signal(str)
    found = Signal(str, str, list)  # title, what there is to know, (file, size) of each file
    progressed = Signal(str, float)  # a line, the fraction that is there
    done = Signal(str, str)  # what engine.load takes, its name
    stopped = Signal(str)  # a sentence
    failed = Signal(str)  # a sentence

    _told = Signal(object, object, object, float)  # bytes as objects: an int has 32 bits

    def __init__(self, hub: Hub, parent: QObject | None = None) -> None:
        """hub: engine.hub, or what stands in for it."""
        super().__init__(parent)
        self._hub = hub
        self._background = Background(self)
        self._over = threading.Event()  # set when what was under way is not wanted any more
        self._state = "idle"
        self._survey: Survey | None = None
        self._told.connect(self._tell_progress)

    @property
    def state(self) -> str:
        return self._state

    @Slot(str, bool)
    def look(self, source: str, half: bool) -> None:
        """Ask the Hub what would be fetched. half: in half precision, where there is one."""
        self._begin("looking", partial(_look, self._hub, source.strip(), half), self._show)

    @Slot()
    def fetch(self) -> None:
        """Fetch what was found."""
        if self._state == "found" and self._survey is not None:
            self._begin("fetching", partial(self._fetch, self._survey), self._finish)

    @Slot()
    def cancel(self) -> None:
        """End what is under way. What has been fetched is kept for the next time."""
        if self._state == "fetching":
            self._end("found")
            self.stopped.emit(tr("Stopped. What is there is kept, and Download goes on from it."))
        elif self._state == "looking":
            self._end("idle")
            self.stopped.emit("")

    def close(self) -> None:
        """End everything, for good."""
        self._end("idle")
        self._background.close()

    def _begin(
        self, state: str, work: Callable[[threading.Event], Any], then: Callable[[Any], None]
    ) -> None:
        self._end(state)
        over = self._over = threading.Event()
        self._background.submit(
            partial(work, over),
            partial(self._deliver, over, then),
            partial(self._deliver, over, self._fail),
        )

    def _end(self, state: str) -> None:
        """Nothing of what was under way is heard any more."""
        self._over.set()
        self._set_state(state)

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.stateChanged.emit(state)

    def _deliver(self, over: threading.Event, then: Callable[[Any], None], value: object) -> None:
        if not over.is_set():
            then(value)

    def _show(self, survey: Survey) -> None:
        self._survey = survey
        self._set_state("found")
        rows = [(file.path, self._hub.byte_text(file.size)) for file in survey.files]
        self.found.emit(survey.repo_id, self._described(survey), rows)

    def _described(self, survey: Survey) -> str:
        text = self._hub.byte_text
        parts = [tr("{size}, files: {count}", size=text(survey.total), count=len(survey.files))]
        if survey.cached >= survey.total:
            parts.append(tr("all of it is on this computer already"))
        elif survey.cached:
            parts.append(tr("{size} are on this computer already", size=text(survey.cached)))
        parts.append(tr("licence {licence}", licence=survey.licence or tr("not named")))
        if survey.variant:
            parts.append(tr("half precision"))
        if survey.gated:
            parts.append(tr("its owner wants terms to be accepted"))
        return " · ".join(parts)

    def _fetch(self, survey: Survey, over: threading.Event) -> tuple[str, str]:
        self._hub.fetch(survey, partial(self._told.emit, over), over.is_set)
        return survey.source, survey.repo_id

    def _tell_progress(self, over: threading.Event, done: int, total: int, rate: float) -> None:
        if over.is_set():
            return
        text = self._hub.byte_text
        parts = [tr("{done} of {total}", done=text(done), total=text(total))]
        if rate > 0 and done < total:
            parts.append(tr("{size} a second", size=text(rate)))
            parts.append(_time_left((total - done) / rate))
        self.progressed.emit(" · ".join(parts), done / total if total else 1.0)

    def _finish(self, fetched: tuple[str, str]) -> None:
        self._set_state("idle")
        self.done.emit(*fetched)

    def _fail(self, error: Exception) -> None:
        self._set_state("found" if self._state == "fetching" else "idle")
        self.failed.emit(str(error))


def _look(hub: Hub, source: str, half: bool, over: threading.Event) -> Survey | None:
    """What would be fetched, None if that is not wanted any more."""
    if not half:
        return hub.survey(source, cancelled=over.is_set)
    try:
        return hub.survey(source, variant=HALF, cancelled=over.is_set)
    except hub.NoSuchVariant:
        return hub.survey(source, cancelled=over.is_set)


def _time_left(seconds: float) -> str:
    if seconds < 60:
        return tr("{seconds} s left", seconds=round(seconds))
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{minutes} min left", minutes=minutes)
    return tr("{hours} h {minutes} min left", hours=minutes // 60, minutes=minutes % 60)


def _columns() -> tuple[str, str, str, str]:
    return tr("Model"), tr("Size, about"), tr("Licence"), tr("Good for")


def _starting_points() -> list[tuple[str, str, str, str]]:
    return [
        (
            "CompVis/stable-diffusion-v1-4",
            _rough_size(2.1, 4.3),
            "creativeml-openrail-m",
            tr("the classic, 512 × 512"),
        ),
        (
            "stable-diffusion-v1-5/stable-diffusion-v1-5",
            _rough_size(2.1, 4.3),
            "creativeml-openrail-m",
            tr("what most fine-tunes start from, 512 × 512"),
        ),
        (
            "stabilityai/sd-turbo",
            _rough_size(2.6, 5.2),
            "sai-nc-community",
            tr("one to four steps, 512 × 512"),
        ),
        (
            "stabilityai/stable-diffusion-xl-base-1.0",
            _rough_size(6.9, 13.9),
            "openrail++",
            tr("the most detail, 1024 × 1024; wants a GPU"),
        ),
        (
            "stabilityai/sdxl-turbo",
            _rough_size(6.9, 13.9),
            "sai-nc-community",
            tr("one to four steps, 512 × 512; wants a GPU"),
        ),
        (
            "SimianLuo/LCM_Dreamshaper_v7",
            _rough_size(None, 4.3),
            "mit",
            tr("four to eight steps, 768 × 768"),
        ),
        (
            "google/ddpm-cat-256",
            _rough_size(None, 0.5),
            "apache-2.0",
            tr("cats, without a prompt, 256 × 256"),
        ),
    ]


def _rough_size(half: float | None, full: float) -> str:
    if half is None:
        return tr("{full} GB", full=full)
    return tr("{half} GB, full {full} GB", half=half, full=full)
