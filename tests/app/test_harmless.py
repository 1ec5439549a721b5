"""Words of strangers on a terminal and in the window: nothing in them is obeyed, and nothing that
people write with is lost."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from app.cli.program import main
from app.harmless import harmless
from app.widgets.basic.plain_label import PlainLabel, plain_tooltip
from engine.record import image_file
from engine.record.image_file import Texts

EVIL = "\x1b]0;title\x07\x9b31m\rgone\u202eback\u2067\u2028"
WRITTEN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u200f\U0001f469\u200d\U0001f692 <b>\t"
"""A word of Persian with its joiner, a mark of direction, an emoji of two, markup, a tab."""


def is_obeyed(letter: str) -> bool:
    direction = unicodedata.bidirectional(letter)
    return letter not in "\n\t" and (
        unicodedata.category(letter) in ("Cc", "Zl", "Zp")
        or direction in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    )


def test_what_is_obeyed_is_spelt_out_and_all_else_is_kept() -> None:
    for code in range(0x110000):
        letter = chr(code)
        spelt = harmless(letter)
        if letter == "\n" or is_obeyed(letter):
            assert spelt == letter.encode("unicode_escape").decode()
        else:
            assert spelt == letter
    assert harmless(WRITTEN) == WRITTEN
    assert harmless("one\r\ntwo\nthree\x1b", lines=True) == "one\ntwo\nthree\\x1b"


def test_nothing_that_a_record_says_reaches_the_terminal_as_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A field that no request has is named in the error, as it stands in the file."""
    record = json.dumps({"request": {EVIL: 1}, "versions": {"safelight": "0.1.0"}})
    image_file.write_picture(Image.new("RGB", (8, 8)), tmp_path / "a.png", Texts("", record))
    for command in (["replay", "a.png"], ["render", "--branch-from", "a.png", "--at-step", "1"]):
        command = [str(tmp_path / word) if word == "a.png" else word for word in command]
        assert main([*command]) == 1
        told = capsys.readouterr().err
        assert "\\x1b]0;title\\x07\\x9b31m" in told and "\\u202eback" in told
        assert not any(map(is_obeyed, told))
        assert len(told.splitlines()) == 1
    assert main(["render", f"--{EVIL}"]) == 2
    assert not any(map(is_obeyed, capsys.readouterr().err))


def test_nor_does_it_turn_round_what_the_window_says(qtbot) -> None:
    label = PlainLabel()
    qtbot.addWidget(label)
    label.setText(f"{WRITTEN}\n{EVIL}")
    for shown in (label.text(), plain_tooltip(EVIL)):
        assert not any(map(is_obeyed, shown))
        assert "\\u202eback" in shown
    assert label.text().startswith(f"{WRITTEN}\n")
