"""For all tests: Qt draws into memory, unless the environment names another platform."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
