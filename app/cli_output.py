"""What the command line says: the one place that prints. Results go to standard output, all else to
standard error; nothing of what a stranger has written is a command to the terminal. Called by
`app.cli` and its subcommands.
"""

from __future__ import annotations

import os
import sys

from app.harmless import harmless


def show(*lines: str) -> None:
    """Lines of results. A reader that has gone away is no reason to stop."""
    try:
        print(*map(harmless, lines), sep="\n", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(line: str) -> None:
    """One line about the work."""
    print(harmless(line), file=sys.stderr, flush=True)


def complain(message: str) -> None:
    """What is wrong or worth a word, in one line."""
    tell(f"safelight: {' '.join(message.split())}")
