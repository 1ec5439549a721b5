"""Engine: what the application asks of the engine's door, as a type: the engine itself, or the
scripted stand-in of the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor, device

    from engine.pipelines.pipeline import Pipeline, PreviewKind
    from engine.record.record import Record
    from engine.request.grid import Grid
    from engine.run.control import Control
    from engine.run.preview import Preview
    from engine.run.runner import Runner
    from engine.run.timeline import Snapshot, Timeline
    from engine.schedulers.scheduler import Description


class Schedulers(Protocol):
    def names(self) -> tuple[str, ...]: ...
    def describe(self, name: str) -> Description: ...


class Engine(Protocol):
    """See the functions of the same names in `engine`."""

    @property
    def Control(self) -> Callable[[], Control]: ...
    @property
    def LocalRunner(self) -> Callable[[Pipeline], Runner]: ...
    @property
    def Timeline(self) -> Callable[[int], Timeline]: ...
    @property
    def schedulers(self) -> Schedulers: ...
    @property
    def load(self) -> Callable[..., Pipeline]: ...
    @property
    def core_left_free(self) -> Callable[[], AbstractContextManager[None]]: ...
    @property
    def memory_left(self) -> Callable[[device], float]: ...
    def keep_previews(self, pipeline: Pipeline, folder: Path) -> None: ...
    def previewed(
        self,
        pipeline: Pipeline,
        latents: Tensor,
        kind: PreviewKind = "auto",
        seconds: float | None = None,
        poll: Callable[[], None] = ...,
    ) -> Preview: ...
    def reguide(
        self,
        pipeline: Pipeline,
        snapshot: Snapshot,
        guidance_scale: float,
        guidance_rescale: float | None = None,
    ) -> Tensor: ...
    def save(
        self, image: Image, path: str | Path, record: Record | None, index: int = 0
    ) -> object: ...
    @property
    def write_film(self) -> Callable[..., Path]: ...
    def sheet(self, grid: Grid, images: Sequence[Image | None]) -> Image: ...
