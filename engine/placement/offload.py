"""Offload: which networks of a pipeline are on the graphics card, where they do not all fit. Chosen
by the pipelines when they are loaded; from then on a network that is called comes by itself.
"""

from __future__ import annotations

import math
import threading
from enum import StrEnum
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.errors import LoadError
from engine.hardware.memory import memory_free
from engine.networks.layers.widening import settle
from engine.placement.cuda_graph import GraphedCall
from engine.placement.streaming import Streamed, resting_places
from engine.weights.tensors import Tensors

Network = TypeVar("Network", bound=nn.Module)

WORKING = 2**30
"""Bytes that are to stay free beside the weights, for what the networks calculate with. A decode
that needs more is done in tiles."""


class Placement(StrEnum):
    """What is on the card at the same time, from the quickest to the thriftiest.

    TOGETHER: all of it. TEXT_APART: the text encoders leave once they have read. IN_TURN: only the
    network at work. IN_BLOCKS: of the UNet, only the blocks at work.
    """

    TOGETHER = "together"
    TEXT_APART = "text apart"
    IN_TURN = "in turn"
    IN_BLOCKS = "in blocks"


def placement_for(free: float, text: int, unet: int, vae: int) -> Placement:
    """The quickest placement whose weights fit. free: bytes that the card has; text, unet, vae:
    bytes of these networks' weights."""
    needed = {
        Placement.TOGETHER: text + unet + vae,
        Placement.TEXT_APART: max(text, unet + vae),
        Placement.IN_TURN: max(text, unet, vae),
    }
    fitting = (one for one, weights in needed.items() if weights + WORKING <= free)
    return next(fitting, Placement.IN_BLOCKS)


def chosen(
    name: str, device: torch.device, text: int = 0, unet: int = 0, vae: int = 0
) -> Placement:
    """The placement of that name; for "auto" the one that suits the memory that is free now.
    Raises LoadError for an unknown name."""
    if name == "auto":
        return placement_for(memory_free(device), text, unet, vae)
    if name not in list(Placement):
        raise LoadError(f"The placement {name!r} is not known. Take auto, {', '.join(Placement)}.")
    return Placement(name)


def weight_bytes(tensors: Tensors, dtype: torch.dtype) -> int:
    """What these weights will take, from their headers alone."""
    return sum(math.prod(shape) for shape in tensors.shapes().values()) * dtype.itemsize


class Stage:
    """The card, and who is on it. device: the card, which every network works on; home: where the
    weights are loaded to.

    Where not all are on it, one group of networks is at a time, and it is one thread that works
    with them: another one's call waits for the end of the call under way.
    """

    def __init__(self, device: torch.device, placement: Placement) -> None:
        self.device = device
        self.placement = placement
        self.home = device if placement == Placement.TOGETHER else torch.device("cpu")
        self._lock = threading.RLock()
        self._groups: dict[str, list[_Guest]] = {}
        self._present = ""

    def quickened(self, unet: Network, cuda_graph: bool) -> Network | GraphedCall:
        """What is to be called in place of the UNet: a recording of it, where that is asked for and
        its weights never move."""
        stays = self.placement == Placement.TOGETHER and self.device.type == "cuda"
        return GraphedCall(unet) if cuda_graph and stays else unet

    def seat(self, part: str, *networks: nn.Module) -> None:
        """Take in loaded networks of a part, "text", "unet" or "vae". Where they cannot stay on the
        card they come with the first call of any of their modules."""
        if self.placement == Placement.TOGETHER:
            return
        alone = self.placement != Placement.TEXT_APART or part == "text"
        group = part if alone else "others"
        for network in networks:
            settle(network)
            for buffer in network.buffers():
                buffer.data = buffer.data.to(self.device)
            streams = part == "unet" and self.placement == Placement.IN_BLOCKS
            blocks = Streamed(network, self.device) if streams else None
            self._groups.setdefault(group, []).append(_Guest(network, self.device, blocks))
            for module in network.modules():
                module.register_forward_pre_hook(lambda *_: self._enter(group), prepend=True)
                module.register_forward_hook(lambda *_: self._lock.release(), always_call=True)

    def _enter(self, group: str) -> None:
        self._lock.acquire()  # until the module's call ends, with an error or without
        if self._present == group:
            return
        for guest in self._groups.get(self._present, ()):
            guest.go()
        self._present = ""
        try:
            for guest in self._groups[group]:
                guest.come()
        except BaseException:
            for guest in self._groups[group]:
                guest.go()
            raise
        self._present = group


class _Guest:
    """A network whose weights rest on the CPU and are on the device for a time. As nobody changes
    them, leaving costs nothing."""

    def __init__(self, network: nn.Module, device: torch.device, blocks: Streamed | None) -> None:
        self._device = device
        self._blocks = blocks
        streamed = {id(parameter) for parameter in blocks.parameters} if blocks else set()
        self._resting: list[tuple[nn.Parameter, Tensor]] = resting_places(
            parameter for parameter in network.parameters() if id(parameter) not in streamed
        )

    def come(self) -> None:
        for parameter, home in self._resting:
            parameter.data = home.to(self._device, parameter.dtype)  # some are widened for a time
        if self._blocks:
            self._blocks.open()

    def go(self) -> None:
        for parameter, home in self._resting:
            parameter.data = home
        if self._blocks:
            self._blocks.close()
