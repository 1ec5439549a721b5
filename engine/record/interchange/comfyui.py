"""ComfyUI's graph, which its images have as `prompt`: numbered nodes whose inputs are values or
links to the outputs of other nodes. Called by `engine.record.interchange.programs`.

From the nodes that save an image the links are followed up to a sampler, and from the sampler to
the prompts, the size and the checkpoint. Where samplers follow each other, the first is the recipe,
since what comes after it is a second pass. What comes through a link is for
`engine.record.interchange.comfyui_graph` to say; what cannot be told becomes a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine import schedulers
from engine.errors import EngineError
from engine.record.interchange import comfyui_nodes as known
from engine.record.interchange import reasons
from engine.record.interchange.comfyui_graph import Graph, Lost
from engine.record.interchange.comfyui_nodes import Node, is_link
from engine.record.interchange.comfyui_prompts import MAX_PROMPT, GraphPrompts
from engine.record.interchange.plain_json import read_object
from engine.record.interchange.recipe import Excerpt, number, shown

__all__ = ["MAX_PROMPT", "excerpt_of", "excerpt_of_text", "is_graph"]

MAX_INPUTS = 2000
"""Of a node; those that grow have a thousand at most."""
SAVING = re.compile(r"save|preview|output|websocket", re.IGNORECASE)
PASSING = re.compile(r"reroute|switch", re.IGNORECASE)
CHANGING = re.compile(r"mask|noise|inject|composite|blend|add|subtract|multiply|interpolat", re.I)
RESIZING = re.compile(r"upscale|resize|crop|scale", re.IGNORECASE)
NUMBERS = ("seed", "steps", "cfg", "denoise", "start_at_step", "end_at_step")
FIELDS = {"seed": "Seed", "steps": "Steps", "cfg": "CFG", "denoise": "Denoise"}
FIELDS |= {"start_at_step": "Start at step", "end_at_step": "End at step"}
SIZE = (("width", "Width"), ("height", "Height"))
CLIP_SKIP = ("stop_at_clip_layer", "clip_skip", "base_clip_skip")
ALONE = "every picture here begins from noise alone"


def excerpt_of_text(text: str) -> Excerpt:
    """What the graph says. Raises EngineError for what is no graph, or has no sampler."""
    return excerpt_of(read_object(text, "ComfyUI's prompt"))


def excerpt_of(value: Mapping[str, Any]) -> Excerpt:
    """As `excerpt_of_text`, of what the text holds."""
    return _Reader(_nodes(value)).excerpt()


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
        and len(node["inputs"]) <= MAX_INPUTS
    }


class _Reader:
    def __init__(self, nodes: Mapping[str, Node]):
        self._graph = Graph(nodes)
        self._draft = Excerpt("ComfyUI")

    def excerpt(self) -> Excerpt:
        name, later = self._sampler()
        sampler, excerpt = self._graph.nodes[name], self._draft
        guider = self._graph.at(sampler["inputs"].get("guider"))
        told = self._told(sampler, guider)
        prompts, guiding = GraphPrompts(self._graph, excerpt), guider or sampler
        positive = "conditioning" if "conditioning" in guiding["inputs"] else "positive"
        excerpt.text("prompt", prompts.prompt(guiding, positive, "prompt"))
        if self._graph.of(guiding, "negative") is not None:
            text = prompts.prompt(guiding, "negative", "negative prompt")
            excerpt.text("negative_prompt", text)
        self._read_numbers(told)
        self._read_scheduler(told)
        self._read_size(sampler)
        self._read_checkpoint(guiding)
        self._read_clip_skip(guiding, positive)
        self._leave_out(sampler, told, later)
        excerpt.note_loras(excerpt.fields.get("prompt", ""))
        return excerpt

    def _sampler(self) -> tuple[str, list[str]]:
        """The sampler that a saved image begins with, and those that come after it. Raises
        EngineError."""
        graph = self._graph
        samplers = {name for name, node in graph.nodes.items() if known.is_sampler(node)}
        if not samplers:
            raise EngineError(
                "The graph of ComfyUI has no sampler that is known here, so it does not tell how "
                "the picture was made."
            )
        kinds = {name: node["class_type"] for name, node in graph.nodes.items()}
        saved = [name for name, kind in kinds.items() if kind.startswith("Save")]
        ends = [name for name, kind in kinds.items() if SAVING.search(kind)]
        way = graph.way_to(samplers, saved) or graph.way_to(samplers, ends)
        for name in way[1:-1]:
            if "decode" not in kinds[name].lower() and not known.PLUMBING.search(kinds[name]):
                why = "nothing changes a finished picture here"
                self._draft.leave_out("The node", kinds[name], why)
        last = way[-1] if way else min(samplers, key=lambda name: (len(name), name))
        chain = [last]
        while len(chain) <= len(samplers):
            inputs = graph.nodes[chain[-1]]["inputs"]
            links = [inputs.get(key) for key in known.NAMES["latent"]]
            before = graph.way_to(samplers, [str(link[0]) for link in links if is_link(link)])
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

    def _told(self, sampler: Node, guider: Node | None) -> dict[str, Any]:
        """What a sampler is given, in the words of `comfyui_nodes.NAMES`; values can be links. One
        that is put together of nodes for its parts is told by these."""
        of, parts = self._graph.of, sampler["inputs"]
        told = {name: of(sampler, name) for name in (*NUMBERS, "sampler", "scheduler")}
        if "noise" in parts and (noise := self._last(parts["noise"], "noise")):
            told["seed"] = of(noise, "seed")
            if told["seed"] is None:
                self._draft.leave_out("The noise of", noise["class_type"], "it names no seed")
        if "sigmas" in parts and (spacing := self._last(parts["sigmas"], "sigmas")):
            kind = spacing["class_type"]
            told |= {name: of(spacing, name) for name in ("steps", "denoise")}
            told["scheduler"] = of(spacing, "scheduler") or known.SIGMAS.get(kind, kind)
        if is_link(parts.get("sampler")) and (method := self._last(parts["sampler"], "sampler")):
            told["sampler"] = method["inputs"].get("sampler_name", method["class_type"])
        if guider:  # without a negative prompt, nothing is guided
            told["cfg"] = 1.0 if "conditioning" in guider["inputs"] else of(guider, "cfg")
        return told

    def _last(self, link: Any, name: str) -> Node | None:
        """The node where a part of a sampler begins; what it comes through is named."""
        stops = list(self._graph.upstream(link, name))
        for stop in stops[:-1]:
            kind, told = stop.node["class_type"], stop.node["inputs"]
            values = [f"{key} {shown(told[key])}" for key in told if number(told[key]) is not None]
            if is_link(stop.carries) and not (stop.is_pipe or PASSING.search(kind)):
                said = ", ".join([shown(kind), *values[:3]])
                self._draft.leave_out("The node", said, f"nothing changes the {name} here")
        return stops[-1].node if stops else None

    def _read_numbers(self, told: dict[str, Any]) -> None:
        """The numbers, and a sentence for each whose node does not tell it."""
        links = {name: told[name] for name in NUMBERS if is_link(told[name])}
        for name in NUMBERS:
            told[name] = self._number(told[name], name, FIELDS[name])
        found = {name: number(told[name]) for name in links}
        for name, link in links.items():
            node = self._graph.at(link)
            same = {found[other] for other in links if links[other] == link} - {None}
            if node and len(same) > 1:
                told[name] = None  # one output gives one number
                self._lost(FIELDS[name], Lost(node["class_type"]))
        told |= {name: None for name in links if is_link(told[name])}
        self._draft.whole("seed", told["seed"], "Seed")
        self._draft.whole("steps", told["steps"], "Steps")
        self._draft.number("guidance_scale", told["cfg"], "CFG")

    def _number(self, value: Any, name: str, said: str) -> Any:
        """What a link gives, if it is one; None, and a sentence, where that cannot be told."""
        found = self._graph.value(value, name)
        if isinstance(found, Lost):
            self._lost(said, found)
            return None
        return found

    def _lost(self, said: str, lost: Lost) -> None:
        where = f"its node {shown(lost.node)} gives" if lost.node else "its link leads to"
        self._draft.note(f"{said} is left out: the graph does not tell what {where}.")

    def _read_scheduler(self, told: Mapping[str, Any]) -> None:
        names = []
        for name in ("sampler", "scheduler"):
            found = self._graph.value(told[name], name)
            if isinstance(found, Lost):
                self._lost(name.capitalize(), found)
                found = None
            names.append(found)
        if names[0] is None:
            self._draft.note("The sampler is left out: the graph does not name it.")
        else:
            named = [name for name in names if name is not None]
            self._draft.scheduler(schedulers.from_comfyui, *named)

    def _read_size(self, sampler: Node) -> None:
        graph = self._graph
        for stop in graph.way(sampler, "latent"):
            kind, told = stop.node["class_type"], stop.node["inputs"]
            if is_link(stop.carries) and not (RESIZING.search(kind) and "width" in told):
                if RESIZING.search(kind):
                    self._lost("The size", Lost(kind))
                    return
                if CHANGING.search(kind):
                    self._draft.leave_out("The node", kind, "nothing changes the noise here")
                continue
            if (number(told.get("batch_size")) or 1) > 1:
                why = "which of them this picture is, the graph does not tell"
                self._draft.leave_out("A batch of", told["batch_size"], why)
            if any(key in told for key in ("pixels", "image")):
                self._draft.leave_out(kind, "", reasons.BEGUN_FROM)
                return
            sides = [graph.of(stop.node, name) for name, _ in SIZE]
            if all(side is not None for side in sides):
                values = [
                    self._number(side, name, said)
                    for side, (name, said) in zip(sides, SIZE, strict=True)
                ]
                if None not in values:
                    self._draft.size(*values)
                return
        self._draft.note("The size is left out: it cannot be found in the graph.")

    def _read_checkpoint(self, guiding: Node) -> None:
        excerpt = self._draft
        for stop in self._graph.way(guiding, "model"):
            kind, told = stop.node["class_type"], stop.node["inputs"]
            for lora in known.loras(stop.node):
                excerpt.leave_out("LoRA", lora, reasons.NO_LORAS)
            keys = [key for key in known.NAMES["checkpoint"] if key in told]
            name = self._graph.value(told[keys[0]], "checkpoint") if keys else None
            if isinstance(name, str):
                excerpt.checkpoint(name)
                for other in ("refiner_ckpt_name", "refiner_model_name"):
                    if isinstance(told.get(other), str) and told[other] not in ("", "None"):
                        excerpt.leave_out("Refiner", told[other], reasons.NO_SECOND_MODEL)
                return
            is_plain = known.PLUMBING.search(kind) and not known.is_sampler(stop.node)
            changes = is_link(stop.carries) and not (stop.is_pipe or is_plain)
            if changes and "lora" not in kind.lower():
                excerpt.leave_out("The node", kind, "nothing changes the model on its way here")
        excerpt.note("The model is left out: its name cannot be found in the graph.")

    def _read_clip_skip(self, guiding: Node, positive: str) -> None:
        for stop in self._graph.way(guiding, positive):
            told = stop.node["inputs"]
            skip = next((told[key] for key in CLIP_SKIP if key in told), None)
            if skip is None:
                for inner in self._graph.way(stop.node, "clip"):
                    inside = inner.node["inputs"]
                    skip = next((inside[key] for key in CLIP_SKIP if key in inside), None)
                    if skip is not None:
                        break
            skip = self._graph.value(skip, "number")
            if (layer := number(skip)) is not None and layer < 0:
                self._draft.whole("clip_skip", -layer, "CLIP layer")  # -1 there is the last
                return

    def _leave_out(self, sampler: Node, told: Mapping[str, Any], later: list[str]) -> None:
        excerpt = self._draft
        if number(told["denoise"]) not in (1, None):
            excerpt.leave_out("Denoise", told["denoise"], ALONE)
        if number(told["start_at_step"]) not in (0, None):
            excerpt.leave_out("Start at step", told["start_at_step"], ALONE)
        last, steps = number(told["end_at_step"]), number(told["steps"])
        if last is not None and steps is not None and last < steps:
            excerpt.leave_out("End at step", told["end_at_step"], "pictures are finished here")
        if str(sampler["inputs"].get("add_noise", True)).lower() in ("disable", "false"):
            excerpt.leave_out("Add noise", sampler["inputs"]["add_noise"], ALONE)
        if script := self._graph.at(sampler["inputs"].get("script")):
            excerpt.leave_out("The node", script["class_type"], "there is only one pass here")
        for name in later:
            inputs = self._graph.nodes[name]["inputs"]
            values = {key: inputs[key] for key in ("steps", "denoise") if key in inputs}
            settings = [f"{key} {shown(value)}" for key, value in values.items()]
            said = ", ".join([self._graph.nodes[name]["class_type"], *settings])
            excerpt.leave_out("A second pass,", said, "there is only one here")
