"""Who reads here. Each function is given a connection inside a transaction."""

from __future__ import annotations

import secrets
import sqlite3
import unicodedata
from dataclasses import dataclass

from everygrain.errors import InputError
from everygrain_papers.people import checks

LONGEST_NAME = 64  # characters
SINGLE_NAME = "reader"
_NOT_IN_NAMES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # what nobody sees in a name


@dataclass(frozen=True, slots=True)
class User:
    """A person who reads here.

    id      stable for ever, says nothing about the person
    name    as the person writes it; no two users' names are alike but for case
    email   where a digest goes; may be empty
    """

    id: str
    name: str
    email: str = ""


def handle(name: str) -> str:
    """Return a name in the form in which names are compared: NFKC, without case."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def checked_name(name: object) -> str:
    """Return a name as it is kept. Raises InputError for one that is empty, too long or unseen."""
    kept = unicodedata.normalize("NFKC", checks.line(name, "The name", LONGEST_NAME))
    if any(unicodedata.category(character) in _NOT_IN_NAMES for character in kept):
        raise InputError("The name holds a character that nobody sees.", "Take it out.")
    return checks.line(kept, "The name", LONGEST_NAME)


def add(
    connection: sqlite3.Connection, name: str, email: str, password: str | None, made: str,
    single: bool = False,
) -> User:  # fmt: skip
    """Store a user; `password` is a hash, None for one who cannot log in.

    Raises InputError for a name that another user has.
    """
    user = User(secrets.token_hex(8), checked_name(name), checks.email(email))
    try:
        connection.execute(
            "INSERT INTO users (id, name, handle, email, password, single, made)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (user.id, user.name, handle(user.name), user.email, password, int(single), made),
        )
    except sqlite3.IntegrityError:
        raise _taken(user.name) from None
    return user


def _taken(name: str) -> InputError:
    return InputError(f"There is a user named '{name}' already.", "Choose another name.")


def single(connection: sqlite3.Connection) -> User | None:
    """Return the one user of a room without accounts, if it was made before."""
    row = connection.execute("SELECT id, name, email FROM users WHERE single").fetchone()
    return None if row is None else User(*row)


def add_single(connection: sqlite3.Connection, made: str) -> User:
    """Return the one user of a room without accounts, made here if no other process was quicker."""
    known = single(connection)
    if known is not None:
        return known
    name = SINGLE_NAME
    while by_name(connection, name) is not None:
        name = f"{SINGLE_NAME}-{secrets.token_hex(4)}"
    return add(connection, name, "", None, made, single=True)


def user(connection: sqlite3.Connection, user_id: str) -> User:
    """Return a user. Raises InputError for an unknown id."""
    if isinstance(user_id, str) and user_id.isascii():
        row = connection.execute(
            "SELECT id, name, email FROM users WHERE id = ?", (user_id,)
        ).fetchone()
        if row is not None:
            return User(*row)
    raise InputError("There is no user with this id.", "Log in again.")


def users(connection: sqlite3.Connection) -> list[User]:
    """Return all users, the longest here first."""
    rows = connection.execute("SELECT id, name, email FROM users ORDER BY made, id")
    return [User(*row) for row in rows]


def by_name(connection: sqlite3.Connection, name: str) -> tuple[User, str | None] | None:
    """Return a user and the hash of the password, None for a name that nobody has or can have."""
    try:
        sought = handle(checked_name(name))
    except InputError:
        return None
    row = connection.execute(
        "SELECT id, name, email, password FROM users WHERE handle = ?", (sought,)
    ).fetchone()
    return None if row is None else (User(*row[:3]), row[3])


def has_password(connection: sqlite3.Connection, user_id: str) -> bool:
    """Tell whether somebody can log in as a user."""
    row = connection.execute("SELECT password FROM users WHERE id = ?", (user_id,)).fetchone()
    return row is not None and row[0] is not None


def set_password(
    connection: sqlite3.Connection, user_id: str, password: str, instead_of: str | None = None
) -> None:
    """Store a hash; with `instead_of`, only where that one still stands."""
    user(connection, user_id)
    if instead_of is None:
        connection.execute("UPDATE users SET password = ? WHERE id = ?", (password, user_id))
    else:
        connection.execute(
            "UPDATE users SET password = ? WHERE id = ? AND password = ?",
            (password, user_id, instead_of),
        )


def change(
    connection: sqlite3.Connection, user_id: str, name: str | None, email: str | None
) -> User:
    """Store another name or address; None leaves what is. Raises InputError, as `add` does."""
    known = user(connection, user_id)
    changed = User(
        known.id,
        known.name if name is None else checked_name(name),
        known.email if email is None else checks.email(email),
    )
    try:
        connection.execute(
            "UPDATE users SET name = ?, handle = ?, email = ? WHERE id = ?",
            (changed.name, handle(changed.name), changed.email, user_id),
        )
    except sqlite3.IntegrityError:
        raise _taken(changed.name) from None
    return changed


def delete(connection: sqlite3.Connection, user_id: str) -> None:
    """Remove a user with everything that refers to the user. Raises InputError if unknown."""
    user(connection, user_id)
    try:
        connection.execute("DELETE FROM users WHERE id = ?", (user_id,))
    except sqlite3.IntegrityError as error:
        raise InputError(
            "The user cannot be deleted: a table refers to users without ON DELETE CASCADE.",
            "Mend that table; nothing was deleted.",
        ) from error
