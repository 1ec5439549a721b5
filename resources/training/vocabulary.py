"""Vocabulary: the tokens of the text encoder, and how whole English words come in, each with an
embedding that says what it means. A word in pieces is known only where a caption spelled it; a
token of its own may stand where its meaning is, beside the words that captions use.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, CLIPTextModel, PreTrainedTokenizerBase

FOLDER = "tokenizer"
"""Of a model, and of the work folder."""
END = "</w>"
FILE = "tokenizer.json"
RIDGE = 1.0
"""Of the map from meanings to embeddings."""


def load(folder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(folder)


def extend(folder: Path, words: Iterable[str], into: Path) -> None:
    """Write the tokenizer of `folder` with every one of these words as a token, in lower case.

    New merges come after all others and join a word from its end, so a word is cut as before first,
    and what begins another word's token is never joined to what ends it."""
    tokenizer = load(folder)
    kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
    vocabulary, merges = kept["model"]["vocab"], kept["model"]["merges"]
    known = {tuple(merge) for merge in merges}
    for word in words:
        pieces = tokenizer.tokenize(word)
        whole = pieces.pop()
        while pieces:
            left = pieces.pop()
            if (left, whole) not in known:
                merges.append([left, whole])
                known.add((left, whole))
            whole = left + whole
            vocabulary.setdefault(whole, len(vocabulary))
    shutil.copytree(folder, into, dirs_exist_ok=True)
    dense = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))  # half as large
    (into / FILE).write_text(dense + "\n", encoding="utf-8")


@torch.no_grad()
def grow(
    encoder: CLIPTextModel,
    before: PreTrainedTokenizerBase,
    after: PreTrainedTokenizerBase,
    meanings: dict[str, Tensor],
) -> None:
    """Give the encoder embeddings for the tokens that `after` has and `before` lacks: of a word, by
    the map from meanings to embeddings that suits the words that had one best; of another part of
    words, the mean of its pieces."""
    old = embeddings(encoder).clone()
    fresh = len(after) - len(before)
    if not fresh:
        return
    anchors = [
        (token, meanings[word])
        for piece, token in before.get_vocab().items()
        if piece.endswith(END) and (word := piece.removesuffix(END)) in meanings
    ]
    vectors = torch.stack([vector for _, vector in anchors])
    wanted = old[[token for token, _ in anchors]]
    centre = wanted.mean(dim=0)
    square = vectors.T @ vectors + RIDGE * torch.eye(vectors.shape[1])
    across = torch.linalg.solve(square, vectors.T @ (wanted - centre))  # (384, width)
    length = (wanted - centre).norm(dim=1).mean() / (vectors @ across).norm(dim=1).mean()
    encoder.resize_token_embeddings(len(after), mean_resizing=False)
    weight = embeddings(encoder)
    for piece, token in after.get_vocab().items():
        if token < len(before):
            continue
        word = piece.removesuffix(END)
        if word in meanings:
            weight[token] = centre + length * meanings[word] @ across
        else:
            weight[token] = old[before(word, add_special_tokens=False).input_ids].mean(dim=0)


def embeddings(encoder: CLIPTextModel) -> Tensor:
    """(tokens, width), of which a change changes the encoder."""
    table = encoder.get_input_embeddings()
    assert isinstance(table, nn.Embedding)
    return table.weight.detach()
