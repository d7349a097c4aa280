"""Who gets digests, when and where: asked for, confirmed by mail, ended in one click."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from everygrain.errors import InputError
from everygrain_papers.digest.addresses import checked
from everygrain_papers.digest.links import Links, opened
from everygrain_papers.digest.message import confirmation_mail, message_id
from everygrain_papers.digest.schedule import Frequency, Schedule, aware
from everygrain_papers.digest.settings import Settings
from everygrain_papers.digest.tables import moment, reading, writing, written
from everygrain_papers.people import People, User

Mailing = Literal["off", "pending", "confirmed", "paused"]
WhenEmpty = Literal["skip", "tell"]
MOST_PAPERS = 200
MOST_CONFIRMATIONS = 3  # mails a day, to one address and for one reader
_COLUMNS = "address, state, frequency, hour, weekday, zone, papers, empty, since, note"


@dataclass(frozen=True, slots=True)
class Subscription:
    """How one reader gets digests.

    user       id
    address    where mails go; "" where none was asked for
    state      "off"; "pending" until the link in the mail was followed; "confirmed"; "paused"
               after the address refused several digests, told in `note`
    schedule   when a digest is due, of mails and of the feed
    papers     most papers in one digest
    empty      a digest without papers: "skip" it, or "tell" that there is none
    since      when it was confirmed: nothing is due before; None before
    """

    user: str
    address: str = ""
    state: Mailing = "off"
    schedule: Schedule = field(default_factory=Schedule)
    papers: int = 20
    empty: WhenEmpty = "skip"
    since: datetime | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if type(self.papers) is not int or not 1 <= self.papers <= MOST_PAPERS:
            raise InputError(
                f"{self.papers!r} papers in a digest make no sense.", f"Choose 1 to {MOST_PAPERS}."
            )
        if self.empty not in get_args(WhenEmpty):
            raise InputError(f"'empty' is {self.empty!r}.", "Choose 'skip' or 'tell'.")


def subscription(people: People, user: str) -> Subscription:
    """Return how a reader gets digests. Raises InputError for an unknown user."""
    people.user(user)
    with reading(people) as connection:
        return _found(connection, user)


def subscriptions(people: People) -> list[Subscription]:
    """Return the subscriptions of all who chose anything, by user id."""
    with reading(people) as connection:
        rows = connection.execute(f"SELECT user, {_COLUMNS} FROM digest_readers ORDER BY user")
        return [_of_row(*row) for row in rows]


def choose(
    people: People,
    user: str,
    *,
    frequency: Frequency | None = None,
    hour: int | None = None,
    weekday: int | None = None,
    zone: str | None = None,
    papers: int | None = None,
    empty: WhenEmpty | None = None,
) -> Subscription:
    """Change when digests come and what they hold; None leaves what is. Raises InputError."""
    people.user(user)
    with writing(people) as connection:
        known = _found(connection, user)
        schedule = Schedule(
            known.schedule.frequency if frequency is None else frequency,
            known.schedule.hour if hour is None else hour,
            known.schedule.weekday if weekday is None else weekday,
            known.schedule.zone if zone is None else zone,
        )
        changed = replace(
            known,
            schedule=schedule,
            papers=known.papers if papers is None else papers,
            empty=known.empty if empty is None else empty,
        )
        _keep(connection, changed)
    return changed


def subscribe(
    people: People, settings: Settings, user: str, address: str, now: datetime
) -> Subscription:
    """Ask for digests by mail: a mail with a link goes to the address, and nothing else until
    the link is followed. It is put into the outbox; `send_due` or `send_waiting` sends it.

    Raises InputError for what is no address, where mails can hold no link or cannot be sent, and
    where an address or a reader has had three such mails within a day.
    """
    reader = people.user(user)
    wanted = checked(address)
    if not (settings.pages and settings.sender):
        raise InputError(
            "Mails of this reading room can hold no link to confirm with.",
            "Set 'pages' and 'sender' in the mail settings.",
        )
    nonce = secrets.token_urlsafe(16)
    link = Links(settings.pages, people.secret, user, aware(now)).confirm(wanted, nonce)
    identity = message_id("confirm", settings.sender)
    with writing(people) as connection:
        known = _found(connection, user)
        if known.state == "confirmed" and known.address == wanted:
            return known
        _hold_back(connection, user, wanted, now)
        changed = replace(known, address=wanted, state="pending", note="", since=None)
        _keep(connection, changed)
        connection.execute(
            "UPDATE digest_readers SET nonce = ?, refusals = 0 WHERE user = ?", (nonce, user)
        )
        connection.execute(
            "UPDATE digest_issues SET state = 'withdrawn', mail = NULL, ended = ?"
            " WHERE user = ? AND state = 'composed'",
            (written(now), user),
        )
        mail = confirmation_mail(reader, changed.schedule, settings, wanted, link, identity, now)
        connection.execute(
            "INSERT INTO digest_issues (user, kind, slot, state, recipient, message_id, mail,"
            " since, until, considered, zone, composed, due)"
            " VALUES (?, 'confirmation', ?, 'composed', ?, ?, ?, '', '', 0, '', ?, ?)",
            (user, nonce, wanted, identity, mail, written(now), written(now)),
        )
    return changed


def confirm(people: People, token: str, now: datetime) -> Subscription:
    """Begin to send, as the link in the mail of confirmation says. A second time changes nothing.

    Raises InputError for a link that is forged, too old, or not of the last mail that was asked
    for.
    """
    told = opened(people, "confirm", token, now)
    user, address, nonce = (str(told[name]) for name in ("user", "address", "nonce"))
    people.user(user)
    with writing(people) as connection:
        known = _found(connection, user)
        row = connection.execute(
            "SELECT nonce FROM digest_readers WHERE user = ?", (user,)
        ).fetchone()
        if row is None or row[0] != nonce or known.address != address or known.state == "off":
            raise InputError(
                "This link is not of the last mail that was asked for.", "Ask for a new one."
            )
        if known.state != "pending":
            return known
        changed = replace(known, state="confirmed", since=now, note="")
        _keep(connection, changed)
    people.change_user(user, email=address)
    return changed


def enrol(people: People, user: str, address: str, now: datetime) -> Subscription:
    """Send to an address without a mail of confirmation: for the owner of this machine, about
    the owner's own address. Raises InputError."""
    people.user(user)
    wanted = checked(address)
    with writing(people) as connection:
        known = _found(connection, user)
        if known.state == "confirmed" and known.address == wanted:
            return known
        changed = replace(known, address=wanted, state="confirmed", since=aware(now), note="")
        _keep(connection, changed)
    people.change_user(user, email=wanted)
    return changed


