"""Wording: every setting has its words once, and the command line's flags come of them."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from app import wording
from app.cli.arguments import add_render_arguments, chosen
from engine.request.request import ACTS, SETTINGS

FIELDS = (*SETTINGS, "edits")


@pytest.fixture
def render() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="render")
    add_render_arguments(parser)
    return parser


def test_every_setting_has_words_and_there_are_no_others() -> None:
    assert {*wording.WORDS} == {*FIELDS, *ACTS}
    labels = [wording.label(field) for field in FIELDS]
    assert len(set(labels)) == len(labels) and all(labels)


@pytest.mark.parametrize("field", FIELDS)
def test_every_setting_has_a_flag(field: str, render: argparse.ArgumentParser) -> None:
    options = render.format_help()
    if field == "prompt":
        assert "PROMPT" in options
    elif field != "guidance_easing":  # which the curve's flag tells as well
        assert f"  {wording.flag(field)}" in options


def test_nothing_said_chooses_nothing(render: argparse.ArgumentParser) -> None:
    assert chosen(render.parse_args([])) == {}


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (["an owl", "--negative", "fog"], {"prompt": "an owl", "negative_prompt": "fog"}),
        (["--size", "64x32"], {"width": 64, "height": 32}),
        (
            ["--guidance-curve", "cosine 0:3,1:5"],
            {"guidance_curve": ((0.0, 3.0), (1.0, 5.0)), "guidance_easing": "cosine"},
        ),
        (["--option", "a=1", "--option", "b=x"], {"scheduler_options": {"a": 1, "b": "x"}}),
        (["--int8", "--class", "3"], {"int8": True, "class_label": 3}),
        (["--fast", "1"], {"feature_reuse": 2, "guidance_reuse": 0.0, "int8": True}),
        (["--guidance-interval", "0.2:0.8"], {"guidance_interval": (0.2, 0.8)}),
    ],
)
def test_what_is_said_is_chosen(
    line: list[str], fields: dict[str, object], render: argparse.ArgumentParser
) -> None:
    assert chosen(render.parse_args(line)) == fields


def test_a_field_without_words_has_plain_ones() -> None:
    assert wording.flag("film_grain") == "--film-grain"
    assert wording.plain("film_grain") == "film grain"
    assert wording.label("film_grain") == "Film grain"
    assert wording.changed("film_grain", 0.5) == "film grain"
    assert wording.beside("film_grain", 0.5) == "film grain 0.5"
    assert not wording.has_control("film_grain") and wording.tooltip("film_grain") == ""
    assert wording.in_order(["film_grain", "seed", "prompt"]) == ["prompt", "seed", "film_grain"]


def test_the_command_line_has_the_words_without_qt() -> None:
    program = "import sys; from app import wording; from app.cli import arguments; "
    program += "sys.exit(any(name.startswith('PySide6') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", program], check=True)
