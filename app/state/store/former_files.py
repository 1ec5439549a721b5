"""FormerFiles: what earlier versions kept in files of JSON, as rows of the store. Read once, when
the store is made; the files stay as they are. Called by `app.parts` and the command line; knows no
Qt.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from app.state.store.store import Key, StoredRow, glance, value_of
from engine.errors import EngineError
from engine.foreign import LONE_SURROGATE, is_folder, is_there, read_text

LARGEST = 64 * 2**20
"""Bytes of the longest file that is read."""
LONGEST_INTEGER = 20  # digits, as 64 bits have
SETTING = "setting"
PLAN = "plan/"
"""With the number of a session: the kind of the rows of its queue."""


class FormerFiles:
    """preferences: the old file of settings; session: the folder with the old queues. told: which
    of them could not be read, and why."""

    def __init__(self, preferences: Path, session: Path) -> None:
        self._preferences = preferences
        self._session = session
        self.told: list[tuple[Path, str]] = []

    def rows(self) -> dict[Key, StoredRow | None]:
        """All that the files say."""
        rows: dict[Key, StoredRow | None] = {}
        for name, value in self._read(self._preferences).items():
            rows[SETTING, _written(name)] = StoredRow(json.dumps(value))
        queues = self._session.glob("queue-*.json") if is_folder(self._session) else ()
        for path in sorted(queues):
            kind = PLAN + _written(path.stem.removeprefix("queue-"))
            for position, entry in enumerate(self._read(path, "entries")):
                if (kind, job := _job(entry)) in rows:  # another is called so
                    entry["plan"]["job"] = job = uuid.uuid4().hex
                rows[kind, job] = StoredRow(json.dumps(entry), position)
        return rows

    def _read(self, path: Path, part: str = "") -> Any:
        """The object in the file, or the list that is part of it."""
        try:
            plain = _plain(path)
            found = plain[part] if part else plain
            if not isinstance(found, list if part else dict):
                raise ValueError("it holds something else")
            return found
        except FileNotFoundError:
            return {}
        except (OSError, EngineError, ValueError, KeyError, TypeError, RecursionError) as error:
            self.told.append((path, str(getattr(error, "strerror", None) or error)))
            return {}


def kept_setting(store: Path, preferences: Path, name: str) -> Any:
    """The setting of that name as the window keeps it, or as an earlier version did; None where it
    cannot be read."""
    try:
        if is_there(store):
            return value_of(glance(store, SETTING)[name])
        return _plain(preferences)[name]
    except (OSError, EngineError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _plain(path: Path) -> Any:
    """What a file of JSON says. One odd value must not lose the others, so that what no number can
    be is taken as text."""
    return json.loads(read_text(path, LARGEST), parse_int=_integer)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_INTEGER else digits


def _job(entry: object) -> str:
    """The name of its plan; one of its own where it tells none."""
    plan = entry.get("plan") if isinstance(entry, dict) else None
    job = plan.get("job") if isinstance(plan, dict) else None
    return _written(job) if isinstance(job, str) and job else uuid.uuid4().hex


def _written(name: str) -> str:
    """The name as it will be read: half a letter, which no file can hold, is none."""
    return LONE_SURROGATE.sub("\ufffd", name)
