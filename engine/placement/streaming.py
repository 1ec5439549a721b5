"""Streaming: a network that is larger than the memory of the graphics card, whose blocks come there
one after the other, the next one while the last one works. Made by `engine.placement.offload`.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

PIECE = 2**26
"""Bytes that are copied at once, unless a single block is larger: some milliseconds of copying."""
ALIGNED = 256
"""Tensors begin at multiples of so many bytes, as torch itself lays them."""


class Streamed:
    """network: its lists of blocks are streamed, what is around them is not. The two pieces that
    are on the device at a time, the one at work and the next, lie in two places of one size there.

    parameters: those that are streamed.
    """

    def __init__(self, network: nn.Module, device: torch.device, limit: int = PIECE) -> None:
        self._device = device
        blocks = list(streamed_blocks(network))
        sizes = [_bytes(block.parameters()) for block in blocks]
        self._pieces: list[_Piece] = []
        for first, end in grouped(sizes, limit):
            members = blocks[first:end]
            piece = _Piece([one for block in members for one in block.parameters()], device)
            self._pieces.append(piece)
            for module in (module for block in members for module in block.modules()):
                # Each of them: a block's parts may be called without it.
                module.register_forward_pre_hook(lambda *_, piece=piece: self.need(piece))
        self.parameters = [one for piece in self._pieces for one in piece.parameters]
        self._side = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._places: list[_Place] = []
        self._at_work: _Place | None = None
        following = [*self._pieces[1:], *self._pieces[:1]]
        # Corrected by what is seen to come next.
        self._next = dict(zip(self._pieces, following, strict=True))

    def open(self) -> None:
        """Take two places on the device."""
        size = max((piece.size for piece in self._pieces), default=0)
        memories = [torch.empty(size, dtype=torch.uint8, device=self._device) for _ in range(2)]
        self._places = [_Place(memory) for memory in memories]
        for place in self._places:
            self._mark_left(place)

    def close(self) -> None:
        """Give them back."""
        for piece in self._pieces:
            piece.rest()
        for place in self._places:
            if self._side is not None:
                place.memory.record_stream(self._side)
        self._places, self._at_work = [], None

    def need(self, piece: _Piece) -> None:
        """Have this piece on the device for what is called now, and the one that will be called
        after it on its way. Waits for nothing: the device's streams wait for each other."""
        former = self._at_work
        if former is not None and former.piece is piece:
            return
        if former is not None and former.piece is not None:
            former.piece.rest()
            self._next[former.piece] = piece
            self._mark_left(former)
        place = next((one for one in self._places if one.piece is piece), None)
        if place is None:
            place = self._other(former)
            self._fill(place, piece)
        if place.filled is not None:
            torch.cuda.current_stream(self._device).wait_event(place.filled)
        piece.come(place.memory)
        self._at_work = place
        following, other = self._next[piece], self._other(place)
        if following is not piece and other.piece is not following:
            self._fill(other, following)

    def _other(self, place: _Place | None) -> _Place:
        return self._places[1] if place is self._places[0] else self._places[0]

    def _fill(self, place: _Place, piece: _Piece) -> None:
        place.piece = piece
        memory = place.memory[: piece.size]
        if self._side is None:
            memory.copy_(piece.home)
            return
        assert place.left is not None
        self._side.wait_event(place.left)
        with torch.cuda.stream(self._side):
            memory.copy_(piece.home, non_blocking=True)
            place.filled = _recorded()

    def _mark_left(self, place: _Place) -> None:
        """What the device has been told to do with this place is all, for the time being."""
        if self._side is not None:
            with torch.cuda.device(self._device):
                place.left = _recorded()


class _Place:
    """Memory on the device, and the piece in it. filled, left: when the piece has been copied
    there, and when the last one has done its work."""

    def __init__(self, memory: Tensor) -> None:
        self.memory = memory
        self.piece: _Piece | None = None
        self.filled: torch.cuda.Event | None = None
        self.left: torch.cuda.Event | None = None


class _Piece:
    """Parameters that are copied together. size: in bytes; home: all of them side by side on the
    CPU, (size,) of uint8."""

    def __init__(self, parameters: Sequence[nn.Parameter], device: torch.device) -> None:
        self.parameters = parameters
        self._offsets: list[int] = []
        self.size = 0
        for parameter in parameters:
            self._offsets.append(self.size)
            self.size += -(-parameter.nbytes // ALIGNED) * ALIGNED
        self.home = _page_locked(self.size) if device.type == "cuda" else _plain(self.size)
        for parameter, view in zip(parameters, self._views(self.home), strict=True):
            view.copy_(parameter.data)
            parameter.data = view
        self._resting = resting_places(parameters)

    def come(self, memory: Tensor) -> None:
        for parameter, view in zip(self.parameters, self._views(memory), strict=True):
            parameter.data = view

    def rest(self) -> None:
        for parameter, home in self._resting:
            parameter.data = home

    def _views(self, memory: Tensor) -> list[Tensor]:
        views = []
        for parameter, offset in zip(self.parameters, self._offsets, strict=True):
            numbers = memory[offset : offset + parameter.nbytes].view(parameter.dtype)
            views.append(numbers.as_strided(parameter.shape, parameter.stride()))
        return views


def _recorded() -> torch.cuda.Event:
    """This moment in what the present stream is told to do."""
    event = torch.cuda.Event()
    event.record()
    return event


def streamed_blocks(network: nn.Module) -> Iterator[nn.Module]:
    """The smallest parts of a network that are called as one, in the order of its lists of
    blocks; what stands outside of the lists is not among them."""
    for child in network.children():
        if _holds_a_list(child):
            yield from _cut(child)


def _cut(module: nn.Module) -> Iterator[nn.Module]:
    if _holds_a_list(module):
        for child in module.children():
            yield from _cut(child)
    elif any(True for _ in module.parameters()):
        yield module


def _holds_a_list(module: nn.Module) -> bool:
    return any(isinstance(part, nn.ModuleList) for part in module.modules())


def grouped(sizes: Sequence[int], limit: int) -> list[tuple[int, int]]:
    """Neighbours as groups of up to `limit` bytes, or of one: (first, end) of each."""
    groups: list[tuple[int, int]] = []
    taken = 0
    for index, size in enumerate(sizes):
        if groups and taken + size <= limit:
            groups[-1] = (groups[-1][0], index + 1)
            taken += size
        else:
            groups.append((index, index + 1))
            taken = size
    return groups


def resting_places(parameters: Iterable[nn.Parameter]) -> list[tuple[nn.Parameter, Tensor]]:
    """Each parameter with the tensor that it holds now."""
    return [(parameter, parameter.data) for parameter in parameters]


def _bytes(parameters: Iterable[nn.Parameter]) -> int:
    return sum(parameter.nbytes for parameter in parameters)


def _plain(size: int) -> Tensor:
    return torch.empty(size, dtype=torch.uint8)


def _page_locked(size: int) -> Tensor:
    """Memory that a card copies from by itself. torch's own would be rounded up to a power of two.
    Where the system refuses, it is plain memory, and copying is slower."""
    memory = _plain(size)
    runtime: Any = torch.cuda.cudart()
    locked = runtime.cudaHostRegister(memory.data_ptr(), size, 0)
    if locked == runtime.cudaError.success:
        weakref.finalize(memory, runtime.cudaHostUnregister, memory.data_ptr())
    return memory
