"""A button with an icon that follows the theme. The panels of the window use it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtWidgets import QPushButton, QWidget

from app import theme


class IconButton(QPushButton):
    """icon_name: a drawing in resources/icons; bare: a square without words."""

    _icon_name = ""

    def __init__(
        self, icon_name: str, *, bare: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("bare", bare)
        self.setIconSize(QSize(18, 18) if bare else QSize(16, 16))
        self.set_icon(icon_name)

    def set_icon(self, icon_name: str) -> None:
        """Shows another drawing of resources/icons."""
        self._icon_name = icon_name
        self.setIcon(theme.icon(icon_name))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._icon_name:
            self.setIcon(theme.icon(self._icon_name))
