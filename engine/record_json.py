"""A record as JSON, read with care: it may be of an earlier or a later version, damaged, or made to
do harm. Called by `engine.metadata`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.errors import RecordError
from engine.request import Request

OURS = "safelight"
"""Our own version among those of a record."""
DEEPEST = 32
"""Lists in lists that a record may have; its own have four."""
REQUIRED = {
    "request": Request,
    "executed_steps": int,
    "checkpoint": str,
    "sha256": str,
    "device": str,
    "dtype": str,
    "versions": dict,
    "notes": list,
}
LATER = {"takes_prompt": bool, "branches": list, "job": str, "prediction_type": str}
"""Fields that records of earlier versions lack."""


def fields_of(text: str, ours: str) -> dict[str, Any]:
    """The fields of the Record that the text tells of, each of its kind; what a later version has
    beside them is in "others". ours: the version of this Safelight.

    Raises RecordError, whatever is wrong with the text.
    """
    plain: object = None
    try:
        plain = json.loads(text, parse_constant=_refuse_constant)
        if not isinstance(plain, dict) or not _is_shallow(plain):
            raise ValueError("it is no record")
        return _checked(plain)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())
        refusal = RecordError(reason if len(reason) <= 200 else f"{reason[:160]} …")
        theirs = _version_in(plain)
        if _numbers(theirs) > _numbers(ours):
            refusal.remedy = (
                f"It was made by Safelight {_cut(theirs)}; this is {ours}: update Safelight."
            )
        raise refusal from None


def _checked(plain: dict[str, Any]) -> dict[str, Any]:
    kinds = REQUIRED | LATER
    own = {name: value for name, value in plain.items() if name in kinds}
    if not isinstance(own.get("request"), dict):
        raise ValueError("it has no request")
    own["request"] = request = Request.from_dict(own["request"])
    if None in (request.scheduler, request.width, request.height):
        raise ValueError("its request leaves the scheduler or the size open")
    for name in REQUIRED:
        if name not in own:
            raise ValueError(f"it has no {name}")
    for name, kind in kinds.items():
        if name in own and type(own[name]) is not kind:
            raise ValueError(f"its {name} is {_cut(own[name])}")
    for name, kind in (("notes", str), ("branches", int)):
        if not all(type(value) is kind for value in own.get(name, ())):
            raise ValueError(f"its {name} is {_cut(own[name])}")
        own[name] = tuple(own.get(name, ()))
    versions = own["versions"]
    if OURS not in versions or not all(isinstance(value, str) for value in versions.values()):
        raise ValueError(f"its versions is {_cut(versions)}")
    own["others"] = {name: value for name, value in plain.items() if name not in kinds}
    return own


def _version_in(plain: object) -> str:
    versions = plain.get("versions") if isinstance(plain, dict) else None
    told = versions.get(OURS) if isinstance(versions, dict) else None
    return told if isinstance(told, str) else ""


def _is_shallow(plain: object) -> bool:
    level = [plain]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict | list):
                inner += value.values() if isinstance(value, dict) else value
        level = inner
        if not level:
            return True
    return False


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _cut(value: object) -> str:
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= 60 else f"{text[:50]}…"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,9}", version)]
