"""The tables of people.db, and how the file comes to be.

settings     key -> bytes; holds the secret that links and forms are signed with
users        who reads here; `handle` is the name as two names are compared
sessions     hashes of the tokens of open sessions
interests    in the order that their reader gave them
marks        what was liked and disliked in an interest; `number` is their order
seen         papers that were shown to a user
judgements   grades of papers for queries

Everything of a user refers to `users(id)` and goes with it. Other parts of the reading room may
keep tables of their own in this file; theirs refer to `users(id)` with ON DELETE CASCADE, too.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from everygrain.errors import StoredIndexError
from everygrain_papers.faults import RESTORE

SCHEMA = 1
SECRET_BYTES = 32
_MARK_OF_THE_FILE = 0x45675070  # SQLite's application id: it tells our files from others

_TABLES = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE users (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, handle TEXT NOT NULL UNIQUE, email TEXT NOT NULL,
    password TEXT, single INTEGER NOT NULL DEFAULT 0, made TEXT NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX users_single ON users (single) WHERE single;
CREATE TABLE sessions (
    hash BLOB PRIMARY KEY, user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    opened TEXT NOT NULL, used TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (user, used);
CREATE TABLE interests (
    id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place INTEGER NOT NULL, name TEXT NOT NULL, seeds TEXT NOT NULL, keywords TEXT NOT NULL,
    negative TEXT NOT NULL, made TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX interests_of_user ON interests (user, place);
CREATE TABLE marks (
    interest TEXT NOT NULL REFERENCES interests (id) ON DELETE CASCADE, paper TEXT NOT NULL,
    mark TEXT NOT NULL CHECK (mark IN ('like', 'dislike')), number INTEGER NOT NULL,
    made TEXT NOT NULL, PRIMARY KEY (interest, paper)) WITHOUT ROWID;
CREATE TABLE seen (
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, paper TEXT NOT NULL,
    made TEXT NOT NULL, PRIMARY KEY (user, paper)) WITHOUT ROWID;
CREATE TABLE judgements (
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, query TEXT NOT NULL,
    paper TEXT NOT NULL, grade INTEGER NOT NULL, made TEXT NOT NULL,
    PRIMARY KEY (user, query, paper)) WITHOUT ROWID;
"""


def make(path: Path) -> None:
    """Make the file, whole or not at all; of several processes, the first one makes it.

    Raises OSError where the disk does not let it, sqlite3.Error where SQLite fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # ends with the process, however that ends
        if not os.path.lexists(path):
            made = path.with_name(f".{path.name}.new")
            for left in (made, made.with_name(f"{made.name}-journal")):
                left.unlink(missing_ok=True)
            os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            _fill(made)
            made.rename(path)
            os.fsync(folder)
    finally:
        os.close(folder)


def _fill(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=EXTRA")
        connection.executescript(
            f"BEGIN;{_TABLES}PRAGMA user_version={SCHEMA};"
            f"PRAGMA application_id={_MARK_OF_THE_FILE};"
        )
        connection.execute(
            "INSERT INTO settings VALUES ('secret', ?)", (secrets.token_bytes(SECRET_BYTES),)
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


def keep_private(path: Path) -> None:
    """Take from others what they may do with the file; SQLite makes its log alike."""
    status = path.stat()
    if status.st_mode & 0o077 and status.st_uid == os.geteuid():
        path.chmod(0o600)


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoredIndexError for a file that is not ours, or of a newer schema."""
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if mark != _MARK_OF_THE_FILE or version < 1:
        raise StoredIndexError(f"The file {path} holds no users of a reading room.", RESTORE)
    if version > SCHEMA:
        raise StoredIndexError(
            f"The file {path} has schema {version}; this program knows {SCHEMA}.",
            "Install a newer everygrain.",
        )
