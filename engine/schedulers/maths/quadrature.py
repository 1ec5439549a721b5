"""Weights of multistep formulas: what the outputs of earlier steps count for in the next one.
Used by all multistep schedulers.
"""

from __future__ import annotations

from collections.abc import Sequence


def weights(nodes: Sequence[float], moments: Sequence[float]) -> list[float]:
    """The weights w with sum(w[k] * nodes[k]**i) = moments[i], one for each of the distinct nodes.

    With moments[i] the integral of t**i times a kernel, sum(w[k] * f(nodes[k])) is the integral of
    f times the kernel, exact for polynomials below degree len(nodes). Solves the Vandermonde system
    in O(n²) without its matrix (Björck and Pereyra, Math. Comp. 24, 1970).
    """
    w = list(moments)
    n = len(w)
    for k in range(n - 1):
        for i in range(n - 1, k, -1):
            w[i] -= nodes[k] * w[i - 1]
    for k in range(n - 2, -1, -1):
        for i in range(k + 1, n):
            w[i] /= nodes[i] - nodes[i - k - 1]
        for i in range(k, n - 1):
            w[i] -= w[i + 1]
    return w
