"""A mail as the bytes that go over the wire: headers that nobody can add to, text and HTML."""

from __future__ import annotations

import secrets
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from everygrain_papers.digest.addresses import named
from everygrain_papers.digest.issue import Digest
from everygrain_papers.digest.links import Links, mail_address
from everygrain_papers.digest.plain import one_line, wrapped
from everygrain_papers.digest.rendering import render_html, render_text
from everygrain_papers.digest.schedule import Schedule, zone_of
from everygrain_papers.digest.settings import Settings
from everygrain_papers.people import User

# Seven bits, so that every server takes it; lines as RFC 2045 wants them.
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=76)
_LONGEST_SUBJECT = 120


def message_id(kind: str, sender: str) -> str:
    """Return an identity of a mail that no other has: <kind.random@domain of the sender>."""
    return f"<{kind}.{secrets.token_hex(16)}@{sender.rpartition('@')[2] or 'localhost'}>"


def digest_mail(
    digest: Digest,
    schedule: Schedule,
    settings: Settings,
    recipient: str,
    links: Links | None,
    identity: str,
    now: datetime,
) -> bytes:
    """Return a digest as a mail of two alternatives, text and HTML.

    links      None: nothing to click
    identity   the Message-ID

    Mails to whom one click unsubscribes: List-Unsubscribe holds the link, and an address of mail
    if one is set; List-Unsubscribe-Post says that a POST to the link is enough (RFC 8058).
    Raises InputError for a recipient that is no address.
    """
    when = str(schedule)
    mail = _mail(settings, digest.reader, recipient, digest.title, identity, now, digest.zone)
    mail.set_content(render_text(digest, links, address=recipient, schedule=when))
    mail.add_alternative(
        render_html(digest, links, address=recipient, schedule=when), subtype="html"
    )
    link = links.unsubscribe(recipient) if links else ""
    return _ways_out(settings, link) + mail.as_bytes()


def confirmation_mail(
    reader: User,
    schedule: Schedule,
    settings: Settings,
    recipient: str,
    link: str,
    identity: str,
    now: datetime,
) -> bytes:
    """Return the mail that asks whether digests are wanted; whoever does nothing gets none."""
    subject = "Please confirm: a digest of new papers"
    mail = _mail(settings, reader.name, recipient, subject, identity, now, schedule.zone)
    lines = [
        *wrapped(
            f"Somebody, we hope you, asked for a digest of new papers to this address, {schedule}.",
            72,
        ),
        "",
        "To get it, open this address within three days:",
        "",
        link,
        "",
        *wrapped("If it was not you, do nothing: no more mail will come.", 72),
    ]
    mail.set_content("\n".join(lines) + "\n")
    return mail.as_bytes()


def _mail(
    settings: Settings,
    name: str,
    recipient: str,
    subject: str,
    identity: str,
    now: datetime,
    zone: str,
) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = named(settings.sender_name, settings.sender or "digest@localhost.localdomain")
    mail["To"] = named(name, recipient)
    mail["Subject"] = one_line(subject, _LONGEST_SUBJECT)
    mail["Date"] = format_datetime(now.astimezone(zone_of(zone)))
    mail["Message-ID"] = identity
    mail["Auto-Submitted"] = "auto-generated"  # so that nobody's absence answers
    return mail


def _ways_out(settings: Settings, link: str) -> bytes:
    """Return the headers that unsubscribe, each on a line of its own.

    They are written by hand: the standard library breaks a long address into encoded words,
    which no reader of mail undoes here. Links and addresses were made by us, of ASCII.
    """
    ways = [f"<{link}>"] if link else []
    if settings.unsubscribe_by:
        ways.append(f"<{mail_address(settings.unsubscribe_by, 'unsubscribe')}>")
    lines = [f"List-Unsubscribe: {f',{_FOLD}'.join(ways)}"] if ways else []
    if link:
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return b"".join(line.encode("ascii") + b"\r\n" for line in lines)


_FOLD = "\r\n "
