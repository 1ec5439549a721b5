"""Which files of a model repository make a model, and which of them a folder lacks: names in, names
out, no network. Called by engine.hub and by the library of models.

    unet/config.json                                            every text file of a component
    unet/diffusion_pytorch_model.safetensors                    its weights, plain
    unet/diffusion_pytorch_model.fp16.safetensors               … or a variant of them
    text_encoder/model.fp16-00001-of-00002.safetensors          … or in shards, with their index
    text_encoder/pytorch_model.bin                              a pickle: never
    safety_checker/, feature_extractor/                         not used: never
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import foreign
from engine.errors import EngineError, LoadError

UNUSED = frozenset({"safety_checker", "feature_extractor", "image_encoder"})
"""Components that a repository may have and Safelight has no use for."""

PREFERRED = ("", "fp16", "bf16")
"""Which precision is taken when none is asked for, as far as there is one of these; "" is plain."""

PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")

LONGEST_INDEX = 1_000_000
"""Bytes of model_index.json."""

_WEIGHTS = re.compile(
    r"(?P<stem>diffusion_pytorch_model|model)"
    r"(\.(?P<variant>\w+))?(-(?P<number>\d{5})-of-(?P<count>\d{5}))?(\.(?P<late>\w+))?\.safetensors"
)
_WEIGHTS_INDEX = re.compile(
    r"(diffusion_pytorch_model|model)(\.(?P<variant>\w+))?\.safetensors\.index(\.(?P<late>\w+))?\.json"
)
_WITHOUT_WEIGHTS = ("Scheduler", "Tokenizer", "TokenizerFast", "Processor", "Extractor")


class UnfitRepository(LoadError):
    """A repository that has no model in a form that Safelight reads, or not the file asked for."""


class NoSuchVariant(UnfitRepository):
    """A repository that has no weights of the variant asked for."""


@dataclass(frozen=True)
class Choice:
    """paths: the files that are needed; variants: the precisions besides the plain one that the
    repository has, whichever was chosen."""

    paths: tuple[str, ...]
    variants: tuple[str, ...] = ()


def needed(
    name: str,
    paths: Iterable[str],
    index: dict[str, Any] | None = None,
    file: str | None = None,
    variant: str | None = None,
) -> Choice:
    """The files of the repository `name` that a model needs, of all its `paths`. index: the content
    of its model_index.json, None where it has none; file: the one file that is asked for. Each
    component has one precision: `variant`, or plain weights where a component lacks that. Raises
    UnfitRepository, NoSuchVariant."""
    paths = sorted(paths)
    if file is not None or (index is None and "config.json" not in paths):
        return Choice((_single_file(name, paths, file),))
    chosen: set[str] = {path for path in ("model_index.json", "safelight.json") if path in paths}
    variants: set[str] = set()
    has_variant = False
    for component, class_name in _components(index).items():
        prefix = f"{component}/"
        own = [path.removeprefix(prefix) for path in paths if path.startswith(prefix)]
        if not own:  # a lone network with its files at the top
            prefix, own = "", [path for path in paths if "/" not in path]
        groups = _weights(own)
        if not groups and not class_name.endswith(_WITHOUT_WEIGHTS):
            raise UnfitRepository(_why_no_weights(name, component, prefix, own))
        precision = _precision(groups, variant)
        has_variant = has_variant or bool(groups and precision == variant)
        variants.update(groups)
        chosen.update(prefix + own_name for own_name in _texts(own, prefix, groups, precision))
        chosen.update(prefix + own_name for own_name in groups.get(precision, ()))
    variants.discard("")
    if variant and not has_variant:
        there = f"it has {', '.join(sorted(variants))}" if variants else "it has plain weights only"
        raise NoSuchVariant(
            f"{name} has no variant {variant!r} ({there}). Take one that is there, or none."
        )
    return Choice(tuple(sorted(chosen)), tuple(sorted(variants)))


def missing_files(folder: Path) -> list[str]:
    """The files that a model folder in diffusers layout lacks, by their names in it; empty if it is
    complete in any one precision. A link to nothing counts as missing, as do shards. Names are
    looked at, not what is in the files. Raises OSError if a folder cannot be read."""
    index = _read_index(folder)
    if index is None and not (folder / "config.json").is_file():
        return ["model_index.json"]
    missing: list[str] = []
    for component, class_name in _components(index).items():
        own = _names(folder / component)
        prefix = f"{component}/"
        if not own and (folder / "config.json").is_file():
            prefix, own = "", _names(folder)
        library = (index or {}).get(component, ["diffusers"])[0]
        missing += [prefix + name for name in _lacking(own, class_name, library)]
    return missing


def _components(index: dict[str, Any] | None) -> dict[str, str]:
    """The class of every component that is there and of use; a network without an index is one."""
    if index is None:
        return {"network": "UNet2DModel"}
    return {
        name: str(entry[1])
        for name, entry in index.items()
        if isinstance(entry, list) and len(entry) == 2 and entry[0] and name not in UNUSED
    }


def _weights(names: Iterable[str]) -> dict[str, list[str]]:
    """The safetensors files of one folder by precision. One file is taken before shards of it."""
    whole: dict[str, list[str]] = defaultdict(list)
    shards: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if match := _WEIGHTS.fullmatch(name):
            precision = match["variant"] or match["late"] or ""
            (shards if match["count"] else whole)[precision].append(name)
    return {**shards, **{precision: found[:1] for precision, found in whole.items()}}


def _precision(groups: dict[str, list[str]], variant: str | None) -> str:
    wanted = (variant or "", *PREFERRED, *sorted(groups))
    return next((precision for precision in wanted if precision in groups), "")


def _texts(
    names: Iterable[str], prefix: str, groups: dict[str, list[str]], precision: str
) -> list[str]:
    """The configuration and vocabulary in one folder, with the index of shards if it is needed."""
    in_shards = any(_is_shard(name) for name in groups.get(precision, ()))
    texts = []
    for name in names:
        if _WEIGHTS_INDEX.fullmatch(name):
            if in_shards and _precision_of_index(name) == precision:
                texts.append(name)
        elif prefix == "":  # at the top lie many other things
            if name in ("config.json", "scheduler_config.json"):
                texts.append(name)
        elif "/" not in name and name.endswith((".json", ".txt")) and ".index." not in name:
            texts.append(name)
    return texts


def _single_file(name: str, paths: list[str], file: str | None) -> str:
    there = [path for path in paths if path.endswith(".safetensors")]
    some = ", ".join(there[:5]) + (", …" if len(there) > 5 else "")
    if file is not None:
        if file.endswith(PICKLES):
            raise UnfitRepository(f"{name}/{file} is {_A_PICKLE}.")
        if file not in there:
            raise UnfitRepository(
                f"{name} has no safetensors file {file}; it has {some or 'none at all'}."
            )
        return file
    if len(there) == 1:
        return there[0]
    if there:
        raise UnfitRepository(
            f"{name} has several files and no model_index.json ({some}). Say which one: "
            f"{name}/{there[0]}."
        )
    if pickle := next((path for path in paths if path.endswith(PICKLES)), None):
        raise UnfitRepository(f"{name} has only {pickle}, {_A_PICKLE}.")
    raise UnfitRepository(f"{name} has no safetensors file, so there is no model to fetch.")


_A_PICKLE = (
    "a pickle, which can run any program when it is opened; Safelight fetches safetensors only: "
    "look for a copy of the model in that form"
)


def _why_no_weights(name: str, component: str, prefix: str, own: list[str]) -> str:
    pickle = next((file for file in own if file.endswith(PICKLES)), None)
    if pickle:
        return f"{name} has its {component} only as {prefix}{pickle}, {_A_PICKLE}."
    return f"{name} has no weights of its {component}, so the model cannot be loaded: take another."


def _read_index(folder: Path) -> dict[str, Any] | None:
    try:
        index = foreign.read_json(folder / "model_index.json", LONGEST_INDEX)
    except (FileNotFoundError, EngineError):
        return None
    return index if isinstance(index, dict) else None


def _names(folder: Path) -> list[str]:
    """The files in a folder; what a link leads to counts, not the link."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _lacking(own: list[str], class_name: str, library: str) -> list[str]:
    """What a component lacks, of the names in its folder."""
    if class_name.endswith("Scheduler"):
        required = ["scheduler_config.json"]
    elif "Tokenizer" in class_name:
        required = ["tokenizer.json"] if "tokenizer.json" in own else ["vocab.json", "merges.txt"]
    elif class_name.endswith(_WITHOUT_WEIGHTS):
        required = []
    else:
        required = ["config.json", *_lacking_weights(own, library)]
    return [name for name in required if name not in own]


