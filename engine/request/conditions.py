"""Steering: what acts on each evaluation of a request, with all that a person changed on the way.
Read by `engine.generate` before every evaluation; by `engine.compare`, which does once what several
runs have in common; and by the window for the curve of what is to come. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from engine.request.curve import fraction_of, scale_at
from engine.request.request import SETTINGS, Edit, Request
from engine.request.setting import Moment

CHANGEABLE = tuple(one.name for one in SETTINGS.values() if one.moment is not Moment.START)
"""The settings that can change from one evaluation to the next. The curve comes after the scale,
since a scale takes its place."""

FIXED = tuple(one.name for one in SETTINGS.values() if one.moment is Moment.START)
"""The settings that a branch shares with the run that it leaves."""

WORKED_OUT = ("guidance_scale", "guidance_curve", "guidance_easing", "guidance_interval")
"""What says no more once it is known whether and how much an evaluation is guided."""
OF_GUIDANCE = ("negative_prompt", "guidance_rescale", "guidance_reuse")
"""What says nothing where guidance is off."""
_ALL = attrgetter(*(name for name in CHANGEABLE if name not in WORKED_OUT))
_UNGUIDED = attrgetter(*(n for n in CHANGEABLE if n not in (*WORKED_OUT, *OF_GUIDANCE)))


@dataclass(frozen=True)
class Conditions:
    """What acts on one evaluation.

    request: what is asked for here: with the edits up to here as its settings, and none to come.
    guidance_scale: that of the request, or where its curve stands here. guided: whether the
    unconditional half is needed: not at scale 1, nor outside the interval (Kynkäänniemi et al.,
    arXiv:2404.07724). varied: mixings of the noise just before it. finish: whether the run ends
    before it.
    """

    request: Request
    guidance_scale: float
    guided: bool
    varied: tuple[Mapping[str, Any], ...]
    finish: bool

    def same_work(self, other: Conditions) -> bool:
        """Whether the two come out the same, in runs that share what is `FIXED`; what guidance
        would do is nothing where it is off."""
        return self._that_count == other._that_count

    @property
    def words(self) -> tuple[str, str]:
        """What the text encoders read: the prompt and the negative prompt."""
        return self.request.prompt, self.request.negative_prompt

    @property
    def exact(self) -> bool:
        """Whether nothing is taken over from the evaluations before."""
        return self.request.feature_reuse == 1 and self.request.guidance_reuse == 0.0

    @property
    def _that_count(self) -> tuple[Any, ...]:
        if self.guided:
            return _ALL(self.request), self.guidance_scale, self.varied, self.finish
        return _UNGUIDED(self.request), self.varied, self.finish


def conditions(request: Request, index: int, total: int) -> Conditions:
    """What acts on evaluation `index` of `total`; at the end of a run, on its last."""
    return next(course(request, total, min(index, total - 1)))


def course(request: Request, total: int, first: int = 0) -> Iterator[Conditions]:
    """What acts on each evaluation from `first` to total - 1. The edits are gone through once, as
    many as a slider leaves that moves all the way."""
    now = settings_at(request, first - 1)
    standing = _standing(request, now)
    by_step = {step: tuple(due) for step, due in groupby(request.edits, lambda edit: edit.step)}
    ends = [edit.step for edit in request.edits if edit.field == "finish"]
    # There is nothing to make an image of before the first evaluation, so that one is made.
    end = max(min(ends), 1) if ends else total
    for index in range(first, total):
        due = by_step.get(index, ())
        for edit in due:
            if edit.field in now:
                now |= effect(edit)
        if due:
            standing = _standing(request, now)
        scale = standing.guidance_scale
        if curve := standing.guidance_curve:
            scale = scale_at(curve, standing.guidance_easing, fraction_of(index, total))
        begin, close = standing.guidance_interval
        within = begin <= index / total and (index / total < close or close == 1.0)
        yield Conditions(
            request=standing,
            guidance_scale=scale,
            guided=within and scale != 1.0,
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
    now = {name: getattr(request, name) for name in CHANGEABLE}
    for edit in request.edits:
        if edit.step <= index and edit.field in now:
            now |= effect(edit)
    return now


def _standing(request: Request, settings: dict[str, Any]) -> Request:
    """The request with these settings and no edits."""
    standing = object.__new__(Request)  # no `replace`: all was checked, in the request or its edits
    vars(standing).update(vars(request) | settings, edits=())
    return standing


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
