"""What must not raise: what Qt calls while it draws, and the threads that serve the window. Called
by the widgets, the item models, whoever has such a thread, and `app.main`.

An error that leaves a paint event leaves its painter behind, and then nothing is drawn any more;
one that ends a thread ends all that the thread would still have done. So it is told, once for each
place where it arises, and the program goes on.
"""

from __future__ import annotations

import functools
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from app.i18n import tr

P = ParamSpec("P")
T = TypeVar("T")


class Complaints:
    """Tells an error to `sys.excepthook`; the same one only once."""

    def __init__(self) -> None:
        self._told: set[tuple[type, str, int]] = set()

    def tell(self, error: BaseException) -> None:
        if self.is_new(error):
            sys.excepthook(type(error), error, error.__traceback__)

    def is_new(self, error: BaseException) -> bool:
        """Whether none of that kind has come from that line before."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        file = trace.tb_frame.f_code.co_filename if trace else ""
        place = (type(error), file, trace.tb_lineno if trace else 0)
        is_new = place not in self._told
        self._told.add(place)
        return is_new


def unfailing(otherwise: Any = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """For a method that Qt calls to draw or to ask what to draw: an error in it is told, and the
    method gives `otherwise`."""

    def guard(method: Callable[P, T]) -> Callable[P, T]:
        complaints = Complaints()

        @functools.wraps(method)
        def guarded(*arguments: P.args, **named: P.kwargs) -> T:
            try:
                return method(*arguments, **named)
            except Exception as error:
                # A painter ends with the frame that holds it, and whoever is told may keep that.
                traceback.clear_frames(error.__traceback__)
                complaints.tell(error)
            return otherwise

        return guarded

    return guard


def tell_the_person(tell: Callable[[str], None]) -> None:
    """Print what nobody has caught, from now on and in any thread, and tell it in a sentence, the
    same one only once."""
    complaints = Complaints()

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        sys.__excepthook__(kind, error, trace)
        if complaints.is_new(error):
            tell(
                tr(
                    "Something unexpected happened ({kind}: {reason}). You can go on.",
                    kind=kind.__name__,
                    reason=error,
                )
            )

    def report_of_thread(found: threading.ExceptHookArgs) -> None:
        if found.exc_value is not None:
            report(found.exc_type, found.exc_value, found.exc_traceback)

    sys.excepthook = report
    threading.excepthook = report_of_thread
