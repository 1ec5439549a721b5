"""Quadrature is exact where it should be."""

from __future__ import annotations

import pytest

from engine.schedulers.maths.quadrature import weights


def test_quadrature_is_exact_for_polynomials():
    nodes = [0.0, -0.7, -1.5, -3.1]
    w = weights(nodes, [1 / (i + 1) for i in range(4)])  # the integral over 0 to 1
    for degree in range(4):
        integral = sum(wk * node**degree for wk, node in zip(w, nodes, strict=True))
        assert integral == pytest.approx(1 / (degree + 1))
