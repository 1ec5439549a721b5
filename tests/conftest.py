"""For all tests: Qt draws into memory, on a desk's screen, unless the environment names another
platform, and torch takes one thread: tiny networks gain nothing from two, and on a busy machine
threads that wait for each other took up to fifty times as long.
"""

from __future__ import annotations

import os
from pathlib import Path

if os.environ.get("QT_QPA_PLATFORM", "offscreen") == "offscreen":  # by itself 800 by 800
    screen = Path(__file__).with_name("screen.json")
    os.environ["QT_QPA_PLATFORM"] = f"offscreen:configfile={screen}"
os.environ.setdefault("OMP_NUM_THREADS", "1")
