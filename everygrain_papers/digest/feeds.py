"""A reader's digests as an Atom feed, at an address that cannot be guessed and can be revoked.

Whoever knows the address reads the feed, and may like and dislike by its links, since programs
that read feeds rarely log in; the token in it is 32 random bytes. It is kept as it is, to be shown
to its reader again: whoever can read people.db has the secret of all links in any case.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as xml

from everygrain.errors import InputError
from everygrain_papers.digest.issue import Pick, Section
from everygrain_papers.digest.links import Links
from everygrain_papers.digest.plain import one_line
from everygrain_papers.digest.rendering import render_entry, shown
from everygrain_papers.digest.schedule import aware
from everygrain_papers.digest.tables import SPENT, moment, reading, writing, written
from everygrain_papers.people import People, User
from everygrain_papers.room import ReadingRoom

MOST_ENTRIES = 100
_ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True)
class Entry:
    """One paper of one issue, and when that was made."""

    pick: Pick
    section: Section
    made: datetime


def feed_token(people: People, user: str, now: datetime) -> str:
    """Return the token in the address of a reader's feed, made at the first call.

    From then on digests are composed for the feed at the reader's hours, with mails or without.
    Raises InputError for an unknown user.
    """
    people.user(user)
    with writing(people) as connection:
        connection.execute(
            "INSERT INTO digest_feeds VALUES (?, ?, ?) ON CONFLICT (user) DO NOTHING",
            (user, secrets.token_urlsafe(32), written(aware(now))),
        )
        (token,) = connection.execute(
            "SELECT token FROM digest_feeds WHERE user = ?", (user,)
        ).fetchone()
    return str(token)


def revoke_feed(people: People, user: str) -> None:
    """End a reader's feed: its address is as good as one never made. `feed_token` makes another."""
    people.user(user)
    with writing(people) as connection:
        connection.execute("DELETE FROM digest_feeds WHERE user = ?", (user,))


def has_feed(connection: sqlite3.Connection, user: str) -> datetime | None:
    """Return since when a reader has a feed; None without one."""
    row = connection.execute("SELECT made FROM digest_feeds WHERE user = ?", (user,)).fetchone()
    return None if row is None else moment(row[0])


def reader_of_feed(people: People, token: str) -> User:
    """Return whose feed a token opens; InputError for one that opens none."""
    row = None
    if isinstance(token, str) and len(token) <= 100:
        with reading(people) as connection:
            row = connection.execute(
                "SELECT user FROM digest_feeds WHERE token = ?",
                (token.encode(errors="replace").decode(),),
            ).fetchone()
    if row is None:
        raise InputError("There is no feed at this address.", "Ask its reader for the present one.")
    return people.user(row[0])


def entries(room: ReadingRoom, people: People, user: str) -> list[Entry]:
    """Return the papers of a reader's issues, the newest issue first, at most a hundred."""
    states = ", ".join("?" * len(SPENT))
    with reading(people) as connection:
        rows = connection.execute(
            "SELECT paper, interest, name, score, reasons, composed FROM digest_papers"
            " JOIN digest_issues ON digest_issues.id = issue"
            f" WHERE user = ? AND state IN ({states})"
            " ORDER BY digest_issues.id DESC, place LIMIT ?",
            (user, *SPENT, MOST_ENTRIES),
        ).fetchall()
    papers = room.papers.fetch([row[0] for row in rows])
    found = []
    for paper, interest, name, score, reasons, composed in rows:
        if paper in papers:  # its source may have withdrawn it
            pick = Pick(papers[paper], score, tuple(json.loads(reasons)))
            found.append(Entry(pick, Section(interest, name, (pick,)), moment(composed)))
    return found


def render_feed(
    user: User, found: Sequence[Entry], links: Links, now: datetime, *, address: str = ""
) -> bytes:
    """Return an Atom feed (RFC 4287) of a reader's papers, an entry each.

    now       when it was last changed, if it has no entry
    address   the feed's own; "" of one in a file

    The links of an entry are signed for the time at which it was made, so that the same entries
    are the same bytes, and no program takes them for changed.
    """
    xml.register_namespace("", _ATOM)
    feed = xml.Element(f"{{{_ATOM}}}feed")
    _add(feed, "id", uuid5(NAMESPACE_URL, f"everygrain:feed:{user.id}").urn)
    _add(feed, "title", one_line(f"New papers for {user.name}", 200))
    _add(feed, "updated", _time(max((each.made for each in found), default=aware(now))))
    _add(_add(feed, "author"), "name", "Everygrain")
    if address:
        _add(feed, "link", rel="self", type="application/atom+xml", href=address)
    for each in found:
        paper, own = each.pick.paper, replace(links, now=each.made)
        told = shown(each.pick, each.section.interest, own)
        entry = _add(feed, "entry")
        _add(entry, "id", uuid5(NAMESPACE_URL, f"everygrain:feed:{user.id}:{paper.id}").urn)
        _add(entry, "title", told.title)
        _add(entry, "updated", _time(each.made))
        if told.address:
            _add(entry, "link", rel="alternate", href=told.address)
        for author in filter(None, (one_line(name, 200) for name in paper.authors[:50])):
            _add(_add(entry, "author"), "name", author)
        _add(entry, "category", term=one_line(each.section.name, 200))
        _add(entry, "content", render_entry(each.pick, each.section, own), type="html")
    xml.indent(feed)
    head = b'<?xml version="1.0" encoding="utf-8"?>\n'
    return head + bytes(xml.tostring(feed, "utf-8")) + b"\n"


def _add(parent: xml.Element, name: str, text: str | None = None, **attributes: str) -> xml.Element:
    made = xml.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    made.text = text
    return made


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
