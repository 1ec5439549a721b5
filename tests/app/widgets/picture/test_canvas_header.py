"""The line over the picture: its buttons, and how they give way to the title."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.widgets.picture.canvas_header import CanvasHeader
from tests.app.widgets.probes import Heard, part


class TestCanvasHeader:
    @pytest.fixture
    def header(self, qtbot: QtBot) -> CanvasHeader:
        line = CanvasHeader()
        qtbot.addWidget(line)
        line.resize(800, 46)
        line.show()
        return line

    def test_views(self, header: CanvasHeader) -> None:
        heard = Heard(header.viewChosen)
        part(header, QPushButton, "noisyButton").click()
        part(header, QPushButton, "noisyButton").click()
        part(header, QPushButton, "predictedButton").click()
        assert heard == [("noisy",), ("predicted",)]

    def test_set_view_tells_nobody(self, header: CanvasHeader) -> None:
        heard = Heard(header.viewChosen)
        header.set_view("noisy")
        assert part(header, QPushButton, "noisyButton").isChecked()
        assert not part(header, QPushButton, "predictedButton").isChecked()
        header.set_view("predicted")
        assert not heard
        part(header, QPushButton, "noisyButton").click()
        assert heard == [("noisy",)]

    def test_save_and_copy(self, header: CanvasHeader) -> None:
        save, copy = Heard(header.saveRequested), Heard(header.copyRequested)
        part(header, QPushButton, "saveButton").click()
        assert not save
        header.set_can_save(True)
        part(header, QPushButton, "saveButton").click()
        part(header, QPushButton, "copyButton").click()
        assert (save, copy) == ([()], [()])

    def test_branch(self, header: CanvasHeader) -> None:
        heard = Heard(header.branchRequested)
        part(header, QPushButton, "branchButton").click()
        assert not heard
        header.set_can_branch(True)
        part(header, QPushButton, "branchButton").click()
        assert heard == [()]

    @pytest.mark.parametrize("bar", ["vary", "compare"])
    def test_bars_open_and_close(self, header: CanvasHeader, bar: str) -> None:
        heard = Heard(getattr(header, f"{bar}Toggled"))
        button = part(header, QPushButton, f"{bar}Button")
        button.click()
        assert not button.isChecked()
        header.set_can_branch(True)
        header.set_can_compare(True)
        button.click()
        button.click()
        assert heard == [(True,), (False,)]
        getattr(header, f"set_{bar}_open")(True)
        assert button.isChecked()
        assert len(heard) == 2

    def test_words_give_way_to_the_title(self, header: CanvasHeader) -> None:
        buttons = header.findChildren(QPushButton)
        header.resize(1200, 46)
        assert all(button.text() == button.accessibleName() != "" for button in buttons)
        wordless = []
        for width in (900, 600, 440):
            header.resize(width, 46)
            QApplication.processEvents()
            assert header.width() == width
            title = part(header, QLabel, "")
            assert title.width() >= 100
            if width > 440:  # in the narrowest, the tooltip has all of it
                words = "Comparing 6 pictures"
                assert title.fontMetrics().horizontalAdvance(words) <= title.width(), width
            assert all(bool(button.text()) == button.icon().isNull() for button in buttons)
            assert all(button.width() >= button.sizeHint().width() for button in buttons)
            wordless.append(sum(not button.text() for button in buttons))
        assert wordless == sorted(wordless)
        assert wordless[-1] == len(buttons)
        assert part(header, QPushButton, "saveButton").accessibleName() == "Save"

    def test_a_title_that_is_cut_is_told_in_full(self, header: CanvasHeader) -> None:
        header.set_title("<i>Run 7</i>")
        assert "&lt;i&gt;Run 7&lt;/i&gt;" in part(header, QLabel, "").toolTip()
