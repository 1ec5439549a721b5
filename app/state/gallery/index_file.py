"""The file of a gallery's index: an SQLite database with full-text search (WAL, FTS5). Opened,
made, checked and deleted here; `app.state.gallery.index` reads and writes what it holds.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

VERSION = 2
"""Of the tables and of what is written to them: a file with another one is made anew."""
PATIENCE = 5.0
"""Seconds to wait for another process that writes."""

_SCHEMA = (
    """CREATE TABLE files (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL, bytes INTEGER NOT NULL, width INTEGER, height INTEGER,
    prompt TEXT NOT NULL, negative_prompt TEXT NOT NULL, model TEXT NOT NULL,
    scheduler TEXT NOT NULL, seed INTEGER, steps INTEGER, guidance_scale REAL,
    program TEXT NOT NULL, favourite INTEGER NOT NULL, note TEXT NOT NULL,
    looked INTEGER NOT NULL, digest INTEGER NOT NULL)""",
    "CREATE INDEX by_time ON files (changed, name)",
    "CREATE INDEX unlooked ON files (changed, name) WHERE NOT looked",
    """CREATE VIRTUAL TABLE words USING fts5 (prompt, negative_prompt, note, model, name,
    tokenize = 'ascii', prefix = '1 2', columnsize = 0)""",
)
_WORDLESS = "SELECT 1 FROM files WHERE looked AND id NOT IN (SELECT id FROM words_content) LIMIT 1"


def connect(path: Path | None) -> tuple[sqlite3.Connection, bool]:
    """The file as a database, made where it is missing, None for one in memory; and whether there
    was nothing in it. Raises sqlite3.DatabaseError for a file that is damaged or of another
    version."""
    database = _opened(path)
    try:
        was_empty = _is_empty(database)
        if was_empty:
            with database:
                database.execute("BEGIN IMMEDIATE")
                if _is_empty(database):  # else another process was quicker
                    _create(database)
        if _shape(database) != _expected():
            raise sqlite3.DatabaseError("the tables are others")
    except BaseException:
        database.close()
        raise
    return database, was_empty


def integrity(path: Path) -> str:
    """What is wrong with the structure of that index, "" if nothing is. Takes a second for a large
    one, with a connection of its own: to be called in a thread of its own."""
    try:
        database = _opened(path)
        try:
            found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                return str(found)
            if database.execute(_WORDLESS).fetchone():
                return "an image has no words"
            database.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            database.rollback()
            return ""
        finally:
            database.close()
    except sqlite3.DatabaseError as error:
        return "" if is_busy(error) or is_about_room(error) else str(error)


def is_busy(error: sqlite3.DatabaseError) -> bool:
    """Whether another process is at work on the file, and there is nothing wrong with it."""
    return _primary(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_about_room(error: sqlite3.DatabaseError) -> bool:
    """Whether the disk is full or cannot be written, and there is nothing wrong with the file."""
    return _primary(error) in (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
    )


def index_file(index_folder: Path, folder: Path) -> Path:
    """Where the index of that folder of images is."""
    name = hashlib.blake2b(str(folder).encode("utf-8", "surrogateescape"), digest_size=12)
    return index_folder / f"{name.hexdigest()}.sqlite"


def delete_file(path: Path) -> None:
    """Delete a database with what SQLite keeps beside it. Raises OSError."""
    for suffix in ("-wal", "-shm", "-journal", ""):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        with suppress(OSError):  # SQLite then says what is wrong
            path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(
        ":memory:" if path is None else path, timeout=PATIENCE, check_same_thread=False
    )
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        database.close()
        raise
    return database


def _create(database: sqlite3.Connection) -> None:
    for statement in _SCHEMA:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


def _is_empty(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0


def _shape(database: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """The version and how the tables are made."""
    return [
        *database.execute("PRAGMA user_version"),
        *database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"),
    ]


def _expected() -> list[tuple[Any, ...]]:
    database = _opened(None)
    try:
        _create(database)
        return _shape(database)
    finally:
        database.close()


def _primary(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
