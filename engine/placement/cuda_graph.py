"""CUDA graphs: a network's call recorded once and replayed, so that the CPU has one thing to tell
the card in place of a thousand. Held by the pipelines that are loaded with cuda_graph.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from engine.networks.poll import no_poll

Record = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""Records a piece of work: what repeats it, and the tensor that the result is then in."""

WARM = 2
"""How often the work is done before it is recorded, so that libraries have made their choices."""
KEPT = 4
"""Recordings that are kept: each holds all the memory that its call works in."""


class GraphedCall:
    """Called like the network that it stands for. Calls that are alike but for the numbers in them
    share a recording: those in tensors, and floats, which the network must take as tensors, too.

    Functions among the arguments are polls: they are called before, and not within a replay. A call
    with anything else than these, tuples and dataclasses of them, and constants, is not recorded.
    """

    def __init__(self, network: Callable[..., Tensor], record: Record | None = None) -> None:
        self._network = network
        self._record = record or recorded_on_cuda
        self._recordings: OrderedDict[Hashable, _Recording] = OrderedDict()

    def __call__(self, *arguments: Any, **named: Any) -> Tensor:
        given = (arguments, tuple(named.values()))
        try:
            kind = (tuple(named), _kind(given))
        except TypeError:
            return self._network(*arguments, **named)
        for poll in _leaves(given, Callable):
            poll()
        numbers = list(_leaves(given, Tensor | float))
        recording = self._recordings.get(kind)
        if recording is None:
            recording = self._recordings[kind] = self._recorded(given, tuple(named), numbers)
        self._recordings.move_to_end(kind)
        while len(self._recordings) > KEPT:
            self._recordings.popitem(last=False)
        return recording.replayed(numbers)

    def _recorded(
        self, given: tuple[Any, ...], names: tuple[str, ...], numbers: list[Tensor | float]
    ) -> _Recording:
        device = next(number.device for number in numbers if isinstance(number, Tensor))
        places = [_place(number, device) for number in numbers]
        arguments, named = _filled(given, iter(places))
        settings = dict(zip(names, named, strict=True))
        replay, output = self._record(lambda: self._network(*arguments, **settings))
        return _Recording(places, replay, output)


@dataclass(frozen=True, eq=False)
class _Recording:
    """places: where the numbers of a call go; output: where the result is after `replay`."""

    places: list[Tensor]
    replay: Callable[[], None]
    output: Tensor

    def replayed(self, numbers: list[Tensor | float]) -> Tensor:
        for place, number in zip(self.places, numbers, strict=True):
            if isinstance(number, Tensor):
                place.copy_(number)
            else:
                place.fill_(number)
        self.replay()
        return self.output.clone()  # the next replay writes there again


def recorded_on_cuda(work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """The Record of a CUDA device, the present one."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    # Other threads go on meanwhile: previews are made in one of their own.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        output = work()
    return graph.replay, output


def _place(number: Tensor | float, device: torch.device) -> Tensor:
    if isinstance(number, Tensor):
        return number.clone(memory_format=torch.contiguous_format)
    return torch.full((1,), number, dtype=torch.float32, device=device)


def _kind(value: Any) -> Hashable:
    """What two calls must have in common to share a recording. Raises TypeError for what cannot be
    recorded."""
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype, value.device
    if isinstance(value, float):
        return float
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, tuple) or is_dataclass(value):
        return type(value), tuple(_kind(part) for part in _parts(value))
    if callable(value):
        return Callable
    raise TypeError(f"{type(value).__name__} cannot be recorded")


def _leaves(value: Any, kind: Any) -> Iterator[Any]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, tuple) or is_dataclass(value):
        for part in _parts(value):
            yield from _leaves(part, kind)


def _filled(value: Any, places: Iterator[Tensor]) -> Any:
    """The value with the places for its numbers, and with polls that never step in."""
    if isinstance(value, Tensor | float):
        return next(places)
    if isinstance(value, tuple):
        return tuple(_filled(part, places) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        named = {part.name: _filled(getattr(value, part.name), places) for part in fields(value)}
        return replace(value, **named)
    return no_poll if callable(value) else value


def _parts(value: Any) -> tuple[Any, ...]:
    if isinstance(value, tuple):
        return value
    return tuple(getattr(value, part.name) for part in fields(value))
