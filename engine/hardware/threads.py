"""How the threads of torch wait for each other. Settled by the engine's door as it is imported, for
whoever starts: window, command line, tests and benchmarks. Imports nothing but os, since the
libraries of OpenMP read the environment once, when torch loads them.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

WAITS = {"GOMP_SPINCOUNT": "2000", "KMP_BLOCKTIME": "1"}
"""By the library that torch brings: rounds that a thread of GNU's spins before it sleeps, and
milliseconds that one of LLVM's or Intel's does (Windows, macOS), which are slower to wake. GNU's
were measured: with none at all an idle step takes 1.1 to 1.3 of its time on a machine where waking
is slow, with 5,000 a step beside a busy program takes twice as long as with none."""
PERSONS_OWN = ("OMP_WAIT_POLICY", *WAITS)
"""Who sets one of these has chosen how threads wait."""


def wait_asleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let a thread that waits for its partners soon sleep. By itself it spins for up to minutes
    of processor time, which is taken from the very partner that it waits for wherever there are
    fewer free cores than threads: a step beside one busy program then took some fifty times as
    long. `tests/benchmarks/busy.py` measures both. Without effect where torch is loaded already."""
    if not any(name in environment for name in PERSONS_OWN):
        environment.update(WAITS)
