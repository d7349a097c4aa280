"""The pages of a reader's interests."""

from __future__ import annotations

import re

from starlette.responses import Response

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.web import cards, recommending
from everygrain_papers.web.visit import Visit

MOST = 20  # new papers on an interest's page
MOST_LISTED = 100


def interests(visit: Visit) -> Response:
    """List the interests, or make a new one."""
    if visit.request.method == "POST":
        made = visit.people.add_interest(
            visit.user.id, visit.field("name"), keywords=terms(visit.field("keywords")),
            negative=terms(visit.field("negative")),
        )  # fmt: skip
        return visit.go(visit.field("back") or f"/interest/{made.id}", "added")
    found = visit.people.interests(visit.user.id)
    return visit.page("interests.html", place="interests", interests=found)


def interest(visit: Visit) -> Response:
    """Show one interest, change it, or delete it."""
    identity = str(visit.request.path_params["id"])
    if visit.request.method == "POST":
        if visit.field("act") == "delete":
            visit.people.delete_interest(visit.user.id, identity)
            return visit.go("/interests", "deleted")
        visit.people.change_interest(
            visit.user.id, identity, name=visit.field("name"),
            keywords=terms(visit.field("keywords")), negative=terms(visit.field("negative")),
            seeds=_seeds(visit, visit.field("seeds")),
        )  # fmt: skip
        return visit.go(f"/interest/{identity}", "saved")
    found = visit.people.interest(visit.user.id, identity)
    picks = recommending.by_interest(visit, [found], MOST).get(found.id, [])
    made = [
        cards.recommended(number, pick.paper, found, pick.reasons, pick.is_new)
        for number, pick in enumerate(picks, 1)
    ]
    lists = [
        ("Liked", found.liked, "like"), ("Disliked", found.disliked, "dislike"),
        ("To begin with", found.seeds, ""),
    ]  # fmt: skip
    papers = visit.room.papers.fetch([id for _, ids, _ in lists for id in ids[-MOST_LISTED:]])
    return visit.page(
        "interest.html",
        place="interests",
        interest=found,
        cards=made,
        lists=[
            (title, [(id, papers.get(id)) for id in reversed(ids[-MOST_LISTED:])], mark)
            for title, ids, mark in lists
        ],
    )


def terms(text: str) -> tuple[str, ...]:
    """Return the words or phrases of a field: one on a line, or with commas between them.

    >>> terms("late interaction, ColBERT\\n\\n multi-vector")
    ('late interaction', 'ColBERT', 'multi-vector')
    """
    found = (" ".join(each.split()) for each in re.split(r"[,\n\r]", text))
    return tuple(dict.fromkeys(each for each in found if each))


def _seeds(visit: Visit, text: str) -> tuple[str, ...]:
    """Return the ids of the papers that a field names by id or by the address of their page."""
    from urllib.parse import unquote

    named = [
        unquote(line.rsplit("/paper/", 1)[1].partition("?")[0]) if "/paper/" in line else line
        for line in map(str.strip, text.splitlines())
        if line
    ]
    known: dict[str, Paper] = visit.room.papers.fetch(named)
    unknown = [each for each in named if each not in known]
    if unknown:
        raise InputError(
            f"There is no paper '{unknown[0][:80]}' to begin with.",
            "Copy the address of its page here, or its id.",
        )
    return tuple(known)
