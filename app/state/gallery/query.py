"""Query: which images of the gallery a person wants to see, and in which order. Made by the gallery
model, answered by the index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.state.gallery.notes import clean

SORTS = {
    "newest": "changed DESC, name DESC",
    "oldest": "changed, name",
    "name": "name COLLATE NOCASE, name",
    "seed": "seed IS NULL, seed, changed DESC, name DESC",
    "model": "model = '', model COLLATE NOCASE, changed DESC, name DESC",
}
SETTLED_SORTS = ("newest", "oldest", "name")
"""Those that do not depend on what is read from the images."""


@dataclass(frozen=True)
class Query:
    """What is to be shown, and in which order. since: days, today included, 0 for all; sort: one of
    `SORTS`."""

    search: str = ""
    model: str = ""
    scheduler: str = ""
    favourites_only: bool = False
    since: int = 0
    sort: str = "newest"

    @property
    def is_plain(self) -> bool:
        """Whether it shows everything, newest first."""
        return self == Query()

    @property
    def is_settled(self) -> bool:
        """Whether neither the order nor the choice depends on what is read from the images."""
        return self.sort in SETTLED_SORTS and replace(self, sort="newest", since=0).is_plain

    @property
    def statement(self) -> tuple[str, list[object]]:
        """What asks SQLite for the ids in the query's order, without the search; and its values."""
        conditions, values = ["1"], []
        if self.model:
            conditions.append("model = ?")
            values.append(clean(self.model))
        if self.scheduler:
            conditions.append("scheduler = ?")
            values.append(clean(self.scheduler))
        if self.favourites_only:
            conditions.append("favourite")
        if self.since:
            today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
            first = today - timedelta(days=min(self.since, 36_500) - 1)
            conditions.append("changed >= ?")
            values.append(int(first.timestamp()) * 10**9)
        order = SORTS.get(self.sort, SORTS["newest"])
        return f"SELECT id FROM files WHERE {' AND '.join(conditions)} ORDER BY {order}", values
