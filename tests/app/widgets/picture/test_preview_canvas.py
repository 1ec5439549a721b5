"""The canvas: views, shapes, caption, menu."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.widgets.picture.preview_canvas import PreviewCanvas, scaled
from tests.app.widgets.probes import Heard, colour_in_the_middle, open_menu, picture


@pytest.fixture
def canvas(qtbot: QtBot) -> PreviewCanvas:
    shown = PreviewCanvas()
    qtbot.addWidget(shown)
    shown.resize(400, 300)
    shown.show()
    return shown


class TestPreviewCanvas:
    def test_views(self, canvas: PreviewCanvas) -> None:
        canvas.set_pictures(picture(colour="#ff0000"), picture(2, 2, "#0000ff"))
        assert colour_in_the_middle(canvas) == "#ff0000"
        canvas.set_view("noisy")
        assert colour_in_the_middle(canvas) == "#0000ff"
        canvas.set_pictures(picture(colour="#00ff00"), None)
        assert colour_in_the_middle(canvas) == "#00ff00"
        canvas.clear("Nothing here.")
        assert colour_in_the_middle(canvas) not in ("#00ff00", "#0000ff")

    @pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3000, 2000)])
    def test_any_shape_is_shown_whole(self, canvas: PreviewCanvas, size: tuple[int, int]) -> None:
        canvas.set_caption("แมว <b>&</b> " * 50)
        canvas.set_pictures(picture(*size), None)
        canvas.grab()
        target = canvas._target(picture(*size))
        assert canvas.rect().contains(target.toAlignedRect())

    def test_empty_image_is_no_picture(self, canvas: PreviewCanvas) -> None:
        canvas.set_pictures(QImage(), None)
        canvas.grab()

    def test_noisy_latents_keep_their_squares(self) -> None:
        latents = picture(2, 1, "#000000")
        latents.setPixelColor(1, 0, QColor("#ffffff"))
        enlarged = scaled(latents, latents.size() * 50, blocky=True)
        seen = {enlarged.pixelColor(x, 25).name() for x in range(100)}
        assert seen == {"#000000", "#ffffff"}

    def test_predicted_picture_is_smooth(self) -> None:
        small = picture(2, 1, "#000000")
        small.setPixelColor(1, 0, QColor("#ffffff"))
        enlarged = scaled(small, small.size() * 50)
        seen = {enlarged.pixelColor(x, 25).name() for x in range(100)}
        assert len(seen) > 10

    def test_caption_reaches_screen_readers(self, canvas: PreviewCanvas) -> None:
        canvas.set_caption("step 3 of 20")
        assert canvas.accessibleDescription() == "step 3 of 20"
        canvas.set_explanation("Decoded in full.")
        assert canvas.accessibleDescription() == "step 3 of 20\nDecoded in full."
        assert "Decoded in full." in canvas.toolTip()
        canvas.set_explanation("")
        assert "Decoded" not in canvas.toolTip() + canvas.accessibleDescription()

    def test_context_menu(self, canvas: PreviewCanvas) -> None:
        heard = Heard(canvas.saveRequested)
        canvas.set_pictures(picture(), None)
        menu = open_menu(canvas)
        menu.actions()[0].trigger()
        menu.close()
        assert heard == [()]
