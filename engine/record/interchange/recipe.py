"""Recipe: what a file says about how its picture was made, as far as it can be used here; and
Excerpt, in which a reader of a format gathers it. Made by `engine.record.interchange.programs`,
read by the window and the command line. Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from engine import foreign, schedulers
from engine.errors import EngineError, RequestError
from engine.record.interchange import reasons
from engine.request.request import SETTINGS

if TYPE_CHECKING:
    from engine.record.record import Record
    from engine.schedulers.sampler_names import Choice

MAX_SHOWN = 80
"""Characters of a stranger's value that a sentence repeats; longer ones end with an ellipsis."""
MAX_LEFT_OUT = 40
"""Sentences about what could not be used; one more says how many there would be."""
MAX_DIGITS = 40
"""Characters of a number that is given as text. A longer one is no setting."""
LORA = re.compile(r"<(?:lora|lyco|hypernet):[^<>\n]{1,200}>")
OF_NUMBERS = frozenset("0123456789+-.eE ")
ABSENT = ("", "None", "none", None)
"""What programs write for nothing."""


@dataclass(frozen=True)
class Recipe:
    """How a picture was made, for this program.

    program: "Safelight", "AUTOMATIC1111", "Forge", "SD.Next", "ComfyUI", "InvokeAI", "Fooocus",
        "RuinedFooocus", "SwarmUI", "stable-diffusion.cpp", "Easy Diffusion", "NovelAI",
        "Draw Things" or "ArtBot"; fields: of a Request, each with a value that it takes;
        model, model_hash: of the checkpoint, "" where the file does not tell; left_out: what could
        not be used, with its value and the reason, a sentence each; text: the settings as
        AUTOMATIC1111 writes them, the file's own where it has them; record: all there is to know,
        where Safelight made the picture.
    """

    program: str
    fields: Mapping[str, Any]
    model: str = ""
    model_hash: str = ""
    left_out: tuple[str, ...] = ()
    text: str = ""
    record: Record | None = None


@dataclass
class Excerpt:
    """What a reader has found so far. Every value is checked as it comes, and what a Request would
    refuse becomes a sentence."""

    program: str
    fields: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    model_hash: str = ""
    left_out: list[str] = field(default_factory=list)

    def text(self, name: str, value: Any) -> None:
        """A prompt. Anything but text is left out, and so is null, in silence."""
        if isinstance(value, str):
            self.fields[name] = value
        elif value is not None:
            self.leave_out(name.replace("_", " ").capitalize(), value, "it is no text")

    def whole(self, name: str, value: Any, said: str) -> None:
        """A whole number for the field `name`; said: what its program calls it."""
        self._number(name, value, said, whole)

    def number(self, name: str, value: Any, said: str) -> None:
        self._number(name, value, said, number)

    def size(self, width: Any, height: Any) -> None:
        self.whole("width", width, "Width")
        self.whole("height", height, "Height")
        if len({"width", "height"} & self.fields.keys()) == 1:  # of half a size nothing can be made
            self.fields.pop("width", None)
            self.fields.pop("height", None)

    def checkpoint(self, name: Any, digest: Any = "") -> None:
        """The checkpoint's name and hash, where they are told."""
        if isinstance(name, str) and name not in ABSENT:
            self.model = name
        if isinstance(digest, str) and digest not in ABSENT:
            self.model_hash = digest

    def scheduler(self, choose: Callable[..., Choice], *names: Any) -> None:
        """The scheduler that `choose` of `engine.schedulers` finds for another program's names."""
        told = ", ".join(map(str, names))
        if not all(isinstance(name, str) for name in names):
            return self.leave_out("Sampler", told, "it is no name")
        try:
            name, options = choose(*names)
        except EngineError:
            try:  # the sampler alone, since without the spacing it still is that sampler
                name, options = choose(*names[:1])
            except EngineError:
                return self.leave_out("Sampler", told, "there is no such scheduler here")
            self.leave_out("Schedule", names[-1], "there is no such spacing of the noise here")
        self.choice(name, options)

    def choice(self, name: str, options: Mapping[str, Any]) -> None:
        """A scheduler of ours, with those of the options that it has."""
        known = _options(name)
        for key in options.keys() - known:
            self.leave_out(key, options[key], f"the scheduler {name} has no such option")
        self.fields["scheduler"] = name
        self.fields["scheduler_options"] = {
            key: value for key, value in options.items() if key in known
        }

    def note_loras(self, prompt: str) -> None:
        """Say that what a prompt asks for in angle brackets does not come."""
        if found := list(dict.fromkeys(LORA.findall(prompt))):
            asked = shown(", ".join(found[:5]))
            self.note(f"{reasons.NO_LORAS}: {asked} stays in the prompt as mere text.")

    def leave_out(self, said: str, value: Any, why: str) -> None:
        told = f"{shown(said)} {shown(value)}".rstrip()
        self.left_out.append(f"{told} is left out: {why}.")

    def note(self, sentence: str) -> None:
        if sentence not in self.left_out:
            self.left_out.append(sentence)

    def recipe(self, text: str) -> Recipe:
        left_out = self.left_out
        if len(left_out) > MAX_LEFT_OUT:
            rest = len(left_out) - MAX_LEFT_OUT
            left_out = [*left_out[:MAX_LEFT_OUT], f"{rest} more settings are left out."]
        return Recipe(self.program, self.fields, self.model, self.model_hash, tuple(left_out), text)

    def _number(self, name: str, value: Any, said: str, read: Callable[[Any], Any]) -> None:
        if value in ABSENT:
            return
        as_number = read(value)
        if as_number is None:
            return self.leave_out(said, value, f"it is no {read.__doc__}")
        try:
            SETTINGS[name].form.check(name, as_number)
        except RequestError as error:
            reason = shown(str(error).removeprefix(f"{name}: ").rstrip("."))
            return self.leave_out(said, value, reason)
        self.fields[name] = as_number


def is_nothing(value: Any) -> bool:
    """Whether a program writes this for what was off: nothing, no, 0, or none of a list."""
    return value in (*ABSENT, [], {}, False) or number(value) == 0


def whole(value: Any) -> int | None:
    """whole number"""
    if number(value) is None:
        return None
    try:
        return foreign.whole(value)
    except EngineError:
        return None


def number(value: Any) -> float | int | None:
    """number"""
    if isinstance(value, str) and (len(value) > MAX_DIGITS or not set(value) <= OF_NUMBERS):
        return None
    try:
        as_number = foreign.finite(value)
    except EngineError:
        return None
    return value if isinstance(value, int) else as_number


def shown(value: Any, most: int = MAX_SHOWN) -> str:
    """A stranger's value as part of a sentence: one line, printable, not long."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 256:
        return "a number of hundreds of digits"  # more than thousands Python will not even write
    if isinstance(value, dict | list):
        value = f"with {len(value)} parts"
    text = str(value)[: 4 * most]
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split())
    return line if len(line) <= most else line[: most - 1] + "…"


@cache
def _options(scheduler: str) -> frozenset[str]:
    return frozenset(option.name for option in schedulers.describe(scheduler).options)
