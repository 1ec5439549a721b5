"""A record as JSON, read with care: it may be of an earlier or a later version, damaged, or made to
do harm. Called by `engine.record.record`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.errors import MOST_TOLD, EngineError, RecordError, told
from engine.foreign import parse_json
from engine.request.request import MAX_EDIT_STEP, Request

OURS = "safelight"
"""Our own version among those of a record."""
MOST_LETTERS = 4 * 2**20
"""Of a record. One with a thousand edits, each of them a long prompt, has a quarter."""
MOST_ENTRIES = 1000
"""In each of its lists beside the request's; its own have some ten."""
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
LATER |= {"threads": int, "ways": dict}
"""Fields that records of earlier versions lack."""


def fields_of(text: str, ours: str) -> dict[str, Any]:
    """The fields of the Record that the text tells of, each of its kind; what a later version has
    beside them is in "others". ours: the version of this Safelight.

    Raises RecordError, whatever is wrong with the text.
    """
    plain: object = None
    try:
        if len(text) > MOST_LETTERS:
            raise ValueError(f"it is longer than {MOST_LETTERS:,} letters")
        plain = parse_json(text, "it", exact=True)
        if not isinstance(plain, dict):
            raise ValueError("it is no record")
        json.dumps(plain, allow_nan=False)  # NaN and Infinity are no numbers of JSON
        return _checked(plain)
    except (EngineError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split()).removesuffix(".")
        refusal = RecordError(reason if len(reason) <= 200 else f"{reason[:160]} …")
        theirs = _version_in(plain)
        if _numbers(theirs) > _numbers(ours):
            refusal.remedy = (
                f"It was made by Safelight {theirs[:MOST_TOLD]}; this is {ours}: update Safelight."
            )
        raise refusal from None


def _checked(plain: dict[str, Any]) -> dict[str, Any]:
    kinds = REQUIRED | LATER
    own = {name: value for name, value in plain.items() if name in kinds}
    if not isinstance(own.get("request"), dict):
        raise ValueError("it has no request")
    # A record without it is older than the field, and its run had none.
    own["request"] = request = Request.from_dict({"guidance_rescale": 0.0} | own["request"])
    if None in (request.scheduler, request.width, request.height):
        raise ValueError("its request leaves the scheduler or the size open")
    for name in REQUIRED:
        if name not in own:
            raise ValueError(f"it has no {name}")
    for name, kind in kinds.items():
        if name in own and type(own[name]) is not kind:
            raise ValueError(f"its {name} is {told(own[name])}")
    for name in ("executed_steps", "threads"):
        if not 0 <= own.get(name, 0) <= MAX_EDIT_STEP:
            raise ValueError(f"its {name} is {told(own[name])}")
    for name, kind in (("notes", str), ("branches", int)):
        values = own[name] = tuple(own.get(name, ()))
        if len(values) > MOST_ENTRIES or not all(type(value) is kind for value in values):
            raise ValueError(f"its {name} is {told(values)}")
    if not all(0 <= branch <= MAX_EDIT_STEP for branch in own["branches"]):
        raise ValueError(f"its branches is {told(own['branches'])}")
    for name in ("versions", "ways"):
        entries = own.get(name, {})
        if len(entries) > MOST_ENTRIES or not all(isinstance(one, str) for one in entries.values()):
            raise ValueError(f"its {name} is {told(entries)}")
    if OURS not in own["versions"]:
        raise ValueError(f"its versions is {told(own['versions'])}")
    own["others"] = {name: value for name, value in plain.items() if name not in kinds}
    return own


def _version_in(plain: object) -> str:
    versions = plain.get("versions") if isinstance(plain, dict) else None
    theirs = versions.get(OURS) if isinstance(versions, dict) else None
    return theirs if isinstance(theirs, str) else ""


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,9}", version)]
