"""What a single safetensors file is, told by its header. Called by `inspect` for every file that a
scan comes by, so what is no model is put aside after a look at the bytes of its header, and only
the others are read as the loaders read them.

Worked example: a header with the letters `lora_unet_` in it is that of a LoRA. One with
`"model.diffusion_model.` is read by `SingleFile`, one with `decoder.conv_out.weight` by
`lone_autoencoder`, so that what they refuse is told here in their words.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from engine import families, foreign
from engine.errors import EngineError, LoadError
from engine.families.autoencoders import TINY_AUTOENCODER, VAE
from engine.families.family import Ability
from engine.families.others import OTHERS, UNLISTED
from engine.weights.header import LENGTH_BYTES, LONGEST_HEADER, Header, RefusedError, read_header
from engine.weights.lone_autoencoder import lone_autoencoder
from engine.weights.original.version import UNET, refuse_foreign
from engine.weights.single_file import VAE_PREFIX, SingleFile
from engine.weights.tensors import TORCH_NAMES
from engine.weights.whole import Unfit, look_at_autoencoder, look_at_text_to_image

CHECKPOINT_SIGN = f'"{UNET}'.encode()
ADDITIONS = re.compile(
    rb"lora_unet_|lora_te|\.lora_(?:up|down|A|B|linear_layer)|\.lora\.(?:up|down)|\.hada_w1|"
    rb"\.lokr_w1|\"control_model\.|\"controlnet_|\"input_hint_block\.|lllite_unet|motion_modules\."
)
"""LoRAs and their kin, ControlNets and motion modules, by what is in one of their names."""
AUTOENCODER_SIGNS = (
    *VAE.signs,
    *(VAE_PREFIX + sign for sign in VAE.signs),
    *TINY_AUTOENCODER.signs,
)
UNLISTED_SIGNS = tuple(
    sign for family in OTHERS if family.name in UNLISTED for sign in family.signs
)


class Unlisted(RefusedError):
    """A file that nobody who looks for models wants to see."""


class Incomplete(LoadError):
    """Files or parts of a model are missing."""


class Contents(NamedTuple):
    """What a Checkpoint tells of its weights."""

    family: str
    dtype: str
    prediction_type: str | None = None
    abilities: frozenset[Ability] = frozenset()
    lacks: tuple[str, ...] = ()


def read_contents(path: str, size: int, changed: int) -> Contents:
    """What the file at `path` is. size and changed (nanoseconds) tell a file that was written anew:
    one that was not is not read again, whether it can be run or not. Raises LoadError and its
    kinds."""
    found = _found(path, size, changed)
    if isinstance(found, Contents):
        return found
    raise found.with_traceback(None)  # else it would hold the frames of all who were told before


@lru_cache(maxsize=8192)
def _found(path: str, size: int, changed: int) -> Contents | LoadError:
    """The contents, or why whole files are none that can be run. Raises LoadError for the others:
    what could not be read may be readable at the next look."""
    try:
        return _read(path, size)
    except (RefusedError, Unfit) as error:
        return error


def _read(path: str, size: int) -> Contents:
    place = Path(path)
    text = _text_of_header(place, size)
    if CHECKPOINT_SIGN in text:
        return _checkpoint(place, text)
    if ADDITIONS.search(text):
        raise Unlisted(f"{path} goes with a checkpoint and is none itself: take the checkpoint.")
    return _other(read_header(place))


def main_dtype(tensors: Iterable[tuple[str, int]]) -> str:
    """As torch calls it: the dtype that most bytes have, "" if there are none. tensors: dtype and
    bytes of each."""
    sizes: Counter[str] = Counter()
    for dtype, size in tensors:
        sizes[dtype] += size
    # Not most_common: that imports a C library, which waits for those of torch while they load.
    return TORCH_NAMES[max(sizes, key=sizes.__getitem__)] if sizes else ""


def _text_of_header(path: Path, size: int) -> bytes:
    """Nothing of a file that has none: whoever reads it then says what it is."""
    try:
        with foreign.open_file(path) as file:
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            return file.read(length) if length <= min(size, LONGEST_HEADER) else b""
    except (OSError, EngineError):
        return b""


def _checkpoint(path: Path, text: bytes) -> Contents:
    files = SingleFile(path)
    family = families.by_class(files.kind)
    assert family is not None and family.text is not None, files.kind
    encoders = family.text.encoders
    needed = ("vae", *(encoder for encoder, _ in encoders))
    lacking = [name.replace("_", " ") for name in needed if not files.has(name)]
    if not lacking:
        look_at_text_to_image(files, encoders)
    tensors = [entry for name, entry in json.loads(text).items() if name != "__metadata__"]
    return Contents(
        family=family.name if family.distilled_from else files.family,
        dtype=main_dtype(
            (entry["dtype"], entry["data_offsets"][1] - entry["data_offsets"][0])
            for entry in tensors
        ),
        prediction_type=None if files.guessed else files.prediction_type,
        abilities=files.abilities,
        lacks=tuple(lacking),
    )


def _other(header: Header) -> Contents:
    """An autoencoder, or what stands in the way of using the file."""
    path, tensors = header.path, header.tensors
    if any(sign in tensors for sign in AUTOENCODER_SIGNS):
        return _autoencoder(header)
    if not any(sign in tensors for sign in UNLISTED_SIGNS):
        refuse_foreign(header)
    first = next(iter(tensors), "nothing")
    raise Unlisted(
        f"{path} holds no model that Safelight knows (its first tensor is {first[:60]!r}): take "
        "another file."
    )


def _autoencoder(header: Header) -> Contents:
    found = lone_autoencoder(header.path)
    family = families.by_class(found.kind)
    assert family is not None, found.kind
    channels = look_at_autoencoder(found)
    if channels != family.latent_channels or any("quantize." in key for key in header.tensors):
        raise RefusedError(
            f"{header.path} is an autoencoder for other latents ({channels} channels) than those "
            "of Stable Diffusion: take another one."
        )
    return Contents(
        family=family.name,
        dtype=main_dtype((tensor.dtype, tensor.bytes) for tensor in header.tensors.values()),
    )
