"""What can go wrong in the engine, by kind; raised everywhere, shown to people as it stands.

Every message is one sentence or two: what was wrong, with the value, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from reprlib import Repr

MOST_TOLD = 80
"""Letters of a value that a message tells."""
ALIKE = 0.6
"""Share of letters that two names have in common, from which one may be meant by the other."""
_REPR = Repr()
_REPR.maxstring = _REPR.maxother = MOST_TOLD


def told(value: object) -> str:
    """A value for a message, as Python writes it and not all of it where it is long."""
    try:
        return _REPR.repr(value)
    except ValueError:  # Python does not write numbers of more than some thousand digits
        return "a number of thousands of digits"


class EngineError(Exception):
    """The root of all errors that the engine raises on purpose."""


class RequestError(EngineError, ValueError):
    """A field of a Request has a value that cannot be used. `field` names it."""

    def __init__(self, field: str, message: str):
        super().__init__(f"{field}: {message}")
        self.field = field


class SchedulerError(EngineError, ValueError):
    """An unknown scheduler, an option that it lacks or cannot take, or a step past its end."""


class LoadError(EngineError):
    """A model that cannot be loaded: missing, incomplete, or of a kind that is not known."""


class ConfigError(LoadError):
    """A configuration lacks a required key, or holds a value that is not implemented."""


class WeightsError(LoadError):
    """A weights file is damaged, or does not hold the tensors that the configuration asks for."""


class OutOfMemory(EngineError):
    """The device has too little memory; the message says what would help."""


class NonFiniteError(EngineError):
    """The latents became NaN or infinite; the message names the step."""


class SaveError(EngineError):
    """A file cannot be written; the message names it and the reason."""


class RecordError(EngineError, ValueError):
    """A file has no record, or one that cannot be read. remedy: what to do, in a sentence."""

    remedy = "Choose an image that Safelight has saved."


class CostlyReplay(RecordError):
    """The record in a file asks for far more than is usual: whoever has the file is asked first."""

    remedy = "If you want that, say so: --yes on the command line, agreed=True in a script."


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, whatever its case and its separators; None where
    none is like it."""
    import difflib  # which only an error needs

    by_form = {_form(one): one for one in known}
    asked = _form(str(name)[:MOST_TOLD])
    begun = [form for form in by_form if len(asked) > 2 and form.startswith(asked)]
    found = begun if len(begun) == 1 else difflib.get_close_matches(asked, by_form, 1, ALIKE)
    return by_form[found[0]] if found else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """ " Did you mean 'euler'?", to stand behind the sentence that refuses a name; "" where no
    known one is like it."""
    meant = nearest(name, known)
    return f" Did you mean {meant!r}?" if meant else ""


def _form(name: str) -> str:
    return name.strip().casefold().replace("++", "pp").replace("-", "_").replace(" ", "_")
