"""A record as JSON, read with care: it may be of an earlier or a later version, damaged, or made to
do harm. Called by `engine.record.record`.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from engine.errors import MOST_TOLD, EngineError, RecordError, told
from engine.foreign import fitted, parse_json
from engine.request.request import MAX_EDIT_STEP, Request

OURS = "safelight"
"""Our own version among those of a record."""
MOST_LETTERS = 4 * 2**20
"""Of a record. One with a thousand edits, each of them a long prompt, has a quarter."""
MOST_ENTRIES = 1000
"""In each of its lists beside the request's; its own have some ten."""
Steps = Annotated[int, Meta(ge=0, le=MAX_EDIT_STEP)]
Few = Meta(max_length=MOST_ENTRIES)


class RecordFields(TypedDict):
    """The fields of a Record beside its request, as JSON has them. Earlier versions lack those that
    are not required."""

    executed_steps: Steps
    checkpoint: str
    sha256: str
    device: str
    dtype: str
    versions: Annotated[dict[str, str], Few]
    notes: Annotated[tuple[str, ...], Few]
    takes_prompt: NotRequired[bool]
    branches: NotRequired[Annotated[tuple[Steps, ...], Few]]
    job: NotRequired[str]
    prediction_type: NotRequired[str]
    threads: NotRequired[Steps]
    ways: NotRequired[Annotated[dict[str, str], Few]]


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
    if not isinstance(plain.get("request"), dict):
        raise ValueError("it has no request")
    # A record without it is older than the field, and its run had none.
    request = Request.from_dict({"guidance_rescale": 0.0} | plain["request"])
    if None in (request.scheduler, request.width, request.height):
        raise ValueError("its request leaves the scheduler or the size open")
    try:
        # Of the others, which are kept as they are, msgspec could not read every name.
        known = {name: plain[name] for name in RecordFields.__annotations__ if name in plain}
        own: dict[str, Any] = {**fitted(known, RecordFields, "it")}
    except EngineError as error:  # it is a reason here, within a sentence
        raise ValueError(str(error).removeprefix("it cannot be used: ")) from None
    if OURS not in own["versions"]:
        raise ValueError(f"its versions is {told(own['versions'])}")
    others = plain.keys() - known.keys() - {"request"}
    return own | {"request": request, "others": {n: v for n, v in plain.items() if n in others}}


def _version_in(plain: object) -> str:
    versions = plain.get("versions") if isinstance(plain, dict) else None
    theirs = versions.get(OURS) if isinstance(versions, dict) else None
    return theirs if isinstance(theirs, str) else ""


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,9}", version)]
