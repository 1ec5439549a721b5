"""CurveChoice: which curve the guidance takes, a preset's or one that was drawn by hand, kept over
restarts. Part of the session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.state.recipe import presets

if TYPE_CHECKING:
    from app.preferences import Preferences


class CurveChoice:
    """preset: the name of the curve. points, scale: of the curve that is there, and the guidance
    scale that it belongs to."""

    def __init__(self, preferences: Preferences, points: presets.Points, scale: float) -> None:
        self._preferences = preferences
        self.preset: str = preferences.get("guidance_preset")
        if not points or self.preset not in presets.PRESETS:
            self.preset = presets.BY_HAND if points else presets.CONSTANT
        self._drawn = points, scale

    def choose(self, preset: str) -> None:
        self.preset = preset
        self._preferences.set("guidance_preset", preset)

    def draw(self, points: presets.Points, scale: float) -> None:
        """Take a curve that was drawn by hand at that scale; none means a constant scale."""
        self._drawn = points, scale
        self.choose(presets.BY_HAND if points else presets.CONSTANT)

    def at(self, scale: float, easing: str) -> tuple[presets.Points, str] | None:
        """The curve at that scale: points and easing; None where it is to stay as it is. One that
        was drawn by hand is taken as it was drawn each time, so that it keeps its shape while the
        slider is moved to and fro. easing: of the one that is there."""
        if self.preset != presets.BY_HAND:
            return presets.curve(self.preset, scale)
        points, drawn_at = self._drawn
        if not (scale and drawn_at):
            return None
        return presets.multiplied(points, scale / drawn_at), easing
