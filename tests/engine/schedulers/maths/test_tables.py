"""Tables of timesteps against those of scipy."""

from __future__ import annotations

import pytest

from engine.schedulers.maths.tables import beta_quantile


def test_the_quantiles_of_the_beta_distribution():
    """The right sides are scipy's, scipy.stats.beta.ppf(q, 0.6, 0.6)."""
    assert beta_quantile(0.0, 0.6) == 0 and beta_quantile(1.0, 0.6) == 1
    assert beta_quantile(1e-6, 0.6) == pytest.approx(1.8558824624053043e-10, rel=1e-12)
    assert beta_quantile(0.05, 0.6) == pytest.approx(0.012554456873611399, rel=1e-12)
    assert beta_quantile(0.37, 0.6) == pytest.approx(0.3227940020973615, rel=1e-12)
    assert beta_quantile(0.5, 0.6) == pytest.approx(0.5, rel=1e-12)
    assert beta_quantile(0.8, 0.6) == pytest.approx(0.8770782495416671, rel=1e-12)
