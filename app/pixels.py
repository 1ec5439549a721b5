"""Pixels as QImages that own them: the engine's, for the worker, which hands out nothing else; and
those of image files, for whoever shows one.
"""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QImage, QImageReader, QPainter

from engine.errors import EngineError
from engine.foreign import read_picture


def from_file(path: str) -> QImage:
    """The picture in a PNG, a JPEG or a WebP, whatever it is called. Raises OSError, or EngineError
    for what is none, in a sentence.

    The door tells the format: Qt would try all that it knows.
    """
    head, content = read_picture(path)
    buffer = QBuffer()
    buffer.setData(QByteArray(content))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    # A reader lets the other threads go on while it reads, which QImage does not.
    reader = QImageReader(buffer, QByteArray(head.format.encode()))
    image = reader.read()
    if image.isNull():
        raise EngineError(f"{path} cannot be read ({reader.errorString()}). Choose an image file.")
    return image


def from_array(pixels: Any) -> QImage:
    """uint8 (H, W, 3) as an image that owns its pixels."""
    height, width, _ = pixels.shape
    return _image(pixels.tobytes(), width, height)


def from_pil(image: Any) -> QImage:
    return _image(image.convert("RGB").tobytes(), image.width, image.height)


def to_pil(image: QImage) -> Any:
    """As a PIL image, RGB."""
    from PIL import Image

    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    return Image.frombuffer(
        *("RGB", (plain.width(), plain.height()), bytes(plain.constBits())),
        *("raw", "RGB", plain.bytesPerLine(), 1),
    )


def _image(rgb: bytes, width: int, height: int) -> QImage:
    # RGB32 is what painting is fastest with, and converting copies: `rgb` may go.
    borrowed = QImage(rgb, width, height, 3 * width, QImage.Format.Format_RGB888)
    return borrowed.convertToFormat(QImage.Format.Format_RGB32)


def black() -> QImage:
    """One black pixel, where there is no picture."""
    return _image(bytes(3), 1, 1)


def kept(image: QImage, total: int, budget: int) -> QImage:
    """The image, smaller if `total` steps with two such images each would take more bytes."""
    side = math.isqrt(budget // (2 * 4 * total))
    if max(image.width(), image.height()) <= side:
        return image
    return image.scaled(
        side,
        side,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )


def sheet(images: tuple[QImage, ...]) -> QImage:
    """All images of a run in one near-square grid, in the order of the preview's."""
    first = images[0]
    if len(images) == 1:
        return first
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    sheet = QImage(columns * first.width(), rows * first.height(), first.format())
    sheet.fill(0)
    painter = QPainter(sheet)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        painter.drawImage(column * first.width(), row * first.height(), image)
    painter.end()
    return sheet
