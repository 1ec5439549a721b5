"""Files that look like checkpoints and hold next to nothing, for tests of what tells them apart:
whole headers with names as the real ones have them, over a handful of zeros.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path

BYTES = {"F16": 2, "BF16": 2, "F32": 4}

UNET = "model.diffusion_model."
SD1_TEXT = "cond_stage_model.transformer.text_model.final_layer_norm.weight"
SD2_TEXT = "cond_stage_model.model.ln_final.weight"
XL_TEXT = (
    "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight",
    "conditioner.embedders.1.model.ln_final.weight",
)
VAE = {
    "decoder.conv_in.weight": (8, 4, 3, 3),
    "decoder.conv_out.weight": (3, 8, 3, 3),
    "decoder.mid.block_1.conv1.weight": (8, 8, 3, 3),
    "decoder.up.0.block.0.conv1.weight": (8, 8, 3, 3),
    "encoder.conv_in.weight": (8, 3, 3, 3),
    "encoder.conv_out.weight": (8, 8, 3, 3),
    "encoder.down.0.block.0.conv1.weight": (8, 8, 3, 3),
}
TINY_DECODER = {
    "1.weight": (4, 4, 3, 3),
    "3.conv.0.weight": (4, 4, 3, 3),
    "6.weight": (4, 4, 3, 3),
    "18.weight": (3, 4, 3, 3),
}

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
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    return path


def original(*text: str, channels: int = 4, vae: bool = True) -> Shapes:
    """What tells a checkpoint in the original layout. text: names of text encoders' tensors."""
    shapes: dict[str, tuple[int, ...]] = {
        f"{UNET}input_blocks.0.0.weight": (8, channels, 3, 3),
        **dict.fromkeys(text, (8,)),
    }
    if vae:
        shapes |= {f"first_stage_model.{name}": shape for name, shape in VAE.items()}
    return shapes
