"""What the last model could be asked for, kept over a restart, so that the window opens in the
shape that its model will need. Called by the session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.families.family import Ability
from engine.request.request import MAX_CLASS

if TYPE_CHECKING:
    from app.preferences import Preferences


def kept_abilities(preferences: Preferences) -> tuple[frozenset[str], int]:
    """The abilities, and how many classes there are. Earlier versions kept no more of them than
    whether the model takes a prompt."""
    class_count = min(max(preferences.get("classes"), 0), MAX_CLASS)
    usual: list[str] = [Ability.PROMPT, Ability.NEGATIVE]
    kept = preferences.get("abilities", usual if preferences.get("takes_prompt") else [])
    abilities = {one for one in Ability if one in kept} - {Ability.CLASSES}
    return frozenset(abilities | ({Ability.CLASSES} if class_count else set())), class_count


def keep_abilities(preferences: Preferences, abilities: frozenset[str], class_count: int) -> None:
    preferences.set("abilities", sorted(abilities))
    preferences.set("classes", class_count)
