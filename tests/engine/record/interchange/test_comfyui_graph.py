"""ComfyUI's graphs: the output that is linked decides what a number, a size or a model is, and what
the graph does not tell is said, never guessed."""

from __future__ import annotations

import pytest

from tests.engine.record.interchange.graphs import EULER, check, graph, node, read

PARAMETERS = node(
    "Input Parameters (Image Saver)",
    **{"seed": 99, "steps": 28, "cfg": 5.5, "sampler": "euler", "scheduler": "beta", "denoise": 1},
)

CONFIG = node(
    "KSampler Config (rgthree)",
    **{"steps_total": 30, "refiner_step": 24, "cfg": 8, "sampler_name": "euler"},
    scheduler="normal",
)

ALL_OF_20 = {
    "seed": ["20", 0],
    "steps": ["20", 1],
    "cfg": ["20", 2],
    "sampler_name": ["20", 3],
    "scheduler": ["20", 4],
    "denoise": ["20", 5],
}


def test_an_output_gives_what_stands_at_its_number():
    check(
        graph({"20": PARAMETERS}, **ALL_OF_20),
        seed=99,
        steps=28,
        guidance_scale=5.5,
        scheduler="euler",
        scheduler_options={"use_beta_sigmas": True},
    )
    linked = {"steps": ["20", 0], "cfg": ["20", 2]}
    check(graph({"20": CONFIG}, **linked), steps=30, guidance_scale=8)
    check(graph({"20": CONFIG}, steps=["20", 1]), steps=24)  # somebody linked the refiner's
    check(
        graph({"20": CONFIG}, sampler_name=["20", 3], scheduler=["20", 4]),
        **EULER,
    )
    check(
        graph({"20": PARAMETERS}, steps=["20", 9]),
        ("Steps is left out: the graph does not tell what its node Input Parameters",),
        steps=None,
    )
    swapped = node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], strength=1)
    check(
        graph({"20": swapped}, positive=["20", 1], negative=["20", 0]),
        ("The node ControlNetApplyAdvanced is left out",) * 2,
        prompt="blurry",
        negative_prompt="a cat",
    )


@pytest.mark.parametrize(
    ("inputs", "index", "steps"),
    [
        ({"seed": 5, "steps": 31, "cfg": 4}, 1, 31),  # by its name
        ({"value": 32}, 0, 32),  # it has no other
        ({"value": ["21", 0]}, 0, 33),
        ({"seed": 5}, 0, None),  # what it makes of its seed is its own affair
        ({"min": 1, "max": 50, "seed": 5}, 0, None),
        ({"a": 3, "b": 4}, 0, None),
        ({}, 0, None),
    ],
)
def test_a_node_that_is_not_known_tells_by_name_or_by_having_one_number(inputs, index, steps):
    nodes = {"20": node("Somebody's", **inputs), "21": node("PrimitiveInt", value=33)}
    told = () if steps else ("Steps is left out: the graph does not tell what its node Somebody's",)
    check(graph(nodes, steps=["20", index]), told, steps=steps)


@pytest.mark.parametrize(
    "kind",
    ["Random Number", "Random Int", "SimpleMath+", "MathExpression|pysssss", "Number Counter"],
)
def test_what_is_drawn_or_reckoned_is_in_no_input(kind):
    made = node(kind, number_type="integer", minimum=1, maximum=9, seed=77, steps=12, value="a+1")
    nodes = graph({"20": made}, steps=["20", 2], seed=["20", 2])
    check(
        nodes,
        ("Steps is left out: the graph does not tell", "Seed is left out: the graph does not tell"),
        steps=None,
        seed=None,
    )


def test_one_output_is_not_two_numbers():
    nodes = graph({"20": node("Mine", steps=12, cfg=4)}, steps=["20", 0], cfg=["20", 0])
    check(nodes, ("Steps is left out", "CFG is left out"), steps=None, guidance_scale=None)


