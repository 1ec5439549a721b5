"""Phrases: the words that mean each subject, and the synonyms of them that no caption uses, by
which `evaluate` measures how far the text encoder understands words that it was never shown a
picture of. Drawn from by `captions`.

Where two things share a keyword, and for words that are no keyword at all, it is the sentence model
of `meaning` that says whose it is.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from resources.training import fetch, meaning, subjects, wordnet
from resources.training.kept import write

HELD_OUT = 100
SEED = 9
NEAR = 0.55
"""The least likeness to a name or synonym by which another word means the same subject."""
COMMON = 25
"""How often a word must stand in the texts that WordNet counted."""
WORD = re.compile(r"[a-z]{2,}")
ENGLISH = re.compile(r"[a-z][a-z '’-]+")
Kind = Literal["name", "synonym", "near", "thai"]


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """subject: its place in `subjects.names()`. kind: near is a word that others do not give it."""

    text: str
    subject: int
    kind: Kind


@dataclass(frozen=True)
class Meanings:
    """texts: English; vectors: (N, 384), of length 1."""

    texts: list[str]
    vectors: Tensor


@dataclass(frozen=True)
class _Words:
    """By emoji, each in lower case. libraries: the keywords that each of two collections gives."""

    names: dict[str, str]
    libraries: tuple[dict[str, set[str]], dict[str, set[str]]]
    thai: dict[str, list[str]]


def load(work: Path) -> tuple[Phrase, ...]:
    """Made the first time, and read from `work` after it."""
    path = work / "phrases.json"
    if not path.is_file():
        made = make(work, subjects.names())
        text = json.dumps([asdict(phrase) for phrase in made], ensure_ascii=False, indent=0)
        path.write_text(text, encoding="utf-8")
    return tuple(Phrase(**told) for told in json.loads(path.read_text(encoding="utf-8")))


def meanings(work: Path) -> Meanings:
    """Of every English name and keyword, those that are held out among them, of each of their
    words, and of the commonest other words: what they mean is told, and never which picture they
    are of."""
    path = work / "meanings.pt"
    if not path.is_file():
        dictionary = wordnet.load(work)
        told = _texts(_read(work))
        words = {word for text in told for word in WORD.findall(text)}
        texts = sorted(told | words.union(dictionary.common(COMMON)))
        vectors = _vectors(work, texts, dictionary)
        write(path, {"texts": texts, "vectors": vectors.half()})
    kept = torch.load(path, weights_only=True)
    return Meanings(kept["texts"], kept["vectors"].float())


def _vectors(work: Path, texts: list[str], dictionary: wordnet.WordNet) -> Tensor:
    """(N, 384), of length 1: the embedding of a text and that of its explanations, half each, less
    what all have in common."""
    explained = [(i, it) for i, text in enumerate(texts) for it in dictionary.told(text)]
    owners = torch.tensor([i for i, _ in explained], dtype=torch.long)
    made = meaning.embeddings(work, [it for _, it in explained])
    plain = meaning.embeddings(work, texts)
    sums = torch.zeros_like(plain).index_add_(0, owners, made)
    both = F.normalize(plain + F.normalize(sums))
    return F.normalize(both - both.mean(dim=0))


def held_out(work: Path) -> tuple[Phrase, ...]:
    """Synonyms of subjects that no caption uses: each of them a keyword of one emoji, and no other,
    in both collections, and no word of its name."""
    known = _read(work)
    owners = tuple(_owners(library) for library in known.libraries)
    candidates = []
    for subject, emoji in enumerate(_emoji(known, subjects.names())):
        shared = known.libraries[0][emoji] & known.libraries[1][emoji]
        own = set(known.names[emoji].lower().split())
        candidates += [
            Phrase(text=word, subject=subject, kind="synonym")
            for word in sorted(shared)
            if not own & set(word.split()) and all(len(it[word]) == 1 for it in owners)
        ]
    return tuple(random.Random(SEED).sample(candidates, min(HELD_OUT, len(candidates))))


def make(work: Path, wanted: tuple[str, ...]) -> list[Phrase]:
    known = _read(work)
    told = meanings(work)
    places = {text: i for i, text in enumerate(told.texts)}
    emoji = _emoji(known, wanted)
    never = {phrase.text for phrase in held_out(work)}
    keywords = {it: known.libraries[0][it] | known.libraries[1][it] for it in known.names}
    owners = _owners({it: keywords[it] for it in emoji})
    place_of = {it: subject for subject, it in enumerate(emoji)}

    made = {
        name.lower(): Phrase(text=name, subject=i, kind="name") for i, name in enumerate(wanted)
    }
    for word, own in sorted(owners.items()):
        if len(own) == 1 and not uses(word, never):
            (one,) = own
            made.setdefault(word, Phrase(text=word, subject=place_of[one], kind="synonym"))
    taught = list(made.values())
    anchors = told.vectors[[places[_plain(phrase.text)] for phrase in taught]]
    named = told.vectors[[places[_plain(name)] for name in wanted]]
    for word in told.texts:
        if word in made or uses(word, never):
            continue
        vector = told.vectors[places[word]]
        if word in owners:
            shared = sorted(place_of[it] for it in owners[word])
            subject = max(shared, key=lambda i: float(named[i] @ vector))
        else:
            likeness = anchors @ vector
            best = int(likeness.argmax())
            if likeness[best] < NEAR:
                continue
            subject = taught[best].subject
        made[word] = Phrase(text=word, subject=subject, kind="near")
    return list(made.values()) + _thai(known, emoji)


def _thai(known: _Words, emoji: list[str]) -> list[Phrase]:
    """The Thai names, and the keywords that are of one subject alone."""
    owners = _owners({it: set(known.thai.get(it, [])[1:]) for it in emoji})
    made = []
    for subject, it in enumerate(emoji):
        for place, text in enumerate(known.thai.get(it, [])):
            if place == 0 or len(owners[text]) == 1:
                made.append(Phrase(text=text, subject=subject, kind="thai"))
    return made


def uses(text: str, never: set[str]) -> bool:
    """Whether one of these words is in it, in the singular or the plural."""
    words = text.split()
    stems = {*words, *(word.removesuffix("s") for word in words), *(f"{word}s" for word in words)}
    return bool(stems & never) or text in never


def _texts(known: _Words) -> set[str]:
    keywords = (words for library in known.libraries for words in library.values())
    names = {_plain(name) for name in known.names.values()}
    return names.union(*keywords)


def _read(work: Path) -> _Words:
    packages = work / "packages"
    emojibase = packages / fetch.THAI.folder
    english, thai = (_by_emoji(emojibase / code / "data.json") for code in ("en", "th"))
    names = _json(packages / fetch.NAMES.folder / "data-by-emoji.json")
    told = _json(packages / fetch.KEYWORDS.folder / "dist" / "emoji-en-US.json")
    first, second, words = {}, {}, {}
    for emoji in names:
        entry = english.get(_bare(emoji), {})
        first[emoji] = _english(told.get(emoji, []))
        second[emoji] = _english([*entry.get("tags", []), entry.get("label", "")])
        if entry := thai.get(_bare(emoji)):
            words[emoji] = [entry["label"], *entry.get("tags", [])]
    return _Words({it: own["name"] for it, own in names.items()}, (first, second), words)


def _by_emoji(path: Path) -> dict[str, Any]:
    return {_bare(entry["emoji"]): entry for entry in _json(path)}


def _bare(emoji: str) -> str:
    return emoji.replace("\ufe0f", "")


def _english(words: Iterable[str]) -> set[str]:
    plain = (_plain(word) for word in words)
    return {word for word in plain if ENGLISH.fullmatch(word)}


def _plain(text: str) -> str:
    return text.lower().replace("_", " ")


def _owners(library: dict[str, set[str]]) -> dict[str, set[str]]:
    owners = defaultdict(set)
    for emoji, words in library.items():
        for word in words:
            owners[word].add(emoji)
    return owners


def _emoji(known: _Words, wanted: tuple[str, ...]) -> list[str]:
    by_name = {name: emoji for emoji, name in known.names.items()}
    return [by_name[name] for name in wanted]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
