"""Appearance: what the person has made of the window, kept in the preferences. Made and ended by
`app.main`.
"""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QObject, QTimer
from PySide6.QtWidgets import QApplication

from app import theme
from app.preferences import Preferences
from app.windows.main_window import MainWindow

SETTLED = 400
"""Milliseconds without another change after which the window is held to stand as it is to stay."""


class Appearance(QObject):
    """The theme, where the window stands, how its panels divide it, and whether the one of guidance
    is opened."""

    def __init__(self, preferences: Preferences, window: MainWindow) -> None:
        super().__init__(window)
        self._preferences = preferences
        self._window = window
        self._settling = QTimer(self, singleShot=True, interval=SETTLED)

        window.themeChosen.connect(self.set_theme)
        window.guidance.openedChanged.connect(self.keep_panel_open)
        window.arrangementChanged.connect(self._settling.start)
        self._settling.timeout.connect(self.keep)

    def restore(self) -> None:
        """As it was when the program was closed."""
        self.set_theme(self._preferences.get("theme"))
        self._window.guidance.set_opened(self._preferences.get("guidance_opened"))
        geometry = self._preferences.get("geometry")
        panels = self._preferences.get("panels")
        self._window.arrange(_from_text(geometry), _from_text(panels))

    def set_theme(self, name: str) -> None:
        """name: "dark", "light" or "system"; dark for what is none of them."""
        name = name if name in theme.NAMES else "dark"
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, name)
        self._window.menu.set_theme(name)
        self._preferences.set("theme", name)

    def keep_panel_open(self, opened: bool) -> None:
        self._preferences.set("guidance_opened", opened)

    def keep(self) -> None:
        """Keep how the window stands now."""
        geometry, panels = self._window.arrangement()
        self._preferences.set("geometry", _to_text(geometry))
        self._preferences.set("panels", _to_text(panels))

    def close(self) -> None:
        """Keep it for the last time."""
        self._window.arrangementChanged.disconnect(self._settling.start)
        self._settling.stop()
        self.keep()


def _to_text(bytes_: QByteArray) -> str:
    return bytes_.toBase64().toStdString()


def _from_text(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii", "replace"))
