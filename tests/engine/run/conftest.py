"""What several tests of runs need."""

from __future__ import annotations

import pytest


@pytest.fixture
def evaluations(tiny_pipeline, monkeypatch) -> list[float]:
    """The timesteps that the tiny pipeline is asked to evaluate."""
    asked, denoise = [], tiny_pipeline.denoiser

    def counted(x, t, *rest):
        asked.append(t)
        return denoise(x, t, *rest)

    monkeypatch.setattr(tiny_pipeline, "denoiser", counted)
    return asked
