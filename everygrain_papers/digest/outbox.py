"""What is to be sent and what became of it, kept so that a crash never sends anything twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from filelock import FileLock, Timeout

from everygrain.errors import EverygrainError, InputError, LockedError
from everygrain_papers.digest.issue import Digest
from everygrain_papers.digest.settings import Settings
from everygrain_papers.digest.tables import SPENT, State, moment, reading, writing, written
from everygrain_papers.people import People

Kind = Literal["digest", "confirmation"]
_COLUMNS = (
    "id, user, kind, slot, state, recipient, message_id, attempts, due, note,"
    " (SELECT count(*) FROM digest_papers WHERE issue = digest_issues.id)"
)
_SPENT = ", ".join(f"'{state}'" for state in SPENT)


@dataclass(frozen=True, slots=True)
class Issue:
    """One digest or mail of confirmation, and how far it has come; states as in `tables`.

    recipient    address; "" of an issue that only the reader's feed shows
    attempts     how often a server was asked to take it
    due          when it is tried, or tried again
    note         the server's last answer, or what else became of it
    papers       how many it holds
    """

    id: int
    user: str
    kind: Kind
    slot: str
    state: State
    recipient: str
    message_id: str
    attempts: int
    due: datetime
    note: str
    papers: int


class ChangedError(EverygrainError):
    """An issue is no longer in the state that it was in: its reader unsubscribed meanwhile."""


@contextmanager
def alone(people: People) -> Iterator[None]:
    """Hold the right to send; the system takes it back when a process dies, however it dies.

    Raises LockedError while another process or thread sends.
    """
    lock = FileLock(people.path.with_name(people.path.name + ".sending.lock"), mode=0o600)
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout:
        raise LockedError(
            "Another process is sending digests.", "Wait until it is done; nothing was sent."
        ) from None


def issues(people: People, user: str | None = None, *states: State) -> list[Issue]:
    """Return issues, oldest first: of one reader or of all, in some states or in any."""
    marks = ", ".join("?" * len(states))
    with reading(people) as connection:
        rows = connection.execute(
            f"SELECT {_COLUMNS} FROM digest_issues WHERE (? IS NULL OR user = ?)"
            f" AND (? OR state IN ({marks})) ORDER BY id",
            (user, user, not states, *states),
        ).fetchall()
    return [_of_row(*row) for row in rows]


def issue(people: People, identity: int) -> Issue:
    """Return one issue; InputError where there is none."""
    with reading(people) as connection:
        return _issue(connection, identity)


def put(
    people: People, digest: Digest, slot: str, state: State, now: datetime,
    recipient: str = "", message_id: str = "", mail: bytes | None = None,
) -> Issue | None:  # fmt: skip
    """Keep a digest with its papers, and with its mail if it has one.

    Where the reader follows nothing yet, what arrived is left for the first digest with interests.
    Returns None, and keeps nothing, where the reader's slot has an issue already.
    """
    until = digest.until if digest.follows else digest.since
    with writing(people) as connection:
        added = connection.execute(
            "INSERT INTO digest_issues (user, kind, slot, state, recipient, message_id, mail,"
            " since, until, considered, zone, composed, due, ended)"
            " VALUES (?, 'digest', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (user, kind, slot) DO NOTHING RETURNING id",
            (digest.user, slot, state, recipient, message_id, mail, written(digest.since),
             written(until), digest.considered, digest.zone, written(now), written(now),
             "" if state == "composed" else written(now)),
        ).fetchone()  # fmt: skip
        if added is None:
            return None
        connection.executemany(
            "INSERT INTO digest_papers (issue, place, paper, interest, name, score, reasons)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (added[0], place, pick.paper.id, section.interest, section.name, pick.score,
                 json.dumps(pick.reasons, ensure_ascii=False))
                for place, (section, pick) in enumerate(digest.picks())
            ],
        )  # fmt: skip
        return _issue(connection, added[0])


def settle(people: People, settings: Settings, now: datetime) -> list[Issue]:
    """Tell of mails that a process left in `sending` when it died; only who is `alone` may.

    Whether such a mail was delivered is known to nobody here. It becomes `uncertain`, or, where
    the settings say "resend", `composed` again with the same Message-ID.
    """
    left = issues(people, None, "sending")
    said = "the process ended after the mail was handed over and before its answer was kept"
    return [doubt(people, each, settings, now, said) for each in left]


def waiting(people: People, now: datetime) -> list[Issue]:
    """Return the mails that are to be tried now, those that were composed first before others."""
    return [each for each in issues(people, None, "composed") if each.due <= now]


def mail_of(people: People, issue: Issue) -> bytes:
    """Return the mail of an issue that waits; ChangedError where it waits no longer."""
    with reading(people) as connection:
        row = connection.execute(
            "SELECT mail FROM digest_issues WHERE id = ? AND state = 'composed'", (issue.id,)
        ).fetchone()
    if row is None:
        raise _changed(issue)
    return bytes(row[0])


def begin(people: People, issue: Issue) -> None:
    """Keep that from here on the mail may be delivered.

    Raises ChangedError where its reader unsubscribed since it was composed.
    """
    _move(people, issue, "composed", "sending")


def sent(people: People, issue: Issue, answer: str, now: datetime) -> Issue:
    """Keep that the server took the mail. The mail itself is no longer needed."""
    _move(people, issue, "sending", "sent", ended=now, note=answer)
    with writing(people) as connection:
        connection.execute("UPDATE digest_readers SET refusals = 0 WHERE user = ?", (issue.user,))
        return _issue(connection, issue.id)


def put_off(people: People, issue: Issue, settings: Settings, now: datetime, why: str) -> Issue:
    """Keep that the mail was not delivered: it is tried again later, or given up."""
    attempts = issue.attempts + 1
    if attempts >= settings.attempts:
        return refuse(people, issue, now, f"given up after {attempts} attempts: {why}")
    due = now + timedelta(seconds=settings.wait(attempts))
    _move(people, issue, issue.state, "composed", note=why, attempts=attempts, due=due)
    return _seen_again(people, issue)


def refuse(people: People, issue: Issue, now: datetime, why: str) -> Issue:
    """Keep that the mail will not be delivered; its papers are free for the next digest."""
    _move(people, issue, issue.state, "refused", ended=now, note=why, attempts=issue.attempts + 1)
    return _seen_again(people, issue)


def count_refusal(people: People, issue: Issue, settings: Settings, why: str) -> None:
    """Count that a reader's address was refused; after several digests in a row, pause."""
    with writing(people) as connection:
        connection.execute(
            "UPDATE digest_readers SET refusals = refusals + 1, note = ? WHERE user = ?",
            (why, issue.user),
        )
        connection.execute(
            "UPDATE digest_readers SET state = 'paused' WHERE user = ? AND state = 'confirmed'"
            " AND refusals >= ?",
            (issue.user, settings.refusals),
        )


