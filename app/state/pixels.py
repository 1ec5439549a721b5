"""Pixels as QImages that own them: the engine's, for the worker, which hands out nothing else; and
those of image files, for whoever shows one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, Qt
from PySide6.QtGui import QColor, QImage, QImageReader, QPainter

from engine.errors import EngineError
from engine.foreign import read_picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

PAPER = "#242426"
"""Stands in the empty places of a grid where a file knows no transparency."""


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


def from_array(pixels: NDArray[np.uint8], count: int = 1) -> QImage:
    """uint8 (H, W, 3) as an image that owns its pixels. count: how many pictures there are in it,
    in a near-square grid; the places that they leave are transparent."""
    height, width, _ = pixels.shape
    whole = _image(pixels.tobytes(), width, height)
    columns, rows = _sides(count)
    if columns * rows == count:
        return whole
    grid = _empty(width, height)
    painter = QPainter(grid)
    for index in range(count):
        row, column = divmod(index, columns)
        place = QRect(
            *(column * width // columns, row * height // rows), width // columns, height // rows
        )
        painter.drawImage(place, whole, place)
    painter.end()
    return grid


def from_pil(image: Image) -> QImage:
    return _image(image.convert("RGB").tobytes(), image.width, image.height)


def to_pil(image: QImage) -> Image:
    """As a PIL image, RGB."""
    from PIL import Image as pil

    plain = opaque(image).convertToFormat(QImage.Format.Format_RGB888)
    return pil.frombuffer(
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


def opaque(image: QImage) -> QImage:
    """The image without transparency, on paper where it has some."""
    if not image.hasAlphaChannel():
        return image
    whole = QImage(image.size(), QImage.Format.Format_RGB32)
    whole.fill(QColor(PAPER))
    painter = QPainter(whole)
    painter.drawImage(0, 0, image)
    painter.end()
    return whole


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
    """All images of a run in one near-square grid, in the order of the preview's; the places that
    they leave are transparent."""
    first = images[0]
    if len(images) == 1:
        return first
    columns, rows = _sides(len(images))
    sheet = _empty(columns * first.width(), rows * first.height())
    painter = QPainter(sheet)
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        painter.drawImage(column * first.width(), row * first.height(), image)
    painter.end()
    return sheet


def _sides(count: int) -> tuple[int, int]:
    """Columns and rows of a grid as `engine.preview` makes it."""
    columns = math.ceil(math.sqrt(count))
    return columns, math.ceil(count / columns)


def _empty(width: int, height: int) -> QImage:
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    return image
