"""The estimated impact of a paper as its page shows it: with its interval, and what it is of."""

from __future__ import annotations

from dataclasses import dataclass

from everygrain_papers.web import subjects
from everygrain_papers.web.visit import House

_OF = "Impact is estimated"  # how the outlook's note on its worth begins
MADE_OF = (
    "0 is the least and 1 the most cited of the papers of one year. The estimate is learned from "
    "the titles and abstracts of papers here that carry citations; nothing else of the paper "
    "plays a part, neither its authors nor its venue. Of papers whose text promised as much, nine "
    "in ten came to lie within the bar. It tells little of a single paper."
)


@dataclass(frozen=True, slots=True)
class ShownEstimate:
    """An estimate, and its drawing on the scale from 0 to 1: places of both ends and the middle.

    one   would be the place of "as before", which an estimate has not
    """

    told: str
    made_of: str
    left: float
    middle: float
    right: float
    ticks: tuple[tuple[float, str], ...]
    one: None = None


def of_paper(house: House, paper: str) -> ShownEstimate | None:
    """Return the estimate of a paper; None where there is none."""
    known = subjects.outlook(house)
    found = known.impact.get(paper) if known is not None else None
    if known is None or found is None:
        return None
    value, low, high = found
    worth = next((each for each in known.notes if each.startswith(_OF)), "")
    return ShownEstimate(
        f"{value:.2f} of 1; nine in ten such papers: {low:.2f} to {high:.2f}",
        f"{MADE_OF} {worth}".strip(),
        _place(low),
        _place(value),
        _place(high),
        tuple((_place(each), f"{each:g}") for each in (0.0, 0.5, 1.0)),
    )


def _place(value: float) -> float:
    return round(12 + min(max(value, 0.0), 1.0) * (subjects.WIDTH - 24), 1)
