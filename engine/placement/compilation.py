"""Compilation: the arithmetic that a UNet repeats, through torch.compile where there is a compiler.
Made by `engine.load` if it is asked for; what came of it is in the record of every image.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
import torch._dynamo
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException

from engine.networks.layers.convolution import Conv3x3
from engine.networks.layers.int8 import asked
from engine.networks.layers.packing import unpack
from engine.networks.layers.resnet import ResnetBlock2D
from engine.networks.layers.transformer import FeedForward
from engine.networks.layers.widening import settle
from engine.networks.poll import Poll, no_poll

FOLDER = "compiled"
SIGNATURES = 128
"""Shapes for which a part is compiled, each for itself; torch's own 8 are fewer than one UNet
has. What comes after them runs as it is."""
NO_COMPILER = {"InvalidCxxCompiler": "no C++ compiler was found", "TritonMissing": "no Triton here"}
"""By the name of torch's exception: some of its versions lack one of the classes."""


class Compilation:
    """note: for the record, what came of it so far. A part is compiled when it is first called with
    inputs of these shapes. Where that fails, it and all others run as they are from then on."""

    def __init__(self) -> None:
        self._compiled: Callable[..., Tensor] | None = None
        self._succeeded = False
        self._problem = ""
        try:
            # One function for all: parts of equal shapes share what was compiled for the first.
            self._compiled = torch.compile(_run, dynamic=False)
        except RuntimeError as error:  # a Python or a system that this torch cannot compile for
            self._give_up(error)

    @property
    def note(self) -> str:
        if not self._problem:
            return "compiled"
        return f"{'compiled in part' if self._succeeded else 'not compiled'}: {self._problem}"

    def run(self, part: nn.Module, *inputs: Tensor | None) -> Tensor:
        """What the part makes of the inputs, compiled or not: alike up to rounding. In 8 bits it is
        not compiled: those products are the library's own."""
        if self._compiled is not None and not asked():
            try:
                output = self._compiled(part, *inputs)
                self._succeeded = True
                return output
            except TorchDynamoException as error:
                self._give_up(error)
        return part(*inputs)

    def _give_up(self, error: BaseException) -> None:
        self._compiled = None
        self._problem = _reason(error)


class CompiledLayers(nn.Module):
    """Takes the place of the layers of a FeedForward."""

    def __init__(self, layers: nn.Module, compilation: Compilation) -> None:
        super().__init__()
        self.layers = layers
        self.compilation = compilation

    def forward(self, tokens: Tensor) -> Tensor:
        return self.compilation.run(self.layers, tokens)


class CompiledResnet(nn.Module):
    """Takes the place of a ResnetBlock2D. It polls before the block and not within, where every
    caller's own poll would be compiled for itself."""

    def __init__(self, block: ResnetBlock2D, compilation: Compilation) -> None:
        super().__init__()
        self.block = block
        self.compilation = compilation

    def forward(self, hidden: Tensor, time: Tensor | None = None, poll: Poll = no_poll) -> Tensor:
        """Like ResnetBlock2D's."""
        poll()
        return self.compilation.run(self.block, hidden, time)


class Untraced(nn.Module):
    """Takes the place of a convolution within a compiled part, which looks for its quickest way by
    the clock: torch.compile leaves it as it is."""

    def __init__(self, convolution: Conv3x3) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, hidden: Tensor) -> Tensor:
        return _untraced(self.convolution, hidden)


def compile_parts(network: nn.Module, cache: Path | None) -> Compilation:
    """Put the compiled kind in the place of the network's residual blocks and feed-forwards, which
    have nearly all that can be fused: no whole block, since callers step in between its parts.

    cache: what was compiled is kept in a folder there, for all processes; None leaves the place to
    torch or TORCHINDUCTOR_CACHE_DIR. Raises nothing.
    """
    if cache is not None:
        # Set, not only where nothing is: torch writes its own place there when it is imported.
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(cache / FOLDER)
    limits = torch._dynamo.config
    limits.recompile_limit = max(SIGNATURES, limits.recompile_limit)
    compilation = Compilation()
    settle(network)
    for name, part in list(network.named_modules()):
        if type(part) is ResnetBlock2D:  # its kin are called otherwise
            part.set_submodule("conv1", Untraced(part.conv1))
            part.set_submodule("conv2", Untraced(part.conv2))
            network.set_submodule(name, CompiledResnet(part, compilation))
        elif isinstance(part, FeedForward):
            unpack(part)
            part.set_submodule("net", CompiledLayers(part.net, compilation))
    return compilation


def _run(part: nn.Module, *inputs: Tensor | None) -> Tensor:
    return part(*inputs)


def _called(convolution: Conv3x3, hidden: Tensor) -> Tensor:
    return convolution(hidden)


_untraced: Callable[[Conv3x3, Tensor], Tensor] = torch.compiler.disable(_called)  # type: ignore[assignment]


def _reason(error: BaseException) -> str:
    """In one line. What torch raises at last wraps what it met first."""
    cause: BaseException | None = error
    while cause is not None:
        for name in (type(cause).__name__, type(getattr(cause, "inner_exception", None)).__name__):
            if name in NO_COMPILER:
                return NO_COMPILER[name]
        cause = cause.__cause__ or cause.__context__
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
