"""One look at a model before any of its weights are read: whether its parts are there, whether what
their settings ask for can be run, and whether they are of one model. Called by the pipelines before
they load and by the library of models, so that what is listed as ready loads, and what does not is
told in the same words. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from engine import schedulers
from engine.errors import ConfigError, LoadError, SchedulerError, told
from engine.families.ddpm import DDPM
from engine.networks.autoencoder.autoencoder_kl_config import VAEConfig
from engine.networks.autoencoder.tiny_autoencoder_config import TinyConfig
from engine.networks.text.clip_text_config import CLIPTextConfig
from engine.networks.unet.unet_2d_condition_config import UNetConfig
from engine.networks.unet.unet_2d_config import UNet2DConfig
from engine.weights.files import Files
from engine.weights.header import RefusedError, shown
from engine.weights.keys import PROJECTION
from engine.weights.tensors import Tensors
from engine.weights.vocabulary import check_vocabulary

Config = TypeVar("Config")
Encoders = Sequence[tuple[str, str]]
"""Text encoders with the tokenizer of each, by their components."""

TINY = "AutoencoderTiny"
LONE_UNET = "UNet2DModel"
GREY, COLOUR = 1, 3
IN_FILES = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.", "conditioner.")
"""How the names of a single file begin."""


class Unfit(ConfigError):
    """Files that are whole, and nothing that Safelight can run."""


def look_at_text_to_image(files: Files, encoders: Encoders, vae: Files | None = None) -> None:
    """Raise LoadError where this is no whole text-to-image model, or none that can be run; its
    kind Unfit where nothing is wrong with the files. vae: takes the place of the model's own."""
    _check_complete(files, encoders, needs_vae=vae is None)
    _check_scheduler(files)
    unet_tensors = files.tensors("unet")
    _check_names(unet_tensors)
    unet = _read(UNetConfig.from_dict, files.config("unet"), unet_tensors)
    texts = []
    for encoder, tokenizer in encoders:
        tensors = files.tensors(encoder)
        _check_names(tensors)
        projects = PROJECTION in tensors.shapes()
        config = files.config(encoder)
        text = _read(
            lambda content, p=projects: CLIPTextConfig.from_dict(content, p), config, tensors
        )
        check_vocabulary(files.tokenizer(tokenizer), text.vocab_size)
        texts.append(text)
    latents = look_at_autoencoder(vae or files)
    _check_fit(files, unet, texts, latents)


def look_at_autoencoder(files: Files) -> int:
    """The channels of the latents that this model's, or this lone, autoencoder has. Raises as
    above."""
    component = "tiny" if files.kind == TINY else "vae"
    config, tensors = files.config(component), files.tensors(component)
    _check_names(tensors)
    halves = {name.partition(".")[0] for name in tensors.shapes()}
    if TINY in (files.kind, config.get("_class_name")):
        if "encoder" not in halves:
            config = {**config, "num_encoder_blocks": None}
        return _read(TinyConfig.from_dict, config, tensors).latent_channels
    for half in ("encoder", "decoder"):
        if half not in halves:
            raise Unfit(f"{tensors.path} is a VAE without its {half}: take a whole one.")
    return _read(VAEConfig.from_dict, config, tensors).latent_channels


def look_at_pixels(files: Files) -> None:
    """The same as for text to image, of a model of one UNet that makes pixels."""
    config = files.config("unet")
    _check_scheduler(files)
    _check_kind(files, config)
    unet = _read(UNet2DConfig.from_dict, config, files.tensors("unet"))
    if unet.in_channels not in (GREY, COLOUR) or unet.out_channels != unet.in_channels:
        raise Unfit(
            f"The UNet of {files.path} makes {unet.out_channels} channels of {unet.in_channels}. "
            "Safelight runs those that make 3 of 3 (colour) or 1 of 1 (grey)."
        )
    by_label = unet.class_embed_type is None or (
        unet.class_embed_type == "timestep" and unet.num_class_embeds is not None
    )
    if not by_label:
        raise Unfit(
            f"The UNet of {files.path} has class_embed_type {unet.class_embed_type!r} and "
            f"num_class_embeds {unet.num_class_embeds!r}: it is not asked by the number of a "
            "class, which is all that Safelight has to tell it."
        )
    counted = scheduler_config(files).get("num_train_timesteps", 1000)
    if unet.time_embedding_type == "learned" and counted != unet.num_train_timesteps:
        raise Unfit(
            f"The UNet of {files.path} has learned {unet.num_train_timesteps} timesteps, but "
            f"its scheduler counts {told(counted)}. The two are not of one model."
        )


