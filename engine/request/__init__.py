"""What a request is: pure values, no torch."""

from __future__ import annotations

from engine.request.request import Edit, Request

__all__ = ["Edit", "Request"]
