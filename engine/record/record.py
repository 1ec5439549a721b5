"""What an image file says about how it was made, and writing it. Made by `engine.generate`, written
by the window and by the command line.

Two texts: `parameters`, in the format that AUTOMATIC1111 and many others read, and `safelight`, the
exact record as JSON. `engine.record.image_file` knows where the formats of files have them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from engine.atomic import shown_path
from engine.errors import RecordError
from engine.families.family import Ability
from engine.record import image_file
from engine.record.a1111 import format_a1111, settings_of
from engine.record.image_file import Texts
from engine.record.reading import OURS, fields_of
from engine.request.request import Edit, Request

if TYPE_CHECKING:
    from PIL import Image

    from engine.pipelines.pipeline import Pipeline


@dataclass(frozen=True)
class Record:
    """How a run's images were made.

    request: with the pipeline's own values for None and with all edits, so that it makes the same
        images again; executed_steps: model evaluations that were done; checkpoint, sha256: name and
        hash of the model; notes: what was done differently than asked, such as a decode in tiles;
        takes_prompt: whether the model reads a prompt, and so was guided; branches: the evaluations
        at which the run left another one, first to last. What it changed there are edits; job:
        which request of a queue it was made for; prediction_type: what the network was taken to
        predict, which the weights alone do not always tell; threads: how many worked on it, 0 where
        that means nothing or is not told; ways: by large piece of work, the way that
        `engine.hardware.tuning` took, of several that differ in rounding; others: what a later
        version of Safelight says beside these, kept as it is.
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
    job: str = ""
    prediction_type: str = ""
    threads: int = 0
    ways: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_run(
        cls,
        pipeline: Pipeline,
        request: Request,
        executed_steps: int,
        notes: tuple[str, ...],
        branches: tuple[int, ...] = (),
        threads: int = 0,
        ways: Mapping[str, str] = MappingProxyType({}),
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
            takes_prompt=Ability.PROMPT in pipeline.abilities,
            branches=branches,
            prediction_type=str(pipeline.scheduler_config.get("prediction_type", "")),
            threads=threads,
            ways=dict(ways),
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
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "others"}
        return json.dumps({**self.others, **known, "request": self.request.to_dict()})

    @classmethod
    def from_json(cls, text: str) -> Record:
        """The record that `to_json` wrote, also in an earlier version. Raises RecordError."""
        return cls(**fields_of(text, _versions()[OURS]))

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
) -> tuple[str, ...]:
    """Write image number `index` of a run with its record, as PNG, JPEG (quality 95, 4:4:4) or
    WebP (lossless) by the ending of its name; under a temporary name first, so that `path` never
    holds half a file. record: None for a sheet of images that have their own.

    What there was no room for in the file, a sentence each: see `write_picture` of
    `engine.record.image_file`. Raises SaveError."""
    texts = Texts()
    if record is not None:
        alone = record.of_image(index)
        texts = Texts(alone.to_parameters(), alone.to_json())
    return image_file.write_picture(image, path, texts)


def read_record(path: str | os.PathLike[str]) -> Record:
    """The record of an image that `save` wrote, in any of its formats. Raises EngineError for a
    file without one, with a damaged one or with that of a later version."""
    texts = image_file.read_texts(path)
    try:
        if not texts.record:
            raise RecordError(texts.note or "there is none")
        return Record.from_json(texts.record)
    except RecordError as error:
        raise RecordError(
            f"{shown_path(path)} has no record of Safelight that can be read ({error}). "
            f"{error.remedy}"
        ) from error


def _edit_of_image(edit: Edit, index: int) -> Edit:
    if edit.field != "vary":
        return edit
    return replace(edit, value=edit.value | {"seed": edit.value["seed"] + index})


@cache
def _versions() -> dict[str, str]:
    found = {}
    for package in ("safelight", "torch", "transformers"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
