"""For all tests: Qt draws into memory, unless the environment names another platform, and torch
takes one thread: tiny networks gain nothing from two, and on a busy machine threads that wait for
each other took up to fifty times as long.
"""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
