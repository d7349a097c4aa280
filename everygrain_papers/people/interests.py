"""The interests of a reader, in the reader's own order.

An interest of another user is as unknown as one that never was.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from everygrain.errors import InputError
from everygrain_papers.interests.interest import LONGEST_NAME, MOST_TERMS, Interest
from everygrain_papers.people import checks, marks

MOST = 100  # interests of one user
MOST_SEEDS = 1000  # papers that one interest begins with
_COLUMNS = "id, name, seeds, keywords, negative"


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": lambda value: checks.line(value, "The name of an interest", LONGEST_NAME),
    "seeds": lambda value: checks.paper_ids(value, "Seeds", MOST_SEEDS),
    "liked": lambda value: checks.paper_ids(value, "Liked papers", marks.MOST),
    "disliked": lambda value: checks.paper_ids(value, "Disliked papers", marks.MOST),
    "keywords": lambda value: checks.terms(value, "Keywords", MOST_TERMS),
    "negative": lambda value: checks.terms(value, "Negative keywords", MOST_TERMS),
}


def with_fields(interest: Interest, fields: Mapping[str, Any]) -> Interest:
    """Return an interest with other values of some fields, every paper and term once.

    Raises InputError for a field that may not be set, and for what an interest cannot hold.
    """
    unknown = sorted(set(fields) - set(_CHECKS))
    if unknown:
        raise InputError(
            f"An interest's '{unknown[0]}' cannot be set.", f"Set one of {', '.join(_CHECKS)}."
        )
    return replace(interest, **{name: _CHECKS[name](value) for name, value in fields.items()})


def interests(connection: sqlite3.Connection, user_id: str) -> list[Interest]:
    """Return all interests of a user, in order."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM interests WHERE user = ? ORDER BY place, id", (user_id,)
    ).fetchall()
    lists = marks.lists(connection, user_id)
    return [_of(row, *lists.get(row[0], ((), ()))) for row in rows]


def interest(connection: sqlite3.Connection, user_id: str, interest_id: str) -> Interest:
    """Return an interest of a user. Raises InputError for one that the user has not."""
    for each in interests(connection, user_id):
        if each.id == interest_id:
            return each
    raise _unknown()


def _of(row: Sequence[str], liked: Sequence[str], disliked: Sequence[str]) -> Interest:
    identity, name, seeds, keywords, negative = row
    return Interest(
        identity, name, tuple(json.loads(seeds)), tuple(liked), tuple(disliked),
        tuple(json.loads(keywords)), tuple(json.loads(negative)),
    )  # fmt: skip


def add(
    connection: sqlite3.Connection, user_id: str, fields: Mapping[str, Any], now: str
) -> Interest:
    """Store a new interest after the others, under an id of its own. Raises InputError."""
    made = with_fields(Interest(secrets.token_hex(8), "new"), fields)
    count, last = connection.execute(
        "SELECT count(*), coalesce(max(place), 0) FROM interests WHERE user = ?", (user_id,)
    ).fetchone()
    if count >= MOST:
        raise InputError(f"There are {MOST} interests already.", "Delete one that you left.")
    connection.execute(
        "INSERT INTO interests (id, user, place, name, seeds, keywords, negative, made)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (made.id, user_id, last + 1, made.name, _list(made.seeds), _list(made.keywords),
         _list(made.negative), now),
    )  # fmt: skip
    marks.replace(connection, made.id, made.liked, made.disliked, now)
    return made


def save(connection: sqlite3.Connection, user_id: str, wanted: Interest, now: str) -> Interest:
    """Store an interest that is there as it is given, in its place. Raises InputError."""
    changed = with_fields(wanted, {name: getattr(wanted, name) for name in _CHECKS})
    require(connection, user_id, changed.id)
    connection.execute(
        "UPDATE interests SET name = ?, seeds = ?, keywords = ?, negative = ?"
        " WHERE id = ? AND user = ?",
        (changed.name, _list(changed.seeds), _list(changed.keywords), _list(changed.negative),
         changed.id, user_id),
    )  # fmt: skip
    marks.replace(connection, changed.id, changed.liked, changed.disliked, now)
    return changed


def delete(connection: sqlite3.Connection, user_id: str, interest_id: str) -> None:
    """Remove an interest with its marks. Raises InputError for one that the user has not."""
    require(connection, user_id, interest_id)
    connection.execute("DELETE FROM interests WHERE id = ? AND user = ?", (interest_id, user_id))


def order(connection: sqlite3.Connection, user_id: str, ids: Sequence[str]) -> None:
    """Put interests in another order. Raises InputError unless each is named exactly once."""
    known = connection.execute("SELECT id FROM interests WHERE user = ?", (user_id,)).fetchall()
    if len(ids) != len(known) or set(map(str, ids)) != {identity for (identity,) in known}:
        raise InputError(
            "The new order does not name each interest once.", "Load the page again; one is new."
        )
    connection.executemany(
        "UPDATE interests SET place = ? WHERE id = ?", list(enumerate(ids, 1))
    )  # fmt: skip


def require(connection: sqlite3.Connection, user_id: str, interest_id: str) -> None:
    """Raise InputError unless the interest is this user's."""
    if isinstance(interest_id, str) and interest_id.isascii():
        found = connection.execute(
            "SELECT 1 FROM interests WHERE id = ? AND user = ?", (interest_id, user_id)
        ).fetchone()
        if found:
            return
    raise _unknown()


def _unknown() -> InputError:
    return InputError("There is no such interest.", "Choose one of yours; it may be deleted.")


def _list(values: Sequence[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
