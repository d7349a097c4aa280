"""New papers that stand where something rises."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.trends.rising import Window
from everygrain_papers.trends.trend import Trend
from everygrain_papers.trends.windows import calendar, dates_of

MOST_TERMS = 3  # rising terms of one paper that count: long abstracts hold more of everything
LEAST_IMPACT = 1e-3


class Estimated(Protocol):
    """An estimate of a paper's impact: value between low and high, all from 0 to 1."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def rising_papers(
    papers: Iterable[Paper],
    terms: Sequence[Trend],
    topics: Sequence[Trend],
    impact: Mapping[str, Estimated] | None,
    today: date,
    *,
    window: Window = "auto",
    past: int | None = None,
    recent: int | None = None,
    limit: int | None = 20,
) -> list[Trend]:
    """Return new papers by the sum of the doublings that they are part of, highest first.

        score = sum over its three surest rising terms of log2 ratio
              + sum over its rising topics of log2 ratio
              + log2 (estimated impact / mean estimate of the new papers)

    terms, topics   as `rising_terms` and `rising_topics` return them, which name their papers
    impact          paper id -> estimate; None, or without a paper: its impact plays no part
    window, past, recent   as they were told to `rising_terms`: papers of the recent windows are
                    new; without a date, or with one to come, a paper is not

    Papers are ranked by the score with the lower ends of the ratios, so that a sure trend is worth
    more than a steep one. A Trend's recent is the score, expected the mean score of all new papers
    (at least 1), and low and high the score at both ends of the ratios, divided by expected. Papers
    in which nothing rises are left out.
    """
    if limit is not None and limit < 1:
        raise InputError("No rising papers were asked for.", "Ask for at least 1.")
    held = list(papers)
    dates = dates_of(held)
    windows = calendar(dates, today, window, past, recent)
    first = windows.totals.size - windows.recent
    new = [each for each in range(len(held)) if windows.places[each] >= first]
    rising: dict[str, list[Trend]] = {}
    for trend in (*terms, *topics):
        for id in trend.papers:
            rising.setdefault(id, []).append(trend)
    estimates = {} if impact is None else impact
    known = [estimates[held[each].id].value for each in new if held[each].id in estimates]
    usual = max(math.fsum(known) / len(known), LEAST_IMPACT) if known else 1.0
    scored = []
    for each in new:
        paper = held[each]
        scored.append((_scores(paper, rising.get(paper.id, ()), estimates, usual), each))
    expected = math.fsum(score for (_, score, _), _ in scored) / max(len(scored), 1)
    expected = max(expected, 1.0)
    scored = [each for each in scored if held[each[1]].id in rising]
    scored.sort(key=lambda each: (-each[0][0], -dates[each[1]], held[each[1]].id))
    found = []
    for (low, score, high), each in scored[:limit]:
        paper = held[each]
        found.append(
            Trend(
                "paper",
                paper.title,
                score,
                expected,
                score / expected,
                low / expected,
                high / expected,
                (paper.id,),
                _made_of(paper, rising[paper.id], estimates, usual),
            )
        )
    return found


def _counted(trends: Sequence[Trend]) -> list[Trend]:
    terms = sorted((each for each in trends if each.kind == "term"), key=lambda each: -each.low)
    return [*terms[:MOST_TERMS], *(each for each in trends if each.kind != "term")]


def _scores(
    paper: Paper, trends: Sequence[Trend], estimates: Mapping[str, Estimated], usual: float
) -> tuple[float, float, float]:
    """Return the score with the lower ends of the ratios, with the ratios, and with the upper."""
    counted = _counted(trends)
    part = 0.0
    if paper.id in estimates:
        part = math.log2(max(estimates[paper.id].value, LEAST_IMPACT) / usual)
    low = math.fsum(math.log2(each.low) for each in counted)
    middle = math.fsum(math.log2(each.ratio) for each in counted)
    high = math.fsum(math.log2(each.high) for each in counted)
    return low + part, middle + part, high + part


def _made_of(
    paper: Paper, trends: Sequence[Trend], estimates: Mapping[str, Estimated], usual: float
) -> str:
    told = [
        f"{each.kind} '{each.name}' {each.ratio:.1f} times its past (at least {each.low:.1f}): "
        f"{math.log2(each.low):+.1f}"
        for each in _counted(trends)
    ]
    if paper.id in estimates:
        found = estimates[paper.id]
        told.append(
            f"estimated impact {found.value:.2f} ({found.low:.2f} to {found.high:.2f}) where new "
            f"papers have {usual:.2f}: {math.log2(max(found.value, LEAST_IMPACT) / usual):+.1f}"
        )
    return "; ".join(told)
