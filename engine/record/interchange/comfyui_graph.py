"""ComfyUI's graph of nodes, and where what an output gives comes from. Read by
`engine.record.interchange.comfyui` and `comfyui_prompts`.

The output that is linked decides: which input it comes from is known for the nodes in
`comfyui_nodes`. Of other nodes the name of an input tells it, or that they have no other. What
cannot be told is `Lost`, and never guessed. A stranger's graph may go in circles or lead nowhere:
every way is walked once and for a limited number of nodes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.record.interchange import comfyui_nodes as known
from engine.record.interchange.comfyui_nodes import Node, is_link
from engine.record.interchange.recipe import number, whole

MAX_NODES = 5000
"""Nodes among which a sampler is looked for; people's graphs have some hundreds at most."""
MAX_WAY = 1000
"""Nodes that something may come through, one after the other."""
MAX_VISITS = 20_000
"""Nodes that all ways through a graph may visit together."""
MAX_DEPTH = 12
"""Switches that choose by a number which another switch gives."""
NAMED_SIZE = re.compile(r"resolution|dimension|ratio|size|preset", re.IGNORECASE)
SIZE = re.compile(r"(\d{2,5})\s*[x×]\s*(\d{2,5})")
RATIO = re.compile(r"\d\s*:\s*\d")


@dataclass(frozen=True)
class Lost:
    """A value that the graph does not tell. node: the kind of node where it was lost, "" where a
    link leads nowhere."""

    node: str = ""


@dataclass(frozen=True)
class Stop:
    """A node on a way upstream. name: what of it is wanted, in the words of `comfyui_nodes.NAMES`;
    carries: the value of the input that this comes from, which can be a link; None where the node
    has none, being where the way begins; is_pipe: it is one of many things that the node carries
    together."""

    node: Node
    name: str
    carries: Any
    is_pipe: bool = False


OWN, PIPE, SAME = range(3)
"""How a node carries something: in an input of its own, in one that carries many things together,
or in whichever of these its switch chooses."""


