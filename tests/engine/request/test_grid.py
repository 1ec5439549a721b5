"""Grids of pictures: axes as a person writes them, a request for every cell, and the sheet."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import engine
from engine import Axis, Edit, Grid, Request, RequestError
from engine.request.grid import AXES, EXAMPLES


@pytest.mark.parametrize(
    ("name", "text", "values", "labels"),
    [
        ("guidance", "1, 4,7.50", (1.0, 4.0, 7.5), ("guidance 1", "guidance 4", "guidance 7.5")),
        ("seed", "0..3", (0, 1, 2, 3), ("seed 0", "seed 1", "seed 2", "seed 3")),
        ("seed", "7, 10 .. 11,3", (7, 10, 11, 3), ("seed 7", "seed 10", "seed 11", "seed 3")),
        ("steps", "8,16", (8, 16), ("steps 8", "steps 16")),
        ("scheduler", "unipc, ddim", ("unipc", "ddim"), ("scheduler unipc", "scheduler ddim")),
        ("prompt", "a cat, 3d | an owl|", ("a cat, 3d", "an owl"), ("a cat, 3d", "an owl")),
        ("guidance", "5", (5.0,), ("guidance 5",)),
    ],
)
def test_an_axis_as_a_person_writes_it(name, text, values, labels):
    axis = Axis.parse(name, text)
    assert (axis.values, axis.labels) == (values, labels)


@pytest.mark.parametrize("name", AXES)
def test_the_examples_are_axes(name):
    axis = Axis.parse(name, EXAMPLES[name])
    assert len(Grid((axis,)).requests(Request())) == len(axis.values) > 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("width", "64,128", "'width' is no axis; there are guidance, steps"),
        ("guidance", "", "guidance has no values.*like 1, 4"),
        ("guidance", "1,high", "'1,high' cannot be read as values of guidance. Write.*4"),
        ("guidance", "0..high", "cannot be read as values of guidance"),
        ("guidance", "1,1.0", "guidance has a value twice"),
        ("steps", "8.5", "cannot be read as values of steps"),
        ("seed", "0..3,2", "seed has a value twice"),
        ("seed", "3..0", r"'3..0' goes down. Write 0\.\.3\."),
        ("seed", "0..99999999999", "more than 64 values"),
        ("prompt", " | ", "prompt has no values"),
    ],
)
def test_what_is_no_axis_is_one_clear_error(name, text, message):
    with pytest.raises(RequestError, match=f"^grid: .*{message}"):
        Axis.parse(name, text)


def grid(*axes: tuple[str, str]) -> Grid:
    return Grid(tuple(Axis.parse(*axis) for axis in axes))


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ([], "0 axes"),
        ([("seed", "1"), ("steps", "2"), ("guidance", "3")], "3 axes"),
        ([("seed", "1"), ("seed", "2")], "seed on both axes"),
        ([("seed", "0..10"), ("steps", "5..10")], "66 cells"),
    ],
)
def test_what_is_no_grid_is_one_clear_error(axes, message):
    with pytest.raises(RequestError, match=f"^grid: .*{message}"):
        grid(*axes)


def test_cells_go_row_by_row_and_the_first_axis_from_left_to_right():
    chosen = grid(("guidance", "1,4,7"), ("seed", "5,6"))
    assert (chosen.columns, chosen.rows) == (3, 2)
    assert chosen.column_labels == ("guidance 1", "guidance 4", "guidance 7")
    assert chosen.row_labels == ("seed 5", "seed 6")
    cells = chosen.requests(Request("an owl", count=4, eta=0.5))
    assert [(cell.guidance_scale, cell.seed) for cell in cells] == [
        (1, 5), (4, 5), (7, 5), (1, 6), (4, 6), (7, 6),
    ]  # fmt: skip
    assert {(cell.prompt, cell.count, cell.eta) for cell in cells} == {("an owl", 1, 0.5)}
    assert chosen.label(4) == "4 · 6"
    single = grid(("prompt", "a|b"))
    assert (single.rows, single.row_labels, single.label(1)) == (1, ("",), "b")
    assert [cell.prompt for cell in single.requests(Request())] == ["a", "b"]


def test_an_axis_has_its_value_in_the_whole_run():
    edits = (
        Edit(1, "guidance_scale", 3.0),
        Edit(2, "guidance_curve", ((0, 1),)),
        Edit(3, "prompt", "fog"),
        Edit(3, "scheduler_options", {"solver_order": 3}),
    )
    steered = Request(
        guidance_curve=((0, 1), (1, 9)), scheduler_options={"solver_order": 1}, edits=edits
    )
    (cell,) = grid(("guidance", "4")).requests(steered)
    assert (cell.guidance_scale, cell.guidance_curve, cell.edits) == (4.0, (), edits[2:])
    (cell,) = grid(("prompt", "an owl")).requests(steered)
    assert (cell.prompt, cell.edits) == ("an owl", (*edits[:2], edits[3]))
    # Another scheduler does not know the options of this one.
    (cell,) = grid(("scheduler", "ddim")).requests(steered)
    assert (cell.scheduler_options, cell.edits) == ({}, edits[:3])


def test_a_value_that_no_request_can_have_names_its_field():
    with pytest.raises(RequestError, match="guidance_scale: 101"):
        grid(("guidance", "1,101")).requests(Request())
    with pytest.raises(RequestError, match="steps: 0"):
        grid(("steps", "0..3")).requests(Request())


PAPER = (255, 255, 255)


def painted(number: int, size: tuple[int, int] = (48, 40)) -> Image.Image:
    return Image.new("RGB", size, (number * 30, 200 - number * 20, 90))


def found(whole: np.ndarray, image: Image.Image) -> tuple[int, int, int, int]:
    """left, top, right and bottom of the only place that has the image's colour."""
    here = (whole == np.asarray(image)[0, 0]).all(axis=2)
    ys, xs = np.nonzero(here)
    box = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    assert here[box[1] : box[3], box[0] : box[2]].all()
    return tuple(map(int, box))  # type: ignore[return-value]


