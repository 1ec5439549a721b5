"""The command line, one file a subcommand. `safelight` and `python -m app` come here through
`app.__main__`. Importing this package is light: a Ctrl+C may come before the rest is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


def main(argv: Sequence[str] | None = None, was_stopped: Callable[[], bool] = bool) -> int:
    """See `app.cli.program.main`."""
    from app.cli.program import main as run

    return run(argv, was_stopped)
