"""TileThumbnails: the thumbnails that the gallery shows, in memory by what their rows are called.
Made by the gallery model, which asks for what is on the screen.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from app.state.background import Background
from app.state.gallery.thumbnails import THUMBNAIL, Thumbnails, Wanted

KEPT = 512  # thumbnails in memory, some 75 MB; the view asks again for what was dropped

Thumbnail = tuple[Wanted | None, QImage | None]
"""Of which file, None for an image without one; and the picture, if any can be made."""


class TileThumbnails(QObject):
    """Made in the background when they are first asked for. file: where those of files are kept;
    key_of: what the row of the file at a path is called."""

    changed = Signal(str)  # the key of a row that has another one now
    missing = Signal()  # no picture can be made of a file: it may be gone
    failed = Signal(object)  # Exception

    def __init__(
        self,
        file: Path,
        background: Background,
        key_of: Callable[[str], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._key_of = key_of
        self._maker = Thumbnails(file, self)
        self._kept: OrderedDict[str, Thumbnail] = OrderedDict()
        self._asked: dict[str, Wanted | None] = {}  # on their way

        self._maker.ready.connect(self._take)
        self._maker.dropped.connect(self._drop)

    def __len__(self) -> int:
        """How many are in memory."""
        return len(self._kept)

    @property
    def is_waiting(self) -> bool:
        """Whether some are on their way."""
        return bool(self._asked)

    def of(self, key: str, wanted: Wanted | None, image: QImage | None) -> QImage | None:
        """What there is; where the file is newer, that of the older one until the new one comes.
        wanted: the file; None for an image without one, which is then given."""
        made_of, thumbnail = self._kept.get(key, (None, None))
        if key in self._kept:
            self._kept.move_to_end(key)
            if made_of == wanted:
                return thumbnail
        if key not in self._asked or self._asked[key] != wanted:
            self._asked[key] = wanted
            if wanted is not None:
                self._maker.ask(wanted)
            elif image is not None:
                self._background.submit(
                    partial(_scaled, image), partial(self._keep, key, None), self.failed.emit
                )
        return thumbnail

    def forget(self, key: str) -> None:
        self._kept.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()
        self._asked.clear()

    def close(self) -> None:
        """Make no more, for good."""
        self._maker.close()

    def _take(self, wanted: Wanted, thumbnail: QImage | None) -> None:
        self._keep(self._key_of(wanted.path), wanted, thumbnail)
        if thumbnail is None:
            self.missing.emit()

    def _keep(self, key: str, wanted: Wanted | None, thumbnail: QImage | None) -> None:
        if key not in self._asked or self._asked[key] != wanted:
            return
        del self._asked[key]
        self._kept[key] = wanted, thumbnail
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self.changed.emit(key)

    def _drop(self, wanted: Wanted) -> None:
        key = self._key_of(wanted.path)
        if self._asked.get(key) == wanted:
            del self._asked[key]


def _scaled(image: QImage) -> QImage:
    if max(image.width(), image.height()) <= THUMBNAIL:
        return image
    return image.scaled(
        THUMBNAIL,
        THUMBNAIL,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