CR = {"swap_dimensions": "Off", "upscale_factor": 2.0, "batch_size": 1}


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "size"),
    [
        (
            "CR SDXL Aspect Ratio",
            {"width": 1024, "height": 1024, "aspect_ratio": "3:4 portrait 896x1152", **CR},
            4,
            (896, 1152),
        ),
        (
            "CR SDXL Aspect Ratio",
            CR
            | {"width": 640, "height": 960, "aspect_ratio": "custom"}
            | {"swap_dimensions": "On"},
            4,
            (960, 640),
        ),
        (
            "CR Aspect Ratio",
            CR
            | {"width": 9, "height": 9, "aspect_ratio": "SDXL - 3:4 portrait 896x1152"}
            | {"prescale_factor": 0.5},
            5,
            (448, 576),
        ),
        (
            "SDXLEmptyLatentSizePicker+",
            {"resolution": "896x1152 (0.78)", "width_override": 0, "height_override": 640},
            0,
            (896, 640),
        ),
        ("SDXL Empty Latent Image (rgthree)", {"dimensions": " 896 x 1152  (p)"}, 0, (896, 1152)),
        (
            "EmptyLatentImagePresets",
            {"dimensions": "768 x 512 (1.5:1)", "invert": True},
            0,
            (512, 768),
        ),
        ("Anybody's", {"resolution": "768x1344 (9:16)", "batch_size": 1}, 0, (768, 1344)),
        ("Anybody's", {"resolution": "768x1344", "width": 64, "height": 64}, 0, None),
        ("Anybody's", {"aspect_ratio": "3:4", "width": 1024, "height": 1024}, 0, None),
        ("Anybody's", {"megapixels": 1.0}, 0, None),
    ],
)
def test_a_size_that_has_a_name_goes_before_numbers(kind, inputs, output, size):
    nodes = graph({"20": node(kind, **inputs)}, latent_image=["20", output])
    recipe = read(nodes)
    found = recipe.fields.get("width"), recipe.fields.get("height")
    assert found == (size or (None, None))
    assert bool(recipe.left_out) is (size is None), recipe.left_out
    if size and kind.startswith("CR"):  # its width and height are outputs too
        linked = node("EmptyLatentImage", width=["20", 0], height=["20", 1])
        recipe = read(graph({"20": node(kind, **inputs), "5": linked}))
        assert (recipe.fields["width"], recipe.fields["height"]) == size


def test_a_clip_size_is_no_size():
    kind = "SDXL Empty Latent Image (rgthree)"
    linked = node("EmptyLatentImage", width=["20", 1], height=["20", 2])
    more = {"20": node(kind, dimensions="896 x 1152", clip_scale=2.0), "5": linked}
    check(
        graph(more),
        ("Width is left out: the graph does not tell", "Height is left out: the graph does not"),
        width=None,
        height=None,
    )


def test_an_enlarged_start_has_the_size_that_it_is_enlarged_to():
    by_size = {"20": node("LatentUpscale", samples=["5", 0], width=640, height=960)}
    check(graph(by_size, latent_image=["20", 0]), width=640, height=960)
    by_factor = {"20": node("LatentUpscaleBy", samples=["5", 0], scale_by=1.5)}
    told = ("The size is left out: the graph does not tell what its node LatentUpscaleBy",)
    check(graph(by_factor, latent_image=["20", 0]), told, width=None, height=None)


def test_what_changes_the_start_is_said():
    batch = {"5": node("EmptyLatentImage", width=512, height=768, batch_size=4)}
    check(graph(batch), ("A batch of 4 is left out: which of them this picture is, the graph",))
    masked = {"20": node("SetLatentNoiseMask", samples=["5", 0], mask=["21", 0])}
    told = ("The node SetLatentNoiseMask is left out: nothing changes the noise here.",)
    check(graph(masked, latent_image=["20", 0]), told)
    check(graph(add_noise="disable"), ("Add noise disable is left out: every picture here begins",))
    flux = {"6": node("CLIPTextEncodeFlux", clip_l="a cat", t5xxl="a cat", guidance=3.5)}
    check(graph(flux), ("Guidance 3.5 is left out: no model here takes a distilled guidance.",))