def doubt(people: People, issue: Issue, settings: Settings, now: datetime, why: str) -> Issue:
    """Keep that nobody knows whether the mail was delivered, and do as the settings say."""
    present = _seen_again(people, issue)
    if settings.when_uncertain == "resend":
        return put_off(people, present, settings, now, f"uncertain, and sent again: {why}")
    _move(people, present, "sending", "uncertain", ended=now, note=why)
    return _seen_again(people, issue)


def resolve(
    people: People, identity: int, choice: Literal["sent", "again"], now: datetime
) -> Issue:
    """Say of an uncertain mail that it arrived, or let it be sent again.

    Raises InputError for a mail that is not uncertain, and for another choice.
    """
    present = issue(people, identity)
    if present.state != "uncertain":
        raise InputError(f"The mail {identity} is {present.state}.", "Only an uncertain one can.")
    if choice == "sent":
        _move(people, present, "uncertain", "sent", ended=now, note="said to have arrived")
    elif choice == "again":
        _move(people, present, "uncertain", "composed", note="sent again by choice", due=now)
    else:
        raise InputError(f"{choice!r} is no choice.", "Choose 'sent' or 'again'.")
    return _seen_again(people, present)


def last_until(connection: sqlite3.Connection, user: str, now: datetime) -> datetime | None:
    """Return up to when papers were looked through for a reader; None before the first digest."""
    (last,) = connection.execute(
        f"SELECT max(until) FROM digest_issues WHERE user = ? AND kind = 'digest'"
        f" AND state IN ({_SPENT}, 'empty') AND until <= ?",
        (user, written(now)),
    ).fetchone()
    return moment(last) if last else None


def spent(connection: sqlite3.Connection, user: str) -> set[str]:
    """Return the ids of papers that a reader was sent, or may have been."""
    rows = connection.execute(
        "SELECT DISTINCT paper FROM digest_papers JOIN digest_issues ON digest_issues.id = issue"
        f" WHERE user = ? AND state IN ({_SPENT})",
        (user,),
    )
    return {paper for (paper,) in rows}


def is_open(
    connection: sqlite3.Connection, user: str, slot: str, begins: datetime, now: datetime
) -> bool:
    """Whether a slot has no issue yet, none was composed since it began, and none still waits."""
    (taken,) = connection.execute(
        "SELECT count(*) FROM digest_issues WHERE user = ? AND kind = 'digest' AND (slot = ?"
        " OR state IN ('composed', 'sending') OR (composed >= ? AND composed <= ?))",
        (user, slot, written(begins), written(now)),
    ).fetchone()
    return not taken


def _move(
    people: People, issue: Issue, old: State, new: State, *, note: str | None = None,
    attempts: int | None = None, due: datetime | None = None, ended: datetime | None = None,
) -> None:  # fmt: skip
    keeps_mail = new in ("composed", "sending", "uncertain")
    with writing(people) as connection:
        moved = connection.execute(
            "UPDATE digest_issues SET state = ?, note = coalesce(?, note),"
            " attempts = coalesce(?, attempts), due = coalesce(?, due),"
            " ended = coalesce(?, ended), mail = CASE WHEN ? THEN mail END"
            " WHERE id = ? AND state = ?",
            (new, note, attempts, written(due) if due else None,
             written(ended) if ended else None, keeps_mail, issue.id, old),
        ).rowcount  # fmt: skip
    if moved != 1:
        raise _changed(issue)


def _changed(issue: Issue) -> ChangedError:
    return ChangedError(
        f"The mail {issue.id} is no longer {issue.state}.", "Its reader unsubscribed meanwhile."
    )


def _seen_again(people: People, known: Issue) -> Issue:
    return issue(people, known.id)


def _issue(connection: sqlite3.Connection, identity: int) -> Issue:
    row: Sequence[object] | None = connection.execute(
        f"SELECT {_COLUMNS} FROM digest_issues WHERE id = ?", (identity,)
    ).fetchone()
    if row is None:
        raise InputError(f"There is no mail {identity}.", "It may be of a user who is gone.")
    return _of_row(*row)  # type: ignore[arg-type]


def _of_row(
    identity: int, user: str, kind: Kind, slot: str, state: State, recipient: str,
    message_id: str, attempts: int, due: str, note: str, papers: int,
) -> Issue:  # fmt: skip
    return Issue(
        identity, user, kind, slot, state, recipient, message_id, attempts, moment(due), note,
        papers,
    )  # fmt: skip
