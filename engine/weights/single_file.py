"""A checkpoint in one file, in the original layout of Stable Diffusion 1, 2 or XL: which of them,
told by the names of its tensors, and its components as a model folder would have them. Made by
`engine.load`, read by the pipelines like a `ModelFolder`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from engine import families
from engine.errors import WeightsError
from engine.families.family import Ability, Settings
from engine.families.noise import LCM, ZERO_SNR
from engine.weights.digest import file_sha256
from engine.weights.header import Header, RefusedError, read_header
from engine.weights.original import unet as original_unet
from engine.weights.original import vae as original_vae
from engine.weights.original.text import LAYOUTS
from engine.weights.original.version import FIRST_LAYER, UNET, version_of
from engine.weights.part import Part
from engine.weights.prediction_type import checked_prediction_type
from engine.weights.tensors import Tensors

VAE_PREFIX = "first_stage_model."
EMA = "model_ema."
"""The averaged copy of the UNet, under the UNet's names without the dots."""

V_MARKER, ZERO_SNR_MARKER = "v_pred", "ztsnr"
"""Tensors without content by which a file tells how it was trained."""
NOTED_TYPE, NOTED_KIND = "modelspec.prediction_type", "modelspec.architecture"
"""What the metadata may tell of it (github.com/Stability-AI/ModelSpec)."""
NOTES = {
    "v": "v_prediction",
    "v_prediction": "v_prediction",
    "epsilon": "epsilon",
    "stable-diffusion-v2-512": "epsilon",
    "stable-diffusion-v2-768-v": "v_prediction",
}

LEFTOVERS = re.compile(
    r"model_ema\.|loss\.|optimizer|lr_scheduler|callbacks|embedding_manager\.|denoiser\.|"
    r"betas$|(sqrt_|log_)?(one_minus_|recip_|recipm1_)?alphas_cumprod(_prev)?$|posterior_\w+$|"
    r"logvar$|global_step$|scale_factor$|v_pred$|ztsnr$|"
    r"(cond_stage_model|conditioner\.embedders\.\d)\.logit_scale$"
)
"""How the names of what training and other programs leave behind begin."""


