"""The digest: what arrived and is near to what a reader follows, by mail, feed or file.

digest = compose(room, people, user, now)      what would be sent, by interest, with reasons
dry_run(digest)                                the same for a terminal
send_due(room, people, settings, now)          all that is due, by mail; as often as one likes
write_file(people, digest, path, settings, now)
feed(room, people, settings, token, now)
"""

from everygrain_papers.digest.composing import compose
from everygrain_papers.digest.delivery import Sent, publish_due, send_due, send_waiting
from everygrain_papers.digest.feeds import feed_token, reader_of_feed, render_feed, revoke_feed
from everygrain_papers.digest.issue import Digest, Pick, Section
from everygrain_papers.digest.links import PATHS, Links, mark_by_link
from everygrain_papers.digest.outbox import Issue, issues, resolve
from everygrain_papers.digest.publishing import as_file, feed, write_file
from everygrain_papers.digest.rendering import dry_run, render_html, render_text
from everygrain_papers.digest.schedule import Schedule
from everygrain_papers.digest.settings import MailServer, Settings, read_settings
from everygrain_papers.digest.subscriptions import (
    Subscription,
    choose,
    confirm,
    enrol,
    stop,
    subscribe,
    subscription,
    unsubscribe,
)

__all__ = [
    "PATHS",
    "Digest",
    "Issue",
    "Links",
    "MailServer",
    "Pick",
    "Schedule",
    "Section",
    "Sent",
    "Settings",
    "Subscription",
    "as_file",
    "choose",
    "compose",
    "confirm",
    "dry_run",
    "enrol",
    "feed",
    "feed_token",
    "issues",
    "mark_by_link",
    "publish_due",
    "read_settings",
    "reader_of_feed",
    "render_feed",
    "render_html",
    "render_text",
    "resolve",
    "revoke_feed",
    "send_due",
    "send_waiting",
    "stop",
    "subscribe",
    "subscription",
    "unsubscribe",
    "write_file",
]
