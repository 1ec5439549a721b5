"""LoadProgress: how far the loading of a model is, by the size of what is read. Made by the
pipelines' loaders.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.pipelines.pipeline import Progress
from engine.weights.files import Files


class LoadProgress:
    """Parts are planned first, and then begun in the same order."""

    def __init__(self, tell: Progress | None):
        self._tell = tell or (lambda fraction, words: None)
        self._parts: list[tuple[str, int]] = []
        self._begun = 0

    def plan(self, words: str, files: Files, component: str) -> None:
        """One part more. Raises LoadError where its weights are missing or damaged, so that this
        is known before anything is loaded."""
        shapes = files.tensors(component).shapes().values()
        self._parts.append((words, sum(math.prod(shape) for shape in shapes)))

    def begin(self) -> Callable[[float], None]:
        """Tell of the next part; what comes back is told the fraction of it that is loaded."""
        total = sum(size for _, size in self._parts) or 1
        before = sum(size for _, size in self._parts[: self._begun])
        words, size = self._parts[self._begun]
        self._begun += 1
        self._tell(before / total, words)
        return lambda fraction: self._tell((before + fraction * size) / total, words)

    def end(self) -> None:
        self._tell(1.0, "ready")
