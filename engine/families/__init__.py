"""What each family of models is, one file a family: plain values, which say what the files of its
models look like, what they can be asked for and what runs them. Read by everyone who has to know
one family from another; a new family is a file here, a line below and the pipeline that runs it.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.families.autoencoders import TINY_AUTOENCODER, VAE
from engine.families.ddpm import DDPM
from engine.families.family import Ability, Family, Settings, TextPlan, Version
from engine.families.latent_consistency import LATENT_CONSISTENCY
from engine.families.others import OTHERS
from engine.families.stable_diffusion import STABLE_DIFFUSION
from engine.families.stable_diffusion_xl import STABLE_DIFFUSION_XL

UNKNOWN = Family(name="unknown", label="Unknown")
"""What a file is called that tells nothing, or cannot be read."""

FAMILIES = (
    STABLE_DIFFUSION,
    LATENT_CONSISTENCY,
    STABLE_DIFFUSION_XL,
    DDPM,
    VAE,
    TINY_AUTOENCODER,
    *OTHERS,
    UNKNOWN,
)
"""Those that run, in the order in which they are named; parts of models; those that do not run."""

__all__ = [
    "FAMILIES",
    "UNKNOWN",
    "Ability",
    "Family",
    "Settings",
    "TextPlan",
    "Version",
    "abilities_of",
    "by_class",
    "by_name",
    "class_of",
    "known_as",
    "label_of",
    "name_of",
    "of_folder",
    "running",
    "versions",
]


def running() -> tuple[Family, ...]:
    """Those that `engine.load` makes a pipeline of."""
    return tuple(family for family in FAMILIES if family.runner)


def versions() -> tuple[Version, ...]:
    """All that single files may be of, the newest first."""
    return tuple(one for family in reversed(FAMILIES) for one in reversed(family.versions))


def by_name(name: str) -> Family:
    """The family of that name, or that has a version of that name. Raises KeyError."""
    for family in FAMILIES:
        if name in (family.name, *(version.name for version in family.versions)):
            return family
    raise KeyError(name)


def by_class(name: str) -> Family | None:
    """The family whose pipeline, or lone network, is of that class."""
    return next((family for family in FAMILIES if name in family.classes), None)


def label_of(name: str) -> str:
    """What people call the family, or the version, of that name. Raises KeyError."""
    family = by_name(name)
    return next((one.label for one in family.versions if one.name == name), family.label)


def of_folder(unet: Settings, names: Collection[str]) -> Family:
    """The family that the folder of a model is of, by its UNet's config.json and by the names in
    it, whatever it was distilled to."""
    known = [family for family in reversed(running()) if not family.distilled_from]
    return next(
        family for family in known if family.has_unet(unet) or family.telltale_part in names
    )


def known_as(family: Family, unet: Settings) -> Family:
    """What a model with the networks of that family is, by its UNet's config.json: what it was
    distilled to, whatever networks that usually has, or the family itself."""
    return next((one for one in running() if one.distilled_from and one.has_unet(unet)), family)


def name_of(family: Family, unet: Settings) -> str:
    """What the library calls a model that says it is of that family: by its version where there are
    some, and its UNet's config.json tells which, whatever the model says."""
    known = known_as(family, unet)
    if known.distilled_from and known.has_unet(unet):
        return known.name
    if not (family.versions or family.distilled_from):
        return family.name
    return next(version.name for version in versions() if version.has_unet(unet))


def class_of(family: Family, unet: Settings) -> str:
    """What model_index.json names as the class of a model with the networks of that family. The one
    that it was distilled to has a class for its usual networks alone."""
    known = known_as(family, unet)
    family = known if known.distilled_from == family.name else family
    return family.painting_class if family.painting_class and _paints(unet) else family.classes[0]


def abilities_of(family: Family, unet: Settings) -> frozenset[Ability]:
    """What a model with the networks of that family can be asked for, by its UNet's config.json."""
    known = known_as(family, unet)
    abilities = set(known.abilities)
    if known.latent_channels and _paints(unet):
        abilities.add(Ability.MASK)
    if unet.get("num_class_embeds"):
        abilities.add(Ability.CLASSES)
    return frozenset(abilities)


def _paints(unet: Settings) -> bool:
    """Whether it takes, besides the latents that it changes, those of the picture that it paints
    into, and the mask."""
    out = unet.get("out_channels", 4)
    return isinstance(out, int) and unet.get("in_channels", 4) == 2 * out + 1