def scheduler_config(files: Files) -> dict[str, Any]:
    """The model's own; the plain DDPM where there is a network and nothing else."""
    if files.kind == LONE_UNET and not files.has("scheduler"):
        return dict(DDPM.scheduler)
    return files.config("scheduler")


def _read(
    read: Callable[[Mapping[str, Any]], Config], config: Mapping[str, Any], tensors: Tensors
) -> Config:
    try:
        return read(config)
    except ConfigError as error:
        raise Unfit(f"{tensors.config} cannot be used. {error}") from None


def _check_names(tensors: Tensors) -> None:
    """Raise RefusedError for a tensor of a single file that is no layer of its network: the layouts
    leave it the name that it has in the file."""
    for name in tensors.shapes():
        if name.startswith(IN_FILES):
            raise RefusedError(
                f"{tensors.path} has an unexpected tensor ({shown(name)}), which is no part of "
                "Stable Diffusion: take another file of this model."
            )


def _check_complete(files: Files, encoders: Encoders, needs_vae: bool) -> None:
    """Raise LoadError for components that are not there at all. Others, such as a safety checker,
    may be there or not."""
    needed = [component for names in encoders for component in names]
    needed += ["unet", "vae", "scheduler"] if needs_vae else ["unet", "scheduler"]
    if missing := [component for component in needed if not files.has(component)]:
        raise LoadError(
            f"{files.path} has no {' and no '.join(missing)}, which a {files.kind} needs: is this "
            "model complete?"
        )


def _check_scheduler(files: Files) -> None:
    """Whether there is such a scheduler, it takes these settings, and it is for networks of
    diffusion: one for flow would run, and draw nothing but clouds."""
    config = scheduler_config(files)
    kind = config.get("_class_name", "")
    try:
        if not isinstance(kind, str):
            raise SchedulerError(f"Its _class_name is {told(kind)}, which is no name.")
        network = schedulers.describe(kind).network
        schedulers.create(kind, config, 1)
    except SchedulerError as error:
        raise Unfit(f"The scheduler of {files.path} cannot be used. {error}") from None
    except (ArithmeticError, ValueError, TypeError) as error:
        raise Unfit(
            f"The scheduler of {files.path} has settings that make no noise ({error}): take the "
            "scheduler_config.json that its model has."
        ) from None
    if network != "diffusion" or config.get("prediction_type") == "flow_prediction":
        what = network if network != "diffusion" else "flow"
        raise Unfit(
            f"The scheduler of {files.path} ({kind}) is for a network of {what}, which Safelight "
            "does not run: take another model."
        )


def _check_kind(files: Files, config: Mapping[str, Any]) -> None:
    named = files.index.get("unet")
    listed = named[-1] if isinstance(named, list) and named else LONE_UNET
    for kind in (listed, config.get("_class_name", LONE_UNET)):
        if kind != LONE_UNET:
            raise Unfit(
                f"The UNet of {files.path} is a {told(kind)}; a {files.kind} runs with a "
                f"{LONE_UNET}."
            )


def _check_fit(
    files: Files, unet: UNetConfig, texts: Sequence[CLIPTextConfig], latents: int
) -> None:
    # What it paints into comes as latents, and which part of that as one channel more.
    if unet.in_channels not in (latents, 2 * latents + 1) or unet.out_channels != latents:
        raise Unfit(
            f"The UNet of {files.path} makes {unet.out_channels} channels of {unet.in_channels} "
            f"but its VAE has {latents}. Safelight runs those that make {latents} of {latents}."
        )
    width, pooled = sum(text.hidden_size for text in texts), texts[-1].projection_dim
    if unet.cross_attention_dim != width:
        raise Unfit(
            f"The UNet of {files.path} reads text of width {unet.cross_attention_dim} but its "
            f"text encoder writes {width}. The two are not of one model."
        )
    if unet.pooled_dim is not None and unet.pooled_dim != pooled:
        raise Unfit(
            f"The UNet of {files.path} reads a pooled text of width {unet.pooled_dim} but its text "
            f"encoder writes {pooled or 'none'}. The two are not of one model."
        )
    if unet.class_embed_type is not None or unet.num_class_embeds is not None:
        raise Unfit(
            f"The UNet of {files.path} was trained with classes besides the prompt; Safelight has "
            "none to tell it."
        )
