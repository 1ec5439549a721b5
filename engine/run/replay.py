"""Replay: an image made again from the record in its file, and how far the two differ. Called by
`safelight replay` and by scripts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.atomic import shown_path
from engine.checkpoint import hub_cache
from engine.errors import EngineError, LoadError
from engine.foreign import is_there, picture_head
from engine.hardware.device import DTYPES, has_bfloat16, pick_device, pick_dtype
from engine.pipelines.load import load
from engine.pipelines.pipeline import Pipeline
from engine.record import image_file
from engine.record.record import Record, read_record
from engine.run.circumstances import as_it_was_made, differences
from engine.run.cost import ask_first
from engine.run.events import Finished, Step
from engine.run.generate import generate
from engine.weights.folder import ModelFolder
from engine.weights.header import shown
from engine.weights.prediction_type import PREDICTION_TYPES
from engine.weights.source import BUNDLED, locate

Progress = Callable[[float, str], None]
"""Called with a fraction from 0 to 1 and what is being done."""

LOADING = 0.2
"""The share of the whole that loading counts for in `progress`."""
PLAIN_NAME = re.compile(r"\w[\w .-]{0,200}(/\w[\w.-]{0,200})?")
"""What a record may name a model by: a file or a folder here, or OWNER/NAME in the local cache. A
stranger's record shall not make us look at any place of its choice."""


@dataclass(frozen=True, eq=False)
class Replay:
    """identical: whether every pixel of the file came again; largest_difference, mean_difference:
    over all pixels and channels, 0 to 255; record: what the file says; image, made: the image made
    again, and its own record; notes: what of the way it was made is another, a sentence each."""

    identical: bool
    largest_difference: int
    mean_difference: float
    record: Record
    image: Image.Image
    made: Record
    notes: tuple[str, ...] = ()


def replay(
    path: str | os.PathLike[str],
    progress: Progress | None = None,
    *,
    source: str | Path | None = None,
    places: Callable[[str], Iterable[str]] = lambda name: (),
    device: str = "auto",
    dtype: str = "auto",
    vae: str | Path | None = None,
    agreed: bool = False,
) -> Replay:
    """Make the image in that file again and compare the two.

    source: the model, as `engine.load` takes it; None looks for the one that the record names:
    bundled, in the current folder, in the local Hugging Face cache, and where `places` finds models
    of that name. device: "auto" is the one that the image was made on, where it can be had. dtype:
    "auto" is the one it was made in; another gives another image, which the figures then tell of.
    vae: the autoencoder that took the place of the model's own, if one did. agreed: whether it may
    cost more than is usual, which `engine.cost_of` tells of a record's request.

    Raises CostlyReplay where it would and is not agreed to, before anything is unpacked or loaded;
    EngineError where there is no record that can be read, where the checkpoint is another
    than the one that made the image or is not here, or where its dtype cannot be had.
    """
    progress = progress or (lambda fraction, what: None)
    record = read_record(path)
    if record.others:
        raise EngineError(
            f"{shown_path(path)} was made by a later version of Safelight "
            f"({shown(record.versions['safelight'])}), whose record has settings that this one "
            f"does not know ({shown(', '.join(record.others))}): update Safelight to make it again."
        )
    if not agreed:
        ask_first(path, record.of_image(0).request)
    before, kind = _pixels(path, record)
    where = _device(record, device)
    precision = _dtype(path, record, where, dtype)
    pipeline = _loaded(path, record, source, places, where, precision, vae, progress)
    with closing(pipeline), as_it_was_made(record, where):
        finished = _made_again(pipeline, record, progress)
    after = np.asarray(finished.images[0]).astype(np.int16)
    difference = np.abs(after - before)
    identical = not difference.any()
    return Replay(
        identical=identical,
        largest_difference=int(difference.max()),
        mean_difference=float(difference.mean()),
        record=record,
        image=finished.images[0],
        made=finished.record,
        notes=tuple(differences(kind, record, finished.record, identical)),
    )


def _pixels(path: str | os.PathLike[str], record: Record) -> tuple[np.ndarray, str]:
    """The file's picture, int16 (H, W, 3), and its format. What its head says is looked at first,
    so that no more is unpacked than the record tells of."""
    head, (width, height) = picture_head(path), (record.request.width, record.request.height)
    if (head.width, head.height) != (width, height):
        raise EngineError(
            f"{shown_path(path)} has {head.width} by {head.height} pixels, and its record makes "
            f"{width} by {height}: it was resized or cropped after it was made."
        )
    with image_file.opened(path) as image:
        try:
            return np.asarray(image.convert("RGB")).astype(np.int16), str(image.format)
        except Exception as error:  # a damaged file can fail in more ways than Pillow tells
            raise image_file.unreadable(path, error) from error


