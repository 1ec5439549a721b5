"""What the command line says: the one place that prints. Results go to standard output, all else to
standard error; nothing of what a stranger has written is a command to the terminal. Called by
`app.cli.program` and its subcommands.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from app.harmless import harmless
from engine.errors import SaveError


def prepare() -> None:
    """Make standard input, output and error fit for any text and any end of theirs: what is written
    goes out in any encoding, and the place of one that is closed is taken, so that no file of ours
    gets its number, to which libraries print."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show(*lines: str) -> None:
    """Lines of results. A reader that has gone away is no reason to stop; raises SaveError where
    nobody can ever read them, as on a full disk."""
    if not lines:
        return
    try:
        _write(sys.stdout, *lines)
    except BrokenPipeError:
        _give_up(sys.stdout)
    except OSError as error:
        _give_up(sys.stdout)
        raise SaveError(
            f"What is done cannot be printed: standard output takes nothing ({error.strerror})."
        ) from None


def tell(line: str) -> None:
    """One line about the work. Where standard error takes none, it is lost: there is no other place
    to say that."""
    try:
        _write(sys.stderr, line)
    except OSError:
        _give_up(sys.stderr)


def complain(message: str) -> None:
    """What is wrong or worth a word, in one line."""
    tell(f"safelight: {' '.join(message.split())}")


def _write(stream: TextIO | None, *lines: str) -> None:
    if stream is None:  # it was closed when the program began
        raise OSError(0, "it is closed")
    print(*map(harmless, lines), sep="\n", file=stream, flush=True)


def _give_up(stream: TextIO | None) -> None:
    """Nothing more is written there, not even what still waits in its buffer when the program
    ends."""
    if stream is not None:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
