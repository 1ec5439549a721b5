"""The vocabulary of CLIP's tokenizer, read from its files before the tokenizer is made:
transformers makes one of two words where there is none, and every prompt is the same to it. Called
by the look at a whole model; needs neither torch nor transformers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from engine import foreign
from engine.errors import ConfigError, EngineError, told

LONGEST = 50_000_000
"""Bytes of one file. CLIP's have one or two million."""
FEWEST = 0.9
"""Of the text encoder's entries. Some have a few more than their tokenizer, to be round."""
TEMPLATES = "additional_chat_templates"
"""A folder in a tokenizer's, of which transformers reads every file."""
SPECIAL = {
    "bos_token": "<|startoftext|>",
    "eos_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
}
"""The tokens that every prompt is given, and what they are if no file says."""
BYTES = 2 * 256
"""Entries that are no joint of two others: every byte, within a word and at its end."""


class Vocabulary(NamedTuple):
    """largest: of all ids; words: the entries; merges: how many pairs are joined to one."""

    words: frozenset[str]
    largest: int
    merges: int


def check_vocabulary(folder: Path, entries: int) -> None:
    """Raise ConfigError where the tokenizer in this folder is not for a text encoder of so many
    entries, or is not whole."""
    _check_files(folder)
    found = _vocabulary(folder)
    added = _added(folder)
    special = _special(folder)
    absent = [word for word in special if word not in found.words and word not in added]
    if absent:
        _refuse(folder, f"has no token {told(absent[0])} in its vocabulary of {len(found.words)}")
    largest = max(found.largest, *added.values(), -1)
    if largest >= entries:
        _refuse(folder, f"has the id {largest}, and its text encoder {entries} entries")
    if len(found.words) < FEWEST * entries:
        _refuse(folder, f"has {len(found.words)} words, and its text encoder {entries} entries")
    if found.merges < FEWEST * (len(found.words) - BYTES - len(special)):
        _refuse(folder, f"has {found.merges} merges for {len(found.words)} words")


def _vocabulary(folder: Path) -> Vocabulary:
    """As transformers reads it: tokenizer.json, or else vocab.json and merges.txt."""
    whole = folder / "tokenizer.json"
    names = [whole] if whole.exists() else [folder / "vocab.json", folder / "merges.txt"]
    stamps = []
    for name in names:
        try:
            status = name.stat()
        except OSError:
            raise ConfigError(
                f"{folder} has neither tokenizer.json nor vocab.json and merges.txt, so there is "
                "no vocabulary to read a prompt with: fetch this folder again."
            ) from None
        stamps.append((str(name), status.st_size, status.st_mtime_ns))
    return _read(tuple(stamps))


@lru_cache(maxsize=64)
def _read(files: tuple[tuple[str, int, int], ...]) -> Vocabulary:
    """files: path, size and time of change of each: one that did not change is read once."""
    paths = [Path(path) for path, _, _ in files]
    content = _json(paths[0])
    added: Any = ()
    if len(paths) == 1:
        model = content.get("model")
        added = content.get("added_tokens") or ()
        if not isinstance(model, Mapping) or model.get("type", "BPE") != "BPE":
            _refuse(paths[0].parent, "is of another kind than CLIP's")
        words, merges = model.get("vocab"), model.get("merges")
    else:
        words = content
        text = _text(paths[1])
        merges = [line for line in text.splitlines() if line and not line.startswith("#version")]
    if not isinstance(words, Mapping) or not isinstance(merges, list):
        _refuse(paths[0].parent, "has no vocabulary")
    every = dict(words)
    for token in added if isinstance(added, list) else ():
        if isinstance(token, Mapping):
            every[str(token.get("content"))] = token.get("id")
    ids = every.values()
    if not all(type(number) is int and number >= 0 for number in ids):
        _refuse(paths[0].parent, "has ids that are no whole numbers from 0 up")
    return Vocabulary(frozenset(every), max(ids, default=-1), len(merges))


def _check_files(folder: Path) -> None:
    """What is in the folder is read by transformers too, which would wait for a pipe."""
    try:
        for path in (*folder.iterdir(), *(folder / TEMPLATES).glob("*")):
            if path.exists() and not path.is_dir():
                foreign.open_file(path, LONGEST).close()
    except FileNotFoundError:
        return  # whoever reads a file of it tells that it is not there
    except (EngineError, OSError) as error:
        raise ConfigError(
            f"The tokenizer in {folder} cannot be read ({error}). Fetch this folder again."
        ) from None


def _added(folder: Path) -> dict[str, int]:
    """Words that the folder adds to the vocabulary, and their ids."""
    words: dict[Any, Any] = {}
    if (folder / "added_tokens.json").exists():
        words |= _json(folder / "added_tokens.json")
    if (folder / "tokenizer_config.json").exists():
        by_id = _json(folder / "tokenizer_config.json").get("added_tokens_decoder")
        for number, token in by_id.items() if isinstance(by_id, Mapping) else ():
            if isinstance(token, Mapping) and number.isdecimal():
                words[str(token.get("content"))] = foreign.whole(number)
    return {word: number for word, number in words.items() if type(number) is int and number >= 0}


def _special(folder: Path) -> Collection[str]:
    """The tokens that a prompt is given, as the folder names them."""
    named = dict(SPECIAL)
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if not (folder / name).exists():
            continue
        settings = _json(folder / name)
        for key in SPECIAL:
            token = settings.get(key)
            word = token.get("content") if isinstance(token, Mapping) else token
            if isinstance(word, str):
                named[key] = word
            elif token is not None:
                raise ConfigError(
                    f"{folder / name}: {key!r} is {told(token)}, which is no token: fetch this "
                    "file again."
                )
    return set(named.values())


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = foreign.read_json(path, LONGEST)
    except FileNotFoundError:
        raise ConfigError(f"There is no file {path}: is this model complete?") from None
    except (EngineError, OSError) as error:
        raise ConfigError(
            f"The tokenizer in {path.parent} cannot be read ({error}). Fetch this folder again."
        ) from None
    if not isinstance(content, Mapping):
        _refuse(path.parent, f"has in {path.name} no settings by name")
    return content


def _text(path: Path) -> str:
    try:
        return foreign.read_text(path, LONGEST)
    except (EngineError, OSError) as error:
        raise ConfigError(
            f"The tokenizer in {path.parent} cannot be read ({error}). Fetch this folder again."
        ) from None


def _refuse(folder: Path, what: str) -> NoReturn:
    raise ConfigError(
        f"The tokenizer in {folder} {what}: it is cut, or of another model. Take the tokenizer of "
        "this model."
    )
