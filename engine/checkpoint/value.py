"""Checkpoint: what can be told of a model on the disk without loading it. Made by `inspect`, shown
by the library.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine import families
from engine.families.family import Ability


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """source: what `engine.load` takes; path: where it lies; layout: "folder" or "file"; family:
    the name of one of `engine.families`, or of a version of it; abilities: what it could be asked
    for, as far as it tells; bytes and files: of what loading reads; dtype: of most of the weights,
    "" if none can be read; prediction_type: None where neither the file nor its folder tells;
    changed: when the newest of its files was written, in nanoseconds.

    state: "ready"; "incomplete" (files or parts are missing); "damaged" (something in it is not
    what it should be); "refused" (a pickle, or nothing that Safelight can run). problem: why it is
    not ready, in one sentence that says what to do."""

    source: str
    name: str
    path: str
    layout: str
    family: str = "unknown"
    bytes: int = 0
    dtype: str = ""
    prediction_type: str | None = None
    abilities: frozenset[Ability] = frozenset()
    state: str = "ready"
    problem: str = ""
    files: tuple[str, ...] = ()
    changed: int = 0

    @property
    def label(self) -> str:
        """The family for people."""
        label = families.label_of(self.family)
        return f"{label} inpainting" if Ability.MASK in self.abilities else label

    @property
    def is_model(self) -> bool:
        """Whether pictures could be made with it, or with what it will be once it is whole."""
        return not families.by_name(self.family).is_part

    @property
    def loadable(self) -> bool:
        return self.state == "ready" and self.is_model
