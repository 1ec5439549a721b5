"""ModelCard: a loaded pipeline in plain values. Made by the worker; the session, the models and the
window read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.families.family import Ability
from engine.request.request import OF_A_PROMPT, Request


@dataclass(frozen=True)
class ModelCard:
    """A loaded pipeline in plain values. source: what `engine.load` was given; multiple, minimum,
    maximum: what width and height may be, in pixels; device and dtype: as torch spells them;
    abilities: what it can be asked for, by the names of `Ability`; class_count: how many classes it
    can draw, 0 if it has none; guessed_prediction: whether its file did not tell what it
    predicts."""

    source: str
    name: str
    family: str
    device: str
    dtype: str
    multiple: int
    minimum: int
    maximum: int
    default_request: Request
    abilities: frozenset[str]
    class_count: int
    guessed_prediction: bool = False

    def accepts_size(self, pixels: int) -> bool:
        return self.minimum <= pixels <= self.maximum and pixels % self.multiple == 0

    def accepts_class(self, label: int | None) -> bool:
        return label is not None and label < self.class_count

    def suited(self, request: Request) -> Request:
        """The request with this model's own values for the prompt and what belongs to it, if it
        takes none, and for a class that it does not have."""
        own = self.default_request
        if Ability.PROMPT not in self.abilities:
            of_a_prompt = {name: getattr(own, name) for name in OF_A_PROMPT}
            of_a_prompt["guidance_rescale"] = own.guidance_rescale or 0.0
            request = replace(request, **of_a_prompt)
        if not self.accepts_class(request.class_label):
            request = replace(request, class_label=None)
        return request
