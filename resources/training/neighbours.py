"""Neighbours: a word that no caption has comes to lie among the words of captions whose meaning is
nearest to its own, so that it draws what they draw. Called by `export`, once the text encoder is
trained; which picture a word is of is told to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from resources.training import captions, phrases
from resources.training.phrases import Meanings, Phrase
from resources.training.pictures import BACKGROUNDS

SHARP = 0.05
"""How much less like a word is that counts e times less."""
LEAST = 0.35
"""The likeness to any phrase from which on a word moves, all of the way at NEAR."""


@torch.no_grad()
def settle(
    table: Tensor, tokenizer: PreTrainedTokenizerBase, known: Sequence[Phrase], told: Meanings
) -> int:
    """Move rows of the table, (tokens, width), the embeddings of a text encoder. Gives how many.

    What counts is first how like the word is to all phrases of a subject, and then, within it, to
    those that are one token: a blend of two words of one subject still draws that subject."""
    places = {text: i for i, text in enumerate(told.texts)}
    english = [one for one in known if one.kind != "thai" and one.text.lower() in places]
    subject = torch.tensor([one.subject for one in english])
    shown = _tokens(tokenizer, [one.text.lower() for one in english])
    anchors = torch.tensor([token is not None for token in shown])
    rows = table[[token for token in shown if token is not None]]
    used = _used(tokenizer, known)
    single = _tokens(tokenizer, told.texts)
    moved = [i for i, it in enumerate(single) if it is not None and it not in used]
    if not moved or not len(rows):
        return 0

    vectors = told.vectors
    alike = vectors[moved] @ vectors[[places[one.text.lower()] for one in english]].T
    closeness = (alike / SHARP).exp()  # (words, phrases)
    count = int(subject.max()) + 1
    by_subject = closeness.new_zeros(len(moved), count).index_add_(1, subject, closeness)
    own, closeness = subject[anchors], closeness[:, anchors]
    within = closeness.new_zeros(len(moved), count).index_add_(1, own, closeness)
    shares = (closeness / within[:, own]) * by_subject[:, own]
    aims = (shares / shares.sum(dim=1, keepdim=True)) @ rows  # (words, width)
    nearest = alike.max(dim=1, keepdim=True).values
    sure = ((nearest - LEAST) / (phrases.NEAR - LEAST)).clamp(0, 1)
    tokens = torch.tensor([single[i] for i in moved])
    table[tokens] = table[tokens].lerp(aims, sure)
    return int((sure > 0).sum())


def _tokens(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> list[int | None]:
    """The token that each text is, if it is one."""
    found = tokenizer(list(texts), add_special_tokens=False).input_ids
    return [ids[0] if len(ids) == 1 else None for ids in found]


def _used(tokenizer: PreTrainedTokenizerBase, known: Iterable[Phrase]) -> set[int]:
    """All tokens that a caption may have."""
    frames = (*(it for own in captions.STYLED.values() for it in own), *captions.LAID, "a an")
    texts = [*(one.text for one in known), *BACKGROUNDS, *(it.replace("{}", " ") for it in frames)]
    return {token for ids in tokenizer(texts).input_ids for token in ids}
