"""Files that look like checkpoints and hold next to nothing, for tests of what tells them apart:
headers with the names by which real ones are told, of the narrowest networks, over zeros.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from math import prod
from pathlib import Path

from engine.checkpoint import Checkpoint

BYTES = {"F16": 2, "BF16": 2, "F32": 4}

UNET = "model.diffusion_model."
SD1_TEXT = "cond_stage_model.transformer.text_model.final_layer_norm.weight"
SD2_TEXT = "cond_stage_model.model.ln_final.weight"
XL_TEXT = (
    "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight",
    "conditioner.embedders.1.model.ln_final.weight",
)
VAE = {
    "decoder.conv_in.weight": (32, 4, 3, 3),
    "decoder.conv_out.weight": (3, 32, 3, 3),
    "decoder.mid.block_1.conv1.weight": (32, 32, 3, 3),
    "decoder.up.0.block.0.conv1.weight": (32, 32, 3, 3),
    "encoder.conv_in.weight": (32, 3, 3, 3),
    "encoder.conv_out.weight": (8, 32, 3, 3),
    "encoder.down.0.block.0.conv1.weight": (32, 32, 3, 3),
}
TINY_DECODER = {
    "1.weight": (4, 4, 3, 3),
    "3.conv.0.weight": (4, 4, 3, 3),
    "6.weight": (4, 4, 3, 3),
    "8.conv.0.weight": (4, 4, 3, 3),
    "18.weight": (3, 4, 3, 3),
}

PROJECTION = 2
"""Width of the pooled text."""

Shapes = Mapping[str, tuple[int, ...]]


def write(
    path: Path, shapes: Shapes, dtype: str = "F16", metadata: dict[str, str] | None = None
) -> Path:
    """A whole safetensors file of zeros."""
    content: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + prod(shape) * BYTES[dtype]
        content[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(content).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return path


def original(*text: str, channels: int = 4, vae: bool = True) -> Shapes:
    """What tells a checkpoint in the original layout. text: names of text encoders' tensors, as
    above."""
    block = "1.transformer_blocks.0.attn2.to_k.weight"
    unet: dict[str, tuple[int, ...]] = {
        "input_blocks.0.0.weight": (32, channels, 3, 3),
        "input_blocks.1.0.out_layers.3.weight": (32, 32, 3, 3),
        "input_blocks.1.1.norm.weight": (32,),
        "input_blocks.1.1.proj_in.weight": (32, 32),
        f"input_blocks.1.{block}": (32, len(text)),
        "middle_block.1.proj_in.weight": (32, 32),
        f"middle_block.{block}": (32, len(text)),
        f"output_blocks.0.{block}": (32, len(text)),
        "out.2.weight": (4, 32, 3, 3),
    }
    if len(text) > 1:
        unet["label_emb.0.0.weight"] = (128, PROJECTION + 6 * 256)
    shapes = {f"{UNET}{name}": shape for name, shape in unet.items()}
    for name in text:
        shapes |= _text_encoder(name)
    if vae:
        shapes |= {f"first_stage_model.{name}": shape for name, shape in VAE.items()}
    return shapes


def _text_encoder(name: str) -> Shapes:
    """One of width 1, by the name of its last norm."""
    shapes: dict[str, tuple[int, ...]] = {name: (1,)}
    if name.endswith(".ln_final.weight"):
        prefix = name.removesuffix("ln_final.weight")
        shapes |= {
            f"{prefix}token_embedding.weight": (49408, 1),
            f"{prefix}positional_embedding": (77, 1),
            f"{prefix}transformer.resblocks.0.mlp.c_fc.weight": (4, 1),
            f"{prefix}transformer.resblocks.1.mlp.c_fc.weight": (4, 1),
            f"{prefix}text_projection": (1, PROJECTION),
        }
    else:
        prefix = name.removesuffix("final_layer_norm.weight")
        shapes |= {
            f"{prefix}embeddings.token_embedding.weight": (49408, 1),
            f"{prefix}embeddings.position_embedding.weight": (77, 1),
            f"{prefix}encoder.layers.0.mlp.fc1.weight": (4, 1),
        }
    return shapes


def told(found: Checkpoint) -> tuple[str, str | None, bool, str, str]:
    return found.family, found.prediction_type, "mask" in found.abilities, found.dtype, found.state


def names(found: list[Checkpoint]) -> list[str]:
    return [each.name for each in found]


def has_one_sentence(found: Checkpoint) -> bool:
    """That says what is wrong and, after the colon, what to do, and names the place."""
    problem = found.problem
    return problem.endswith(".") and ": " in problem and "\n" not in problem


COMMITS = ("1" * 40, "2" * 40)


def cached(cache: Path, repo_id: str, content: Path, commit: str = COMMITS[0]) -> Path:
    """Put a folder or a file into the cache as huggingface_hub does. Returns the snapshot."""
    repository = cache / f"models--{repo_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    (repository / "blobs").mkdir(parents=True, exist_ok=True)
    files = [content] if content.is_file() else [p for p in content.rglob("*") if p.is_file()]
    for file in files:
        data = file.read_bytes()
        if file.suffix == ".safetensors":
            digest = hashlib.sha256(data).hexdigest()
        else:
            digest = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        (repository / "blobs" / digest).write_bytes(data)
        pointer = snapshot / (file.name if content.is_file() else file.relative_to(content))
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.symlink_to(os.path.relpath(repository / "blobs" / digest, pointer.parent))
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(commit)
    return snapshot


SD1 = original(SD1_TEXT)
"""The tensors of a whole Stable Diffusion 1."""
