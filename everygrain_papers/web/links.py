"""The links of mails: a GET only shows a button, since programs that look through mails follow
every link; what the button sends does what the link says."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from everygrain_papers.digest import confirm, mark_by_link, unsubscribe
from everygrain_papers.digest.links import Mark, opened
from everygrain_papers.web.visit import Visit


def like(visit: Visit) -> Response:
    return _mark(visit, "like")


def dislike(visit: Visit) -> Response:
    return _mark(visit, "dislike")


def _mark(visit: Visit, kind: Mark) -> Response:
    now = datetime.now(UTC)
    token = str(visit.request.path_params["token"])
    told = opened(visit.people, kind, token, now)
    paper = visit.room.papers.fetch([str(told["paper"])]).get(str(told["paper"]))
    about = paper.title if paper else str(told["paper"])
    verb = "Like" if kind == "like" else "Dislike"
    if visit.request.method == "POST":
        user, _, interest = mark_by_link(visit.people, kind, token, now)
        name = visit.people.interest(user, interest).name
        return visit.page(
            "link.html", place="", heading=f"{verb}d", about=about, button="",
            done=f"Kept for your interest “{name}”. You can take it back on the paper's page.",
        )  # fmt: skip
    heading = f"{verb} this paper?"
    return visit.page("link.html", place="", heading=heading, about=about, button=verb, done="")


def confirm_link(visit: Visit) -> Response:
    """Begin to send digests to the address that the link was sent to."""
    token = str(visit.request.path_params["token"])
    now = datetime.now(UTC)
    told = opened(visit.people, "confirm", token, now)
    if visit.request.method == "POST":
        found = confirm(visit.people, token, now)
        return visit.page(
            "link.html", place="", heading="Your digest is on its way", about="", button="",
            done=f"It comes {found.schedule}, to {found.address}.",
        )  # fmt: skip
    return visit.page(
        "link.html", place="", heading="Get the digest by mail?", about=str(told["address"]),
        button="Yes, send it", done="",
    )  # fmt: skip


def unsubscribe_link(visit: Visit) -> Response:
    """End the digests; one POST is enough, also the one that a mail program sends (RFC 8058)."""
    token = str(visit.request.path_params["token"])
    now = datetime.now(UTC)
    told = opened(visit.people, "unsubscribe", token, now)
    if visit.request.method == "POST":
        unsubscribe(visit.people, token, now)
        return visit.page(
            "link.html", place="", heading="No more mails", about="", button="",
            done=f"Nothing more is sent to {told['address']}. Your interests stay as they are.",
        )  # fmt: skip
    return visit.page(
        "link.html", place="", heading="Stop the mails?", about=str(told["address"]),
        button="Unsubscribe", done="",
    )  # fmt: skip
