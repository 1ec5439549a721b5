"""Checkpoint: what can be told of a model on the disk without loading it. Made by `inspect`, shown
by the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.families.family import Ability

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "stable-diffusion-1": "Stable Diffusion 1",
        "stable-diffusion-2": "Stable Diffusion 2",
        "stable-diffusion-xl": "Stable Diffusion XL",
        "latent-consistency": "Latent consistency",
        "ddpm": "DDPM",
        "vae": "VAE",
        "tiny-autoencoder": "Tiny autoencoder",
        "unknown": "Unknown",
    }
)
"""Every family, and what people call it."""

PARTS = frozenset({"vae", "tiny-autoencoder"})
"""Families that go with a model and make no picture of their own."""

WORDLESS = frozenset({"ddpm", "unknown"})
"""Families of which no words are known to say anything to them."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """source: what `engine.load` takes; path: where it lies; layout: "folder" or "file"; bytes and
    files: of what loading reads; dtype: of most of the weights, "" if none can be read;
    prediction_type: None where neither the file nor its folder tells; changed: when the newest of
    its files was written, in nanoseconds.

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
    inpainting: bool = False
    state: str = "ready"
    problem: str = ""
    files: tuple[str, ...] = ()
    changed: int = 0

    @property
    def label(self) -> str:
        """The family for people."""
        words = FAMILIES[self.family]
        return f"{words} inpainting" if self.inpainting else words

    @property
    def is_model(self) -> bool:
        """Whether pictures could be made with it, or with what it will be once it is whole."""
        return self.family not in PARTS

    @property
    def abilities(self) -> frozenset[Ability]:
        """What it could be asked for."""
        words: set[Ability] = set()
        if self.is_model and self.family not in WORDLESS:
            words = {Ability.PROMPT, Ability.NEGATIVE}
        return frozenset(words | ({Ability.MASK} if self.inpainting else set()))

    @property
    def loadable(self) -> bool:
        return self.state == "ready" and self.is_model
