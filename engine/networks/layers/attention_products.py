"""Attention as plain products of matrices, a strip of queries at a time. On processors that
multiply bfloat16 it can be the quicker way, where torch's own kernel makes float32 of it. Called by
`engine.networks.layers.attention`.
"""

from __future__ import annotations

import torch
from torch import Tensor

SCORES = 2**21
"""Scores that are worked on at once: enough for quick products, few enough for the cache."""
SAMPLED = 64
"""Keys, about, by which the largest score of a query is guessed."""
LEAST, MOST = 0.1, 2.0**64
"""Of the sum of a query's exponentials, as long as the guess was a good one. The largest score is
no lower than the guess, so the sum is about one or more."""


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(query key^T / sqrt(d)) value, without gradients: query (B, heads, N, d), key and
    value (B, heads, M, d), of one dtype, to (B, heads, N, d), which lies in memory as
    (B, N, heads, d).

    From all scores of a query something is subtracted, which leaves the softmax as it is: a guess
    of the largest, by some of the keys, as one more column of the product. So the largest scores
    are rounded to the dtype where it is fine, and need not be looked for. Another column of the
    values adds up the exponentials.
    """
    batch, heads, queries, width = query.shape
    keys = key.shape[2]
    rows = max(1, min(queries, SCORES // keys))
    out = query.new_empty(batch, queries, heads, width).transpose(1, 2)
    guessed = query.new_zeros(queries, _up(width + 1, 2))  # products are quick at these widths
    columns = query.new_ones(guessed.shape[1], keys)
    values = query.new_ones(keys, _up(width + 1, 16))
    weights = query.new_empty(rows, keys)
    mixed = query.new_empty(rows, values.shape[1])
    for picture in range(batch):
        for head in range(heads):
            guessed[:, :width] = query[picture, head]
            columns[:width] = key[picture, head].mT
            values[:, :width] = value[picture, head]
            some = columns[:width, :: max(1, keys // SAMPLED)]
            torch.neg((guessed[:, :width] @ some).amax(1), out=guessed[:, width])
            for row in range(0, queries, rows):
                n = min(rows, queries - row)
                _weigh(guessed[row : row + n], columns, width**-0.5, weights[:n])
                torch.mm(weights[:n], values, out=mixed[:n])
                least, most = torch.aminmax(mixed[:n, width])
                if not (least >= LEAST and most <= MOST):
                    _weigh(guessed[row : row + n], columns, width**-0.5, weights[:n], exactly=True)
                    torch.mm(weights[:n], values, out=mixed[:n])
                torch.div(
                    mixed[:n, :width],
                    mixed[:n, width : width + 1],
                    out=out[picture, head, row : row + n],
                )
    return out


def _weigh(
    queries: Tensor, columns: Tensor, scale: float, weights: Tensor, exactly: bool = False
) -> None:
    """The exponentials of the scores, or, whatever the guess is, their softmax, into weights."""
    torch.addmm(queries[:, :1], queries, columns, beta=0, alpha=scale, out=weights)
    if exactly:
        weights.copy_(torch.softmax(weights, 1))
    else:
        weights.exp_()


def _up(number: int, unit: int) -> int:
    """To the next whole number of units."""
    return -(-number // unit) * unit
