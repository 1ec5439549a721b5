"""Classifier-free guidance (Ho and Salimans, arXiv:2207.12598): joining the unconditional and the
conditional prediction, and re-joining those that a snapshot kept. Called by `engine.generate` and,
for re-guiding, by the window. When it acts, and at which scale, says `engine.request.conditions`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.errors import EngineError
from engine.hardware.transfers import uploaded
from engine.pipelines.pipeline import Pipeline
from engine.run.timeline import Snapshot


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


@torch.no_grad()
def reguide(
    pipeline: Pipeline,
    snapshot: Snapshot,
    guidance_scale: float,
    guidance_rescale: float | None = None,
) -> Tensor:
    """The x_0 (B, C, h, w) that the snapshot's own evaluation would have predicted under another
    guidance scale, on the pipeline's device. No network is called: x_0 is linear in the scale.
    With the scale that it ran with, this is `snapshot.denoised` bit for bit. guidance_rescale: None
    means what it ran with.

    Raises EngineError where guidance was off in that step, so that there is only one prediction.
    """
    if snapshot.unconditional is None and guidance_scale != snapshot.guidance_scale:
        raise EngineError(
            f"Step {snapshot.index + 1} was made without guidance: its scale cannot be changed "
            "afterwards. Choose a step where guidance was on."
        )
    rescale = snapshot.guidance_rescale if guidance_rescale is None else guidance_rescale
    output = combine(snapshot.unconditional, snapshot.conditional, guidance_scale, rescale)
    return uploaded(snapshot.scheduler.denoise(snapshot.before, output), pipeline.device)
