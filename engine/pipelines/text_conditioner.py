"""TextConditioner: what a UNet is told under the prompt and under the negative prompt. Held by the
Stable Diffusion pipelines.
"""

from __future__ import annotations

from dataclasses import replace

from engine.families.distilled import UNGUIDED
from engine.pipelines.pipeline import Half, Reading
from engine.pipelines.text import Conditioning, JointReader, TextReader
from engine.request.conditions import Conditions


class TextConditioner:
    """embeds_guidance: the network is told the guidance scale, and draws what guidance would have
    made in one go. empty_is_zero: no negative prompt is told by zeros, not by the hidden states of
    an empty text."""

    def __init__(
        self, text: TextReader | JointReader, embeds_guidance: bool, empty_is_zero: bool
    ) -> None:
        self._text = text
        self._embeds_guidance = embeds_guidance
        self._empty_is_zero = empty_is_zero

    def read(self, prompt: str) -> Reading:
        return self._text.read(prompt)

    def encode(self, now: Conditions, halves: tuple[Half, ...]) -> tuple[Conditioning, ...]:
        told = self._text.encode(now.request.prompt, now.request.clip_skip)
        if self._embeds_guidance:
            told = replace(told, guidance_scale=now.guidance_scale if now.guided else UNGUIDED)
        if Half.UNCONDITIONAL not in halves:
            return (told,)
        return self._without(now, told), told

    def _without(self, now: Conditions, told: Conditioning) -> Conditioning:
        negative = now.request.negative_prompt
        if self._empty_is_zero and negative == "":
            return told.zeroed()
        return self._text.encode(negative, now.request.clip_skip)
