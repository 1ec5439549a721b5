"""ComfyUI's prompts, put together as their nodes do it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.record.interchange.graphs import check, graph, node, read


def of_prompt(**nodes: Any) -> dict[str, Any]:
    """The default graph, whose prompt comes from the first of these nodes."""
    more = {name.lstrip("_"): made for name, made in nodes.items()}
    more["6"] = node("CLIPTextEncode", text=["20", 0], clip=["4", 1])
    return graph(more)


WILD = {"wildcard_text": "a {cat|dog} in __place__", "seed": 3}


@pytest.mark.parametrize("mode", ["populate", "fixed", "reproduce", True, False])
def test_the_text_that_was_drawn_goes_before_its_template(mode):
    inputs = WILD | {"populated_text": "a dog in a forest", "mode": mode}
    check(of_prompt(_20=node("ImpactWildcardProcessor", **inputs)), prompt="a dog in a forest")
    encode = node("ImpactWildcardEncode", **inputs, model=["4", 0], clip=["4", 1])
    nodes = graph({"20": encode}, positive=["20", 2], model=["20", 0])
    recipe = read(nodes)
    assert (recipe.fields["prompt"], recipe.model) == ("a dog in a forest", "dream.safetensors")


def test_a_choice_that_is_still_open_is_said():
    told = ("The node ImpactWildcardProcessor is left out", "The choice {cat|dog} is left out")
    inputs = WILD | {"populated_text": "", "mode": "populate"}
    template = WILD["wildcard_text"]
    recipe = read(of_prompt(_20=node("ImpactWildcardProcessor", **inputs)))
    assert not recipe.fields["prompt"] or recipe.left_out
    check(of_prompt(_20=node("ImpactWildcardProcessor", **WILD)), told, prompt=template)
    check(
        of_prompt(_20=node("DPRandomGenerator", text="a {cat|dog}", seed=1)),
        ("The node DPRandomGenerator is left out", "The choice {cat|dog} is left out"),
        prompt="a {cat|dog}",
    )


TWO = {"text_a": "a cat", "text_b": "a hat"}


@pytest.mark.parametrize(
    ("kind", "inputs", "prompt", "told"),
    [
        # a link stands behind the values in a file, whatever the row of the inputs
        (
            "StringConcatenate",
            {"string_b": "a hat", "delimiter": ", ", "string_a": ["21", 0]},
            "a dog, a hat",
            (),
        ),
        ("StringConcatenate", {"string_a": "a", "string_b": "", "delimiter": "+"}, "a+", ()),
        (
            "Text Concatenate",
            TWO | {"delimiter": "\\n", "clean_whitespace": "true", "text_c": "", "text_d": " x "},
            "a cat\na hat\nx",
            (),
        ),
        (
            "JoinStringMulti",
            {"inputcount": 3, "string_10": "c", "string_2": "b", "string_1": "a", "delimiter": " "},
            "a b c",
            (),
        ),
        ("CR Combine Prompt", {"part1": "a", "part2": "b", "separator": "; "}, "a; b", ()),
        (
            "StringFunction|pysssss",
            TWO | {"action": "append", "tidy_tags": "yes", "text_c": ""},
            "a cat, a hat",
            (),
        ),
        (
            "Somebody's Append",
            {"append": " end", "text": "a cat", "prepend": "start ", "delimiter": ""},
            "start a cat end",
            (),
        ),
        ("My Joiner", TWO, "a cata hat", ("What My Joiner puts between its texts is left out",)),
        ("CR Text Input Switch", {"Input": 2, "text1": "one", "text2": ["21", 0]}, "a dog", ()),
        ("CR Text Input Switch", {"Input": ["22", 0], "text1": "one", "text2": "two"}, "one", ()),
        ("ImpactSwitch", {"select": 2, "input1": "one", "input2": "two"}, "two", ()),
        ("LazySwitchKJ", {"switch": False, "on_true": "yes", "on_false": ["21", 0]}, "a dog", ()),
        ("Any Switch (rgthree)", {"any_02": ["21", 0], "any_01": ["gone", 0]}, "a dog", ()),
        ("ShowText|pysssss", {"text_0": "an old one", "text": ["21", 0]}, "a dog", ()),
        (
            "CR Text Input Switch",
            {"Input": ["23", 0], "text1": "one", "text2": "two"},
            None,
            (
                "A prompt is left out: the graph does not tell which text CR Text Input Switch",
                "The prompt is left out: its text cannot be found",
            ),
        ),
        (
            "Somebody's Picker",
            TWO,
            None,
            (
                "A prompt is left out: the graph does not tell which of its texts the node "
                "Somebody's Picker gives: a cat; a hat.",
                "The prompt is left out: its text cannot be found",
            ),
        ),
        (
            "Text Find and Replace",
            {"text": "a cat", "find": "cat", "replace": "dog"},
            "a cat",
            ("The node Text Find and Replace is left out: what it makes of the prompt is not in",),
        ),
    ],
)
def test_texts_are_put_together_as_their_nodes_do_it(kind, inputs, prompt, told):
    more = {
        "_21": node("PrimitiveStringMultiline", value="a dog"),
        "_22": node("PrimitiveInt", value=1),
        "_23": node("Random Number", number_type="integer", minimum=1, maximum=2, seed=2),
    }
    check(of_prompt(_20=node(kind, **inputs), **more), told, prompt=prompt)


def test_the_other_of_two_prompts_is_said():
    more = {
        "20": node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["21", 0]),
        "21": node("CLIPTextEncode", text="a red hat", clip=["4", 1]),
    }
    told = ("The node ConditioningCombine with another prompt, a red hat is left out",)
    check(graph(more, positive=["20", 0]), told)
