"""Sessions: random tokens of which only a hash is kept, so that a stolen file opens nothing."""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
from datetime import datetime, timedelta

from everygrain_papers.people import users
from everygrain_papers.people.database import written
from everygrain_papers.people.users import User

IDLE = timedelta(days=14)  # unused for so long, a session is over
LONGEST = timedelta(days=90)  # and after so long in any case
NOTED = timedelta(hours=1)  # how exactly it is known when one was used: not every read is a write
MOST = 20  # open sessions of one user; a further one ends the one that was not used for longest

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 random bytes


def open_session(connection: sqlite3.Connection, user_id: str, now: datetime) -> str:
    """Open a session and return its token. Raises InputError for an unknown user."""
    user = users.user(connection, user_id)
    _sweep(connection, now)
    connection.execute(
        "DELETE FROM sessions WHERE user = ? AND hash NOT IN"
        " (SELECT hash FROM sessions WHERE user = ? ORDER BY used DESC, opened DESC LIMIT ?)",
        (user.id, user.id, MOST - 1),
    )
    return _insert(connection, user.id, opened=now, used=now)


def session(
    connection: sqlite3.Connection, token: object, now: datetime
) -> tuple[User, datetime] | None:
    """Return whose session a token opens and when it was last used; None if it opens none."""
    digest = _hash(token)
    if digest is None:
        return None
    row = connection.execute(
        "SELECT users.id, users.name, users.email, sessions.used FROM sessions"
        " JOIN users ON users.id = sessions.user"
        " WHERE sessions.hash = ? AND sessions.used > ? AND sessions.opened > ?",
        (digest, written(now - IDLE), written(now - LONGEST)),
    ).fetchone()
    return None if row is None else (User(*row[:3]), datetime.fromisoformat(row[3]))


def note_use(connection: sqlite3.Connection, token: str, now: datetime) -> None:
    """Store that a session was used; an older time than the stored one changes nothing."""
    connection.execute(
        "UPDATE sessions SET used = ? WHERE hash = ? AND used < ?",
        (written(now), _hash(token), written(now)),
    )


def rotate(connection: sqlite3.Connection, token: object, now: datetime) -> str | None:
    """Return a new token in the place of an old one, which ends; None if the old opens nothing.

    The age of the session stays, so that turning tokens over does not prolong it for ever.
    """
    if session(connection, token, now) is None:
        return None
    user_id, opened = connection.execute(
        "DELETE FROM sessions WHERE hash = ? RETURNING user, opened", (_hash(token),)
    ).fetchone()
    return _insert(connection, user_id, opened=datetime.fromisoformat(opened), used=now)


def close(connection: sqlite3.Connection, token: object) -> None:
    """End a session; a token that opens none is no error."""
    connection.execute("DELETE FROM sessions WHERE hash = ?", (_hash(token),))


def close_all(connection: sqlite3.Connection, user_id: str) -> None:
    """End all sessions of a user."""
    connection.execute("DELETE FROM sessions WHERE user = ?", (user_id,))


def _insert(
    connection: sqlite3.Connection, user_id: str, *, opened: datetime, used: datetime
) -> str:
    token = secrets.token_urlsafe(32)
    connection.execute(
        "INSERT INTO sessions (hash, user, opened, used) VALUES (?, ?, ?, ?)",
        (_hash(token), user_id, written(opened), written(used)),
    )
    return token


def _sweep(connection: sqlite3.Connection, now: datetime) -> None:
    connection.execute(
        "DELETE FROM sessions WHERE used <= ? OR opened <= ?",
        (written(now - IDLE), written(now - LONGEST)),
    )


def _hash(token: object) -> bytes | None:
    """Return what is stored of a token; None for what is no token.

    One round of SHA-256 is enough: a token of 256 random bits cannot be guessed.
    """
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return None
    return hashlib.sha256(token.encode()).digest()
