"""`python -m app`: the same as the command `safelight`, which begins here as well, before anything
that takes time to import: Ctrl+C ends it with one line whenever it comes.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

AGAIN = 1.0
"""Seconds after which a Ctrl+C that was lost on its way comes once more."""


def main() -> int:
    """Run the process's own command line and return its exit code."""
    ctrl_c = _CtrlC()
    try:
        from app.cli.program import main as run

        code = run(was_stopped=lambda: ctrl_c.came)
    except KeyboardInterrupt:  # at the import; of later ones `run` tells
        from app.cli.output import complain

        complain("stopped")
        code = 130
    if code == 130:  # all is put away; Python's own end could be interrupted in its turn
        os._exit(code)
    return code


class _CtrlC:
    """Raises KeyboardInterrupt, as ever, and again until the program ends: within a finalizer it
    goes no further, and some libraries take it for an import that failed. came: whether there was
    one. Where Ctrl+C was to be ignored from the start, it stays so."""

    def __init__(self) -> None:
        self.came = False
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._hear)
            sys.unraisablehook = self._lose

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if not self.came:
            self.came = True
            threading.Thread(target=self._come_again, daemon=True).start()
        raise KeyboardInterrupt

    def _come_again(self) -> None:
        while True:
            time.sleep(AGAIN)
            _thread.interrupt_main()

    def _lose(self, lost: Any) -> None:
        if lost.exc_type is not KeyboardInterrupt:
            sys.__unraisablehook__(lost)


if __name__ == "__main__":
    sys.exit(main())
