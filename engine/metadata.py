"""What a PNG says about how it was made, and writing it. Made by `engine.generate`, written by the
window and by the command line.

Two text chunks: `parameters`, in the format that AUTOMATIC1111 and many others read, and
`safelight`, the exact record as JSON.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.errors import EngineError, SaveError
from engine.interchange.a1111 import format_a1111, settings_of
from engine.request import Edit, Request

if TYPE_CHECKING:
    from engine.pipelines.base import Pipeline


@dataclass(frozen=True)
class Record:
    """How a run's images were made.

    request: with the pipeline's own values for None and with all edits, so that it makes the same
        images again; executed_steps: model evaluations that were done; checkpoint, sha256: name and
        hash of the model; notes: what was done differently than asked, such as a decode in tiles;
        takes_prompt: whether the model reads a prompt, and so was guided; branches: the evaluations
        at which the run left another one, first to last. What it changed there are edits.
    """

    request: Request
    executed_steps: int
    checkpoint: str
    sha256: str
    device: str
    dtype: str
    versions: dict[str, str]
    notes: tuple[str, ...]
    takes_prompt: bool = True
    branches: tuple[int, ...] = ()

    @classmethod
    def of_run(
        cls,
        pipeline: Pipeline,
        request: Request,
        executed_steps: int,
        notes: tuple[str, ...],
        branches: tuple[int, ...] = (),
    ) -> Record:
        return cls(
            request=request,
            executed_steps=executed_steps,
            checkpoint=pipeline.name,
            sha256=pipeline.checkpoint_sha256(),
            device=str(pipeline.device),
            dtype=str(pipeline.dtype).removeprefix("torch."),
            versions=_versions(),
            notes=notes,
            takes_prompt=pipeline.takes_prompt,
            branches=branches,
        )

    @property
    def edits(self) -> tuple[Edit, ...]:
        return self.request.edits

    def of_image(self, index: int) -> Record:
        """The record of image `index` alone: the run of its own seed makes the same image."""
        edits = tuple(_edit_of_image(edit, index) for edit in self.request.edits)
        alone = replace(self.request, seed=self.request.seed + index, count=1, edits=edits)
        return replace(self, request=alone)

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"request": self.request.to_dict()})

    @classmethod
    def from_json(cls, text: str) -> Record:
        plain = json.loads(text)
        return cls(
            **plain
            | {
                "request": Request.from_dict(plain["request"]),
                "notes": tuple(plain["notes"]),
                "branches": tuple(plain.get("branches", ())),
            }
        )

    def to_parameters(self) -> str:
        """The record in AUTOMATIC1111's text format."""
        request = self.request
        plain = {f.name: getattr(request, f.name) for f in fields(request)}
        if not self.takes_prompt:
            plain |= {"prompt": "", "guidance_scale": None}
        settings = settings_of(plain, self.checkpoint, self.sha256)
        settings |= {"RNG": "CPU", "Version": f"Safelight {self.versions['safelight']}"}
        return format_a1111(plain["prompt"], request.negative_prompt, settings)


def save(
    image: Image.Image, path: str | os.PathLike[str], record: Record | None, index: int = 0
) -> None:
    """Write image number `index` of a run as PNG with its record, under a temporary name first, so
    that `path` never holds half a file. record: None for a sheet of images that have their own.
    Raises SaveError."""
    target = Path(path)
    chunks = PngInfo()
    if record is not None:
        alone = record.of_image(index)
        chunks.add_text("parameters", alone.to_parameters())
        chunks.add_text("safelight", alone.to_json())
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=".", suffix=".png.part", delete=False
        ) as file:
            try:
                image.save(file, format="PNG", pnginfo=chunks)
                file.flush()
                os.fsync(file.fileno())
                file.close()
                Path(file.name).chmod(0o666 & ~_umask())
                Path(file.name).replace(target)
            except BaseException:
                file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise SaveError(
            f"The image cannot be saved as {target} ({reason}). Choose another folder."
        ) from error


def read(path: str | os.PathLike[str]) -> Record:
    """The record of an image that `save` wrote. Raises EngineError for a file without one."""
    try:
        with Image.open(path) as image:
            text = image.info.get("safelight")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "it is no picture"
        raise EngineError(f"{path} cannot be read ({reason}). Choose an image file.") from error
    try:
        if text is None:
            raise ValueError("there is none")
        return Record.from_json(text)
    except (ValueError, TypeError, KeyError) as error:
        raise EngineError(
            f"{path} has no record of Safelight that can be read ({error}). Choose an image that "
            "Safelight has saved."
        ) from error


def _edit_of_image(edit: Edit, index: int) -> Edit:
    if edit.field != "vary":
        return edit
    return replace(edit, value=edit.value | {"seed": edit.value["seed"] + index})


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


@cache
def _versions() -> dict[str, str]:
    found = {}
    for package in ("safelight", "torch", "transformers"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
