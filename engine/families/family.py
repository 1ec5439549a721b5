"""What a model can do, and what a family of models is. Read by the settings of a request, the
pipelines and the window. Imports no torch.
"""

from __future__ import annotations

from enum import StrEnum


class Ability(StrEnum):
    """What a model can be asked for; a setting of a request names the one that it needs."""

    PROMPT = "prompt"
    """It reads a prompt, and so can be guided."""
    NEGATIVE = "negative"
    """It reads what is not wanted as well."""
    CLASSES = "classes"
    """It draws one of a fixed number of classes."""
    IMAGE = "image"
    """It starts from a picture."""
    MASK = "mask"
    """Its network sees the mask, and the picture under it, at every evaluation."""
    CONTROL = "control"
    """It takes control networks."""
    REFERENCE = "reference"
    """It takes a picture to be like."""
    EMBEDDED_GUIDANCE = "embedded guidance"
    """Its network is told the guidance scale, and makes one prediction of it."""
    FLOW = "flow"
    """It was trained on straight ways from noise to image, at sigmas from 1 to 0."""
