"""Plans, as values and as JSON."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from app.state.runs.plan import Plan
from engine.request.grid import Axis, Grid
from engine.request.request import Request

REQUESTS = st.builds(
    Request,
    prompt=st.text(),
    seed=st.integers(0, 2**32),
    count=st.integers(1, 4),
    steps=st.integers(1, 50),
    guidance_scale=st.floats(0, 100),
)


GRIDS = st.none() | st.just(Grid((Axis("seed", (1, 2)), Axis("prompt", ("a", "b")))))


@given(st.lists(REQUESTS, min_size=1, max_size=3), GRIDS, st.text(), st.text())
def test_a_plan_goes_through_json(
    requests: list[Request], grid: Grid | None, source: str, sha256: str
) -> None:
    plan = Plan(
        tuple(requests), grid=grid, source=source, sha256=sha256, written={(0, 0): "/a.png"}
    )
    plain = json.loads(json.dumps(plan.to_dict()))
    read = Plan.from_dict(plain)
    assert read == plan
    assert (read.job, dict(read.written)) == (plan.job, dict(plan.written))
