"""What the main window asks about files: where a picture goes, which folder, which checkpoint."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QFileDialog, QWidget

from app.i18n import tr


def ask_save_path(window: QWidget, suggested: str) -> str:
    """The path of a picture that the person names, "" if none. suggested: path or name. An ending
    that was typed says the format, whatever stands beside it; else the format that was chosen says
    the ending."""
    formats = {
        tr("PNG image (*.png)"): (".png",),
        tr("JPEG image (*.jpg *.jpeg)"): (".jpg", ".jpeg"),
        tr("WebP image (*.webp)"): (".webp",),
    }
    ending = Path(suggested).suffix.lower()
    chosen = next((words for words, endings in formats.items() if ending in endings), "")
    while True:
        path, chosen = QFileDialog.getSaveFileName(
            window, tr("Save the picture"), suggested, ";;".join(formats), chosen
        )
        suffix = Path(path).suffix.lower()
        fitting = formats.get(chosen, ())
        known = any(suffix in endings for endings in formats.values())
        typed = known and suffix != Path(suggested).suffix.lower()
        if not path or not fitting or suffix in fitting or typed:
            return path
        # A format was chosen and the name left as it was, or without an ending.
        suggested = (path[: -len(suffix)] if known else path) + fitting[0]
        if not Path(suggested).exists():
            return suggested  # else the dialog has to ask whether it may go


def ask_folder(window: QWidget, title: str, start: str) -> str:
    """The path of the folder that the person chooses, "" if none. start: where to begin."""
    return QFileDialog.getExistingDirectory(window, title, start)


def ask_model_file(window: QWidget, start: str) -> str:
    """The path of the checkpoint file that the person chooses, "" if none."""
    path, _ = QFileDialog.getOpenFileName(
        window, tr("Open model file"), start, tr("Checkpoints (*.safetensors)")
    )
    return path


def local_files(dragged: QMimeData) -> list[str]:
    """The paths of local files among what is dragged or copied."""
    return [url.toLocalFile() for url in dragged.urls() if url.isLocalFile()]
