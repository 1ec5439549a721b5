"""The prompts of ComfyUI's graph: the texts that a sampler's conditioning comes from, put together
as their nodes do it. Called by `engine.record.interchange.comfyui`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.record.interchange import comfyui_nodes as known
from engine.record.interchange import reasons
from engine.record.interchange.comfyui_graph import Graph, Lost, Stop
from engine.record.interchange.comfyui_nodes import Node
from engine.record.interchange.recipe import Excerpt, shown

MAX_PROMPT_PARTS = 64
"""Texts that the prompts of a graph may be put together from."""
MAX_PROMPT = 2**20
"""Letters of a prompt that is put together: nodes may take the same text many times."""

TEXTS = re.compile(
    r"(?:(?:text|string|str|value|prompt|wildcard_text|populated_text|result|part)(?:_?[a-z0-9]+)?"
    r"|(?:text_)?(?:positive|negative)(?:_prompt|_text)?|(?:positive|negative)_?[gl]"
    r"|prepend|append|prefix|suffix|before|after)(?:_text)?"
)
JOINING = re.compile(r"concat|join|combine|append|prepend|merge|prefix|suffix", re.IGNORECASE)
CHANGING = re.compile(
    r"replace|find|format|strip|trim|split|regex|translat|slice|substring|styler|llm|gpt|random"
    r"|wildcard|dynamic|dprandom|interrogat|caption|\bnsp\b",
    re.IGNORECASE,
)
"""Nodes that give another text than theirs."""
TEMPLATE = re.compile(r"\{[^{}]*\|[^{}]*\}|__[\w/*-]+__")
"""A choice that is still open in a text."""
AS_IT_IS = ("fixed", "reproduce", False)
"""Modes of a wildcard node in which it draws nothing anew."""
FIRST = re.compile(r"prepend|prefix|before")
LAST = re.compile(r"append|suffix|after")
SEPARATORS = ("delimiter", "separator", "join_with", "delim")
TWO = (("text_g", "text_l"), ("prompt_g", "prompt_l"), ("t5xxl", "clip_l"))
"""Inputs for two text encoders; here both read the first."""


class GraphPrompts:
    """What is left out of the prompts goes into the excerpt, a sentence each."""

    def __init__(self, graph: Graph, excerpt: Excerpt):
        self._graph = graph
        self._draft = excerpt
        self._parts = 0  # texts that prompts were put together from so far

    def prompt(self, node: Node, name: str, what: str) -> str | None:
        """The text that a sampler's conditioning comes from; None, and a sentence, if none does.
        name: what the sampler, or its guider, calls it; what: what a person does."""
        passed: list[Stop] = []
        for stop in self._graph.way(node, name):
            if "ZeroOut" in stop.node["class_type"]:
                kind = shown(stop.node["class_type"])
                self._draft.note(f"{kind} is left out: an empty prompt stands in for it.")
                return ""
            text = stop.carries if isinstance(stop.carries, str) else None
            if text is None and not self._graph.at(stop.carries):
                text = self._own_text(stop.node, stop.name)
            if text is not None:
                self._note_passed(passed)
                return text
            passed.append(stop)
        own = self._graph.of(node, name)
        if isinstance(own, str) and not passed:  # a sampler with its prompts in it
            return own
        self._draft.note(f"The {what} is left out: its text cannot be found in the graph.")
        return None

    def _note_passed(self, passed: list[Stop]) -> None:
        for stop in passed:
            kind, told = stop.node["class_type"], stop.node["inputs"]
            other = next((told[key] for key in known.SECOND if self._graph.at(told.get(key))), None)
            if other is not None:
                text = self._quietly(other)
                said = f"{shown(kind)} with another prompt" + (f", {text}" if text else "")
                why = "a picture has one prompt here, and the first is taken"
                self._draft.leave_out("The node", said, why)
            elif not stop.is_pipe and not known.PLUMBING.search(kind):
                why = "nothing changes a prompt on its way here"
                self._draft.leave_out("The node", kind, why)

    def _quietly(self, link: Any) -> str | None:
        """The text of another conditioning, for a sentence: nothing more is said about it."""
        said = list(self._draft.left_out)
        for stop in self._graph.upstream(link, "conditioning"):
            if not self._graph.at(stop.carries):
                text = self._own_text(stop.node, stop.name)
                self._draft.left_out[:] = said
                return text
        return None

    def _own_text(self, node: Node, name: str) -> str | None:
        """The text that this node reads, if it is one that does."""
        told = node["inputs"]
        for first, second in TWO:
            if first in told or second in told:
                if "guidance" in told:  # Flux has it beside its prompt
                    self._draft.leave_out("Guidance", told["guidance"], reasons.NOT_DISTILLED)
                return self._two_texts(told, first, second)
        return self._text(node, name, [])

    def _two_texts(self, told: Mapping[str, Any], first: str, second: str) -> str | None:
        one, other = (self._value(told.get(key), "text", []) for key in (first, second))
        if other and one and other != one:
            self._draft.leave_out(second, other, f"all text encoders read {first} here")
        return one or other

    def _value(self, value: Any, name: str, parents: list[str]) -> str | None:
        """A text, or that which an output gives."""
        if isinstance(value, str):
            return value
        node = self._graph.at(value)
        if node is None or str(value[0]) in parents or len(parents) >= MAX_PROMPT_PARTS:
            return None
        outputs = known.OUTPUTS.get(node["class_type"])
        if outputs is not None:
            name = outputs[value[1]] if 0 <= value[1] < len(outputs) else ""
            if not name:
                return None
            if name in node["inputs"]:
                self._note_changes(node, node["inputs"].get(name))
                return self._value(node["inputs"][name], name, [*parents, str(value[0])])
        return self._text(node, name, [*parents, str(value[0])])

    def _text(self, node: Node, name: str, parents: list[str]) -> str | None:
        """What a node makes of its texts: the only one, the one that it chooses, or all in a row
        where it joins them."""
        kind, told = node["class_type"], node["inputs"]
        chosen = self._graph.of(node, "text") if _is_switch(kind) else None
        if isinstance(chosen, Lost):
            self._draft.note(
                f"A prompt is left out: the graph does not tell which text {shown(kind)} gives."
            )
            return None
        if chosen is not None:
            return self._value(chosen, "text", parents)
        if "populated_text" in told:  # the wildcards are drawn, and this is what came
            text = self._value(told["populated_text"], "text", parents)
            if text or not told.get("wildcard_text") or told.get("mode") in AS_IT_IS:
                self._note_template(kind, text)
                return text
            told = {"wildcard_text": told["wildcard_text"]}
        texts = self._texts(told, name, parents)
        if not texts:
            return None
        if len(texts) > 1 and JOINING.search(kind):
            return self._joined(node, texts)
        if len(texts) > 1 and kind == "StringFunction|pysssss":
            return self._function(node, texts)
        if len(texts) > 1 and len(set(texts.values())) > 1:
            found = "; ".join(shown(text, 30) for text in texts.values())
            self._draft.note(
                f"A prompt is left out: the graph does not tell which of its texts the node "
                f"{shown(kind)} gives: {shown(found)}."
            )
            return None
        text = next(iter(texts.values()))
        self._note_changes(node, text)
        return text

    def _texts(self, told: Mapping[str, Any], name: str, parents: list[str]) -> dict[str, str]:
        """The texts of a node by their inputs, in the order in which they would be joined: that of
        their names, since links stand behind values in a file."""
        keys = [key for key in told if TEXTS.fullmatch(key)]
        of_role = [key for key in keys if name in ("positive", "negative") and name in key]
        texts: dict[str, str] = {}
        for key in sorted(of_role or keys, key=_order):
            self._parts += 1
            if self._parts > MAX_PROMPT_PARTS:
                self._draft.note("The rest of a prompt is left out: it has too many parts.")
                break
            text = self._value(told[key], "text", parents)
            if text is not None:
                texts[key] = text
        return texts

    def _joined(self, node: Node, texts: Mapping[str, str]) -> str | None:
        kind, told = node["class_type"], node["inputs"]
        between = next((told[key] for key in SEPARATORS if isinstance(told.get(key), str)), None)
        if between is None:
            self._draft.note(
                f"What {shown(kind)} puts between its texts is left out: the graph does not tell."
            )
        parts = list(texts.values())
        if str(told.get("clean_whitespace")).lower() == "true":
            parts = [part.strip() for part in parts]
        if kind in known.SKIP_EMPTY:
            parts = [part for part in parts if part]
        return self._row(parts, (between or "").replace("\\n", "\n"))

    def _function(self, node: Node, texts: Mapping[str, str]) -> str | None:
        """Of pysssss' node, which appends, or replaces the second text by the third."""
        told = node["inputs"]
        if told.get("action") == "append":
            parts = [part for part in texts.values() if part]
            return self._row(parts, ", " if told.get("tidy_tags") == "yes" else "")
        self._note_changes(node, "", always=True)
        return texts.get("text_a")

    def _row(self, parts: list[str], between: str) -> str | None:
        if sum(map(len, parts)) + len(between) * len(parts) > MAX_PROMPT:
            self._draft.note(f"A prompt of more than {MAX_PROMPT:,} letters is left out.")
            return None
        return between.join(parts)

    def _note_changes(self, node: Node, text: Any, always: bool = False) -> None:
        kind = node["class_type"]
        if always or CHANGING.search(kind):
            style = node["inputs"].get("style")
            said = f"{shown(kind)}, {shown(style)}" if isinstance(style, str) else kind
            why = "what it makes of the prompt is not in the graph"
            self._draft.leave_out("The node", said, why)
        self._note_template(kind, text)

    def _note_template(self, kind: str, text: Any) -> None:
        if known.RANDOM.search(kind) or CHANGING.search(kind):
            open_ones = TEMPLATE.findall(text[:MAX_PROMPT]) if isinstance(text, str) else []
            if open_ones:
                why = f"what {shown(kind)} drew for it is not in the graph, and it stays as it is"
                self._draft.leave_out("The choice", open_ones[0], why)


def _is_switch(kind: str) -> bool:
    return kind in known.BY_NUMBER or kind in known.BY_TRUTH or kind in known.FIRST_OF


def _order(key: str) -> tuple[int, list[tuple[int, str]]]:
    """What is put before comes first; numbers count as numbers."""
    rank = 0 if FIRST.search(key) else 2 if LAST.search(key) else 1
    parts = re.split(r"(\d+)", key)
    return rank, [(int(part[:9]), "") if part.isdigit() else (0, part) for part in parts]
