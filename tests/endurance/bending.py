"""Bytes, texts and JSON that are bent a little or a lot, by a random.Random alone: the same seed
bends them in the same way. Called by tests.endurance.doors.
"""

from __future__ import annotations

import json
import struct
import zlib
from copy import deepcopy
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, "", " ", 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 1e308),
    *(5e-324, float("nan"), float("inf"), -float("inf"), "1e999", "9" * 5000, "nan", "True", "-0"),
    *(
        [],
        {},
        [[[[[]]]]],
        [None],
        {"": ""},
        "\ud800",
        "\x1b[31m\x07",
        "\u202ex",
        "\0",
        "a" * 70_000,
    ),
    *(
        "../../../etc",
        "/dev/zero",
        "C:\\CON",
        "x\ny",
        "<b>",
        "%s%n{0}",
        [0] * 3000,
        {"a": {"a": {}}},
    ),
    *(0.5, 7, 512, 65536, "euler", "unipc", "float16", [0.0, 1.0], [1, 2, 3], "1.5", "0x10", "١٢"),
)
"""What stands where something else is expected."""
NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x01")
DEEP = 3000


def bent_json(random: Random, value: Any, times: int | None = None) -> Any:
    """The value with one to four of its places changed, copied, moved or gone."""
    value = json.loads(json.dumps(value))
    for _ in range(times or random.randint(1, 4)):
        places = [*_places(value)]
        if not places:
            return random.choice(ODD)
        holder, key = random.choice(places)
        match random.randrange(7):
            case 0 | 1 | 2:
                holder[key] = random.choice(ODD)
            case 3:
                del holder[key]
            case 4:
                other, from_key = random.choice(places)
                if isinstance(other, list) or from_key in other:
                    holder[key] = deepcopy(_at(other, from_key))
            case 5:
                holder[key] = [holder[key]] * random.choice((1, 2, 50))
            case _ if isinstance(holder, dict):
                holder[str(random.choice(ODD))[:200]] = holder.pop(key)
            case _:
                holder.insert(key, random.choice(ODD))
        value = json.loads(json.dumps(value))  # no part is another's
    return value


def written(random: Random, value: Any) -> str:
    """JSON of it, now and then in a form that few write."""
    text = json.dumps(value, ensure_ascii=random.random() < 0.5)
    match random.randrange(12):
        case 0:
            return bent_text(random, text)
        case 1:
            return "\ufeff" + text
        case 2:
            return "[" * DEEP + text + "]" * DEEP
        case 3:
            return text[: random.randrange(len(text) + 1)]
        case _:
            return text


def bent_text(random: Random, text: str) -> str:
    """The text with one to six pieces of it changed, copied, moved or gone."""
    for _ in range(random.randint(1, 6)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.choice((0, 1, 3, 20, 200)))
        piece = text[start:end]
        match random.randrange(7):
            case 0:
                piece = ""
            case 1:
                piece = piece * random.choice((2, 3, 500))
            case 2:
                piece = str(random.choice(ODD))[:6000]
            case 3:
                piece = piece[::-1]
            case 4:
                piece = random.choice(
                    ("\n", ",", ":", '"', "(", "{", "[", "\\", "=", "\r", "\t", "<")
                )
            case 5:
                piece = "".join(
                    chr(random.randrange(32, 0x2100)) for _ in range(random.randrange(9))
                )
            case _:
                other = random.randrange(len(text) + 1)
                piece = text[other : other + 200]
        text = text[:start] + piece + text[end:]
        if len(text) > 500_000:
            break
    return text


def bent_bytes(random: Random, content: bytes) -> bytes:
    """The same for bytes, of which four in a row are now and then a number at its limits."""
    whole = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 4, 12))):
        start = random.randrange(len(whole) + 1)
        match random.randrange(7):
            case 0 if start < len(whole):
                whole[start] ^= 1 << random.randrange(8)
            case 1:
                whole[start : start + 4] = random.choice(NUMBERS)
            case 2:
                whole[start : start + 4] = bytes(reversed(random.choice(NUMBERS)))
            case 3:
                del whole[start : start + random.choice((1, 4, 100))]
            case 4:
                whole[start:start] = whole[start : start + random.choice((1, 12, 300))]
            case 5:
                del whole[random.randrange(start, len(whole) + 1) :]
            case _:
                whole[start:start] = random.randbytes(random.randrange(9))
    return bytes(whole)


def bent_png(random: Random, content: bytes) -> bytes:
    """A PNG with chunks that are changed, copied, moved or gone, and whose sums are right, so that
    what is in them is looked at."""
    chunks, at = [], 8
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    for _ in range(random.randint(1, 3)):
        number = random.randrange(len(chunks))
        kind, body = chunks[number]
        match random.randrange(6):
            case 0:
                del chunks[number]
                chunks = chunks or [(b"IEND", b"")]
            case 1:
                chunks.insert(random.randrange(len(chunks)), (kind, body))
            case 2:
                kinds = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"IDAT", b"IHDR", b"acTL", b"fcTL")
                chunks[number] = (random.choice(kinds), body)
            case 3 if kind == b"IHDR" and len(body) == 13:
                # The sides that are claimed stay such as a person could have saved.
                sides = [random.choice((0, 1, 63, 64, 4096, 2**31 - 1, 2**32 - 1)) for _ in "wh"]
                chunks[number] = (kind, struct.pack(">II", *sides) + body[8:])
            case _:
                chunks[number] = (kind, bent_bytes(random, body))
    return content[:8] + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in it: what holds it, and where."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict | list):
            keys = [*holder] if isinstance(holder, dict) else [*range(len(holder))]
            found += [(holder, key) for key in keys]
            waiting += [holder[key] for key in keys]
    return found


def _at(holder: Any, key: Any) -> Any:
    return (
        holder[key]
        if isinstance(holder, dict)
        else holder[min(key, len(holder) - 1)]
        if holder
        else None
    )
