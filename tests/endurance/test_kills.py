"""A hundred deaths of the whole program on its real models, in the middle of a queue of ten:
`pytest -m endurance tests/endurance/test_kills.py -s`, some twenty minutes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from pathlib import Path

import pytest

from tests.app.nursery import Nursery
from tests.endurance import promises

KILLS = int(os.environ.get("SAFELIGHT_KILLS", "100"))


@pytest.mark.endurance
@pytest.mark.timeout(3600)
def test_a_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(KILLS)
    nursery = Nursery(tmp_path, tmp_path / "home", program="tests.endurance.life")
    killed = 0
    try:
        while killed < KILLS:
            child = nursery.bear()
            nursery.wait_for_a_moment(chance)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            code = nursery.end()
            assert code in (0, -signal.SIGKILL)
            killed += code != 0
            print(f"{killed} kills: {promises.check(nursery)}", flush=True)
        nursery.bear()
        assert nursery.end() == 0
        print(promises.check(nursery))
        queued = {line.split()[1] for line in nursery.said if line.startswith("queued")}
        done = {line.split()[1] for line in nursery.said if line.startswith("done")}
        assert not queued - done, "rounds that were queued and never done"
    finally:
        nursery.close()
