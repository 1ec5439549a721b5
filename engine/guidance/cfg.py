"""Classifier-free guidance (Ho and Salimans, arXiv:2207.12598): the conditional prediction, pushed
away from the unconditional one. Called by the guider of `engine.generate` and by `engine.reguide`.
When it acts, and at which scale, says `engine.request.conditions`.
"""

from __future__ import annotations

from torch import Tensor


def combine(
    unconditional: Tensor | None, conditional: Tensor, scale: float, rescale: float
) -> Tensor:
    """eps = eps_u + s (eps_c - eps_u), all (B, C, h, w), and where `rescale` > 0 pulled back to the
    spread of eps_c by that share (Lin et al., arXiv:2305.08891, section 3.4)."""
    if unconditional is None:
        return conditional
    guided = unconditional + scale * (conditional - unconditional)
    if rescale == 0.0:
        return guided
    dims = tuple(range(1, guided.ndim))
    factor = conditional.std(dims, keepdim=True) / guided.std(dims, keepdim=True)
    return guided * (rescale * factor + (1.0 - rescale))
