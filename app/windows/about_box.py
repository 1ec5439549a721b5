"""What the program is and which version. The Help menu opens it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app import installed_version, theme
from app.i18n import tr


class AboutBox(QMessageBox):
    """It is gone when it is closed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("About Safelight"))
        self.setTextFormat(Qt.TextFormat.PlainText)
        lamp = theme.pixmap("lamp", QSize(56, 56), theme.tokens().accent, self.devicePixelRatioF())
        self.setIconPixmap(lamp)
        self.setText(tr("Safelight {version}", version=installed_version()).strip())
        self.setInformativeText(
            tr("Makes images with diffusion models, and lets you watch and steer every one.")
        )
