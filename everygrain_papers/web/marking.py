"""Like, dislike, done: what a reader says of papers."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from everygrain_papers.people.marks import MARKS
from everygrain_papers.web.rendering import Refusal
from everygrain_papers.web.visit import SAID, Visit

FIRST = "My reading"  # the interest that a first like begins
_SAID = {"like": "liked", "dislike": "disliked", "none": "unmarked"}


def mark(visit: Visit) -> Response:
    """Like or dislike a paper in an interest, or take that back.

    Without an interest, and where the reader has none yet, the first like begins one.
    """
    kind, interest = visit.field("mark"), visit.field("interest")
    if kind not in MARKS:
        raise Refusal(400, f"'{kind[:40]}' is no mark.", f"Use one of {', '.join(MARKS)}.")
    paper = visit.room.papers.get(visit.field("paper"))
    if not interest:
        known = visit.people.interests(visit.user.id)
        made = known[0] if known else visit.people.add_interest(visit.user.id, FIRST)
        interest = made.id
    visit.people.mark(visit.user.id, paper.id, interest, kind)
    if visit.wants_json:
        return JSONResponse({"said": SAID[_SAID[kind]], "mark": kind, "interest": interest})
    return visit.go(visit.field("back"), _SAID[kind])


def seen(visit: Visit) -> Response:
    """Have done with the papers of a page: they are not recommended again."""
    papers = [value for name, value in visit.form.items() if name.startswith("paper")]
    known = visit.room.papers.fetch(papers)
    visit.people.see(visit.user.id, list(known))
    return visit.go("/", "seen")
