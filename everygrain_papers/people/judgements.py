"""Which papers a user was shown, and what grades a user gave to papers for a query."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from everygrain.errors import InputError
from everygrain_papers.people import checks

HIGHEST_GRADE = 4
MOST_AT_ONCE = 10_000  # papers that are seen in one call


@dataclass(frozen=True, slots=True)
class Judgement:
    """One grade.

    grade   0 for not relevant, up to 4
    when    since when it stands, in UTC
    """

    query: str
    paper: str
    grade: int
    when: datetime


def judge(
    connection: sqlite3.Connection, user_id: str, query: str, paper_id: str, grade: int | None,
    now: str,
) -> None:  # fmt: skip
    """Store a grade; None takes it back; the one that stands already keeps its time.

    Raises InputError for a grade outside 0 to 4, and for a query that is empty or too long.
    """
    asked = checks.line(query, "The query", checks.LONGEST_QUERY)
    paper = checks.paper_id(paper_id)
    if grade is None:
        connection.execute(
            "DELETE FROM judgements WHERE user = ? AND query = ? AND paper = ?",
            (user_id, asked, paper),
        )
        return
    if type(grade) is not int or not 0 <= grade <= HIGHEST_GRADE:
        raise InputError("There is no such grade.", f"Give a grade from 0 to {HIGHEST_GRADE}.")
    connection.execute(
        "INSERT INTO judgements (user, query, paper, grade, made) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET grade = excluded.grade, made = excluded.made"
        " WHERE grade != excluded.grade",
        (user_id, asked, paper, grade, now),
    )


def judgements(connection: sqlite3.Connection, user_id: str) -> list[Judgement]:
    """Return all grades of a user, by query, the best papers first."""
    rows = connection.execute(
        "SELECT query, paper, grade, made FROM judgements WHERE user = ?"
        " ORDER BY query, grade DESC, paper",
        (user_id,),
    )
    return [
        Judgement(query, paper, grade, datetime.fromisoformat(made))
        for query, paper, grade, made in rows
    ]


def see(connection: sqlite3.Connection, user_id: str, paper_ids: Iterable[str], now: str) -> None:
    """Store that papers were shown; the first time counts. Raises InputError for no paper's id."""
    papers = checks.paper_ids(paper_ids, "Papers that were seen", MOST_AT_ONCE)
    connection.executemany(
        "INSERT OR IGNORE INTO seen (user, paper, made) VALUES (?, ?, ?)",
        [(user_id, paper, now) for paper in papers],
    )


def seen(connection: sqlite3.Connection, user_id: str) -> set[str]:
    """Return the ids of all papers that a user was shown."""
    rows = connection.execute("SELECT paper FROM seen WHERE user = ?", (user_id,))
    return {paper for (paper,) in rows}
