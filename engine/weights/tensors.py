"""Tensors: the weights of one component, wherever they lie: which tensor of which file becomes
which of the network's, and how. Made by the layouts (`folder`, `single_file`), read by `strict`.
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine import foreign
from engine.errors import EngineError, WeightsError
from engine.weights.header import BYTES, Header, Shape, Stored, unreadable
from engine.weights.packed import refuse_packed

if TYPE_CHECKING:  # checkpoints are listed without torch
    import torch
    from torch import Tensor

TORCH_NAMES = {
    "F4": "float4_e2m1fn_x2",
    "F6_E2M3": "float6_e2m3fn",
    "F6_E3M2": "float6_e3m2fn",
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "U16": "uint16",
    "I16": "int16",
    "F16": "float16",
    "BF16": "bfloat16",
    "U32": "uint32",
    "I32": "int32",
    "F32": "float32",
    "U64": "uint64",
    "I64": "int64",
    "F64": "float64",
    "C64": "complex64",
}
"""The dtypes of a header, as torch calls them, or would call them."""


@dataclass(frozen=True)
class Change:
    """How a tensor of the file becomes one of the network's. A shape that it does not fit stays as
    it is, so that the comparison of shapes names it."""

    shape: Callable[[Shape], Shape]
    tensor: Callable[[Tensor], Tensor]


AS_IT_IS = Change(lambda shape: shape, lambda tensor: tensor)
LINEAR = Change(
    lambda shape: shape[:2] if shape[2:] == (1, 1) else shape,
    lambda tensor: tensor.flatten(1) if tensor.shape[2:] == (1, 1) else tensor,
)
"""A convolution over single pixels, (O, I, 1, 1), is a linear layer, (O, I)."""
TURNED = Change(lambda shape: shape[::-1], lambda tensor: tensor.t().contiguous())
"""(I, O) to (O, I)."""


def third(part: int) -> Change:
    """One of three that lie fused one below the other: (3 N, …) to (N, …)."""
    return Change(
        lambda shape: (shape[0] // 3, *shape[1:]) if shape and shape[0] % 3 == 0 else shape,
        lambda tensor: tensor.chunk(3)[part],
    )


THIRDS = (third(0), third(1), third(2))


class Target(NamedTuple):
    """A tensor of the network, by its key there."""

    name: str
    change: Change = AS_IT_IS


KeyMap = Callable[[str], tuple[Target, ...]]
"""A key of the file -> what of the network is in it; nothing for a left-over that means nothing."""


def same_key(key: str) -> tuple[Target, ...]:
    return (Target(key),)


class Origin(NamedTuple):
    """Where a tensor of the network comes from."""

    file: Path
    key: str
    stored: Stored
    target: Target


@dataclass(frozen=True)
class Tensors:
    """path: what an error names; config: where the settings beside it come from, for errors. Raises
    RefusedError for weights that are no plain numbers."""

    path: Path
    config: Path
    origins: tuple[Origin, ...]

    def __post_init__(self) -> None:
        refuse_packed(self.path, ((one.key, one.stored) for one in self.origins))

    @classmethod
    def of(
        cls,
        path: Path,
        config: Path,
        headers: Iterable[Header],
        key_map: KeyMap = same_key,
    ) -> Tensors:
        """All that the key map makes of the files' tensors."""
        origins = [
            Origin(header.path, key, stored, target)
            for header in headers
            for key, stored in header.tensors.items()
            for target in key_map(key)
        ]
        return cls(path, config, tuple(origins))

    def shapes(self) -> dict[str, Shape]:
        """By the network's keys, from the headers alone."""
        return {one.target.name: one.target.change.shape(one.stored.shape) for one in self.origins}

    def read(
        self,
        device: torch.device,
        dtype: torch.dtype | None = None,
        order: torch.memory_format | None = None,
        as_stored: Container[str] = (),
        resting: Container[str] = (),
    ) -> Iterator[tuple[str, Tensor, float]]:
        """(the network's key, tensor, the fraction of all bytes that is read by then), one after
        the other. Floating-point numbers become dtype, if one is given; others stay what they are.
        order: how filters, which have four dimensions, are to lie in memory. as_stored: names of
        those that become no wider than the file has them. resting: of those that stay what they
        are, on the CPU.

        A tensor that needs no change is the file's own memory map. As soon as there is none of it
        any more its part of the map is let go of, so that what is converted is in memory once.
        Raises WeightsError.
        """
        total = sum(one.stored.bytes for one in self.origins) or 1
        done = 0
        for path, in_file in groupby(self.origins, key=lambda one: one.file):
            mapped = _mapped(path)
            for _, of_key in groupby(in_file, key=lambda one: one.key):
                of_key = tuple(of_key)
                stored = of_key[0].stored
                tensor = _tensor(mapped, stored, path)
                for one in of_key:
                    done += stored.bytes
                    changed = one.target.change.tensor(tensor)
                    if one.target.name not in resting:
                        wanted = dtype if changed.is_floating_point() else None
                        widens = wanted is not None and wanted.itemsize > changed.itemsize
                        if widens and one.target.name in as_stored:
                            wanted = None
                        filters = changed.dim() == 4
                        changed = _laid_out(changed, device, wanted, order if filters else None)
                    yield one.target.name, changed, done / total
                    del changed
                del tensor


def _laid_out(
    tensor: Tensor,
    device: torch.device,
    dtype: torch.dtype | None,
    order: torch.memory_format | None,
) -> Tensor:
    if order is None:
        return tensor.to(device=device, dtype=dtype)
    return tensor.to(device=device, dtype=dtype, memory_format=order)


def _mapped(path: Path) -> mmap.mmap:
    try:
        with foreign.open_file(path) as file:
            # A private map: what somebody writes into a tensor does not go into the file.
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError) as error:
        raise WeightsError(unreadable(path, error)) from None
    except EngineError as error:
        raise WeightsError(str(error)) from None


def _tensor(mapped: mmap.mmap, stored: Stored, path: Path) -> Tensor:
    import torch

    dtype = getattr(torch, TORCH_NAMES[stored.dtype])
    if stored.start + stored.bytes > len(mapped):
        raise WeightsError(f"{path} was changed while it was read: load this model again.")
    if not stored.bytes:
        return torch.empty(stored.shape, dtype=dtype)
    piece = (ctypes.c_ubyte * stored.bytes).from_buffer(mapped, stored.start)
    weakref.finalize(piece, _let_go, mapped, stored).atexit = False
    raw = torch.frombuffer(piece, dtype=torch.uint8)
    if stored.start % BYTES[stored.dtype]:
        raw = raw.clone()  # old files do not keep numbers at even addresses
    return raw.view(dtype).view(stored.shape)


def _let_go(mapped: mmap.mmap, stored: Stored) -> None:
    """Tell the system that these bytes will not be needed again, where it can be told."""
    if not hasattr(mapped, "madvise"):
        return
    begin = -(-stored.start // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (stored.start + stored.bytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if end > begin:
        mapped.madvise(mmap.MADV_DONTNEED, begin, end - begin)
