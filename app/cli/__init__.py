"""The command line, one file a subcommand. `safelight` and `python -m app` come here through
`app.__main__`.
"""

from __future__ import annotations

from app.cli.program import main

__all__ = ["main"]