def unsubscribe(people: People, token: str, now: datetime) -> User:
    """End the mails, as the link in any digest says, without logging in; a second time is fine.

    A link ends the mails to the address that it was sent to, and no other's.
    Raises InputError for a link that is forged, and where the reader is gone.
    """
    told = opened(people, "unsubscribe", token, now)
    user, address = str(told["user"]), str(told["address"])
    if subscription(people, user).address == address:
        stop(people, user, now)
    return people.user(user)


def stop(people: People, user: str, now: datetime) -> Subscription:
    """End the mails to a reader; what waits in the outbox is not sent. The feed stays."""
    people.user(user)
    with writing(people) as connection:
        changed = replace(_found(connection, user), state="off", since=None, note="")
        _keep(connection, changed)
        connection.execute(
            "UPDATE digest_issues SET state = 'withdrawn', mail = NULL, ended = ?"
            " WHERE user = ? AND state = 'composed'",
            (written(now), user),
        )
    return changed


def _hold_back(connection: sqlite3.Connection, user: str, address: str, now: datetime) -> None:
    """Let nobody fill a stranger's mailbox with mails of confirmation."""
    (count,) = connection.execute(
        "SELECT max(total(user = ?), total(recipient = ?)) FROM digest_issues"
        " WHERE kind = 'confirmation' AND composed > ?",
        (user, address, written(now - timedelta(days=1))),
    ).fetchone()
    if count >= MOST_CONFIRMATIONS:
        raise InputError(
            f"{MOST_CONFIRMATIONS} mails of confirmation were asked for within a day.",
            "Look among unwanted mail for them, or try again tomorrow.",
        )


def _found(connection: sqlite3.Connection, user: str) -> Subscription:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM digest_readers WHERE user = ?", (user,)
    ).fetchone()
    return Subscription(user) if row is None else _of_row(user, *row)


def _of_row(
    user: str, address: str, state: Mailing, frequency: Frequency, hour: int, weekday: int,
    zone: str, papers: int, empty: WhenEmpty, since: str, note: str,
) -> Subscription:  # fmt: skip
    schedule = Schedule(frequency, hour, weekday, zone)
    begun = moment(since) if since else None
    return Subscription(user, address, state, schedule, papers, empty, begun, note)


def _keep(connection: sqlite3.Connection, told: Subscription) -> None:
    at = told.schedule
    connection.execute(
        f"INSERT INTO digest_readers (user, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (user) DO UPDATE SET address = excluded.address, state = excluded.state,"
        " frequency = excluded.frequency, hour = excluded.hour, weekday = excluded.weekday,"
        " zone = excluded.zone, papers = excluded.papers, empty = excluded.empty,"
        " since = excluded.since, note = excluded.note",
        (told.user, told.address, told.state, at.frequency, at.hour, at.weekday, at.zone,
         told.papers, told.empty, written(told.since) if told.since else "", told.note),
    )  # fmt: skip
