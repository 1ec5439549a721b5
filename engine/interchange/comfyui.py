"""ComfyUI's graph, which its images have as `prompt`: numbered nodes whose inputs are values or
links to the outputs of other nodes. Called by `engine.interchange`.

From the nodes that save an image the links are followed up to a sampler, and from the sampler to
the prompts, the size and the checkpoint. Where samplers follow each other, the first is the recipe,
since what comes after it is a second pass. Nodes are known by their inputs more than by their
names: there are thousands of them. A stranger's graph may go in circles or lead nowhere, so that
every way is walked once and for a limited number of nodes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from engine import schedulers
from engine.errors import EngineError
from engine.interchange.a1111 import note_loras
from engine.interchange.plain_json import read_object
from engine.interchange.recipe import Draft, number, shown

MAX_NODES = 5000
"""Nodes that one way through a graph may visit; people's graphs have some hundreds at most."""
MAX_PROMPT_PARTS = 64
"""Texts that the prompts of a graph may be put together from."""
MAX_PROMPT = 2**20
"""Letters of a prompt that is put together: nodes may take the same text many times."""

SAVING = re.compile(r"save|preview|output|websocket", re.IGNORECASE)
TEXTS = re.compile(
    r"(?:text|string|str|value|prompt|wildcard_text|populated_text|result)(?:_?[a-z0-9])?"
)
JOINING = re.compile(r"concat|join|combine|append|merge", re.IGNORECASE)
NUMBERS = (
    "value",
    "seed",
    "noise_seed",
    "int",
    "float",
    "number",
    "Number",
    "Value",
    "steps",
    "cfg",
)
SIZES = (("width", "height"), ("empty_latent_width", "empty_latent_height"))
CONDITIONING = ("conditioning", "conditioning_1", "conditioning_to", "cond1", "cond")
LATENT = ("latent_image", "samples", "latent", "latents", "optional_latent")
SIGMAS = {
    "BetaSamplingScheduler": "beta",
    "ExponentialScheduler": "exponential",
    "KarrasScheduler": "karras",
}
"""Nodes that space the noise and are no more than one of the schedules."""
CHECKPOINT = ("ckpt_name", "unet_name", "model_name", "base_ckpt_name", "checkpoint")

Node = Mapping[str, Any]
"""class_type, and inputs by name."""


def read(text: str) -> Draft:
    """What the graph says. Raises EngineError for what is no graph, or has no sampler."""
    value = read_object(text, "ComfyUI's prompt")
    return _Graph(_nodes(value)).draft()


def is_graph(value: Mapping[str, Any]) -> bool:
    return bool(_nodes(value))


def _nodes(value: Mapping[str, Any]) -> dict[str, Node]:
    """The nodes by their numbers; broken ones are passed over."""
    inner = value.get("prompt")  # as it is sent to ComfyUI
    nodes = inner if isinstance(inner, dict) and "class_type" not in value else value
    return {
        name: node
        for name, node in nodes.items()
        if isinstance(node, dict)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), dict)
    }


