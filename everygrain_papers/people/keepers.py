"""Who may change what all readers of a room see, such as which papers are one work.

Keepers are the accounts in the table; where it holds none, the account that was made first is the
one. So every room has a keeper as soon as it has an account, one that was made before there were
keepers, too. Each function is given a connection inside a transaction.
"""

from __future__ import annotations

import sqlite3

from everygrain.errors import InputError
from everygrain_papers.people import users

_TABLE = (
    "CREATE TABLE IF NOT EXISTS keepers ("
    "user TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE) WITHOUT ROWID"
)


def keepers(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the ids of the keepers; none where nobody has an account."""
    made = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'keepers'")
    if made.fetchone()[0]:
        named = frozenset(row[0] for row in connection.execute("SELECT user FROM keepers"))
        if named:
            return named
    first = connection.execute(
        "SELECT id FROM users WHERE password IS NOT NULL ORDER BY made, id LIMIT 1"
    ).fetchone()
    return frozenset() if first is None else frozenset(first)


def appoint(connection: sqlite3.Connection, user_id: str) -> None:
    """Let a user be a keeper beside those there are. Raises InputError for an unknown user."""
    users.user(connection, user_id)
    _store(connection, keepers(connection) | {user_id})


def dismiss(connection: sqlite3.Connection, user_id: str) -> None:
    """Let a user be a keeper no more.

    Raises InputError for an unknown user, one who is no keeper, and the only one.
    """
    name = users.user(connection, user_id).name
    left = keepers(connection) - {user_id}
    if left == keepers(connection):
        raise InputError(f"'{name}' is no keeper.", "List the accounts: everygrain papers users.")
    if not left:
        raise InputError(f"'{name}' is the only keeper.", "Appoint another one first.")
    _store(connection, left)


def _store(connection: sqlite3.Connection, wanted: frozenset[str]) -> None:
    connection.execute(_TABLE)
    connection.execute("DELETE FROM keepers")
    connection.executemany("INSERT INTO keepers VALUES (?)", [(each,) for each in sorted(wanted)])
