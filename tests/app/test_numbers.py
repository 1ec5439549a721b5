"""Numbers that nothing can have, at the doors of the window: in every setting, in notes, in
pictures of the gallery, pasted into fields. The window opens, with usual values, and makes images.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from app import paths
from app.main import Application
from tests.app.conftest import told
from tests.app.fake_engine import FakeEngine

ODD = ["9" * 400, "-" + "9" * 400, "1e999", "NaN", "9223372036854775808", "-1"]
NUMBERS = ("width", "height", "steps", "guidance_scale", "seed", "count", "eta", "class_label")
MORE = ("guidance_rescale", "clip_skip", "feature_reuse", "guidance_reuse", "int8")


@pytest.mark.parametrize("odd", ODD)
def test_the_window_opens_with_odd_numbers_at_every_door(
    qtbot: QtBot, start: Callable[..., Application], fake: FakeEngine, odd: str
) -> None:
    draft = dict.fromkeys((*NUMBERS, *MORE), "ODD")
    draft |= {"guidance_curve": [[0, "ODD"]], "guidance_interval": ["ODD", "ODD"]}
    kept = {"draft": draft, "classes": "ODD", "timeline_memory": "ODD", "seed_spent": "ODD"}
    kept |= {"chosen": ["ODD"], "prediction_types": [{"path": "x", "bytes": "ODD"}]}
    paths.preferences_file().parent.mkdir(parents=True)
    paths.preferences_file().write_text(json.dumps(kept).replace('"ODD"', odd))
    images = paths.image_folder()
    images.mkdir(parents=True)
    chunks = PngInfo()
    chunks.add_text("parameters", f"a cat\nSteps: {odd}, Seed: {odd}, CFG scale: {odd}, Size: 8x8")
    Image.new("RGB", (8, 8)).save(images / "a.png", pnginfo=chunks)
    notes = {"version": 1, "notes": {"a.png": {"favourite": "ODD", "note": "kept"}}}
    (images / ".safelight-notes.json").write_text(json.dumps(notes).replace('"ODD"', odd))

    application = start()
    qtbot.waitUntil(lambda: application.gallery.rowCount() == 1)
    session = application.session
    assert (session.steps, session.guidance_scale) == (4, 5.0), "as the model has them"
    QGuiApplication.clipboard().setText(f"a cat\nSteps: {odd}, Seed: {odd}, CFG scale: {odd}")
    application.window.pasteRequested.emit()
    qtbot.waitUntil(lambda: session.prompt == "a cat")
    with qtbot.waitSignal(told(application).idle):
        session.generate()
    assert fake.requests[-1].steps == 4
    for field in application.window.findChildren(QSpinBox):
        line = field.findChild(QLineEdit)
        assert line is not None
        line.setText(odd)
        field.interpretText()
        assert field.minimum() <= field.value() <= field.maximum()
