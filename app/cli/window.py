"""`safelight` without a command: the window. Called by `app.cli.program`."""

from __future__ import annotations

import argparse
import os
import sys

from app.cli.output import complain

NO_DISPLAY = (
    "There is no screen to open the window on. Set DISPLAY or WAYLAND_DISPLAY, or use "
    "`safelight render`."
)
NO_QT = (
    "Install what is missing (the README names what Qt draws with), or use `safelight render`, "
    "which needs none of it."
)


def open_window(arguments: argparse.Namespace) -> int:
    """Open the window and return the exit code when it is closed."""
    places = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(place) for place in places):
        complain(NO_DISPLAY)
        return 1
    try:
        from app.cli.screen import open_screen
        from app.main import main
    except ImportError as error:  # of Qt, whose libraries need others of the system
        complain(f"The window cannot open ({error}). {NO_QT}")
        return 1
    _qt = open_screen(sys.argv)  # which lives as long as somebody holds it
    return main()
