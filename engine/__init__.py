"""The engine's public door: load a pipeline, generate images as a stream of events, preview them.

    pipeline = engine.load("bundled")
    for event in engine.generate(pipeline, engine.Request("a red apple, 3d", seed=7)):
        ...

Importing this package is light; torch is imported when `load`, `generate`, `preview`, `reguide` or
`save` is first looked up, so that a window can be on the screen before.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from engine import errors, schedulers
from engine.errors import (
    ConfigError,
    CostlyReplay,
    EngineError,
    LoadError,
    NonFiniteError,
    OutOfMemory,
    RecordError,
    RequestError,
    SaveError,
    SchedulerError,
    WeightsError,
)
from engine.hardware.libraries import load_libraries
from engine.hardware.threads import wait_asleep
from engine.request.grid import Axis, Grid
from engine.request.request import Edit, Request
from engine.run.control import Control
from engine.run.cost import Cost, ask_first, cost_of
from engine.run.events import Cancelled, Encoded, Event, Finished, Step
from engine.run.runner import LocalRunner, Runner, RunPlan
from engine.run.timeline import Snapshot, Timeline

wait_asleep()  # before anything here or outside loads torch

if TYPE_CHECKING:
    from engine.guidance.reguide import reguide
    from engine.hardware.device import core_left_free
    from engine.hardware.memory import memory_left
    from engine.pictures.film import check_film, write_film
    from engine.pictures.sheet import sheet
    from engine.pipelines.load import load
    from engine.record.record import Record, save
    from engine.record.record import read_record as read
    from engine.run.compare import compare
    from engine.run.generate import generate
    from engine.run.preview import Preview, keep_previews, preview, previewed
    from engine.run.replay import Replay, replay

__all__ = [
    "Axis",
    "Cancelled",
    "ConfigError",
    "Control",
    "Cost",
    "CostlyReplay",
    "Edit",
    "Encoded",
    "EngineError",
    "Event",
    "Finished",
    "Grid",
    "LoadError",
    "LocalRunner",
    "NonFiniteError",
    "OutOfMemory",
    "Preview",
    "Record",
    "RecordError",
    "Replay",
    "Request",
    "RequestError",
    "RunPlan",
    "Runner",
    "SaveError",
    "SchedulerError",
    "Snapshot",
    "Step",
    "Timeline",
    "WeightsError",
    "ask_first",
    "check_film",
    "compare",
    "core_left_free",
    "cost_of",
    "errors",
    "generate",
    "keep_previews",
    "load",
    "memory_left",
    "preview",
    "previewed",
    "read",
    "reguide",
    "replay",
    "save",
    "schedulers",
    "sheet",
    "write_film",
]


class _Lazy:
    """A name of the door that imports its module when it is first looked up. own: what the module
    calls it, where that says more than the door has to."""

    def __init__(self, module: str, own: str = ""):
        self.module, self.own = module, own

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, door: ModuleType, owner: type | None = None) -> Any:
        # Large pages for large tensors, read by torch at its first: a fresh tensor costs a CPU some
        # hundred times less interruptions then. Linux heeds it.
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
        load_libraries()
        found = getattr(import_module(self.module), self.own or self.name)
        setattr(door, self.name, found)  # where it is found first from now on
        return found


class _Door(ModuleType):
    load = _Lazy("engine.pipelines.load")
    generate = _Lazy("engine.run.generate")
    compare = _Lazy("engine.run.compare")
    core_left_free = _Lazy("engine.hardware.device")
    memory_left = _Lazy("engine.hardware.memory")
    reguide = _Lazy("engine.guidance.reguide")
    preview = _Lazy("engine.run.preview")
    previewed = _Lazy("engine.run.preview")
    keep_previews = _Lazy("engine.run.preview")
    Preview = _Lazy("engine.run.preview")
    save = _Lazy("engine.record.record")
    read = _Lazy("engine.record.record", "read_record")
    sheet = _Lazy("engine.pictures.sheet")
    replay = _Lazy("engine.run.replay")
    Replay = _Lazy("engine.run.replay")
    check_film = _Lazy("engine.pictures.film")
    write_film = _Lazy("engine.pictures.film")
    Record = _Lazy("engine.record.record")


sys.modules[__name__].__class__ = _Door
