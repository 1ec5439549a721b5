"""Numbers as a person types or pastes them, with either decimal sign, the digits of any script and
the group signs of any country. Read by every number field and by the comparison's lists."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from PySide6.QtCore import QLocale

LONGEST = 40
"""Characters of a typed number: all that 64 bits hold, with group signs, and more."""
GROUPING = "'’ʼ٬_"
"""Never the decimal sign, besides blanks of all kinds."""
DECIMAL = "٫"
"""Never a group sign: the decimal sign of Persian and Arabic."""


def typed_number(text: str, largest: float, whole: bool, locale: QLocale) -> Decimal | None:
    """The number that the text says, None where it says none (yet). largest, whole: what the field
    takes at most, and whether only whole numbers.

    Of a comma and a point the last is the decimal sign. One that stands alone is the decimal sign
    too; but before exactly three digits, in a field that takes 1,000 or more, it groups them if the
    field is of whole numbers or the locale groups with that sign."""
    plain = _plain(text)
    if len(plain) > LONGEST or not re.fullmatch(r"[+-]?[0-9.,٫]*[0-9][0-9.,٫]*", plain):
        return None
    signs = re.findall(r"[.,٫]", plain)
    mark = signs[-1] if signs else ""
    if mark and _groups(plain, signs, largest, whole, locale):
        mark = ""
    if mark and plain.count(mark) > 1:
        return None
    head, _, tail = plain.rpartition(mark) if mark else (plain, "", "")
    for sign in ".,":
        head = head.replace(sign, "")
    return Decimal(f"{head or 0}.{tail or 0}") if head not in ("+", "-") else None


def typed_list(text: str, whole: bool, locale: QLocale) -> str:
    """The numbers of a list with commas between them and decimal points, as the engine reads it.
    Where the locale has a decimal comma, one that stands alone between digits is that; a semicolon
    separates in every locale, and then every comma is decimal."""
    text = _latin(text).replace("،", ",").replace("؛", ";").replace(DECIMAL, ".")
    if whole:
        return text.replace(";", ",")
    if ";" in text:
        return ", ".join(part.strip().replace(",", ".") for part in text.split(";"))
    if locale.decimalPoint() != ",":
        return text
    parts = [part.strip() for part in re.split(r",(?!\d)", text)]
    decimal = re.compile(r"\d+,\d+")
    return ", ".join(p.replace(",", ".") if decimal.fullmatch(p) else p for p in parts)


def _groups(plain: str, signs: list[str], largest: float, whole: bool, locale: QLocale) -> bool:
    """Whether the last sign stands between groups of digits and not before a fraction."""
    mark = signs[-1]
    if mark == DECIMAL or not re.fullmatch(
        rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+", plain
    ):
        return False
    if len(signs) > 1:
        return True
    return largest >= 1000 and (whole or locale.groupSeparator() == mark)


def _plain(text: str) -> str:
    """Latin digits and signs, without blanks, group signs and marks that turn the writing."""
    return "".join(
        sign
        for sign in _latin(text).replace("−", "-")
        if sign not in GROUPING and unicodedata.category(sign) not in ("Zs", "Cf", "Cc")
    )


def _latin(text: str) -> str:
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
