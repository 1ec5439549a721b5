"""Request: compares by value, survives JSON, and refuses what no pipeline could use."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Edit, EngineError, Request, RequestError
from engine.request import MAX_SEED

numbers = st.floats(0, 100)
edits = st.one_of(
    st.builds(Edit, st.integers(0, 999), st.just("guidance_scale"), numbers),
    st.builds(Edit, st.integers(0, 999), st.sampled_from(["prompt", "negative_prompt"]), st.text()),
)
options = st.dictionaries(
    st.text(), st.none() | st.booleans() | st.integers() | numbers | st.text() | st.lists(numbers)
)
requests = st.builds(
    Request,
    prompt=st.text(),
    negative_prompt=st.text(),
    width=st.none() | st.integers(1, 4096),
    height=st.none() | st.integers(1, 4096),
    steps=st.integers(1, 1000),
    guidance_scale=numbers,
    scheduler=st.none() | st.text(),
    scheduler_options=options,
    seed=st.integers(0, MAX_SEED - 64),
    count=st.integers(1, 64),
    eta=st.floats(0, 1),
    guidance_rescale=st.floats(0, 1),
    guidance_interval=st.tuples(st.floats(0, 0.5), st.floats(0.5, 1)),
    edits=st.lists(edits, max_size=4).map(tuple),
)


@given(requests)
def test_json_keeps_a_request_without_loss(request):
    again = Request.from_json(request.to_json())
    assert again == request
    assert again.to_json() == request.to_json()


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
        ("scheduler", 3),
        ("scheduler_options", {"key": object()}),
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
    "edit", [(-1, "prompt", ""), (0, "seed", 3), (0, "guidance_scale", "9"), (0, "prompt", 9)]
)
def test_a_useless_edit_is_an_error(edit):
    with pytest.raises(RequestError, match="edits"):
        Edit(*edit)


def test_the_last_image_of_a_batch_keeps_a_seed_that_fits():
    with pytest.raises(RequestError, match="seed"):
        Request(seed=MAX_SEED, count=2)


def test_an_unknown_field_in_json_is_named():
    with pytest.raises(RequestError, match="sampler"):
        Request.from_dict({"sampler": "euler"})
