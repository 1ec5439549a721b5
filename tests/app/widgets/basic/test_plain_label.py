"""Texts that are never read as markup."""

from __future__ import annotations

from app.widgets.basic.plain_label import plain_tooltip


def test_plain_tooltip_shows_markup_as_text() -> None:
    assert "&lt;b&gt;" in plain_tooltip("<b>")
    assert len(plain_tooltip("x" * 5000)) < 1000
