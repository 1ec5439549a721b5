"""Request: everything that affects an image, as one frozen value; every field says by itself what
it takes, when it may change and which ability of a model it needs. Made by the window, the command
line and scripts; read by `engine.generate`. Imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import MOST_TOLD, RequestError, told
from engine.families.family import Ability
from engine.request.curve import EASINGS, POINTS, Points
from engine.request.forms import (
    NAME,
    OPTIONS,
    PART_OF_A_RUN,
    TEXT,
    YES_OR_NO,
    check_int,
    check_number,
    is_int,
    listed,
    number,
    one_of,
    optional,
    read_share,
    whole,
)
from engine.request.setting import Moment, Setting, as_told, setting, settings_of

MAX_STEPS = 1000
MAX_COUNT = 64
MAX_CLASS = 2**31 - 1
MAX_CLIP_SKIP = 12
MAX_FEATURE_REUSE = 10
MAX_SEED = 2**63 - 1
MAX_EDIT_STEP = 2**31 - 1
MAX_EDITS = 10_000
START, BRANCH, LIVE = Moment.START, Moment.BRANCH, Moment.LIVE
PROMPT, NEGATIVE, CLASSES = Ability.PROMPT, Ability.NEGATIVE, Ability.CLASSES


@dataclass(frozen=True)
class Edit:
    """What a person changed during a run: from evaluation `step` (0 is the first) on, `field` of
    the request has `value`. A guidance scale takes the place of the curve as well.

    Two fields are acts and no fields of a request. "vary", {"amount": 0 to 1, "seed": int}: mix the
    noise that is left before this evaluation with fresh noise. "finish", True: make no more
    evaluations, the predicted image is the image; at evaluation 0, after that one.
    """

    step: int
    field: str
    value: Any

    def __post_init__(self) -> None:
        if not is_int(self.step) or not 0 <= self.step <= MAX_EDIT_STEP:
            wanted = f"a whole number from 0 to {MAX_EDIT_STEP}"
            raise RequestError("edits", f"step {told(self.step)} is not {wanted}.")
        object.__setattr__(self, "value", _checked_change(self.field, self.value))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"step": self.step, "field": self.field, "value": _plain(self.value)}

    @classmethod
    def from_dict(cls, plain: object) -> Edit:
        """The edit that `to_dict` wrote. Raises RequestError for what is none."""
        if not isinstance(plain, Mapping) or plain.keys() != {"step", "field", "value"}:
            raise RequestError(
                "edits", f"{told(plain)} is no edit: it needs step, field and value."
            )
        return cls(**plain)


@dataclass(frozen=True)
class Request:
    """One run's inputs. Compares by value; `to_json` and `from_json` keep it without loss.

    prompt, negative_prompt: any text, also none at all.
    width, height: pixels; None means the pipeline's own size.
    steps: denoising steps, 1 to 1000 and at most the scheduler's training timesteps.
    guidance_scale: classifier-free guidance (arXiv:2207.12598), 0 to 100; 1 turns it off.
    scheduler: a name from `engine.schedulers.names()`; None means the pipeline's own.
    scheduler_options: override keys of the pipeline's scheduler config.
    seed, count: image i has seed `seed + i`.
    eta: the share of fresh noise in DDIM (arXiv:2010.02502), 0 to 1.
    guidance_rescale: arXiv:2305.08891, section 3.4; 0 (off) to 1; None means the pipeline's own.
    guidance_interval: the part of the run, as fractions of its steps, in which guidance acts
        (arXiv:2404.07724).
    guidance_curve: points (fraction of the run, scale) that take the place of the guidance scale;
        () means none. guidance_easing: "linear" or "cosine", how it goes from point to point.
    edits: what a person changed during the run, replayed at the same evaluations.
    class_label: what a model with classes draws, from 0 up; None means the pipeline's own.
    clip_skip: which layer of the text encoder is read, from the end, as AUTOMATIC1111 counts: 1 is
        the last, 2 the last but one, up to 12. SDXL reads the last but one at 1 as well.
    feature_reuse: the deep layers of the network are run in every so many-th evaluation only, 1
        (all, exact) to 10 (arXiv:2312.00858).
    guidance_reuse: the unconditional half is left out where the guidance turns by no more than this
        share from step to step, 0 (nowhere, exact) to 1; `engine.run.reuse` says how.
    int8: the large layers of the network multiply in 8-bit whole numbers (arXiv:1712.05877) on
        processors that have such instructions; elsewhere the record notes that they did not.

    Raises RequestError, which names the field, for a value that no pipeline could use.
    """

    prompt: str = setting("", TEXT, LIVE, needs=PROMPT, axis=("prompt", "an owl | a cat"))
    negative_prompt: str = setting("", TEXT, LIVE, needs=NEGATIVE)
    width: int | None = setting(None, optional(whole(1, 2**16)), START)
    height: int | None = setting(None, optional(whole(1, 2**16)), START)
    steps: int = setting(25, whole(1, MAX_STEPS), START, usual=None, axis=("steps", "8, 16, 30"))
    guidance_scale: float = setting(
        7.5, number(0, 100), LIVE, needs=PROMPT, usual=None, axis=("guidance", "1, 4, 7, 10")
    )
    scheduler: str | None = setting(None, NAME, START, axis=("scheduler", "unipc, euler, ddim"))
    scheduler_options: Mapping[str, Any] = setting({}, OPTIONS, BRANCH)
    seed: int = setting(0, whole(0, MAX_SEED), START, usual=None, axis=("seed", "0..3"))
    count: int = setting(1, whole(1, MAX_COUNT), START)
    eta: float = setting(0.0, number(0, 1), BRANCH)
    guidance_rescale: float | None = setting(
        None, optional(number(0, 1)), LIVE, needs=PROMPT, usual=0.0
    )
    guidance_interval: tuple[float, float] = setting(
        (0.0, 1.0), PART_OF_A_RUN, BRANCH, needs=PROMPT
    )
    edits: tuple[Edit, ...] = ()
    class_label: int | None = setting(None, optional(whole(0, MAX_CLASS)), START, needs=CLASSES)
    guidance_curve: Points = setting((), POINTS, BRANCH, needs=PROMPT)
    guidance_easing: str = setting("linear", one_of(EASINGS), BRANCH, needs=PROMPT)
    clip_skip: int = setting(1, whole(1, MAX_CLIP_SKIP), BRANCH, needs=PROMPT)
    feature_reuse: int = setting(1, whole(1, MAX_FEATURE_REUSE), BRANCH)
    guidance_reuse: float = setting(0.0, number(0, 1, read_share), BRANCH, needs=PROMPT)
    int8: bool = setting(False, YES_OR_NO, BRANCH)

    def __post_init__(self) -> None:
        for name, one in SETTINGS.items():
            object.__setattr__(self, name, one.form.check(name, getattr(self, name)))
        check_int("seed", self.seed, 0, MAX_SEED - self.count + 1)
        edits = _edits(self.edits)
        if not all(isinstance(edit, Edit) for edit in edits):
            raise RequestError("edits", f"must be Edit values, not {told(edits)}.")
        for edit in edits:
            if edit.field == "vary":  # image i of a batch takes the seed that is i higher
                check_int("edits", edit.value["seed"], 0, MAX_SEED - self.count + 1)
        object.__setattr__(self, "edits", tuple(sorted(edits, key=lambda edit: edit.step)))

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        plain = {name: _plain(getattr(self, name)) for name in SETTINGS}
        return plain | {"edits": [edit.to_dict() for edit in self.edits]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Request:
        """The request that `to_dict` wrote. An unknown field is an error that names it."""
        if not isinstance(plain, Mapping):
            raise RequestError("request", f"must have fields, and {told(plain)} has none.")
        for name in plain:
            if name not in SETTINGS and name != "edits":
                raise RequestError(str(name)[:MOST_TOLD], "is not a field of a request.")
        edits = tuple(Edit.from_dict(edit) for edit in _edits(plain.get("edits", ())))
        return cls(**{**plain, "edits": edits})

    def to_json(self) -> str:
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Request:
        """The request that `to_json` wrote. Raises RequestError."""
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RequestError("request", f"is no JSON that can be read ({error}).") from None
        return cls.from_dict(plain)


SETTINGS: Mapping[str, Setting] = settings_of(Request)
"""Every field of a request but the edits, by name, in the order of the request."""
ACTS = ("vary", "finish")
"""What an edit can do beside changing a setting."""
STEERABLE = tuple(one.name for one in as_told(SETTINGS.values()) if one.moment is LIVE)
"""What `Control` changes while a run is under way."""
AT_A_BRANCH = (*(one.name for one in SETTINGS.values() if one.moment is BRANCH), *ACTS)
"""What else an edit can hold: settings that a branch may change, and the acts."""
OF_A_PROMPT = tuple(one.name for one in SETTINGS.values() if one.needs in (PROMPT, NEGATIVE))
"""The settings that mean nothing to a model that takes no prompt."""


def _checked_change(field: str, value: Any) -> Any:
    """What an edit has for `field`, in its own form. Raises RequestError."""
    if field == "vary":
        return _checked_vary(value)
    if field == "finish":
        if value is not True:
            raise RequestError("edits", f"finish must be true, not {told(value)}.")
        return value
    changeable = (*STEERABLE, *AT_A_BRANCH)
    if field not in changeable:
        known = ", ".join(changeable)
        raise RequestError("edits", f"{told(field)} cannot change in a run; {known} can.")
    form = SETTINGS[field].form
    if value is None and form.optional:  # the pipeline's own is known by then
        raise RequestError("edits", f"{field} needs {form.wanted}, not None.")
    try:
        return form.check(field, value)
    except RequestError as error:
        raise RequestError("edits", str(error)) from None


def _checked_vary(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or value.keys() != {"amount", "seed"}:
        raise RequestError("edits", f"vary needs an amount and a seed, not {told(value)}.")
    check_number("edits", value["amount"], 0.0, 1.0)
    check_int("edits", value["seed"], 0, MAX_SEED)
    return dict(value)


def _edits(value: object) -> tuple[Any, ...]:
    edits = listed("edits", value)
    if len(edits) > MAX_EDITS:
        raise RequestError("edits", f"are {len(edits):,}, and at most {MAX_EDITS:,} can be.")
    return edits


def _plain(value: Any) -> Any:
    """Tuples as lists and mappings as dicts, as JSON has them."""
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
