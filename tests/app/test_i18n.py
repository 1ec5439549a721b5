"""Words with places that are filled in."""

from __future__ import annotations

from app.i18n import tr


def test_tr_fills_named_places_only() -> None:
    assert tr("Step {step} of {total}", step=3, total=20) == "Step 3 of 20"
    assert tr("{prompt}", prompt="{step} <b>") == "{step} <b>"
    assert tr("100 {braces}") == "100 {braces}"