def test_a_sheet_holds_every_picture_whole_in_its_cell():
    chosen = grid(("guidance", "1,4,7"), ("seed", "5,6"))
    images = [painted(number) for number in range(6)]
    sheet = engine.sheet(chosen, images)
    assert sheet.mode == "RGB"
    whole = np.asarray(sheet)
    boxes = [found(whole, image) for image in images]
    lefts, tops = ([box[side] for box in boxes] for side in (0, 1))
    assert lefts[:3] == lefts[3:] and tops[:3] == tops[:1] * 3 and tops[3:] == tops[3:4] * 3
    assert lefts[0] < lefts[1] < lefts[2] and tops[0] < tops[3]
    assert {(right - left, bottom - top) for left, top, right, bottom in boxes} == {(48, 40)}
    # Labels stand above the columns and at the left of the rows, and nothing beside the pictures.
    for left, top in zip(lefts[:3], tops[:3], strict=True):
        assert (whole[: top - 1, left : left + 48] < 128).any()
    for top in tops[::3]:
        assert (whole[top : top + 40, : lefts[0] - 1] < 128).any()
    assert (whole[tops[0] :, boxes[2][2] :] == PAPER).all()
    assert sheet.width - boxes[2][2] == sheet.height - boxes[5][3] == lefts[1] - boxes[0][2]


def test_a_cell_without_a_picture_is_an_empty_frame():
    chosen = grid(("seed", "0..2"))
    without = np.asarray(engine.sheet(chosen, [painted(0), None, painted(2)]))
    whole = np.asarray(engine.sheet(chosen, [painted(0), painted(1), painted(2)]))
    assert without.shape == whole.shape
    left, top, right, bottom = found(whole, painted(1))
    cell = without[top:bottom, left:right]
    assert (cell[1:-1, 1:-1] == PAPER).all()
    edges = (cell[0], cell[-1], cell[:, 0], cell[:, -1])
    assert all((edge < 255).all() and (edge == edge[0]).all() for edge in edges)
    with_frame = without.copy()
    with_frame[top:bottom, left:right] = whole[top:bottom, left:right]
    assert (with_frame == whole).all()


def test_pictures_of_several_sizes_stand_in_the_middle_of_equal_cells():
    images = [painted(0, (64, 64)), painted(1, (32, 16))]
    whole = np.asarray(engine.sheet(grid(("prompt", "a|b")), images))
    large, small = (found(whole, image) for image in images)
    assert (small[1] + small[3]) == (large[1] + large[3])
    assert whole.shape[1] - small[2] - (64 - 32) // 2 == small[0] - (64 - 32) // 2 - large[2]


@pytest.mark.parametrize(
    "prompts",
    [["word " * 200, "b"], ["x" * 500, "b"], ["แอปเปิล", "🍎🌈"], ["\ud83d", "two\nlines"]],
    ids=["long", "one long word", "other scripts", "no text"],
)
def test_any_prompt_is_a_label(prompts):
    axis = Axis("prompt", tuple(prompts))
    for chosen in (Grid((axis,)), Grid((Axis("seed", (1,)), axis))):
        sheet = engine.sheet(chosen, [painted(1), painted(2)])
        assert sheet.width < 1000 and sheet.height < 400
        for number in (1, 2):
            left, top, right, bottom = found(np.asarray(sheet), painted(number))
            assert (right - left, bottom - top) == (48, 40)


def test_a_sheet_without_any_picture_is_a_sheet():
    assert engine.sheet(grid(("seed", "0..2")), [None] * 3).width > 3 * 64
