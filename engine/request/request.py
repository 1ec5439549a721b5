"""Request: everything that affects an image, as one frozen value. Made by the window, the command
line and scripts; read by `engine.generate`. Imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from engine.errors import MOST_TOLD, RequestError, told
from engine.foreign import NumberError, long_whole
from engine.request.curve import EASINGS, Points, checked
from engine.request.field_checks import check_int, check_number, is_int, listed

MAX_STEPS = 1000
MAX_COUNT = 64
MAX_CLASS = 2**31 - 1
MAX_CLIP_SKIP = 12
MAX_FEATURE_REUSE = 10
MAX_SEED = 2**63 - 1
MAX_EDIT_STEP = 2**31 - 1
MAX_EDITS = 10_000
STEERABLE = ("guidance_scale", "guidance_rescale", "prompt", "negative_prompt")
"""What `Control` changes while a run is under way."""
OF_A_PROMPT = (
    *("prompt", "negative_prompt", "clip_skip", "guidance_scale", "guidance_rescale"),
    *("guidance_interval", "guidance_curve", "guidance_easing", "guidance_reuse"),
)
"""The fields that mean nothing to a model that takes no prompt."""
AT_A_BRANCH = (
    *("guidance_curve", "guidance_easing", "guidance_interval", "scheduler_options", "eta"),
    *("clip_skip", "feature_reuse", "guidance_reuse", "int8", "vary", "finish"),
)
"""What else an edit can hold: settings that a branch may change, and two acts."""


@dataclass(frozen=True)
class Economy:
    """How much an evaluation takes over from those before it, and how finely it calculates; see the
    fields of the same names of a request."""

    feature_reuse: int
    guidance_reuse: float
    int8: bool

    @property
    def fields(self) -> Mapping[str, Any]:
        return asdict(self)


ECONOMIES = (
    Economy(1, 0.0, int8=False),
    Economy(2, 0.0, int8=True),
    Economy(3, 0.2, int8=True),
    Economy(5, 0.3, int8=True),
)
"""The levels from exact to fast that a person chooses from; `tests/benchmarks/economy.py` prints
what each costs and saves."""


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
        if self.field not in (*STEERABLE, *AT_A_BRANCH):
            known = ", ".join((*STEERABLE, *AT_A_BRANCH))
            raise RequestError("edits", f"{told(self.field)} cannot change in a run; {known} can.")
        if self.field == "vary":
            object.__setattr__(self, "value", _checked_vary(self.value))
        elif self.field == "finish":
            if self.value is not True:
                raise RequestError("edits", f"finish must be true, not {told(self.value)}.")
        elif self.field == "guidance_rescale" and self.value is None:
            raise RequestError("edits", "guidance_rescale needs a number from 0 to 1, not None.")
        else:  # the request's own check, which also brings the value into its own form
            try:
                as_field = Request(**{self.field: self.value})
            except RequestError as error:
                raise RequestError("edits", str(error)) from None
            object.__setattr__(self, "value", getattr(as_field, self.field))

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

    prompt: str = ""
    negative_prompt: str = ""
    width: int | None = None
    height: int | None = None
    steps: int = 25
    guidance_scale: float = 7.5
    scheduler: str | None = None
    scheduler_options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    count: int = 1
    eta: float = 0.0
    guidance_rescale: float | None = None
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    edits: tuple[Edit, ...] = ()
    class_label: int | None = None
    guidance_curve: Points = ()
    guidance_easing: str = "linear"
    clip_skip: int = 1
    feature_reuse: int = 1
    guidance_reuse: float = 0.0
    int8: bool = False

    def __post_init__(self) -> None:
        for name in ("prompt", "negative_prompt"):
            if not isinstance(getattr(self, name), str):
                raise RequestError(name, f"must be text, not {told(getattr(self, name))}.")
        for name in ("width", "height"):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name), 1, 2**16)
        check_int("steps", self.steps, 1, MAX_STEPS)
        check_int("count", self.count, 1, MAX_COUNT)
        check_int("seed", self.seed, 0, MAX_SEED - self.count + 1)
        check_number("guidance_scale", self.guidance_scale, 0.0, 100.0)
        check_number("eta", self.eta, 0.0, 1.0)
        if self.guidance_rescale is not None:
            check_number("guidance_rescale", self.guidance_rescale, 0.0, 1.0)
        if self.scheduler is not None and not isinstance(self.scheduler, str):
            raise RequestError("scheduler", f"must be a name or None, not {told(self.scheduler)}.")
        if self.class_label is not None:
            check_int("class_label", self.class_label, 0, MAX_CLASS)
        check_int("clip_skip", self.clip_skip, 1, MAX_CLIP_SKIP)
        check_int("feature_reuse", self.feature_reuse, 1, MAX_FEATURE_REUSE)
        check_number("guidance_reuse", self.guidance_reuse, 0.0, 1.0)
        if not isinstance(self.int8, bool):
            raise RequestError("int8", f"must be true or false, not {told(self.int8)}.")
        self._check_options()
        self._check_interval()
        object.__setattr__(self, "guidance_curve", checked(self.guidance_curve))
        if self.guidance_easing not in EASINGS:
            known = " or ".join(EASINGS)
            raise RequestError("guidance_easing", f"{told(self.guidance_easing)} is not {known}.")
        object.__setattr__(self, "edits", _edits(self.edits))
        if not all(isinstance(edit, Edit) for edit in self.edits):
            raise RequestError("edits", f"must be Edit values, not {told(self.edits)}.")
        for edit in self.edits:
            if edit.field == "vary":  # image i of a batch takes the seed that is i higher
                check_int("edits", edit.value["seed"], 0, MAX_SEED - self.count + 1)
        in_order = sorted(self.edits, key=lambda edit: edit.step)
        object.__setattr__(self, "edits", tuple(in_order))

    def _check_options(self) -> None:
        options = self.scheduler_options
        if not isinstance(options, Mapping) or not all(isinstance(key, str) for key in options):
            raise RequestError(
                "scheduler_options", f"must map names to values, not {told(options)}."
            )
        # Tuples become lists here and not only in the file, so that a request equals its own JSON.
        try:
            written = json.dumps(dict(options), allow_nan=False)
            plain = json.loads(written, parse_int=long_whole)
        except (TypeError, ValueError, RecursionError, NumberError):
            raise RequestError(
                "scheduler_options", f"{told(options)} is not plain JSON with ordinary numbers."
            ) from None
        object.__setattr__(self, "scheduler_options", plain)

    def _check_interval(self) -> None:
        interval = listed("guidance_interval", self.guidance_interval)
        if len(interval) != 2:
            raise RequestError("guidance_interval", f"must be two fractions, not {told(interval)}.")
        for value in interval:
            check_number("guidance_interval", value, 0.0, 1.0)
        if interval[0] > interval[1]:
            raise RequestError(
                "guidance_interval", f"starts at {interval[0]} but ends before, at {interval[1]}."
            )
        object.__setattr__(self, "guidance_interval", interval)

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        plain = {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.name != "edits"}
        return plain | {"edits": [edit.to_dict() for edit in self.edits]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Request:
        """The request that `to_dict` wrote. An unknown field is an error that names it."""
        if not isinstance(plain, Mapping):
            raise RequestError("request", f"must have fields, and {told(plain)} has none.")
        known = {f.name for f in fields(cls)}
        for name in plain:
            if name not in known:
                raise RequestError(str(name)[:MOST_TOLD], "is not a field of a request.")
        values = dict(plain)
        if "guidance_interval" in values:
            values["guidance_interval"] = listed("guidance_interval", values["guidance_interval"])
        if "edits" in values:
            values["edits"] = tuple(Edit.from_dict(edit) for edit in _edits(values["edits"]))
        return cls(**values)

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


def _checked_vary(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or value.keys() != {"amount", "seed"}:
        raise RequestError("edits", f"vary needs an amount and a seed, not {told(value)}.")
    check_number("edits", value["amount"], 0.0, 1.0)
    check_int("edits", value["seed"], 0, MAX_SEED)
    return dict(value)
