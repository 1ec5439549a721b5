"""Weights that are no plain numbers: packed to a few bits, with scales beside them. Named here by
what their programs put beside a tensor. Asked by `Tensors`, so for the library as for a load.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.weights.header import RefusedError, Stored, shown

SIGNS = (
    ("ComfyUI's quantisation", (".comfy_quant",)),
    ("bitsandbytes' NF4 or FP4", (".absmax", ".quant_map", ".bitsandbytes__nf4", "__fp4")),
    ("bitsandbytes' 8 bits", (".SCB", ".weight_format")),
    ("GPTQ or AWQ", (".qweight", ".qzeros", ".g_idx", ".scales")),
    ("SVDQuant", (".wscales", ".smooth_factor", ".wcscales", ".wtscale")),
    ("quanto's quantisation", ("._data", "._scale", ".input_scale", ".output_scale")),
    (
        "scaled float8",
        (".scale_weight", ".scale_input", ".weight_scale", ".weight_scale_2", "scaled_fp8"),
    ),
)
"""How the names end of what each way of packing puts beside the weights."""
_ENDINGS = tuple(ending for _, endings in SIGNS for ending in endings)
DTYPES = {
    "I8": "8-bit whole numbers",
    "U8": "4 or 8 bits",
    "F8_E8M0": "scales of float8",
    "F4": "4 bits",
    "F6_E2M3": "6 bits",
    "F6_E3M2": "6 bits",
    "C64": "complex numbers",
}
"""Those of a header whose numbers are not the weights themselves."""


def refuse_packed(path: Path, tensors: Iterable[tuple[str, Stored]]) -> None:
    """Raise RefusedError where one of these (name, tensor) is packed. path: what the error
    names."""
    odd: tuple[str, str] | None = None
    for name, stored in tensors:
        if name.endswith(_ENDINGS):
            how = next(how for how, endings in SIGNS if name.endswith(endings))
            _refuse(path, how, name)
        if stored.dtype in DTYPES and not odd:
            odd = name, DTYPES[stored.dtype]
    if odd:
        _refuse(path, odd[1], odd[0])


def _refuse(path: Path, how: str, name: str) -> None:
    raise RefusedError(
        f"{path} has its weights in {how} ({shown(name)}), which Safelight does not run: take the "
        "model in float16, bfloat16 or float32."
    )
