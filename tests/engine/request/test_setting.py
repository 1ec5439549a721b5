"""Settings: every field of a request says by itself what it takes, when it may change and which
ability it needs; and what is derived from that. `tests/test_new_field.py` adds one."""

from __future__ import annotations

import dataclasses

import pytest

from engine import Edit, Request, RequestError
from engine.families.family import Ability
from engine.request import request as module
from engine.request.conditions import CHANGEABLE, FIXED
from engine.request.economy import ECONOMIES
from engine.request.forms import OPTIONS, PART_OF_A_RUN, YES_OR_NO, Form, number, optional, whole
from engine.request.grid import AXES, Axis
from engine.request.request import ACTS, AT_A_BRANCH, OF_A_PROMPT, SETTINGS, STEERABLE
from engine.request.setting import Moment, setting, settings_of

EACH = pytest.mark.parametrize("one", SETTINGS.values(), ids=SETTINGS)


def test_every_field_is_a_setting_but_the_edits():
    assert [*SETTINGS] == [f.name for f in dataclasses.fields(Request) if f.name != "edits"]


@EACH
def test_its_default_is_in_its_own_form(one):
    assert one.form.check(one.name, one.default) == one.default == getattr(Request(), one.name)
    if one.usual is not None:
        assert one.form.check(one.name, one.usual) == one.usual


@EACH
def test_what_its_form_refuses_names_it(one):
    with pytest.raises(RequestError) as caught:
        one.form.check(one.name, object())
    assert caught.value.field == one.name


@EACH
def test_it_changes_when_its_moment_says(one):
    fixed = one.moment is Moment.START
    assert (one.name in FIXED, one.name in CHANGEABLE) == (fixed, not fixed)
    assert (one.name in STEERABLE) == (one.moment is Moment.LIVE)
    assert (one.name in AT_A_BRANCH) == (one.moment is Moment.BRANCH)
    if fixed:
        with pytest.raises(RequestError, match=f"^edits: '{one.name}' cannot change in a run; "):
            Edit(0, one.name, one.default)
    elif one.default is not None:
        assert Edit(0, one.name, one.default).value == one.default


@EACH
def test_it_suits_a_model_with_the_ability_that_it_needs(one):
    assert one.suits(frozenset(Ability))
    assert one.suits(frozenset()) == (one.needs is None)
    assert (one.name in OF_A_PROMPT) == (one.needs in (Ability.PROMPT, Ability.NEGATIVE))


@pytest.mark.parametrize("one", AXES.values(), ids=AXES)
def test_its_example_is_values_of_it(one):
    axis = Axis.parse(one.axis, one.example)
    assert axis.field == one.name
    assert [one.form.check(one.name, value) for value in axis.values] == list(axis.values)


def test_sentences_name_first_what_changes_late_and_numbers_before_texts():
    assert STEERABLE == ("guidance_scale", "guidance_rescale", "prompt", "negative_prompt")
    assert [*AXES] == ["guidance", "steps", "scheduler", "seed", "prompt"]
    assert AT_A_BRANCH[-len(ACTS) :] == ACTS


def test_a_scale_stands_before_the_curve_that_it_takes_the_place_of():
    """A branch that changes both says the curve last, so that it holds."""
    assert CHANGEABLE.index("guidance_scale") < CHANGEABLE.index("guidance_curve")


def test_the_levels_of_economy_set_settings_that_a_branch_can_change():
    for economy in ECONOMIES:
        for name, value in economy.fields.items():
            assert Edit(1, name, value).value == value


def test_another_dataclass_of_settings():
    @dataclasses.dataclass(frozen=True)
    class Small:
        size: int = setting(3, whole(1, 9), Moment.START, axis=("size", "1..3"))
        names: dict[str, int] = setting({}, OPTIONS, Moment.LIVE, usual=None)
        note: str = ""

    found = settings_of(Small)
    assert [*found] == ["size", "names"]
    assert (found["size"].usual, found["names"].usual) == (3, None)
    assert (found["size"].axis, found["size"].example) == ("size", "1..3")
    assert Small().names is not Small().names


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (whole(0, 9), " 7 ", 7),
        (number(0, 9), "7,5", 7.5),
        (number(0, 9), "1e1", 10.0),  # read, and refused by the check
        (SETTINGS["guidance_reuse"].form, "0.2", 0.2),
        (SETTINGS["guidance_curve"].form, "0:3,1:5", ((0.0, 3.0), (1.0, 5.0))),
        (PART_OF_A_RUN, "0,2:0.8", (0.2, 0.8)),
        (OPTIONS, "use_karras_sigmas=True", {"use_karras_sigmas": True}),
        (OPTIONS, "a = none", {"a": None}),
        (OPTIONS, "a=[1", {"a": "[1"}),
        (YES_OR_NO, "Yes", True),
        (YES_OR_NO, "off", False),
        (SETTINGS["prompt"].form, " as it is ", " as it is "),
    ],
)
def test_what_a_person_writes_is_read(form: Form, text: str, value: object):
    assert form.read(text) == value


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        (whole(0, 9), "1.5", "'1.5' is not a whole number"),
        (number(0, 9), "much", "'much' is not a number; write it like 7 or 7.5"),
        (SETTINGS["guidance_reuse"].form, "2", "'2' is not a number from 0 to 1"),
        (PART_OF_A_RUN, "0.5", "'0.5' is not a part of the run; write two fractions of it"),
        (OPTIONS, "eta", "'eta' has no =; write the name, = and the value"),
        (YES_OR_NO, "maybe", "'maybe' is neither yes nor no"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(form: Form, text: str, message: str):
    with pytest.raises(ValueError, match=message):
        form.read(text)


def test_an_optional_form_takes_none_and_says_what_it_wants():
    form = optional(number(0, 1))
    assert form.check("share", None) is None and form.optional
    assert form.wanted == "a number from 0 to 1"
    with pytest.raises(RequestError, match="share: 2 is outside 0 to 1"):
        form.check("share", 2)
    assert module.SETTINGS["guidance_rescale"].form.wanted == "a number from 0 to 1"