class SingleFile:
    """path: the file; kind: the class that a folder's model_index.json would name; family: as the
    library of models calls it; abilities: what it can be asked for.

    prediction_type: what the network predicts; guessed: whether nothing in the file tells it and
    nobody did, so that it may be wrong; notes: the same, and the like, as sentences for people.
    """

    def __init__(self, path: Path, prediction_type: str | None = None, ema: bool = False):
        """prediction_type: as `engine.load` takes it, in place of what the file tells. ema: the
        averaged UNet. Raises WeightsError, and its kind RefusedError for what is no checkpoint of
        these families."""
        checked_prediction_type(prediction_type)
        self.path = path
        header = read_header(path)
        self._version = version_of(header)
        self._family = families.by_name(self._version.name)
        self._unet = Part.of(header, UNET)
        self._vae = Part.of(header, VAE_PREFIX)
        self._text = {
            name: Part.of(header, text.prefix) for name, text in self._version.text.items()
        }
        _refuse_others(header, [self._unet, self._vae, *self._text.values()])
        if ema:
            self._unet = _averaged(header, self._unet)
        unet = self._told_by_unet()
        self.kind = families.class_of(self._family, unet)
        self.abilities = families.abilities_of(self._family, unet)
        told = prediction_type or _told_prediction_type(header)
        self.prediction_type = told or self._usual_prediction_type()
        self.guessed = (
            told is None
            and self._version.prediction_type is None
            and Ability.MASK not in self.abilities
        )
        self._is_zero_snr = ZERO_SNR_MARKER in header.tensors
        self.notes = self._notes()

    @property
    def name(self) -> str:
        """For people."""
        return self.path.stem

    @property
    def family(self) -> str:
        return self._version.name

    @property
    def defaults(self) -> dict[str, Any]:
        """The fields of a request that the model does best with: the file tells none."""
        return {}

    @property
    def index(self) -> dict[str, Any]:
        """What a folder's model_index.json would say."""
        text = {name: LAYOUTS[one.layout].kind for name, one in self._version.text.items()}
        classes = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL", **text}
        return {
            "_class_name": self.kind,
            **self._family.index,
            **{name: ["", kind] for name, kind in classes.items() if self.has(name)},
        }

    def has(self, component: str) -> bool:
        """Whether the component is there. Tokenizers are Safelight's own."""
        if component in ("unet", "scheduler") or component in self._tokenizers:
            return True
        part = self._vae if component == "vae" else self._text.get(component)
        return part is not None and bool(part.tensors)

    def config(self, component: str) -> dict[str, Any]:
        """What a folder's config.json would say. Raises WeightsError."""
        if component == "scheduler":
            return self._scheduler_config()
        if component == "unet":
            return {
                **original_unet.config(self._unet),
                **self._version.unet,
                "sample_size": self._side(),
            }
        part = self._part(component)
        if component == "vae":
            side = self._side() * 2 ** max(0, part.count("encoder.down.") - 1)
            return {**original_vae.config(part), **self._version.vae, "sample_size": side}
        return LAYOUTS[self._version.text[component].layout].config(part)

    def tensors(self, component: str) -> Tensors:
        """The weights of a component. Raises WeightsError if there are none."""
        part = self._part(component)
        if component == "unet":
            return part.under(original_unet.key_map(part))
        if component == "vae":
            return part.under(original_vae.key_map(part))
        return part.under(LAYOUTS[self._version.text[component].layout].key_map(part))

    def tokenizer(self, component: str = "tokenizer") -> Path:
        """The folder of a tokenizer's files."""
        resources = Path(str(files("resources")))
        return resources / "tokenizers" / self._tokenizers[component]

    def sha256(self, components: tuple[str, ...]) -> str:
        """Of the file, whatever the components: so other programs name it, too."""
        return file_sha256(self.path)

    @property
    def _tokenizers(self) -> dict[str, str]:
        """The folder of each."""
        return dict(text.tokenizer for text in self._version.text.values())

    def _part(self, component: str) -> Part:
        parts = {"unet": self._unet, "vae": self._vae, **self._text}
        if component not in parts or not parts[component].tensors:
            raise WeightsError(
                f"{self.path} has no {component.replace('_', ' ')}: take a whole checkpoint."
            )
        return parts[component]

    def _told_by_unet(self) -> Settings:
        """What its config.json would say of its nature. Raises RefusedError."""
        channels = self._unet.shape(FIRST_LAYER, 4)[1]
        if channels not in self._family.input_channels:
            raise RefusedError(
                f"{self.path} takes {channels} channels, where a model that makes pictures of "
                "words takes 4, and one for inpainting 9: take another checkpoint."
            )
        is_distilled = any(map(self._unet.has, original_unet.GUIDANCE))
        return {"in_channels": channels, "time_cond_proj_dim": is_distilled}

    def _usual_prediction_type(self) -> str:
        # Of Stable Diffusion 2, the models for inpainting predict noise, and most others v.
        usual = "epsilon" if Ability.MASK in self.abilities else "v_prediction"
        return self._version.prediction_type or usual

    def _notes(self) -> tuple[str, ...]:
        if not self.guessed:
            return ()
        return (
            f"{self.name} does not tell whether it predicts noise or v: {self.prediction_type} is "
            "taken.",
        )

    def _side(self) -> int:
        is_v = self.prediction_type == "v_prediction"
        return self._version.side_of_v if is_v else self._version.side

    def _scheduler_config(self) -> dict[str, Any]:
        trained = {"prediction_type": self.prediction_type}
        if any(map(self._unet.has, original_unet.GUIDANCE)):
            return {**LCM, **trained}
        if self._is_zero_snr:
            return {**self._version.scheduler_of_v, **trained, **ZERO_SNR}
        is_v = self.prediction_type == "v_prediction"
        return {**(self._version.scheduler_of_v if is_v else self._version.scheduler), **trained}


def _refuse_others(header: Header, parts: list[Part]) -> None:
    """Whatever is in the file belongs to a part, or is known to mean nothing."""
    prefixes = tuple(part.prefix for part in parts)
    strange = [
        key for key in header.tensors if not key.startswith(prefixes) and not LEFTOVERS.match(key)
    ]
    if strange:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise RefusedError(
            f"{header.path} holds the tensor {strange[0][:80]!r}{more}, which is no part of "
            "Stable Diffusion: take another checkpoint."
        )


def _averaged(header: Header, unet: Part) -> Part:
    tensors = {}
    for key in unet.tensors:
        name = EMA + f"diffusion_model.{key}".replace(".", "")
        if name not in header.tensors:
            raise WeightsError(
                f"{header.path} does not hold the averaged weights (EMA) of {UNET}{key}: load it "
                "without them."
            )
        tensors[key] = header.tensors[name]
    return Part(unet.path, unet.prefix, tensors)


def _told_prediction_type(header: Header) -> str | None:
    if V_MARKER in header.tensors:
        return "v_prediction"
    noted: Mapping[str, str] = header.metadata
    return NOTES.get(noted.get(NOTED_TYPE, "")) or NOTES.get(noted.get(NOTED_KIND, ""))
