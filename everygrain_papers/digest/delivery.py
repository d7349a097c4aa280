"""Composing what is due and sending what waits: called as often as one likes, sends once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from everygrain.errors import EverygrainError, InputError
from everygrain_papers.digest import outbox
from everygrain_papers.digest.composing import compose
from everygrain_papers.digest.feeds import has_feed
from everygrain_papers.digest.links import Links
from everygrain_papers.digest.message import digest_mail, message_id
from everygrain_papers.digest.outbox import Issue
from everygrain_papers.digest.schedule import Slot, aware
from everygrain_papers.digest.sending import (
    Post,
    PutOffError,
    RecipientRefusedError,
    RefusedError,
    ServerAwayError,
    UncertainError,
)
from everygrain_papers.digest.settings import Settings
from everygrain_papers.digest.subscriptions import Subscription, subscription, subscriptions
from everygrain_papers.digest.tables import reading
from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom

NO_SERVER = "No mail server is set. Set 'host' and 'sender' in the mail settings."


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one issue in this run.

    user     id
    kind     "digest" or "confirmation"
    slot     such as "2026-03-29"; "" of a mail of confirmation
    state    as in `tables`; "failed" where no digest could be composed, or no server is set
    papers   how many it holds
    note     what the server said, or what went wrong
    """

    user: str
    kind: str
    slot: str
    state: str
    papers: int
    note: str = ""


def send_due(room: ReadingRoom, people: People, settings: Settings, now: datetime) -> list[Sent]:
    """Compose the digests whose time has come, then send all that waits.

    Each digest and its Message-ID are kept before a server is asked, and each step after that;
    so it may be run every minute, and after any crash. A mail goes out a second time only where
    the settings say so of one whose acceptance nobody saw.

    Raises LockedError while another process sends. What goes wrong with one reader or one mail
    is told in the list, and stops no other.
    """
    aware(now)
    with outbox.alone(people):
        told = _settled(people, settings, now)
        for reader in subscriptions(people):
            if reader.state == "confirmed" and settings.server is None:
                told.append(Sent(reader.user, "digest", "", "failed", 0, NO_SERVER))
            try:
                made = _compose_if_due(room, people, settings, reader, now)
            except EverygrainError as error:
                told.append(Sent(reader.user, "digest", "", "failed", 0, str(error)))
                continue
            if made is not None and made.state != "composed":
                told.append(_told(made))
        return told + _send_waiting(people, settings, now)


def send_waiting(people: People, settings: Settings, now: datetime) -> list[Sent]:
    """Send what waits in the outbox, such as mails of confirmation; compose nothing.

    Raises LockedError while another process sends.
    """
    with outbox.alone(people):
        return _settled(people, settings, aware(now)) + _send_waiting(people, settings, now)


def publish_due(room: ReadingRoom, people: People, user: str, now: datetime) -> Issue | None:
    """Compose for a reader's feed if it is time, and no mail will do it. Sends nothing."""
    reader = subscription(people, user)
    if reader.state == "confirmed":
        return None  # `send_due` composes for the mail, and the feed shows the same
    return _compose_if_due(room, people, Settings(), reader, now)


def due_slot(
    people: People, reader: Subscription, settings: Settings, now: datetime
) -> Slot | None:
    """Return the slot for which a digest is due to a reader; None where none is."""
    begun = [reader.since] if _mails(reader, settings) and reader.since else []
    with reading(people) as connection:
        fed = has_feed(connection, reader.user)
        begun += [fed] if fed else []
        slot = reader.schedule.latest(now)
        if not begun or slot.instant < min(begun):
            return None
        free = outbox.is_open(connection, reader.user, slot.name, slot.instant, now)
    return slot if free else None


def _compose_if_due(
    room: ReadingRoom, people: People, settings: Settings, reader: Subscription, now: datetime
) -> Issue | None:
    slot = due_slot(people, reader, settings, now)
    if slot is None:
        return None
    digest = compose(room, people, people.user(reader.user), now)
    if not len(digest) and (reader.empty == "skip" or not _mails(reader, settings)):
        return outbox.put(people, digest, slot.name, "empty", now)
    if not _mails(reader, settings):
        return outbox.put(people, digest, slot.name, "sent", now)
    identity = message_id("digest", settings.sender)
    links = Links(settings.pages, people.secret, reader.user, now)
    mail = digest_mail(digest, reader.schedule, settings, reader.address, links, identity, now)
    return outbox.put(people, digest, slot.name, "composed", now, reader.address, identity, mail)


def _mails(reader: Subscription, settings: Settings) -> bool:
    return reader.state == "confirmed" and settings.server is not None


def _settled(people: People, settings: Settings, now: datetime) -> list[Sent]:
    return [_told(each) for each in outbox.settle(people, settings, now)]


def _send_waiting(people: People, settings: Settings, now: datetime) -> list[Sent]:
    waiting = outbox.waiting(people, now)
    if not waiting:
        return []
    if settings.server is None:
        return [replace(_told(each), state="failed", note=NO_SERVER) for each in waiting]
    told = []
    with Post(settings.server, settings.sender) as post:
        for place, each in enumerate(waiting):
            try:
                told.append(_told(_send(post, people, settings, each, now)))
            except ServerAwayError as error:
                # Whoever else waits would hear the same, each after a time-out of its own.
                for other in waiting[place:]:
                    with suppress(outbox.ChangedError, InputError):
                        put_off = outbox.put_off(
                            people, outbox.issue(people, other.id), settings, now, error.problem
                        )
                        told.append(_told(put_off))
                break
            except outbox.ChangedError:
                with suppress(InputError):  # the user may be gone with all that is theirs
                    told.append(_told(outbox.issue(people, each.id)))
    return told


def _send(post: Post, people: People, settings: Settings, issue: Issue, now: datetime) -> Issue:
    mail = outbox.mail_of(people, issue)
    try:
        answer = post.send(issue.recipient, mail, lambda: outbox.begin(people, issue))
    except PutOffError as error:
        return outbox.put_off(people, outbox.issue(people, issue.id), settings, now, error.problem)
    except RefusedError as error:
        if isinstance(error, RecipientRefusedError):
            outbox.count_refusal(people, issue, settings, error.problem)
        return outbox.refuse(people, outbox.issue(people, issue.id), now, error.problem)
    except UncertainError as error:
        return outbox.doubt(people, issue, settings, now, error.problem)
    return outbox.sent(people, issue, answer, now)


def _told(issue: Issue) -> Sent:
    slot = issue.slot if issue.kind == "digest" else ""
    return Sent(issue.user, issue.kind, slot, issue.state, issue.papers, issue.note)
