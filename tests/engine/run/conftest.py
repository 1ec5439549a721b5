"""What several tests of runs need."""

from __future__ import annotations

import pytest


@pytest.fixture
def evaluations(tiny_pipeline, monkeypatch) -> list[float]:
    """The timesteps that the tiny pipeline is asked to evaluate."""
    asked, predict = [], tiny_pipeline.predict

    def counted(model_input, timestep, *rest):
        asked.append(timestep)
        return predict(model_input, timestep, *rest)

    monkeypatch.setattr(tiny_pipeline, "predict", counted)
    return asked
