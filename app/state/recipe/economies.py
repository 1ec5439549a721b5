"""Economies: how much the steps of a run take over from each other, as levels from exact to fast
that a person can choose. Read by the session, shown by the economy slider.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.i18n import tr
from engine.families.family import Ability
from engine.request.economy import ECONOMIES, Economy

EXACT = 0
"""The level at which nothing is taken over."""


def described(abilities: frozenset[str]) -> list[str]:
    """What each level does, from exact on. abilities: of the model; one that reads a prompt has a
    half to leave out."""
    return [_sentence(economy, Ability.PROMPT in abilities) for economy in ECONOMIES]


def fields(level: int) -> dict[str, Any]:
    """The fields of a request at that level; those of the exact one where there is no such."""
    known = 0 <= level < len(ECONOMIES)
    return dict(ECONOMIES[level if known else EXACT].fields)


def level(draft: Mapping[str, Any]) -> int:
    """The level that has the fields of the draft; the exact one where none has."""
    found = Economy(**{name: draft[name] for name in ECONOMIES[EXACT].fields})
    return ECONOMIES.index(found) if found in ECONOMIES else EXACT


def _sentence(economy: Economy, is_guided: bool) -> str:
    if economy == ECONOMIES[EXACT]:
        return tr("Every step is worked out in full.")
    if economy.guidance_reuse and is_guided:
        return tr(
            "Deep layers are worked out in one step of {count}, the unguided half less "
            "often where guidance hardly turns, in 8 bits where the processor can; the picture "
            "changes visibly.",
            count=economy.feature_reuse,
        )
    return tr(
        "Deep layers are worked out in one step of {count} and reused in between, in 8 bits where "
        "the processor can; the picture changes a little.",
        count=economy.feature_reuse,
    )
