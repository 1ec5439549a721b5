"""Captions: what is said of a picture while training, drawn by `text` and `diffusion`; and the
prompts that `decoder` and `evaluate` draw by.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable

from resources.training.phrases import Kind, Phrase
from resources.training.pictures import BACKGROUNDS

STYLED = {
    "3d": ("3d render of {}", "{}, 3d", "a 3d {}", "{} 3d"),
    "flat": ("flat illustration of {}", "{}, flat style", "a flat {}", "{} flat"),
}
PLAIN = "3d"
"""The style of a prompt that names none."""
LAID = ("{} on a {} background", "{}, {} background", "{} on {}")
SHARES: dict[Kind, float] = {"name": 0.45, "synonym": 0.15, "near": 0.15, "thai": 0.25}
"""How often each kind of phrase is drawn, of those that the subject has."""


def prompt(named: str, style: str, colour: str = "") -> str:
    """The first wording of a style, and of a background where one is named."""
    text = STYLED[style][0].format(named)
    return LAID[0].format(text, colour) if colour else text


class Captions:
    """phrases: of all subjects. Each caption is drawn with the generator that is given."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._of: dict[int, dict[Kind, list[str]]] = defaultdict(lambda: defaultdict(list))
        for phrase in phrases:
            self._of[phrase.subject][phrase.kind].append(phrase.text)

    def draw(self, subject: int, style: str, colour: str, drawer: random.Random) -> tuple[str, str]:
        """The caption, and the English words of it that say what it shows. colour: the name of a
        background; white may go unsaid, and so may the plain style."""
        own = self._of[subject]
        kinds: list[Kind] = [kind for kind in SHARES if own[kind]]
        (kind,) = drawer.choices(kinds, [SHARES[kind] for kind in kinds])
        text = drawer.choice(own[kind])
        meant = text
        if kind == "thai":
            meant = own["name"][0]
            if drawer.random() < 0.6:
                text = own[kind][0]  # the name comes first
        if kind != "thai" and drawer.random() < 0.3:
            text = f"{'an' if text[0] in 'aeiou' else 'a'} {text}"
        if style != PLAIN or drawer.random() < 0.7:
            text = drawer.choice(STYLED[style]).format(text)
        if colour != next(iter(BACKGROUNDS)) or drawer.random() < 0.15:
            text = drawer.choice(LAID).format(text, colour)
        return text, meant
