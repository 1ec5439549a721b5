"""Request: compares by value, survives JSON, and refuses what no pipeline could use."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Edit, EngineError, Request, RequestError
from engine.request.request import AT_A_BRANCH, MAX_SEED, STEERABLE

numbers = st.floats(0, 100)
fractions = st.floats(0, 1)
seeds = st.integers(0, MAX_SEED - 64)
options = st.dictionaries(
    st.text(), st.none() | st.booleans() | st.integers() | numbers | st.text() | st.lists(numbers)
)
steerable = {
    "prompt": st.text(),
    "negative_prompt": st.text(),
    "guidance_scale": numbers,
    "guidance_rescale": fractions,
    "guidance_interval": st.tuples(st.floats(0, 0.5), st.floats(0.5, 1)),
    "guidance_curve": st.dictionaries(fractions, numbers, max_size=4).map(
        lambda points: tuple(sorted(points.items()))
    ),
    "guidance_easing": st.sampled_from(["linear", "cosine"]),
    "scheduler_options": options,
    "eta": fractions,
    "clip_skip": st.integers(1, 12),
    "feature_reuse": st.integers(1, 10),
    "guidance_reuse": fractions,
    "int8": st.booleans(),
}
acts = {
    "vary": st.fixed_dictionaries({"amount": fractions, "seed": seeds}),
    "finish": st.just(True),
}
edits = st.one_of(
    *(
        st.builds(Edit, st.integers(0, 999), st.just(name), value)
        for name, value in (steerable | acts).items()
    )
)
requests = st.builds(
    Request,
    width=st.none() | st.integers(1, 4096),
    height=st.none() | st.integers(1, 4096),
    steps=st.integers(1, 1000),
    scheduler=st.none() | st.text(),
    seed=seeds,
    count=st.integers(1, 64),
    class_label=st.none() | st.integers(0, 1000),
    edits=st.lists(edits, max_size=4).map(tuple),
    **steerable | {"guidance_rescale": st.none() | fractions},
)


def test_every_field_is_in_the_strategy():
    fields = {field.name for field in dataclasses.fields(Request)}
    others = {"width", "height", "steps", "scheduler", "seed", "count", "class_label", "edits"}
    assert fields == steerable.keys() | others
    assert {*STEERABLE, *AT_A_BRANCH} == steerable.keys() | acts.keys()


@given(requests)
def test_json_keeps_a_request_without_loss(request):
    again = Request.from_json(request.to_json())
    assert again == request
    assert again.to_json() == request.to_json()
    steps = [edit.step for edit in again.edits]
    assert steps == sorted(steps)


def test_a_request_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Request().steps = 3  # type: ignore[misc]


def test_a_lone_surrogate_survives_json():
    request = Request("broken \ud83d paste")
    assert Request.from_json(request.to_json()) == request


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", None),
        ("prompt", 7),
        ("negative_prompt", b"bytes"),
        ("steps", 0),
        ("steps", -1),
        ("steps", 10_000),
        ("steps", 2.5),
        ("steps", True),
        ("count", 0),
        ("count", 65),
        ("seed", -1),
        ("seed", "7"),
        ("seed", 1.0),
        ("seed", None),
        ("seed", 2**63),
        ("width", 0),
        ("width", "wide"),
        ("height", -8),
        ("guidance_scale", float("nan")),
        ("guidance_scale", float("inf")),
        ("guidance_scale", "7.5"),
        ("guidance_scale", -1),
        ("eta", 2),
        ("guidance_rescale", -0.1),
        ("guidance_interval", (0.8, 0.2)),
        ("guidance_interval", (0.1,)),
        ("guidance_interval", (0, 2)),
        ("guidance_interval", 0.5),
        ("guidance_curve", ((0.5, 3), (0.2, 5))),
        ("guidance_curve", ((0, -1),)),
        ("guidance_curve", "0:3"),
        ("guidance_easing", "sine"),
        ("guidance_easing", None),
        ("scheduler", 3),
        pytest.param("scheduler_options", {"key": object()}, id="scheduler_options-an object"),
        ("scheduler_options", {1: "key is no text"}),
        ("scheduler_options", ["not", "a", "mapping"]),
        ("edits", ("not an edit",)),
    ],
    ids=str,
)
def test_a_useless_value_is_an_error_that_names_the_field(field, value):
    with pytest.raises(RequestError) as caught:
        Request(**{field: value})
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")
    assert isinstance(caught.value, EngineError)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ((-1, "prompt", ""), "step -1 is not a whole number"),
        ((1.0, "prompt", ""), "step 1.0 is not a whole number"),
        ((True, "prompt", ""), "step True is not"),
        ((0, "seed", 3), "'seed' cannot change in a run; guidance_scale, .* can"),
        ((0, "edits", ()), "'edits' cannot change"),
        ((0, "guidance_scale", "9"), "guidance_scale: '9' is not a finite number"),
        ((0, "guidance_scale", 101), "guidance_scale: 101 is outside 0 to 100"),
        ((0, "guidance_rescale", 2), "guidance_rescale: 2 is outside 0 to 1"),
        ((0, "guidance_rescale", None), "guidance_rescale needs a number from 0 to 1"),
        ((0, "guidance_curve", ((0, 101),)), "guidance_curve: the scale 101 is outside"),
        ((0, "guidance_curve", 5.0), "guidance_curve: 5.0 is no list"),
        ((0, "guidance_easing", "sine"), "guidance_easing: 'sine' is not linear or cosine"),
        ((0, "guidance_interval", (0.8, 0.2)), "guidance_interval: starts at 0.8"),
        ((0, "prompt", 9), "prompt: must be text, not 9"),
        ((0, "negative_prompt", None), "negative_prompt: must be text"),
        ((0, "scheduler_options", {"a": object()}), "scheduler_options: .* is not plain JSON"),
        ((0, "eta", -1), "eta: -1 is outside 0 to 1"),
        ((0, "finish", False), "finish must be true, not False"),
        ((0, "finish", 1), "finish must be true, not 1"),
        ((0, "vary", 0.5), "vary needs an amount and a seed, not 0.5"),
        ((0, "vary", {"amount": 0.5}), "vary needs an amount and a seed"),
        ((0, "vary", {"amount": 0.5, "seed": 1, "eta": 0}), "vary needs an amount and a seed"),
        ((0, "vary", {"amount": 1.5, "seed": 1}), "1.5 is outside 0 to 1"),
        ((0, "vary", {"amount": 0.5, "seed": -1}), "-1 is outside 0 to"),
        ((0, "vary", {"amount": 0.5, "seed": 0.5}), "0.5 is not a whole number"),
    ],
)
def test_a_useless_edit_is_one_sentence_that_says_what_is_wrong(edit, message):
    with pytest.raises(RequestError, match=f"^edits: .*{message}") as caught:
        Edit(*edit)
    assert caught.value.field == "edits"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("edit", [{"step": 1}, {"step": 1, "field": "prompt"}, "prompt", None, []])
def test_an_edit_in_json_that_is_none_is_refused(edit):
    with pytest.raises(RequestError, match=r"^edits: .*needs step, field and value"):
        Request.from_dict({"edits": [edit]})


def test_a_variation_of_every_image_of_a_batch_has_a_seed_that_fits():
    edits = (Edit(2, "vary", {"amount": 0.5, "seed": MAX_SEED}),)
    assert Request(edits=edits).edits == edits
    with pytest.raises(RequestError, match="edits"):
        Request(edits=edits, count=2)


def test_the_last_image_of_a_batch_keeps_a_seed_that_fits():
    with pytest.raises(RequestError, match="seed"):
        Request(seed=MAX_SEED, count=2)


def test_an_unknown_field_in_json_is_named():
    with pytest.raises(RequestError, match="sampler"):
        Request.from_dict({"sampler": "euler"})
