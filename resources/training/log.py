"""Log: the losses of a training, one line of JSON each, beside its checkpoint. Written by `loop`,
read by `evaluate` and by whoever wants to draw them.
"""

from __future__ import annotations

import json
from pathlib import Path


class Log:
    """path: is appended to, so a training that goes on goes on in the same file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, **values: float) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def last(self) -> dict[str, float]:
        """The newest line; nothing where there is none."""
        if not self._path.is_file():
            return {}
        lines = self._path.read_text(encoding="utf-8").splitlines()
        return json.loads(lines[-1]) if lines else {}
