"""What a model can do, and what a family of models is. Read by the settings of a request, the
layouts of weights, the pipelines, the library and the window. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Settings = Mapping[str, Any]
"""The content of a config.json, a scheduler_config.json or a model_index.json, or a part of it."""


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


@dataclass(frozen=True, kw_only=True)
class TextPlan:
    """Which text encoders a family has, and what it reads of them.

    encoders: the components, and the tokenizer of each. last_layer: the layer that is read at clip
    skip 1, counted from the end. is_normed: whether the final layer norm is applied to it.
    """

    encoders: tuple[tuple[str, str], ...] = (("text_encoder", "tokenizer"),)
    last_layer: int = 1
    is_normed: bool = True


@dataclass(frozen=True, kw_only=True)
class TextInFile:
    """A text encoder in a single file of the original layout. prefix: how its names begin, by which
    the version is known; layout: of `engine.weights.original.text`; tokenizer: the component, and
    its folder in resources/tokenizers."""

    prefix: str
    layout: str
    tokenizer: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Version:
    """Models of one family that were published one after the other, with the same kinds of networks
    but other text encoders, settings or training.

    name, label: as the library of models has it, and for people. has_unet: whether a UNet with this
    config.json is one of it. The rest is what no tensor of a single file tells, as the published
    folders have it. text: by component. prediction_type: None where there are both and the tensors
    are the same. side, side_of_v: of the latents that it was trained at. unet, vae: settings of
    config.json. scheduler, scheduler_of_v: the content of scheduler_config.json, of_v where it
    predicts v or was trained down to pure noise.
    """

    name: str
    label: str
    has_unet: Callable[[Settings], bool]
    text: Mapping[str, TextInFile]
    prediction_type: str | None
    side: int
    side_of_v: int
    vae: Settings
    scheduler: Settings
    scheduler_of_v: Settings
    unet: Settings = field(default_factory=dict)


def has_none(unet: Settings) -> bool:
    """The UNets of a family that is not known by them."""
    return False


@dataclass(frozen=True, kw_only=True)
class Family:
    """What the models of one kind have in common.

    name: what `pipeline.family` and the library call it; label: for people.
    classes: by which model_index.json names it, or the config.json of a lone network; the usual one
    is the first. painting_class: the one of them for models with `Ability.MASK`, "" for none.
    runner: the module and the class that run it, None for what is known and not run. It is imported
    when a model of it is loaded.
    is_part: it goes with a model and makes no picture of its own.
    abilities: of every model of it; `engine.families.abilities_of` adds what a model's own network
    can.
    parts: the components that a folder of it has; optional: those that it may have; telltale_part:
    one that folders of no other family have, "" for none.
    text: how it reads a prompt, None where it reads none.
    latent_channels: of the pictures that its UNet changes, 0 where these are pixels.
    request: fields of the default request. index: what its model_index.json says besides the
    components. vae: settings of a VAE that holds them not. vae_overflows: in float16. scheduler:
    the noise of a lone network that has no scheduler_config.json beside it.
    has_unet: whether a UNet with this config.json is of it, where it is of none that stands behind
    it in FAMILIES. distilled_from: the family whose networks it usually has; its files are laid out
    as that one's.
    signs: names of tensors, one of which is in every single file of it, where no version tells.
    versions: the oldest first; empty where there is only one, and nothing tells it apart.
    """

    name: str
    label: str
    classes: tuple[str, ...] = ()
    painting_class: str = ""
    runner: tuple[str, str] | None = None
    is_part: bool = False
    abilities: frozenset[Ability] = frozenset()
    parts: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    telltale_part: str = ""
    text: TextPlan | None = None
    latent_channels: int = 0
    request: Settings = field(default_factory=dict)
    index: Settings = field(default_factory=dict)
    vae: Settings = field(default_factory=dict)
    vae_overflows: bool = False
    scheduler: Settings = field(default_factory=dict)
    has_unet: Callable[[Settings], bool] = has_none
    distilled_from: str = ""
    signs: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ()

    @property
    def input_channels(self) -> tuple[int, int]:
        """What its UNets may take: the latents, or besides them those of a picture that is painted
        into, and a mask."""
        return self.latent_channels, 2 * self.latent_channels + 1
