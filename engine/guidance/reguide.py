"""Re-guiding: the two predictions that a snapshot kept, joined anew under another guidance. Called
by the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.errors import EngineError
from engine.guidance.cfg import combine
from engine.hardware.transfers import uploaded

if TYPE_CHECKING:
    from engine.pipelines.pipeline import Pipeline
    from engine.run.timeline import Snapshot


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
