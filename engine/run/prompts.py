"""Prompts: how those of a run are read, told whenever they change. Asked by `engine.generate`."""

from __future__ import annotations

from collections.abc import Iterator

from engine.pipelines.pipeline import Pipeline
from engine.request.conditions import Conditions
from engine.run.events import Encoded


class Prompts:
    """left_out: for the record, a sentence for each prompt that did not fit."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.left_out: list[str] = []
        self._pipeline = pipeline
        self._words: tuple[str, str] | None = None

    def read(self, now: Conditions) -> Iterator[Encoded]:
        """How the prompt and the negative prompt are read, if they are others than before."""
        if now.words == self._words:
            return
        self._words = now.words
        readings = [self._pipeline.conditioner.read(text) for text in now.words]
        for name, reading in zip(("prompt", "negative prompt"), readings, strict=True):
            if reading.truncated:
                left = reading.token_count - reading.token_limit
                tokens = f"{left} of its {reading.token_count} tokens"
                self.left_out.append(f"the {name} is too long: {tokens} not read")
        prompt, negative = readings
        yield Encoded(prompt.token_count, prompt.truncated, negative.truncated)
