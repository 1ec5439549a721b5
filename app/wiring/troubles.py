"""What went wrong where nobody was waiting for an answer."""

from __future__ import annotations

from app.i18n import tr
from app.parts import Parts
from app.windows.main_window import MainWindow


def connect(parts: Parts, window: MainWindow) -> None:
    parts.store.troubled.connect(window.errors.show_error)
    parts.unexpected.connect(window.errors.show_error)


def tell_of_the_start(parts: Parts, window: MainWindow) -> None:
    """What of earlier sessions could not be read."""
    left = [
        tr(
            "What an earlier Safelight kept in {path} could not be read ({reason}); the file "
            "is left as it is.",
            path=path,
            reason=reason,
        )
        for path, reason in parts.former_files.told
    ]
    if told := " ".join(filter(None, [*left, parts.store.warning])):
        window.errors.show_error(told)
