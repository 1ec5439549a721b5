"""The colours: contrast, switching live, icons."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import theme
from app.widgets.picture.preview_canvas import PreviewCanvas
from app.widgets.recipe.seed_field import SeedField
from app.widgets.runs.run_controls import RunControls
from tests.app.widgets.probes import narrow_header


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    channels = [value / 255 for value in QColor(colour).getRgb()[:3]]  # type: ignore[index]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.fixture
def canvas(qtbot: QtBot) -> PreviewCanvas:
    shown = PreviewCanvas()
    qtbot.addWidget(shown)
    shown.resize(400, 300)
    shown.show()
    return shown


class TestTheme:
    @pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
    def test_everything_can_be_read(self, colours: theme.Tokens) -> None:
        for ground in (colours.background, colours.panel, colours.raised, colours.hover):
            assert contrast(colours.text, ground) >= 7
            assert contrast(colours.muted, ground) >= 4.5
            assert contrast(colours.accent, ground) >= 3
        assert contrast(colours.on_accent, colours.accent) >= 4.5
        assert contrast(colours.on_accent, colours.glow) >= 4.5
        assert contrast(colours.on_alarm, colours.alarm) >= 7

    def test_switches_live(self, qapp: QApplication, canvas: PreviewCanvas) -> None:
        theme.apply(qapp, "light")
        assert theme.tokens() == theme.LIGHT
        assert canvas.grab().toImage().pixelColor(1, 1).name() == theme.LIGHT.background
        theme.apply(qapp, "dark")
        assert canvas.grab().toImage().pixelColor(1, 1).name() == theme.DARK.background
        theme.apply(qapp, "system")
        assert theme.tokens() in (theme.DARK, theme.LIGHT)
        theme.apply(qapp, "dark")

    def test_unknown_name(self, qapp: QApplication) -> None:
        with pytest.raises(ValueError, match=r"'sepia'.*dark, light, system"):
            theme.apply(qapp, "sepia")

    def test_every_name_in_the_style_sheet_is_filled_in(self, qapp: QApplication) -> None:
        theme.apply(qapp, "dark")
        assert "$" not in qapp.styleSheet().replace("$names", "")

    @pytest.mark.parametrize("make", [SeedField, RunControls, narrow_header])
    def test_icons_follow(
        self, qtbot: QtBot, qapp: QApplication, make: Callable[[], QWidget]
    ) -> None:
        theme.apply(qapp, "dark")
        widget = make()
        qtbot.addWidget(widget)
        widget.show()
        button = next(b for b in widget.findChildren(QPushButton) if not b.icon().isNull())
        before = button.icon().pixmap(18, 18).toImage()
        theme.apply(qapp, "light")
        assert button.icon().pixmap(18, 18).toImage() != before
        theme.apply(qapp, "dark")
