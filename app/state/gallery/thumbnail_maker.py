"""ThumbnailMaker: has one thumbnail after the other made in a process of its own, which it starts
when it is first asked and anew when it ends. Called by the threads of
`app.state.gallery.thumbnails`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from PySide6.QtGui import QImage

from app.state.gallery.thumbnail_wire import HEAD
from engine.errors import EngineError
from engine.foreign import MOST_UNPACKED, picture_head

ROOT = Path(__file__).parents[3]
MOST_PACKED = 2**20
"""Bytes that a thumbnail may have as a file. It has some 10,000."""
PATIENCE = 10.0
"""Seconds for one picture. The largest take less than one, on a machine that is not busy."""
ENDING = 1.0
"""Seconds that the process has to end, once it is told to."""


class Made(NamedTuple):
    """picture: QImage; packed: the same as a WebP, empty where that was not asked for."""

    picture: QImage
    packed: bytes


class TooCostly(Exception):
    """A picture takes more time or memory than the process has."""


class ThumbnailMaker:
    """side: pixels of the longer side; patience: seconds that the process gives one picture before
    it ends itself. One thread asks; any may close."""

    def __init__(self, side: int, patience: float = PATIENCE) -> None:
        self._side = side
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def make(self, path: str, *, packed: bool) -> Made | None:
        """The thumbnail of that file; None where there can be none. Raises TooCostly for one that
        has ended the process."""
        try:
            head = picture_head(path)
        except (EngineError, OSError):
            return None
        if head.unpacked > MOST_UNPACKED:
            return None
        if not Path(path).is_absolute():  # the process has a working folder of its own
            path = str(Path.cwd() / path)
        wish = json.dumps([path, head.format, self._side, packed])
        for _ in range(2):
            process, is_new = self._started()
            if process is None:
                return None
            try:
                return self._asked(process, wish)
            except (OSError, ValueError, EOFError):
                self._stop(process)
                if is_new and not self._closed:  # an older one may have been ended by anything
                    raise TooCostly from None
        return None

    def close(self) -> None:
        """End the process, for good."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            _end(process)

    def _started(self) -> tuple[subprocess.Popen[bytes] | None, bool]:
        """The process, and whether it is a new one; None once all is over."""
        with self._lock:
            if self._closed:
                return None, False
            if self._process is not None and self._process.poll() is None:
                return self._process, False
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.state.gallery.thumbnail_process", str(self._patience)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            return self._process, True

    def _asked(self, process: subprocess.Popen[bytes], wish: str) -> Made | None:
        """Raises OSError, ValueError or EOFError where the process has ended or is out of order."""
        assert process.stdin is not None
        process.stdin.write(wish.encode() + b"\n")
        process.stdin.flush()
        width, height, is_clear, is_there, length, packed = HEAD.unpack(_read(process, HEAD.size))
        if not is_there:
            return None
        if not 0 < width <= self._side or not 0 < height <= self._side:
            raise ValueError("a thumbnail of another size")
        if length != 4 * width * height or packed > MOST_PACKED:
            raise ValueError("a thumbnail of another length")
        pixels = _read(process, length)
        kind = QImage.Format.Format_RGBA8888 if is_clear else QImage.Format.Format_RGBX8888
        borrowed = QImage(pixels, width, height, 4 * width, kind)
        # What painting is fastest with; and converting copies: `pixels` may go.
        drawn = (
            QImage.Format.Format_ARGB32_Premultiplied if is_clear else QImage.Format.Format_RGB32
        )
        return Made(borrowed.convertToFormat(drawn), _read(process, packed))

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            if self._process is process:
                self._process = None
        _end(process)


def _read(process: subprocess.Popen[bytes], length: int) -> bytes:
    assert process.stdout is not None
    content = process.stdout.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with suppress(subprocess.TimeoutExpired):  # it waits for a disk: then it ends after that
        process.wait(ENDING)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
