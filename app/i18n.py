"""The words of the program in the person's language. Every widget and window calls `tr`; tables of
words that are made once, before anybody has chosen a language, hold them `marked`."""

from __future__ import annotations

CONTEXT = ""
"""Where Qt's own extractor, pyside6-lupdate, puts the words of a function that is called `tr`."""


def tr(text: str, **named: object) -> str:
    """The translation of `text`, or `text` itself when there is none, with its named placeholders
    filled in: `tr("Step {step} of {total}", step=3, total=20)`. The values are not translated.
    """
    from PySide6.QtCore import QCoreApplication  # the command line has the words and no Qt

    translated = QCoreApplication.translate(CONTEXT, text)
    return translated.format(**named) if named else translated


def marked(text: str) -> str:
    """`text` as it is, for a table that `tr` is asked about when it is shown. Qt's extractor finds
    it with `pyside6-lupdate -tr-function-alias tr+=marked`."""
    return text
