"""For all tests: Qt draws into memory, on a desk's screen, unless the environment names another
platform, threads of torch sleep while they wait, as those of the program do, and no test leaves
anything behind.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.hardware.threads import wait_asleep

pytest_plugins = ["tests.leaks"]
"""Not imported here: a plugin hears of the session's fixtures as well."""

wait_asleep()
if "PYTEST_XDIST_WORKER" in os.environ:  # one of several processes, which share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
if os.environ.get("QT_QPA_PLATFORM", "offscreen") == "offscreen":  # by itself 800 by 800
    screen = Path(__file__).with_name("screen.json")
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={screen}"
