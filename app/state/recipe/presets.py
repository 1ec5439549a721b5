"""Presets: guidance curves that a person can choose by name. Read by the session, shown by the
guidance panel.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.i18n import tr

Points = tuple[tuple[float, float], ...]

CONSTANT, BY_HAND = "constant", "custom"


@dataclass(frozen=True)
class Preset:
    """A curve for a guidance scale of 1; multiplied, it is one for any scale."""

    points: Points = ()
    easing: str = "linear"


PRESETS = {
    CONSTANT: Preset(),
    "falling": Preset(((0.0, 1.4), (1.0, 0.6))),
    "rising": Preset(((0.0, 0.6), (1.0, 1.4))),
    "soft": Preset(((0.0, 0.4), (1.0, 1.2)), "cosine"),
    "bell": Preset(((0.0, 0.5), (0.5, 1.4), (1.0, 0.5)), "cosine"),
}


def described() -> list[tuple[str, str, str]]:
    """(name, label, what it does) of every preset."""
    return [
        (CONSTANT, tr("Constant"), tr("The same guidance in every step.")),
        (
            "falling",
            tr("Falling (linear)"),
            tr("The prompt decides the composition, then the details are left to themselves."),
        ),
        (
            "rising",
            tr("Rising (linear)"),
            tr("The composition comes about freely, then the details are held to the prompt."),
        ),
        (
            "soft",
            tr("Rising gently (cosine)"),
            tr("Begins and ends without a jerk: varied compositions, calm colours."),
        ),
        (
            "bell",
            tr("Bell (cosine)"),
            tr("Strong in the middle, where shapes are decided; weak where glare comes from."),
        ),
    ]


def curve(name: str, scale: float) -> tuple[Points, str]:
    """The points and the easing of that preset at that guidance scale."""
    preset = PRESETS[name]
    return multiplied(preset.points, scale), preset.easing


def multiplied(points: Points, factor: float) -> Points:
    """The points with their scales multiplied, at most 100."""
    return tuple((at, min(round(scale * factor, 2), 100.0)) for at, scale in points)
