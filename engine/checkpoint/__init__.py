"""Checkpoints on this computer: what each one is, told by headers and small JSON files alone.
Called by the library of models and by `safelight models`; needs no torch, opens no connection.

    for found in checkpoint.scan("/srv/models"):
        print(found.name, found.label, found.dtype, found.state, found.problem)
"""

from __future__ import annotations

from engine.checkpoint.hub_cache import hub_cache
from engine.checkpoint.inspection import inspect
from engine.checkpoint.scanning import scan
from engine.checkpoint.value import Checkpoint
from engine.checkpoint.verification import Verdict, verify
from engine.hub.endpoint import cache_folder

__all__ = [
    "Checkpoint",
    "Verdict",
    "cache_folder",
    "hub_cache",
    "inspect",
    "scan",
    "verify",
]