class Graph:
    """nodes: by their numbers."""

    def __init__(self, nodes: Mapping[str, Node]):
        self.nodes = nodes
        self._visits = 0
        self._depth = 0

    def at(self, link: Any) -> Node | None:
        """The node that a link leads to; None where it leads nowhere."""
        return self.nodes.get(str(link[0])) if is_link(link) else None

    def upstream(self, link: Any, name: str, is_pipe: bool = False) -> Iterator[Stop]:
        """The nodes that something comes through, from this link to where it begins. name: what
        it is, where the output does not tell; is_pipe: the link carries many things."""
        seen = set[tuple[str, int, str]]()
        for _ in range(MAX_WAY):
            node = self.at(link)
            if node is None or (place := (str(link[0]), link[1], name)) in seen:
                return
            seen.add(place)
            self._visits += 1
            if self._visits > MAX_VISITS:
                return
            if not is_pipe:
                name = _given(node, link[1], name)
            carries, how = self._carried(node, name)
            if carries is None and name in ("positive", "negative"):  # it may change any prompt
                carries, how = self._carried(node, "conditioning")
            if carries is None and not is_pipe:
                carries = self._only(node, name)
            is_plain = not known.ADAPTING.search(node["class_type"])
            yield Stop(node, name, carries, is_plain and (is_pipe or how == PIPE))
            if not is_link(carries):
                return
            link, is_pipe = carries, how == PIPE or (how == SAME and is_pipe)

    def way(self, node: Node, name: str) -> Iterator[Stop]:
        """The nodes that something comes through that this node takes under a name."""
        carries, how = self._carried(node, name)
        yield from self.upstream(carries, name, how == PIPE)

    def value(self, value: Any, name: str) -> Any:
        """A value itself, or what the linked output gives; Lost where that cannot be told."""
        if not is_link(value):
            return value
        stops = list(self.upstream(value, name))
        if not stops:
            return Lost()
        last = stops[-1]
        carried = last.carries
        return Lost(last.node["class_type"]) if carried is None or is_link(carried) else carried

    def of(self, node: Node, name: str) -> Any:
        """What a node takes under a name, which can be a link; None where it takes none."""
        carries, how = self._carried(node, name)
        return self._out_of_pipe(carries, name) if how == PIPE else carries

    def way_to(self, wanted: set[str], starts: list[str]) -> list[str]:
        """The numbers of the nodes from one of these, upstream, to the nearest of the wanted; none
        where there is no way."""
        before = dict[str, str | None].fromkeys(starts)
        waiting = deque(before)
        for _ in range(MAX_NODES):
            name: str | None = waiting.popleft() if waiting else None
            if name is None:
                return []
            if name in wanted:
                way = []
                while name is not None:
                    way.append(name)
                    name = before[name]
                return way[::-1]
            for link in self.nodes[name]["inputs"].values() if name in self.nodes else ():
                if is_link(link) and str(link[0]) not in before:
                    before[str(link[0])] = name
                    waiting.append(str(link[0]))
        return []

    def _out_of_pipe(self, link: Any, name: str) -> Any:
        """What comes under a name through a link that carries many things; None where none does."""
        seen = set[str]()
        while (node := self.at(link)) is not None and str(link[0]) not in seen:
            seen.add(str(link[0]))
            self._visits += 1
            if self._visits > MAX_VISITS:
                return None
            link, how = self._carried(node, name)
            if how == OWN:
                return link
        return None

    def _chosen(self, node: Node) -> Any:
        """The input that a switch gives; Lost where the graph does not tell which; None where the
        node is no switch."""
        kind, told = node["class_type"], node["inputs"]
        if kind in known.FIRST_OF:
            there = sorted(key for key in told if known.FIRST.fullmatch(key))
            return next((told[key] for key in there if self._is_there(told[key])), Lost(kind))
        if kind in known.BY_NUMBER:
            selector, stem = known.BY_NUMBER[kind]
            index = whole(self._selected(told.get(selector)))
            keys = (f"{stem}{index}", f"{stem}_{index}")
            return next((told[key] for key in keys if key in told), Lost(kind))
        if kind in known.BY_TRUTH:
            selector, if_true, if_false = known.BY_TRUTH[kind]
            truth = self._selected(told.get(selector))
            if isinstance(truth, bool | int):
                return told.get(if_true if truth else if_false, Lost(kind))
            return Lost(kind)
        return None

    def _selected(self, value: Any) -> Any:
        """The number by which a switch chooses. Others can choose that, but not without end."""
        if self._depth >= MAX_DEPTH:
            return None
        self._depth += 1
        try:
            return self.value(value, "index")
        finally:
            self._depth -= 1

    def _is_there(self, value: Any) -> bool:
        return self.at(value) is not None if is_link(value) else value is not None

    def _carried(self, node: Node, name: str) -> tuple[Any, int]:
        """What a node has under a name, and how: OWN, PIPE or SAME."""
        kind, told = node["class_type"], node["inputs"]
        if not name:
            return Lost(kind), OWN
        if (chosen := self._chosen(node)) is not None:
            is_pipe = kind.startswith("Context") and is_link(chosen)
            return chosen, PIPE if is_pipe else SAME if is_link(chosen) else OWN
        if name in ("width", "height") and (size := self._named_size(node)) is not None:
            return size if isinstance(size, Lost) else size[name == "height"], OWN
        if name == "seed" and number(told.get("increment", 0)) != 0:
            return Lost(kind), OWN
        for key in known.NAMES.get(name, (name,)):
            if told.get(key) is not None and (told[key] or not key.startswith("optional")):
                return told[key], OWN
        pipes = [key for key in told if known.PIPES.search(key) and self.at(told[key])]
        if kind in known.LAST_OF:
            pipes = self._last_with(sorted(pipes), told, name)
        return (told[pipes[0]], PIPE) if pipes else (None, OWN)

    def _last_with(self, pipes: list[str], told: Mapping[str, Any], name: str) -> list[str]:
        """The last of the inputs through which something of this name comes."""
        if self._depth < MAX_DEPTH:
            self._depth += 1
            try:
                for key in pipes[::-1]:
                    if self._out_of_pipe(told[key], name) is not None:
                        return [key]
            finally:
                self._depth -= 1
        return []

    def _only(self, node: Node, name: str) -> Any:
        """The value of a node that has just one, as far as it can be what is wanted."""
        kind, told = node["class_type"], node["inputs"]
        if name not in known.NUMBERS | known.WORDS or known.RANDOM.search(kind):
            return None
        found = {
            key: value for key, value in told.items() if is_link(value) or _can_be(value, name)
        }
        if len(found) == 1 and (name in known.WORDS or known.PLAIN.fullmatch(next(iter(found)))):
            return next(iter(found.values()))
        return None

    def _named_size(self, node: Node) -> Any:
        """Width and height of a node that has them under a name, as in "3:4 portrait 896x1152";
        Lost where it has a name that does not tell them; None where numbers do."""
        kind, told = node["class_type"], node["inputs"]
        over = [number(told.get(f"{side}_override")) or 0 for side in ("width", "height")]
        named = [
            value
            for key, value in told.items()
            if NAMED_SIZE.search(key) and isinstance(value, str)
        ]
        sizes = [match for value in named if (match := SIZE.search(value))]
        numbers = [told.get(side) for side in ("width", "height")]
        plain = all(number(value) is not None for value in numbers)
        if len(sizes) == 1:
            pair = [int(sizes[0][1]), int(sizes[0][2])]
            has_others = any(value is not None for value in numbers) and pair != numbers
            if has_others and kind not in known.OUTPUTS:
                return Lost(kind)  # one of them is not taken, and which is for the node to know
        elif sizes or any(RATIO.search(value) for value in named):
            return Lost(kind)
        elif "swap_dimensions" in told or "prescale_factor" in told:
            if not plain:
                return Lost(kind)
            pair = numbers
        else:
            return None
        if told.get("swap_dimensions") == "On" or told.get("invert") is True:
            pair.reverse()
        scale = number(told.get("prescale_factor"))
        if scale not in (None, 1):
            pair = [int(min(side * scale, 1e9)) for side in pair]
        return [int(own or side) for own, side in zip(over, pair, strict=True)]


def _given(node: Node, index: int, name: str) -> str:
    """What an output gives; "" where that is in no input."""
    outputs = known.OUTPUTS.get(node["class_type"])
    if outputs is not None:
        return outputs[index] if 0 <= index < len(outputs) else ""
    is_number = name in known.NUMBERS and known.RANDOM.search(node["class_type"])
    return "" if is_number else name


def _can_be(value: Any, name: str) -> bool:
    """Whether a value in an input is of the sort that is wanted."""
    if name in known.WORDS:
        return isinstance(value, str)
    return number(value) is not None or (name == "index" and isinstance(value, bool))
