"""The digest on the pages: when it comes, where to, and what it would hold now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from starlette.responses import Response

from everygrain.errors import InputError
from everygrain_papers.digest import (
    Settings as MailSettings,
)
from everygrain_papers.digest import (
    choose,
    compose,
    enrol,
    feed,
    feed_token,
    render_text,
    revoke_feed,
    stop,
    subscribe,
    subscription,
)
from everygrain_papers.digest.schedule import FREQUENCIES, WEEKDAYS, available_zones
from everygrain_papers.digest.subscriptions import MOST_PAPERS
from everygrain_papers.web.rendering import Refusal
from everygrain_papers.web.visit import House, Visit

PREVIEW = 36  # columns: it stands beside the settings


def mail_settings(house: House) -> MailSettings:
    """Return how digests leave, with the address of these pages for their links."""
    mail = house.settings.mail or MailSettings()
    return mail if mail.pages else replace(mail, pages=house.address)


def digest(visit: Visit) -> Response:
    """Show the settings and what would be sent now; or change the settings."""
    if visit.request.method == "POST":
        return _change(visit)
    now = datetime.now(UTC)
    found = subscription(visit.people, visit.user.id)
    sample = None
    if visit.asked("preview"):
        sample = render_text(compose(visit.room, visit.people, visit.user, now), width=PREVIEW)
    can_mail = bool(visit.house.settings.mail and visit.house.settings.mail.server)
    return visit.page(
        "digest.html", place="digest", subscription=found, frequencies=FREQUENCIES,
        weekdays=list(enumerate(WEEKDAYS)), zones=sorted(available_zones()), sample=sample,
        can_mail=can_mail, most=MOST_PAPERS, feed=visit.asked("feed") and _feed_address(visit, now),
    )  # fmt: skip


def _feed_address(visit: Visit, now: datetime) -> str:
    token = feed_token(visit.people, visit.user.id, now)
    return f"{mail_settings(visit.house).pages.rstrip('/')}/digest/feed/{token}"


def _change(visit: Visit) -> Response:
    act, now = visit.field("act"), datetime.now(UTC)
    people, user = visit.people, visit.user.id
    if act == "save":
        choose(
            people, user,
            frequency=visit.field("frequency"),  # type: ignore[arg-type]  # it is checked there
            hour=_whole(visit, "hour"), weekday=_whole(visit, "weekday"),
            zone=visit.field("zone"), papers=_whole(visit, "papers"),
            empty="tell" if visit.field("empty") else "skip",
        )  # fmt: skip
    elif act == "subscribe":
        if visit.accounts:
            subscribe(people, mail_settings(visit.house), user, visit.field("email"), now)
        else:
            enrol(people, user, visit.field("email"), now)
    elif act == "stop":
        stop(people, user, now)
    elif act == "feed":
        return visit.go("/digest?feed=1#feed")
    elif act == "revoke":
        revoke_feed(people, user)
    else:
        raise Refusal(400, "The form says nothing to do.", "Use the buttons of the page.")
    return visit.go("/digest", "saved")


def _whole(visit: Visit, name: str) -> int:
    value = visit.field(name)
    if not (value.isascii() and value.isdigit() and len(value) < 6):
        raise InputError(f"'{name}' is {value[:40]!r}.", "Give a whole number.")
    return int(value)


def reader_feed(visit: Visit) -> Response:
    """Give a reader's digests as a feed, at an address that only the reader knows."""
    token = str(visit.request.path_params["token"])
    found = feed(visit.room, visit.people, mail_settings(visit.house), token, datetime.now(UTC))
    return Response(found, media_type="application/atom+xml")
