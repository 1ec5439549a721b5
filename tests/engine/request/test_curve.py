"""The guidance curve: through its points, never beyond them, and back from text."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import RequestError
from engine.request import curve

points = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 100)), min_size=1, max_size=6, unique_by=lambda p: p[0]
).map(lambda chosen: tuple(sorted(chosen)))
easings = st.sampled_from(curve.EASINGS)


@given(points, easings, st.floats(0, 1))
def test_a_curve_goes_through_its_points_and_stays_between_them(chosen, easing, fraction):
    for at, scale in chosen:
        assert curve.scale_at(chosen, easing, at) == scale
    found = curve.scale_at(chosen, easing, fraction)
    around = [(low, high) for (a, low), (b, high) in pairwise(chosen) if a <= fraction <= b]
    low, high = around[0] if around else (chosen[0 if fraction <= chosen[0][0] else -1][1],) * 2
    assert min(low, high) <= found <= max(low, high)


@given(points, easings)
def test_a_curve_survives_being_written(chosen, easing):
    text = f"{easing} " + ", ".join(f"{at!r}:{scale!r}" for at, scale in chosen)
    assert curve.parse(text) == (chosen, easing)
    assert curve.parse(text.removeprefix("linear ")) == (chosen, easing)
    assert curve.checked([list(point) for point in chosen]) == chosen


@pytest.mark.parametrize("easing", curve.EASINGS)
def test_between_two_points_it_goes_one_way(easing):
    course = [curve.scale_at(((0.2, 2.0), (0.8, 10.0)), easing, i / 100) for i in range(101)]
    assert all(before <= after for before, after in pairwise(course))
    assert (course[0], course[20], course[80], course[100]) == (2, 2, 10, 10)
    assert course[50] == pytest.approx(6)
    # Half way up the first half: a straight line is there, a cosine starts level.
    way = 0.25 if easing == "linear" else (1 - math.cos(math.pi / 4)) / 2
    assert course[35] == pytest.approx(2 + 8 * way)


def test_a_run_goes_along_the_whole_curve():
    assert [curve.fraction_of(index, 5) for index in range(5)] == [0, 0.25, 0.5, 0.75, 1]
    assert curve.fraction_of(0, 1) == 0


def test_a_curve_as_a_person_writes_it():
    expected = ((0.0, 3.0), (0.5, 9.0), (1.0, 5.0))
    for text in ("0:3,0.5:9,1:5", " 0 : 3 ,\t.5:9.0, 1:5 ", "linear 0:3, 0.5:9, 1:5"):
        assert curve.parse(text) == (expected, "linear")
    assert curve.parse("cosine 0:3,1:9") == (((0.0, 3.0), (1.0, 9.0)), "cosine")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no list of points.*0:3,0.5:9,1:5"),
        ("7.5", "is no list of points"),
        ("0:3;1:5", "is no list of points"),
        ("0:3,", "is no list of points"),
        ("sine 0:3,1:5", "is no list of points"),
        ("0:3:4", "is no list of points"),
        ("0:3,1.5:5", "1.5, outside 0 to 1"),
        ("nan:3", "nan, outside 0 to 1"),
        ("0:101", "101 is outside 0 to 100"),
        ("0:inf", "inf is outside 0 to 100"),
        ("0.5:3,0.2:5", "go forward"),
        ("0.5:3,0.5:5", "go forward"),
    ],
)
def test_what_is_no_curve_is_one_clear_error(text, message):
    with pytest.raises(RequestError, match=f"^guidance_curve: .*{message}") as caught:
        curve.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", [None, 7.5, "0:3", [1, 2], [(0, 1, 2)], [("a", "b")], [(0, None)]]
)
def test_a_value_that_is_no_list_of_points_is_refused(value):
    with pytest.raises(RequestError, match="guidance_curve"):
        curve.checked(value)
