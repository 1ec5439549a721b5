"""Steering: what acts on each evaluation of a request, with all that a person changed on the way.
Read by `engine.generate` before every evaluation; by `engine.compare`, which does once what several
runs have in common; and by the window for the curve of what is to come. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from engine.request.curve import fraction_of, scale_at
from engine.request.request import Edit, Request

SETTINGS = (
    *("prompt", "negative_prompt", "clip_skip", "guidance_scale", "guidance_rescale"),
    *("guidance_curve", "guidance_easing", "guidance_interval", "scheduler_options", "eta"),
    *("feature_reuse", "guidance_reuse", "int8"),
)
"""The fields of a request that can change from one evaluation to the next. The curve comes after
the scale, since a scale takes its place."""

FIXED = ("seed", "count", "width", "height", "scheduler", "steps", "class_label")
"""The fields that a branch shares with the run that it leaves."""


@dataclass(frozen=True)
class Conditions:
    """What acts on one evaluation.

    guided: whether the unconditional half is needed: not at scale 1, nor outside the interval
    (Kynkäänniemi et al., arXiv:2404.07724). feature_reuse, guidance_reuse: what may be taken over
    from the evaluations before, see `engine.run.reuse`. int8: see `engine.networks.layers.int8`.
    varied: mixings of the noise just before it. finish: whether the run ends before it.
    """

    prompt: str
    negative_prompt: str
    clip_skip: int
    guidance_scale: float
    guidance_rescale: float
    guided: bool
    scheduler_options: Mapping[str, Any]
    eta: float
    feature_reuse: int
    guidance_reuse: float
    int8: bool
    varied: tuple[Mapping[str, Any], ...]
    finish: bool

    def same_work(self, other: Conditions) -> bool:
        """Whether the two come out the same; what guidance would do is nothing where it is off."""
        return self._that_count == other._that_count

    @property
    def words(self) -> tuple[str, str]:
        """What the text encoders read: the prompt and the negative prompt."""
        return self.prompt, self.negative_prompt

    @property
    def _that_count(self) -> Conditions:
        if self.guided:
            return self
        return replace(
            self, negative_prompt="", guidance_scale=1.0, guidance_rescale=0.0, guidance_reuse=0.0
        )

    @property
    def exact(self) -> bool:
        """Whether nothing is taken over from the evaluations before."""
        return self.feature_reuse == 1 and self.guidance_reuse == 0.0


def conditions(request: Request, index: int, total: int) -> Conditions:
    """What acts on evaluation `index` of `total`; at the end of a run, on its last."""
    return next(course(request, total, min(index, total - 1)))


def course(request: Request, total: int, first: int = 0) -> Iterator[Conditions]:
    """What acts on each evaluation from `first` to total - 1. The edits are gone through once, as
    many as a slider leaves that moves all the way."""
    now = settings_at(request, first - 1)
    by_step = {step: tuple(due) for step, due in groupby(request.edits, lambda edit: edit.step)}
    ends = [edit.step for edit in request.edits if edit.field == "finish"]
    # There is nothing to make an image of before the first evaluation, so that one is made.
    end = max(min(ends), 1) if ends else total
    for index in range(first, total):
        due = by_step.get(index, ())
        for edit in due:
            if edit.field in now:
                now |= effect(edit)
        scale = now["guidance_scale"]
        if curve := now["guidance_curve"]:
            scale = scale_at(curve, now["guidance_easing"], fraction_of(index, total))
        begin, close = now["guidance_interval"]
        within = begin <= index / total and (index / total < close or close == 1.0)
        yield Conditions(
            prompt=now["prompt"],
            negative_prompt=now["negative_prompt"],
            clip_skip=now["clip_skip"],
            guidance_scale=scale,
            guidance_rescale=now["guidance_rescale"],
            guided=within and scale != 1.0,
            scheduler_options=now["scheduler_options"],
            eta=now["eta"],
            feature_reuse=now["feature_reuse"],
            guidance_reuse=now["guidance_reuse"],
            int8=now["int8"],
            varied=tuple(edit.value for edit in due if edit.field == "vary"),
            finish=index >= end,
        )


def edited(request: Request, edits: Iterable[Edit]) -> Request:
    """The request with those of the edits that change something."""
    for edit in edits:
        if _changes(request, edit):
            request = replace(request, edits=(*request.edits, edit))
    return request


def settings_at(request: Request, index: int) -> dict[str, Any]:
    """The settings as they stand before evaluation `index`, with the edits up to it."""
    now = {name: getattr(request, name) for name in SETTINGS}
    for edit in request.edits:
        if edit.step <= index and edit.field in now:
            now |= effect(edit)
    return now


def _changes(request: Request, edit: Edit) -> bool:
    if edit.field == "finish":
        return not any(e.field == "finish" and e.step <= edit.step for e in request.edits)
    now = settings_at(request, edit.step)
    return edit.field not in now or now | effect(edit) != now


def effect(edit: Edit) -> dict[str, Any]:
    """The settings that an edit changes, and what it makes of them."""
    if edit.field == "guidance_scale":
        return {"guidance_scale": edit.value, "guidance_curve": ()}
    return {edit.field: edit.value}
