"""Words with places that are filled in, and how translators come by all words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication

from app import commands
from app.i18n import tr


def test_tr_fills_named_places_only() -> None:
    assert tr("Step {step} of {total}", step=3, total=20) == "Step 3 of 20"
    assert tr("{prompt}", prompt="{step} <b>") == "{step} <b>"
    assert tr("100 {braces}") == "100 {braces}"


def test_words_are_found_where_qts_own_extractor_puts_them(
    qapp: QApplication, tmp_path: Path
) -> None:
    """It gives a function that stands by itself no context; tr asked for another, so that a
    translation made with Qt's tools was never found."""
    tools, words = Path(sys.executable).parent, tmp_path / "words_th.ts"
    source = Path(__file__).parents[2] / "app/wording.py"
    subprocess.run([tools / "pyside6-lupdate", source, "-ts", words], check=True)
    empty = '<source>Seed</source>\n        <translation type="unfinished"></translation>'
    text = words.read_text()
    assert empty in text
    words.write_text(text.replace(empty, empty.replace(' type="unfinished">', ">เมล็ด")))
    subprocess.run([tools / "pyside6-lrelease", words], check=True)
    translator = QTranslator()
    assert translator.load(str(words.with_suffix(".qm")))
    qapp.installTranslator(translator)
    try:
        assert tr("Seed") == "เมล็ด"
    finally:
        qapp.removeTranslator(translator)


def test_marked_words_are_found_as_well(tmp_path: Path) -> None:
    tool, words = Path(sys.executable).parent / "pyside6-lupdate", tmp_path / "words.ts"
    alias = ("-tr-function-alias", "tr+=marked")
    subprocess.run([tool, *alias, str(commands.__file__), "-ts", words], check=True)
    found = {source.text for source in ElementTree.parse(words).iter("source")}
    shown = {
        text
        for command in commands.EVERY
        for text in (command.words, command.short, command.help, command.area.value)
    }
    assert shown - {""} <= found