class _Graph:
    def __init__(self, nodes: Mapping[str, Node]):
        self._nodes = nodes
        self._draft = Draft("ComfyUI")
        self._parts = 0  # texts that prompts were put together from so far

    def draft(self) -> Draft:
        name, later = self._sampler()
        sampler, draft = self._nodes[name], self._draft
        inputs = dict(sampler["inputs"])
        guider, noise = self._at(inputs.get("guider")), self._at(inputs.get("noise"))
        sigmas, method = self._at(inputs.get("sigmas")), self._at(inputs.get("sampler"))
        for part in (noise, sigmas, method, guider):  # of a sampler that is put together
            inputs = {**(part["inputs"] if part else {}), **inputs}
        if guider and "conditioning" in guider["inputs"]:
            inputs["positive"] = guider["inputs"]["conditioning"]
            inputs["cfg"] = 1.0  # without a negative prompt there is no guidance
        draft.text("prompt", self._prompt(inputs.get("positive"), "positive"))
        if "negative" in inputs:
            draft.text("negative_prompt", self._prompt(inputs["negative"], "negative"))
        self._numbers(inputs)
        self._scheduler(inputs, method, sigmas)
        self._size(inputs)
        self._checkpoint(inputs.get("model", guider["inputs"].get("model") if guider else None))
        self._clip_skip(inputs.get("positive"))
        self._leave_out(sampler, inputs, later)
        note_loras(draft, draft.fields.get("prompt", ""))
        return draft

    def _sampler(self) -> tuple[str, list[str]]:
        """The sampler that a saved image begins with, and those that come after it. Raises
        EngineError."""
        samplers = {name for name, node in self._nodes.items() if _is_sampler(node)}
        if not samplers:
            raise EngineError(
                "The graph of ComfyUI has no sampler that is known here, so it does not tell how "
                "the picture was made."
            )
        kinds = {name: node["class_type"] for name, node in self._nodes.items()}
        saved = [name for name, kind in kinds.items() if kind.startswith("Save")]
        ends = [name for name, kind in kinds.items() if SAVING.search(kind)]
        way = self._way_to(samplers, saved) or self._way_to(samplers, ends)
        for name in way[1:-1]:
            if "decode" not in kinds[name].lower():
                why = "nothing changes a finished picture here"
                self._draft.leave_out("The node", kinds[name], why)
        last = way[-1] if way else min(samplers, key=lambda name: (len(name), name))
        chain = [last]
        while len(chain) <= len(samplers):
            links = [self._nodes[chain[-1]]["inputs"].get(key) for key in LATENT]
            before = self._way_to(samplers, [str(link[0]) for link in links if _is_link(link)])
            if not before or before[-1] in chain:
                break
            chain.append(before[-1])
        first = chain.pop()
        others = len(samplers) - len(chain) - 1
        if others:
            verb = "is" if others == 1 else "are"
            self._draft.note(
                f"{others} of the graph's {len(samplers)} samplers {verb} left out: the saved "
                "picture does not come from there."
            )
        return first, chain[::-1]

    def _way_to(self, wanted: set[str], starts: list[str]) -> list[str]:
        """The nodes from one of these, upstream, to the nearest of the wanted; none where there is
        no way."""
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
            for link in self._nodes[name]["inputs"].values() if name in self._nodes else ():
                if _is_link(link) and str(link[0]) not in before:
                    before[str(link[0])] = name
                    waiting.append(str(link[0]))
        return []

    def _at(self, link: Any) -> Node | None:
        """The node that a link leads to; None where it leads nowhere."""
        return self._nodes.get(str(link[0])) if _is_link(link) else None

    def _way(self, link: Any, *keys: str) -> Iterator[Node]:
        """The nodes upstream of a link, each by the first of its inputs of these names."""
        seen = set[str]()
        while (node := self._at(link)) is not None and len(seen) < MAX_NODES:
            if str(link[0]) in seen:
                return
            seen.add(str(link[0]))
            yield node
            link = next(
                (node["inputs"][key] for key in keys if _is_link(node["inputs"].get(key))), 0
            )

    def _numbers(self, inputs: dict[str, Any]) -> None:
        draft = self._draft
        for key in ("seed", "noise_seed", "steps", "cfg"):
            inputs[key] = self._number(inputs.get(key))
        seed = inputs["seed"] if inputs["seed"] is not None else inputs["noise_seed"]
        draft.whole("seed", seed, "Seed")
        draft.whole("steps", inputs["steps"], "Steps")
        draft.number("guidance_scale", inputs["cfg"], "CFG")

    def _number(self, value: Any) -> Any:
        """A value, or that which another node gives; what cannot be found stays a link, for the
        field to refuse."""
        for node in self._way(value, *NUMBERS):
            for key in NUMBERS:
                if number(node["inputs"].get(key)) is not None:
                    return node["inputs"][key]
        return value

    def _scheduler(
        self, inputs: Mapping[str, Any], method: Node | None, sigmas: Node | None
    ) -> None:
        """The scheduler that a sampler names, or that its nodes for the method and for the noise
        levels are."""
        kinds = [node["class_type"] if node else None for node in (method, sigmas)]
        names = [inputs.get("sampler_name", kinds[0]), inputs.get("scheduler")]
        if names[1] is None:
            names[1] = SIGMAS.get(kinds[1] or "", kinds[1])
        told = []
        for name in names:
            node = self._at(name)
            values = node["inputs"].values() if node else ()
            told.append(next((value for value in values if isinstance(value, str)), name))
        if told[0] is None:
            self._draft.note("The sampler is left out: the graph does not name it.")
        else:
            known = [name for name in told if name is not None]
            self._draft.scheduler(schedulers.from_comfyui, *known)

    def _size(self, inputs: Mapping[str, Any]) -> None:
        start = next((inputs[key] for key in LATENT if _is_link(inputs.get(key))), None)
        for node in self._way(start, *LATENT):
            told = node["inputs"]
            if any(_is_link(told.get(key)) for key in LATENT):
                continue
            if any(key in told for key in ("pixels", "image")):
                self._draft.leave_out(
                    node["class_type"],
                    "",
                    "the picture that this one began from is not in the file",
                )
                return
            for keys in SIZES:
                if all(key in told for key in keys):
                    self._draft.size(*(self._number(told[key]) for key in keys))
                    return

    def _checkpoint(self, link: Any) -> None:
        for node in self._way(link, "model"):
            told = node["inputs"]
            if "lora" in node["class_type"].lower() and isinstance(told.get("lora_name"), str):
                self._draft.leave_out("LoRA", told["lora_name"], "LoRAs are not loaded here")
            name = next((told[key] for key in CHECKPOINT if isinstance(told.get(key), str)), None)
            if name is not None:
                self._draft.checkpoint(name)
                return
            if "lora_name" not in told and "model" in told:
                what = node["class_type"]
                self._draft.leave_out("The node", what, "nothing changes the model on its way here")

    def _clip_skip(self, link: Any) -> None:
        for node in self._way(link, "clip", "positive", *CONDITIONING):
            layer = node["inputs"].get("stop_at_clip_layer")
            if isinstance(layer, int) and not isinstance(layer, bool):
                self._draft.whole("clip_skip", -layer, "CLIP layer")  # -1 there is the last
                return

    def _prompt(self, value: Any, role: str) -> str | None:
        """The text that a sampler's conditioning comes from; None, and a sentence, if none does."""
        if isinstance(value, str):
            return value
        passed = []
        for node in self._way(value, role, *CONDITIONING):
            what = node["class_type"]
            if "ZeroOut" in what:
                self._draft.note(f"{shown(what)} is left out: an empty prompt stands in for it.")
                return ""
            text = self._own_text(node, role)
            if text is not None:
                for kind in passed:
                    why = "nothing changes a prompt on its way here"
                    self._draft.leave_out("The node", kind, why)
                return text
            passed.append(what)
        name = "prompt" if role == "positive" else "negative prompt"
        self._draft.note(f"The {name} is left out: its text cannot be found in the graph.")
        return None

    def _own_text(self, node: Node, role: str) -> str | None:
        """The text that this node reads, if it is one that does."""
        told = node["inputs"]
        if isinstance(told.get(role), str):  # a loader that has the prompts in it
            return told[role]
        if "text_g" in told or "text_l" in told:
            return self._two_texts(told, "text_g", "text_l")
        if "clip_l" in told and "t5xxl" in told:
            return self._two_texts(told, "t5xxl", "clip_l")
        return None if _is_link(told.get(role)) else self._text(node, [])

    def _two_texts(self, told: Mapping[str, Any], first: str, second: str) -> str | None:
        """The text of one of a model's two text encoders: here both read the same."""
        one, other = (self._value(told.get(key), []) for key in (first, second))
        if other and one and other != one:
            self._draft.leave_out(second, other, f"all text encoders read {first} here")
        return one or other

    def _value(self, value: Any, parents: list[str]) -> str | None:
        if isinstance(value, str):
            return value
        node = self._at(value)
        if node is None or str(value[0]) in parents or len(parents) >= MAX_PROMPT_PARTS:
            return None
        return self._text(node, [*parents, str(value[0])])

    def _text(self, node: Node, parents: list[str]) -> str | None:
        """What a node makes of its texts: the only one, or all in a row where it joins them."""
        told = node["inputs"]
        parts: list[str] = []
        for key in told:
            if not TEXTS.fullmatch(key):
                continue
            self._parts += 1
            if self._parts > MAX_PROMPT_PARTS:
                self._draft.note("The rest of a prompt is left out: it has too many parts.")
                break
            text = self._value(told[key], parents)
            if text is not None:
                parts.append(text)
        joins = bool(JOINING.search(node["class_type"]))
        if not parts:
            return None
        if len(parts) > 1 and not joins:
            self._draft.leave_out(node["class_type"], parts[1], "only its first text is taken")
        between = told.get("delimiter", told.get("separator", ""))
        between = between.replace("\\n", "\n") if isinstance(between, str) else ""
        if joins and sum(map(len, parts)) > MAX_PROMPT:
            self._draft.note(f"A prompt of more than {MAX_PROMPT:,} letters is left out.")
            return None
        return between.join(parts) if joins else parts[0]

    def _leave_out(self, sampler: Node, inputs: Mapping[str, Any], later: list[str]) -> None:
        draft = self._draft
        denoise = self._number(inputs.get("denoise", 1))
        if number(denoise) not in (1, None):
            draft.leave_out("Denoise", denoise, "every picture here begins from noise alone")
        first = self._number(inputs.get("start_at_step", 0))
        if number(first) not in (0, None):
            draft.leave_out("Start at step", first, "every picture here begins from noise alone")
        last, steps = (number(self._number(inputs.get(key))) for key in ("end_at_step", "steps"))
        if last is not None and steps is not None and last < steps:
            draft.leave_out("End at step", last, "pictures are finished here")
        for name in later:
            told = self._nodes[name]["inputs"]
            settings = [f"{key} {shown(told[key])}" for key in ("steps", "denoise") if key in told]
            kind = self._nodes[name]["class_type"]
            draft.leave_out(
                "A second pass,", ", ".join([kind, *settings]), "there is only one here"
            )


def _is_link(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str | int)
        and isinstance(value[1], int)
    )


def _is_sampler(node: Node) -> bool:
    """Whether it takes prompts, or a guider, and the latents to work on."""
    told = node["inputs"]
    if "guider" in told and ("sigmas" in told or "noise" in told):
        return True
    makes = {"positive", "latent_image"} <= told.keys() or "KSampler" in node["class_type"]
    return makes and ("seed" in told or "noise_seed" in told)
