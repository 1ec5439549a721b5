"""What `safelight render` says about its runs, one line each. Called by `app.cli.development`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.output import complain

if TYPE_CHECKING:
    from engine.request.request import Request
    from engine.run.events import Encoded


class Complaints:
    """One line each; nothing is said twice, though several runs have it. failed: whether one of
    them was that an image did not come."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self.failed = False

    def note(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            complain(message)

    def fail(self, message: str) -> None:
        self.failed = True
        self.note(message)

    def note_cut_words(self, encoded: Encoded) -> None:
        """What of the prompts did not fit."""
        for name, cut in (
            ("prompt", encoded.truncated),
            ("negative prompt", encoded.negative_truncated),
        ):
            if cut:
                self.note(f"the {name} is too long; this was not read: {cut}")

    def note_late_edits(self, request: Request, total: int) -> None:
        """Which changes come after the run's last step, of which there are `total`."""
        for edit in request.edits:
            if edit.step >= total:
                self.note(
                    f"the edit of {edit.field} at step {edit.step} does nothing: the run has "
                    f"{total} steps, 0 to {total - 1}"
                )
