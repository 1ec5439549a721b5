"""Models: which models there are, which one is loaded, and how far loading has come. Fed by the
queue and the worker; the picker, the menu, the run controls and the status line show it.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.i18n import tr
from app.state.background import Background
from app.state.models.model_card import ModelCard
from engine.foreign import is_there

if TYPE_CHECKING:
    from app.preferences import Preferences

BUNDLED = "bundled"
RECENT = 8


class Models(QObject):
    """The present model stays the current one until another is loaded. A model that cannot be
    loaded leaves it in place; if there is none, the bundled one is loaded instead. Models that
    have been loaded once are remembered, the latest first."""

    listChanged = Signal(list)  # of (source, label, folder)
    forgettableChanged = Signal(list)  # of (source, label)
    currentChanged = Signal(str)
    loadRequested = Signal(str)
    loadWithdrawn = Signal()
    questionChanged = Signal(str)
    readyChanged = Signal(bool)
    statusChanged = Signal(str)
    deviceChanged = Signal(str)

    def __init__(
        self,
        preferences: Preferences,
        bundled: tuple[tuple[str, str], ...],
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._bundled = dict(bundled)
        self._background = background
        self._last = preferences.get("model")
        self._recent = list[str](preferences.get("recent_models"))
        if self._last not in (BUNDLED, *self._bundled, *self._recent):
            self._recent.insert(0, self._last)
        self._missing: frozenset[str] = frozenset()
        self._found: list[tuple[str, str, str]] = []
        self._loading = ""
        self.card: ModelCard | None = None

    @property
    def known(self) -> list[tuple[str, str, str]]:
        """(source, label, what there is to tell) of the bundled models, of those opened lately, and
        of the others in the library. A label says where the folder is gone."""
        told = {source: about for source, _, about in self._found}
        bundled = [(source, label, "") for source, label in self._bundled.items()]
        recent = [(s, self._label(s), told.get(s, s)) for s in self._recent]
        before = {source for source, _, _ in (*bundled, *recent)}
        return [*bundled, *recent, *(model for model in self._found if model[0] not in before)]

    def source_of(self, name: str) -> str:
        """The known model of that name, "" for the present one or if there is none."""
        if self.card is not None and self.card.name == name:
            return ""
        return next((source for source, label, _ in self.known if label == name), "")

    @Slot()
    def load_last(self) -> None:
        """Ask for the model of the last session."""
        self.choose(self._last)

    @Slot(str)
    def choose(self, source: str) -> None:
        """Ask for that model. To choose the present one takes back what was asked before."""
        self.currentChanged.emit(self._current)
        if source == (self._loading or (self.card.source if self.card else "")):
            self.loadWithdrawn.emit()
        else:
            self.loadRequested.emit(source)

    @Slot(str)
    def load_again(self, source: str) -> None:
        """What a file predicts was said anew: that holds for the model that is loaded, too."""
        if self.card is not None and self.card.source == source:
            self.loadRequested.emit(source)

    @Slot(list)
    def set_found(self, models: list[tuple[str, str, str]]) -> None:
        """models: (source, label, what there is to tell) of all in the library."""
        self._found = models
        self._tell_list()

    @Slot(str)
    def forget(self, source: str) -> None:
        """Take a model out of the list; its folder stays as it is."""
        self._recent = [known for known in self._recent if known != source]
        self._tell_list()

    @Slot(str, int)
    def ask(self, source: str, waiting: int) -> None:
        """Put the question whether the run under way is to give way to that model."""
        model = self._label(source)
        if waiting == 0:
            question = tr(
                "A picture is developing. Load {model} when it is done, or stop it and load at "
                "once?",
                model=model,
            )
        else:
            question = tr(
                "A picture is developing, and more wait: {count}. Load {model} when all are done, "
                "or stop this one and make those that wait with {model}?",
                count=waiting,
                model=model,
            )
        self.questionChanged.emit(question)

    @Slot()
    def stop_asking(self) -> None:
        self.questionChanged.emit("")

    @Slot(str)
    def tell_delay(self, source: str) -> None:
        self.statusChanged.emit(
            tr("{model} will be loaded when the picture is done.", model=self._label(source))
        )

    @Slot(str)
    def begin(self, source: str) -> None:
        """That model is being loaded from now on."""
        self._loading = source
        self.currentChanged.emit(self._current)

    @Slot(str, float)
    def show_loading(self, text: str, fraction: float) -> None:
        self.readyChanged.emit(False)
        if fraction > 0:
            text = tr("{part} · {percent} %", part=text, percent=round(100 * fraction))
        self.statusChanged.emit(text)

    @Slot(object)
    def set_card(self, card: ModelCard) -> None:
        self.card = card
        self._loading = ""
        self._preferences.set("model", card.source)
        if card.source not in self._bundled and card.source != BUNDLED:
            others = [known for known in self._recent if known != card.source]
            self._recent = [card.source, *others][:RECENT]
        self._tell_list()
        self.deviceChanged.emit(
            tr(
                "{name} · {device} · {dtype}",
                name=card.name,
                device=card.device.upper(),
                dtype=card.dtype.removeprefix("torch."),
            )
        )
        self._rest(tr("Ready"))

    @Slot(str)
    def fail(self, message: str) -> None:
        failed, self._loading = self._loading, ""
        self._look_for_missing()
        if self.card:
            self.currentChanged.emit(self._current)
            self._rest(tr("Still using {name}", name=self.card.name))
        else:
            self._rest(tr("No model is loaded"))
            if failed != BUNDLED:
                self.choose(BUNDLED)

    @Slot()
    def rest(self) -> None:
        """What was asked for cannot begin; the model that is there stays."""
        if self.card:
            self._rest(tr("Ready"))
        else:
            self.fail("")

    def announce(self) -> None:
        """Tell the list and what is current, for widgets that have just been connected."""
        self._tell_list()
        self._look_for_missing()
        self.readyChanged.emit(self.card is not None)

    @property
    def _current(self) -> str:
        """What the picker shows: the loaded model; before there is one, the one that is to come."""
        return self.card.source if self.card else self._loading or self._last

    def _rest(self, status: str) -> None:
        self.readyChanged.emit(self.card is not None)
        self.statusChanged.emit(status)

    def _tell_list(self) -> None:
        self._preferences.set("recent_models", self._recent)
        self.listChanged.emit(self.known)
        self.currentChanged.emit(self._current)
        self.forgettableChanged.emit(
            [(source, self._label(source)) for source in self._recent if source != self._current]
        )

    def _label(self, source: str) -> str:
        """The folder's name, with the one around it where two have the same name."""
        if source in self._bundled:
            return self._bundled[source]
        path = Path(source)
        name = path.name or source
        if Counter(Path(known).name for known in self._recent)[name] > 1:
            name = tr("{name} in {folder}", name=name, folder=path.parent.name or path.parent)
        return tr("{name} (folder is gone)", name=name) if source in self._missing else name

    def _look_for_missing(self) -> None:
        """In the background: a drive that is asleep must not hold the window up."""
        folders = tuple(source for source in self._recent if Path(source).is_absolute())
        self._background.submit(partial(_missing, folders), self._mark_missing, _pass_over)

    def _mark_missing(self, missing: frozenset[str]) -> None:
        if missing != self._missing:
            self._missing = missing
            self._tell_list()


def _missing(folders: tuple[str, ...]) -> frozenset[str]:
    return frozenset(folder for folder in folders if not is_there(folder))


def _pass_over(error: Exception) -> None:
    """A folder that cannot be looked at is told when it is to be loaded."""
