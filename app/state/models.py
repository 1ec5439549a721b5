"""Models: which models there are, which one is loaded, and how far loading has come. Fed by the
worker; the picker, the run controls and the status line show it.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.i18n import tr
from app.preferences import Preferences
from app.state.session import ModelCard

BUNDLED = "bundled"
RECENT = 8


class Models(QObject):
    """A model that cannot be loaded leaves the former one in place; if there is none, the bundled
    one is loaded instead."""

    listChanged = Signal(list)  # of (source, label)
    currentChanged = Signal(str)
    loadRequested = Signal(str)
    busyChanged = Signal(bool)
    readyChanged = Signal(bool)
    statusChanged = Signal(str)
    deviceChanged = Signal(str)

    def __init__(
        self,
        preferences: Preferences,
        bundled: tuple[tuple[str, str], ...],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._bundled = bundled
        self._recent = [s for s in preferences.get("recent_models", []) if isinstance(s, str)]
        self._wanted = preferences.get("model", BUNDLED)
        self.card: ModelCard | None = None

    @property
    def known(self) -> list[tuple[str, str]]:
        """(source, label) of the bundled models and those opened lately."""
        return [*self._bundled, *((source, Path(source).name or source) for source in self._recent)]

    @Slot()
    def load_last(self) -> None:
        """Ask for the model of the last session."""
        self.choose(self._wanted)

    @Slot(str)
    def choose(self, source: str) -> None:
        """Ask for that model, unless it is the loaded one."""
        if self.card and source == self.card.source == self._wanted:
            return
        self._wanted = source
        self._remember(source)
        self.currentChanged.emit(source)
        self.loadRequested.emit(source)

    @Slot(str, float)
    def show_loading(self, text: str, fraction: float) -> None:
        self.readyChanged.emit(False)
        self.busyChanged.emit(True)
        if fraction > 0:
            text = tr("{part} · {percent} %", part=text, percent=round(100 * fraction))
        self.statusChanged.emit(text)

    @Slot(object)
    def set_card(self, card: ModelCard) -> None:
        self.card = card
        self._wanted = card.source
        self._preferences.set("model", card.source)
        self.currentChanged.emit(card.source)
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
        failed = self._wanted
        if self.card:
            self._wanted = self.card.source
            self.currentChanged.emit(self._wanted)
            self._rest(tr("Still using {name}", name=self.card.name))
        else:
            self._rest(tr("No model is loaded"))
            if failed != BUNDLED:
                self.choose(BUNDLED)

    def announce(self) -> None:
        """Tell the list and what is current, for widgets that have just been connected."""
        self.listChanged.emit(self.known)
        self.currentChanged.emit(self._wanted)
        self.readyChanged.emit(self.card is not None)

    def _rest(self, status: str) -> None:
        self.busyChanged.emit(False)
        self.readyChanged.emit(self.card is not None)
        self.statusChanged.emit(status)

    def _remember(self, source: str) -> None:
        if source not in (known for known, _ in self._bundled):
            others = [known for known in self._recent if known != source]
            self._recent = [source, *others][:RECENT]
            self._preferences.set("recent_models", self._recent)
            self.listChanged.emit(self.known)
