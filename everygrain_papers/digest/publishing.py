"""Digests without mail: a reader's feed as it is asked for, and files."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path

from everygrain.errors import InputError, StorageError
from everygrain_papers.digest import outbox
from everygrain_papers.digest.delivery import publish_due
from everygrain_papers.digest.feeds import (
    Entry,
    entries,
    has_feed,
    reader_of_feed,
    render_feed,
)
from everygrain_papers.digest.issue import Digest
from everygrain_papers.digest.links import Links
from everygrain_papers.digest.message import digest_mail, message_id
from everygrain_papers.digest.rendering import render_html, render_text
from everygrain_papers.digest.schedule import aware
from everygrain_papers.digest.settings import Settings
from everygrain_papers.digest.subscriptions import subscription
from everygrain_papers.digest.tables import reading
from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom

FORMS = (".html", ".txt", ".eml", ".atom", ".xml")


def feed(room: ReadingRoom, people: People, settings: Settings, token: str, now: datetime) -> bytes:
    """Return the feed at a token, with a new issue if it is time for one.

    Raises InputError for a token that opens no feed.
    """
    user = reader_of_feed(people, token)
    publish_due(room, people, user.id, aware(now))
    links = Links(settings.pages, people.secret, user.id, now)
    with reading(people) as connection:
        made = has_feed(connection, user.id)
    found = entries(room, people, user.id)
    return render_feed(user, found, links, made or now, address=links.feed(token))


def as_file(people: People, digest: Digest, form: str, settings: Settings, now: datetime) -> bytes:
    """Return a digest as a file's content; the form is the end of its name, such as ".html".

    An .eml goes to the address that the reader confirmed, or to none that exists.
    Raises InputError for another form.
    """
    links = (
        Links(settings.pages, people.secret, digest.user, aware(now)) if settings.pages else None
    )
    reader = subscription(people, digest.user)
    address = reader.address if reader.state == "confirmed" else ""
    when = str(reader.schedule)
    if form == ".html":
        return render_html(digest, links, address=address, schedule=when).encode()
    if form == ".txt":
        return render_text(digest, links, address=address, schedule=when).encode()
    if form == ".eml":
        identity = message_id("digest", settings.sender)
        to = address or people.user(digest.user).email or "reader@localhost.localdomain"
        return digest_mail(digest, reader.schedule, settings, to, links, identity, now)
    if form in (".atom", ".xml"):
        found = [Entry(pick, section, now) for section, pick in digest.picks()]
        bare = links or Links("", people.secret, digest.user, now)
        return render_feed(people.user(digest.user), found, bare, now)
    raise InputError(
        f"A digest cannot be written as '{form[:20]}'.", f"End the name in {', '.join(FORMS)}."
    )


def write_file(
    people: People, digest: Digest, path: Path, settings: Settings, now: datetime
) -> None:
    """Write a digest to a file, whole or not at all, then keep that its reader has it.

    The next digest begins where this one ended, and brings none of its papers again. Raises
    InputError for a name of no form, StorageError where the file cannot be written.
    """
    content = as_file(people, digest, path.suffix.lower(), settings, now)
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            with open(made, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            made.replace(path)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"'{path}' cannot be written: {error.strerror}.", "Choose a folder you can write to."
        ) from error
    slot = f"file {now.astimezone().isoformat()} {secrets.token_hex(4)}"
    outbox.put(people, digest, slot, "sent" if len(digest) else "empty", now)
