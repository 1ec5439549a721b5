"""Words of strangers, for a terminal or a window: what these would obey is spelt out. Called where
words are shown, by the command line's one place of printing and by the labels; who makes a sentence
takes them as they are.
"""

from __future__ import annotations

CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
BREAKS = (0x2028, 0x2029)
"""What separates lines and paragraphs, beside the controls that do."""
OVERRIDES = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Of the bidirectional algorithm: what turns the order of the letters behind it. Its marks, and the
joiners that Persian and emoji are written with, turn nothing and stay."""
SPELT = {
    code: chr(code).encode("unicode_escape").decode()
    for code in (*CONTROLS, *BREAKS, *OVERRIDES)
    if chr(code) != "\t"
}


def harmless(text: str, *, lines: bool = False) -> str:
    """The text with control, line-breaking and direction-turning letters as escapes such as \\x1b,
    and all else as it is. lines: whether what is behind a line's end stays on a line of its own."""
    if not lines:
        return text.translate(SPELT)
    return "\n".join(line.translate(SPELT) for line in text.replace("\r\n", "\n").split("\n"))
