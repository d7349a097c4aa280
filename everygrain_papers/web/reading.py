"""The first page, and what it is made of: papers by interest, what rises, what is new."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from everygrain_papers.web import cards, recommending, subjects
from everygrain_papers.web.visit import Visit

EACH = 5  # papers of an interest


def home(visit: Visit) -> Response:
    """Show today's papers by interest, and what is trending."""
    room = visit.room
    interests = visit.people.interests(visit.user.id)
    sections, shown = [], []
    found = recommending.by_interest(visit, interests, EACH)
    number = 1
    for interest in interests:
        picks = found.get(interest.id, [])
        made = [
            cards.recommended(number + i, pick.paper, interest, pick.reasons, pick.is_new)
            for i, pick in enumerate(picks)
        ]
        number += len(made)
        shown += [card.paper.id for card in made]
        sections.append({"interest": interest, "cards": made})
    first = interests[0] if interests else None
    newest = [] if shown else room.papers.newest(10)
    count = len(room.papers)
    now = datetime.now(UTC)
    arrived = visit.house.cache.get(
        "arrived",
        lambda: len(room.papers.arrived(now - recommending.RECENT)),
        seconds=60.0,
        late=True,
    )
    return visit.page(
        "home.html",
        place="today",
        today=datetime.now().date(),
        count=count,
        arrived=arrived if arrived < count else 0,
        sections=sections,
        any_cards=bool(shown),
        shown=shown,
        newest=cards.of_papers(newest, first, number),
        trends=subjects.rising(visit.house, "term")[:6] if count else [],
        topics=subjects.topics(visit.house)[:8] if count else [],
    )


def help_page(visit: Visit) -> Response:
    return visit.page("help.html", place="help")
