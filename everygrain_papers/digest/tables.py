"""The tables of digests in people.db, made when they are first needed.

digest_readers   whom digests go to, when, and how far the confirmation is
digest_feeds     the token in the address of a reader's feed
digest_issues    every digest and every mail of confirmation: the outbox, and what became of it
digest_papers    the papers of each issue, with the reasons that were given

States of an issue:

    composed    waits for its time; its mail and its Message-ID stand fixed. Nothing was delivered.
    sending     all but the end of the mail is with the server: from here on it may be delivered
    sent        the server said that it took it, or it is in the reader's feed
    uncertain   it was `sending` when the process or the connection died, and nobody knows
    refused     the server refused it for good, or it was tried too often; noted, and left
    withdrawn   the reader unsubscribed before it went out
    empty       no paper was near enough, and the reader wants no mail that says so
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

from everygrain_papers.people import People

State = Literal["composed", "sending", "sent", "uncertain", "refused", "withdrawn", "empty"]
SPENT = ("composed", "sending", "sent", "uncertain")  # states whose papers never come back

_TABLES = (
    """CREATE TABLE IF NOT EXISTS digest_readers (
        user TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        address TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'off',
        frequency TEXT NOT NULL, hour INTEGER NOT NULL, weekday INTEGER NOT NULL,
        zone TEXT NOT NULL, papers INTEGER NOT NULL, empty TEXT NOT NULL,
        nonce TEXT NOT NULL DEFAULT '', since TEXT NOT NULL DEFAULT '',
        refusals INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '') WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS digest_feeds (
        user TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        token TEXT NOT NULL UNIQUE, made TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS digest_issues (
        id INTEGER PRIMARY KEY,
        user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        kind TEXT NOT NULL, slot TEXT NOT NULL, state TEXT NOT NULL,
        recipient TEXT NOT NULL, message_id TEXT NOT NULL, mail BLOB,
        since TEXT NOT NULL, until TEXT NOT NULL, considered INTEGER NOT NULL, zone TEXT NOT NULL,
        composed TEXT NOT NULL, due TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        ended TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
        UNIQUE (user, kind, slot))""",
    "CREATE INDEX IF NOT EXISTS digest_issues_due ON digest_issues (state, due)",
    """CREATE TABLE IF NOT EXISTS digest_papers (
        issue INTEGER NOT NULL REFERENCES digest_issues (id) ON DELETE CASCADE,
        place INTEGER NOT NULL, paper TEXT NOT NULL, interest TEXT NOT NULL, name TEXT NOT NULL,
        score REAL NOT NULL, reasons TEXT NOT NULL,
        PRIMARY KEY (issue, place)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS digest_papers_of ON digest_papers (paper)",
)


@contextmanager
def reading(people: People) -> Iterator[sqlite3.Connection]:
    """Lend a connection that sees one state of the file."""
    _make(people)
    with people.database.reading() as connection:
        yield connection


@contextmanager
def writing(people: People) -> Iterator[sqlite3.Connection]:
    """Lend a connection for a transaction: all of it, or on any error none."""
    _make(people)
    with people.database.writing() as connection:
        yield connection


def _make(people: People) -> None:
    with people.database.reading() as connection:
        made = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = 'digest_papers_of'"
        ).fetchone()[0]
    if not made:
        with people.database.writing() as connection:
            for table in _TABLES:
                connection.execute(table)


def written(moment: datetime) -> str:
    """Return a time as the tables hold it: UTC, in an order that is that of its letters."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
