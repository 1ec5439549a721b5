"""Sheet: the pictures of a grid as one labelled picture. Made when a comparison is done, by the
window and by `render --grid`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw, ImageFont

from engine.request.grid import Grid

PAPER, INK, FAINT = (255, 255, 255), (30, 30, 30), (225, 225, 225)
LEAST_TEXT, GAP = 12, 8
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


def sheet(grid: Grid, images: Sequence[Image.Image | None]) -> Image.Image:
    """One RGB picture: the images row by row, each as large as it is, the labels of the columns
    above and of the rows at the left. None, where a run was stopped or failed, is an empty frame.
    """
    there = [image for image in images if image is not None]
    width = max((image.width for image in there), default=64)
    height = max((image.height for image in there), default=64)
    font = ImageFont.load_default(max(LEAST_TEXT, min(width, height) // 16))
    line = round(font.size * 1.3)  # type: ignore[union-attr]
    above = [_wrapped(label, font, width) for label in grid.column_labels]
    beside = [_wrapped(label, font, width) for label in grid.row_labels]
    top = _tallest(above, line) + 2 * GAP
    row_height = max(height, _tallest(beside, line)) + GAP
    widest = max(font.getlength(part) for label in beside for part in label.split("\n"))
    left = round(widest) + 2 * GAP if widest else GAP

    size = (left + grid.columns * (width + GAP), top + grid.rows * row_height)
    whole = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(whole)
    for column, label in enumerate(above):
        middle = left + column * (width + GAP) + width / 2
        draw.multiline_text((middle, top / 2), label, INK, font, "mm", align="center")
    for row, label in enumerate(beside):
        draw.multiline_text((GAP, top + row * row_height + height / 2), label, INK, font, "lm")
    for number, image in enumerate(images):
        row, column = divmod(number, grid.columns)
        x, y = left + column * (width + GAP), top + row * row_height
        if image is None:
            draw.rectangle((x, y, x + width - 1, y + height - 1), outline=FAINT)
        else:
            whole.paste(image, (x + (width - image.width) // 2, y + (height - image.height) // 2))
    return whole


def _tallest(labels: Sequence[str], line: int) -> int:
    return max(label.count("\n") + 1 for label in labels) * line


def _wrapped(text: str, font: Font, width: float, most: int = 4) -> str:
    """The text in up to `most` lines of that width; what is longer ends with an ellipsis."""
    lines = [""]
    rest = [part for word in text.split() for part in _parts(word, font, width)]
    while rest:
        word = rest.pop(0)
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or font.getlength(longer) <= width:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] += " …"
            break
    return "\n".join(lines)


def _parts(word: str, font: Font, width: float) -> Iterator[str]:
    """The word, or, where it is wider than that, as much of it at a time as fits."""
    part = ""
    for letter in word:
        if part and font.getlength(part + letter) > width:
            yield part
            part = ""
        part += letter
    yield part
