"""What a reader liked and disliked in an interest, in order, and when."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from everygrain.errors import InputError
from everygrain_papers.people import checks

MARKS = ("like", "dislike", "none")
MOST = 10_000  # marks in one interest

Lists = dict[str, tuple[list[str], list[str]]]


@dataclass(frozen=True, slots=True)
class Mark:
    """One paper that was liked or disliked.

    mark   "like" or "dislike"
    when   since when it stands, in UTC
    """

    interest: str
    paper: str
    mark: str
    when: datetime


def mark(
    connection: sqlite3.Connection, interest_id: str, paper_id: str, kind: str, now: str
) -> str:
    """Let a mark stand; return the one that stood before, so that it can be undone.

    A mark that stands already stays as it is, with its time and its place in the list.

    Raises InputError for another mark than "like", "dislike" and "none", for an id that no paper
    has, and for more than 10,000 marks in one interest.
    """
    if kind not in MARKS:
        raise InputError("There is no such mark.", f"Use one of {', '.join(MARKS)}.")
    paper = checks.paper_id(paper_id)
    row = connection.execute(
        "SELECT mark FROM marks WHERE interest = ? AND paper = ?", (interest_id, paper)
    ).fetchone()
    former = "none" if row is None else str(row[0])
    if kind == former:
        return former
    connection.execute("DELETE FROM marks WHERE interest = ? AND paper = ?", (interest_id, paper))
    if kind != "none":
        count, last = connection.execute(
            "SELECT count(*), coalesce(max(number), 0) FROM marks WHERE interest = ?",
            (interest_id,),
        ).fetchone()
        if count >= MOST:
            raise _too_many()
        connection.execute(
            "INSERT INTO marks (interest, paper, mark, number, made) VALUES (?, ?, ?, ?, ?)",
            (interest_id, paper, kind, last + 1, now),
        )
    return former


def replace(
    connection: sqlite3.Connection, interest_id: str, liked: Sequence[str],
    disliked: Sequence[str], now: str,
) -> None:  # fmt: skip
    """Let exactly these marks stand, in this order; those that stood keep their time.

    Raises InputError for more than 10,000.
    """
    if len(liked) + len(disliked) > MOST:
        raise _too_many()
    stood = {
        (paper, kind): made
        for paper, kind, made in connection.execute(
            "SELECT paper, mark, made FROM marks WHERE interest = ?", (interest_id,)
        )
    }
    wanted = [(paper, "like") for paper in liked] + [(paper, "dislike") for paper in disliked]
    connection.execute("DELETE FROM marks WHERE interest = ?", (interest_id,))
    connection.executemany(
        "INSERT INTO marks (interest, paper, mark, number, made) VALUES (?, ?, ?, ?, ?)",
        [
            (interest_id, paper, kind, number, stood.get((paper, kind), now))
            for number, (paper, kind) in enumerate(wanted, 1)
        ],
    )


def lists(connection: sqlite3.Connection, user_id: str) -> Lists:
    """Return (liked, disliked) of each of a user's interests that has any, oldest first."""
    found: Lists = {}
    for interest, paper, kind in connection.execute(
        "SELECT interest, paper, mark FROM marks JOIN interests ON interests.id = marks.interest"
        " WHERE interests.user = ? ORDER BY interest, number",
        (user_id,),
    ):
        found.setdefault(interest, ([], []))[kind == "dislike"].append(paper)
    return found


def marks(connection: sqlite3.Connection, user_id: str) -> list[Mark]:
    """Return all marks of a user, oldest first."""
    rows = connection.execute(
        "SELECT interest, paper, mark, marks.made FROM marks"
        " JOIN interests ON interests.id = marks.interest"
        " WHERE interests.user = ? ORDER BY marks.made, interests.place, number",
        (user_id,),
    )
    return [
        Mark(interest, paper, kind, datetime.fromisoformat(made))
        for interest, paper, kind, made in rows
    ]


def _too_many() -> InputError:
    return InputError(
        f"An interest has more than {MOST:,} liked and disliked papers.",
        "Make two interests of it.",
    )
