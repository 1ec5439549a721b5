"""Words: how text is cut into words for the gallery's search, and what a person types into a query
of SQLite's full-text index. Used by `app.state.gallery.index`.

Upper and lower case, accents and the many forms of one letter are the same. Scripts that put no
space between words (Chinese, Japanese, Thai, …) and emoji are cut into single characters, so that
any part of such a text is found.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST_WORD = 64
"""Letters of a word that count; what two longer words have beyond them makes no difference."""
LONGEST_TEXT = 50_000
"""Characters of a text that are searched."""
MOST_TYPED = 24
"""Words of a query that count."""

_ACCENTS = re.compile("[\u0300-\u036f]+")
_ASCII = re.compile("[a-z0-9]+")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
_PARTS = re.compile(f"[{_UNSPACED}]|[^{_UNSPACED}]+")


class _Letters(dict[int, str]):
    """Every character to itself, or to a space where it belongs to no word; filled as asked."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        is_letter = kind[0] in "LNM" or kind == "Co" or (kind[0] == "S" and code > 127)
        self[code] = character if is_letter else " "
        return self[code]


_LETTERS = _Letters()


def words(text: str) -> list[str]:
    """The words of the text in the form in which they are compared."""
    return [word for run in _runs(text) for word in run]


def expression(typed: str) -> str:
    """A query of SQLite's FTS5 that finds the texts in which every word that was typed begins some
    word; "" where none was typed. Made of nothing but quoted letters, so that it is always one."""
    runs = _runs(typed)[:MOST_TYPED]
    return " AND ".join(f'"{" ".join(run)}" *' for run in runs)


def _runs(text: str) -> list[list[str]]:
    """What stands together, each as its words: one, but in scripts without spaces."""
    text = text[:LONGEST_TEXT]
    if text.isascii():
        return [[word[:LONGEST_WORD]] for word in _ASCII.findall(text.lower())]
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    text = unicodedata.normalize("NFC", text).translate(_LETTERS)
    return [[part[:LONGEST_WORD] for part in _PARTS.findall(run)] for run in text.split()]