def _device(record: Record, name: str) -> torch.device:
    if name != "auto":
        return pick_device(name)
    kind = record.device.split(":")[0]
    try:
        return pick_device(kind if kind in ("cpu", "cuda", "mps") else "auto")
    except LoadError:
        return pick_device("auto")


def _dtype(
    path: str | os.PathLike[str], record: Record, where: torch.device, name: str
) -> torch.dtype:
    """That of the record, unless another is asked for. On the kind of device that made the image it
    can be had again; on another one only where that works in it by itself."""
    if name != "auto":
        return pick_dtype(name, where)
    wanted = DTYPES.get(record.dtype)
    here = {torch.float32, pick_dtype("auto", where)}
    if where.type == record.device.split(":")[0]:
        here |= {*DTYPES.values()}
    if not has_bfloat16(where):
        here.discard(torch.bfloat16)
    if wanted not in here:
        raise EngineError(
            f"{shown_path(path)} was made in {shown(record.dtype)} on {shown(record.device)}, "
            f"which cannot be had here on {where}: take another device, or another dtype, such as "
            "float32 (--dtype), to see how far that is from it."
        )
    assert wanted is not None
    return wanted


def _loaded(
    path: str | os.PathLike[str],
    record: Record,
    source: str | Path | None,
    places: Callable[[str], Iterable[str]],
    where: torch.device,
    precision: torch.dtype,
    vae: str | Path | None,
    progress: Progress,
) -> Pipeline:
    """The model that made the image; the caller closes it. Raises EngineError if it is not here."""
    told = record.prediction_type if record.prediction_type in PREDICTION_TYPES else None
    made_by = f"the model {shown(record.checkpoint)} ({shown(record.sha256[:10])})"
    problem = "is not among the models here: name the folder or the file that it is in (--model)"
    sources = [source] if source is not None else _sources(record.checkpoint, places)
    for candidate in sources:
        try:
            pipeline = load(
                candidate,
                where,
                precision,
                lambda fraction, what: progress(LOADING * fraction, f"Loading: {what}"),
                vae=vae,
                prediction_type=told,
                compiled=any(note.startswith("compiled") for note in record.notes),
            )
        except LoadError:
            if source is not None:
                raise
            continue
        digest = pipeline.checkpoint_sha256()
        if digest == record.sha256:
            return pipeline
        pipeline.close()
        problem = (
            f"{shown_path(candidate)} is not ({digest[:10]}): name the one that made it (--model)"
        )
    raise EngineError(f"{shown_path(path)} was made with {made_by}, which {problem}.")


def _sources(name: str, places: Callable[[str], Iterable[str]]) -> Iterator[str]:
    """Where a model of that name may be, the likeliest first."""
    tried: set[str] = set()
    for source in _possible(name, places):
        if source not in tried:
            tried.add(source)
            yield source


def _possible(name: str, places: Callable[[str], Iterable[str]]) -> Iterator[str]:
    for bundled in BUNDLED:
        if ModelFolder(locate(bundled)).name == name:
            yield bundled
    if PLAIN_NAME.fullmatch(name):
        for path in (name, f"{name}.safetensors"):
            if "/" in path or is_there(path):
                yield path
    yield from places(name)
    for found in hub_cache():
        if name in (found.name, Path(found.path).stem) and found.loadable:
            yield found.source


def _made_again(pipeline: Pipeline, record: Record, progress: Progress) -> Finished:
    request = record.of_image(0).request
    try:
        with closing(generate(pipeline, request)) as events:  # pyright: ignore[reportArgumentType]
            for event in events:
                if isinstance(event, Step):
                    done = (event.index + 1) / event.total
                    what = f"Step {event.index + 1} of {event.total}"
                    progress(LOADING + (1 - LOADING) * done, what)
                elif isinstance(event, Finished):
                    return event
    except RuntimeError as error:
        if "not implemented for" not in str(error):
            raise
        raise EngineError(
            f"{pipeline.device} cannot calculate in {record.dtype} ({error}): take another device."
        ) from error
    raise AssertionError("a run without a control ends with its images")