def _lacking_weights(own: list[str], library: str) -> list[str]:
    """The weights that a network lacks: none if one precision is there with all its shards."""
    groups = _weights(own)
    if not groups:
        stem = "model" if library == "transformers" else "diffusion_pytorch_model"
        return [f"{stem}.safetensors"]
    lacking = (_lacking_shards(own, precision, found) for precision, found in groups.items())
    return min(lacking, key=len)


def _lacking_shards(own: list[str], precision: str, found: list[str]) -> list[str]:
    match = _WEIGHTS.fullmatch(found[0])
    if match is None or not match["count"]:
        return []
    start, end = found[0][: match.start("number")], found[0][match.end("number") :]
    every = [f"{start}{number:05d}{end}" for number in range(1, int(match["count"]) + 1)]
    if not any(_precision_of_index(name) == precision for name in own):
        late = f".{precision}" if precision else ""
        every.append(f"{match['stem']}.safetensors.index{late}.json")
    return [name for name in every if name not in own]


def _is_shard(name: str) -> bool:
    match = _WEIGHTS.fullmatch(name)
    return match is not None and match["count"] is not None


def _precision_of_index(name: str) -> str | None:
    """Which precision a file is the index of, None if it is no index of safetensors shards."""
    match = _WEIGHTS_INDEX.fullmatch(name)
    return (match["variant"] or match["late"] or "") if match else None
