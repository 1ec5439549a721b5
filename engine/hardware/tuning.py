"""Tuner: which of several ways to the same result is the quickest on this machine, found by trying
them once. Made by `engine.load`, asked by the networks before each large piece of work. Imports no
torch at its top.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from engine import foreign
from engine.errors import EngineError

Result = TypeVar("Result")

TRIALS = 2
"""How often each way is tried, in turn: the better time counts, since a busy moment only adds."""
FILE = "tuning.json"
LONGEST = 8 * 2**20
"""Bytes of that file. Many sizes of many models make some hundred thousand."""
CACHE = "SAFELIGHT_CACHE"
"""The environment variable that names the folder of a program's tuners."""


_told: ContextVar[Mapping[str, str]] = ContextVar("told", default=MappingProxyType({}))
_noted: ContextVar[dict[str, str] | None] = ContextVar("noted", default=None)


@contextmanager
def taking(ways: Mapping[str, str]) -> Iterator[None]:
    """Work that this thread asks a tuner for meanwhile is done in these ways, by work, as far as
    this machine has them, whatever is quicker: a run is made again as it was made."""
    token = _told.set(ways)
    try:
        yield
    finally:
        _told.reset(token)


@contextmanager
def noting(ways: dict[str, str]) -> Iterator[None]:
    """In which way each work is done meanwhile that this thread asks a tuner for goes into
    `ways`."""
    token = _noted.set(ways)
    try:
        yield
    finally:
        _noted.reset(token)


class Tuner:
    """folder: where what was found is kept for this machine and this version of torch; None keeps
    it as long as the tuner. A file that is damaged or of another machine counts as none."""

    def __init__(
        self, folder: Path | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._path = folder / FILE if folder else None
        self._clock = clock
        self._lock = threading.Lock()
        self._chosen = _stored(self._path) if self._path else {}

    def run(self, work: str, ways: Mapping[str, Callable[[], Result]]) -> Result:
        """The work done in the way that is the quickest for it. work: what is done and on how much,
        so that equal works are alike; ways: by name, the one that is taken where they are equal
        first. All must come out alike up to rounding."""
        if len(ways) == 1:
            return next(iter(ways.values()))()
        work = _here(work)
        if (way := _told.get().get(work, "")) in ways or (
            way := self._chosen.get(work, "")
        ) in ways:
            result = ways[way]()
        else:
            with self._lock:  # two that measure at once would measure each other
                result = self._tried(work, ways)
            way = self._chosen[work]
        if (noted := _noted.get()) is not None:
            noted[work] = way
        return result

    def quickest(
        self,
        work: str,
        ways: Mapping[str, Callable[[], object]],
        trials: int = TRIALS,
        clock: Callable[[], float] | None = None,
    ) -> str:
        """The name of the way that `run` would take, for ways that are tried for their time.
        clock: in the place of the tuner's own."""
        work = _here(work)
        if (way := self._chosen.get(work, "")) in ways:
            return way
        with self._lock:
            self._tried(work, ways, trials, clock)
        return self._chosen[work]

    def _tried(
        self,
        work: str,
        ways: Mapping[str, Callable[[], Result]],
        trials: int = TRIALS,
        clock: Callable[[], float] | None = None,
    ) -> Result:
        clock = clock or self._clock
        best = dict.fromkeys(ways, float("inf"))
        results: dict[str, Result] = {}
        for _ in range(trials):
            for name, way in ways.items():
                results.clear()  # never two at a time: they may be large
                _tidy()
                begun = clock()
                results[name] = way()
                best[name] = min(best[name], clock() - begun)
        way = min(best, key=lambda name: best[name])
        self._chosen[work] = way
        self._store()
        return results[way] if way in results else ways[way]()

    def _store(self) -> None:
        """As far as it can be written: it can be found again."""
        if self._path is None:
            return
        text = json.dumps({"machine": _machine(), "ways": self._chosen}, indent=1)
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".", text=True)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).replace(self._path)


def _here(work: str) -> str:
    """The work as it is done by as many threads as this one has now."""
    import torch

    return f"{work} threads={torch.get_num_threads()}"


def _tidy() -> None:
    """Give back what another way left free in memory, in pieces that suit that one."""
    import torch

    from engine.hardware.memory import free_cache

    free_cache(torch.device("cpu"))


def _stored(path: Path) -> dict[str, str]:
    try:
        known = foreign.read_json(path, LONGEST)
        if known["machine"] == _machine():
            return {str(work): str(way) for work, way in known["ways"].items()}
    except (OSError, EngineError, TypeError, KeyError, AttributeError):
        pass
    return {}


def _machine() -> str:
    """What the times depend on."""
    processor = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        told = [line for line in lines if line.startswith(("model name", "flags"))]
        processor = " ".join(dict.fromkeys(told)) or processor
    return f"{processor}, {os.cpu_count()} cores, torch {version('torch')}"
