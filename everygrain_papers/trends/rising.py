"""Terms and topics whose rate rises against their own past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_matrix

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.trends.counts import TermCounts, venue_of
from everygrain_papers.trends.folding import folds
from everygrain_papers.trends.names import written
from everygrain_papers.trends.rates import Floats, Rates, false_discovery
from everygrain_papers.trends.table import FEWEST, table
from everygrain_papers.trends.trend import Kind, Trend
from everygrain_papers.trends.venues import Mix, apart, counts_of, mix, rates_of
from everygrain_papers.trends.windows import (
    FEWEST_PAST,
    Calendar,
    Integers,
    LeftOut,
    Unit,
    calendar,
    dates_of,
)

Window: TypeAlias = Unit | Literal["auto"]

MOST_FOLDED = 2_000  # rising terms that are compared with one another
NAMED_BY = 60  # papers from which the usual way to write a term is taken
MOST_ALSO = 5  # names of folded terms that are told


@dataclass(frozen=True, eq=False)
class Called:
    """Which of n counted things rise, the surest first, and the figures of all.

    chosen     numbers of those called rising, by falling lower end of the ratio
    counts     (n, windows)
    """

    chosen: Integers
    rates: Rates
    q_values: Floats
    counts: Floats


@dataclass(frozen=True, eq=False)
class Seen:
    """Papers that are in a window, and how many are not.

    inside   windows of these papers alone;   mix   their venues
    dates    (papers,);   ids in the same order
    """

    inside: Calendar
    mix: Mix
    dates: Integers
    ids: tuple[str, ...]
    left_out: LeftOut

    @property
    def split(self) -> int:
        """How many windows are past."""
        return self.inside.totals.size - self.inside.recent


def rising_terms(
    papers: Iterable[Paper] | TermCounts,
    today: date,
    *,
    window: Window = "auto",
    past: int | None = None,
    recent: int | None = None,
    fewest: int = FEWEST,
    share: float = 0.05,
    confidence: float = 0.95,
    limit: int | None = 50,
) -> list[Trend]:
    """Return the terms whose rate has risen, by falling lower end of the ratio to what was usual.

    window, past, recent   see `windows.calendar`
    fewest       papers that a term needs, past and recent together, to be looked at
    share        of what is called rising at most so much is so by chance, on average (0 to 1)
    confidence   of the intervals (0 to 1)
    limit        None for all

    Empty where nothing rises surely, and where fewer than three past windows hold papers; `ground`
    says what there is to go by. Raises InputError for settings out of range.
    """
    _check(fewest, share, confidence, limit)
    counts = papers if isinstance(papers, TermCounts) else TermCounts(papers)
    whole, venues = apart(calendar(counts.dates, today, window, past, recent), counts.venues)
    if not _enough(whole):
        return []
    seen = _seen(whole, venues, counts.dates, counts.ids)
    told = table(counts, seen.ids, fewest)
    called = call_rising(told.within, seen.inside, seen.mix, fewest, share, confidence)
    first = called.chosen[:MOST_FOLDED]
    within = told.within[first]
    terms = [told.terms[each] for each in first]
    figures = called.rates.of(first)
    heads = folds(terms, within, seen.inside, seen.mix, figures.low, figures.dispersion, confidence)
    trends = []
    for each in [each for each, head in enumerate(heads) if head == each][:limit]:
        folded = [other for other, head in enumerate(heads) if head == each and other != each]
        name, *also = (
            written(counts, _late(within, one, seen)[:NAMED_BY], terms[one])
            for one in (each, *folded[:MOST_ALSO])
        )
        trends.append(_trend("term", name, int(first[each]), told.within, called, seen, also))
    return trends


def rising_topics(
    papers: Iterable[Paper],
    topic_of: Mapping[str, int],
    names: Mapping[int, str],
    today: date,
    *,
    window: Window = "auto",
    past: int | None = None,
    recent: int | None = None,
    fewest: int = FEWEST,
    share: float = 0.05,
    confidence: float = 0.95,
    limit: int | None = 20,
) -> list[Trend]:
    """Return the topics whose rate has risen, as `rising_terms` does.

    topic_of   paper id -> topic; papers that have none are left out of counts and totals
    names      topic -> its name; a topic without one is called by its number
    """
    _check(fewest, share, confidence, limit)
    held = [paper for paper in papers if paper.id in topic_of]
    dates = dates_of(held)
    whole, venues = apart(
        calendar(dates, today, window, past, recent), [venue_of(paper) for paper in held]
    )
    if not _enough(whole):
        return []
    seen = _seen(whole, venues, dates, [paper.id for paper in held])
    topics, rows = np.unique([topic_of[id] for id in seen.ids], return_inverse=True)
    within = csr_matrix(
        (np.ones(rows.size, np.int32), (rows, np.arange(rows.size))),
        shape=(topics.size, rows.size),
    )
    called = call_rising(within, seen.inside, seen.mix, fewest, share, confidence)
    return [
        _trend("topic", names.get(topic, str(topic)), row, within, called, seen, ())
        for row, topic in ((row, int(topics[row])) for row in called.chosen[:limit].tolist())
    ]


def ground(
    papers: Iterable[Paper] | TermCounts,
    today: date,
    *,
    window: Window = "auto",
    past: int | None = None,
    recent: int | None = None,
) -> str:
    """Return in a sentence what is compared with what, how many papers are left out, and why."""
    held = papers if isinstance(papers, TermCounts) else list(papers)
    if isinstance(held, TermCounts):
        dates, venues = held.dates, held.venues
    else:
        dates, venues = dates_of(held), [venue_of(paper) for paper in held]
    return _ground(apart(calendar(dates, today, window, past, recent), venues)[0])


def call_rising(
    within: csr_matrix, inside: Calendar, mix: Mix, fewest: int, share: float, confidence: float
) -> Called:
    """Say which rows of a matrix of ones, (n, papers), rise over the windows of the papers.

    Rows with fewer than `fewest` papers, past and recent together, are not looked at, whatever
    their recent count: to look only at those that are many now would be to choose the outcome.
    """
    counts = counts_of(within, inside)
    told = rates_of(within, inside, mix, confidence)
    looked = np.flatnonzero(counts.sum(axis=1) >= fewest)
    q_values = np.ones(counts.shape[0])
    q_values[looked] = false_discovery(told.p_value[looked])
    chosen = np.flatnonzero((q_values <= share) & (told.low > 1.0))
    order = np.lexsort((chosen, -told.recent[chosen], -told.low[chosen]))
    return Called(chosen[order], told, q_values, counts)


def _check(fewest: int, share: float, confidence: float, limit: int | None) -> None:
    if fewest < 1 or (limit is not None and limit < 1):
        raise InputError("Trends of fewer than 1 paper, or none, were asked for.", "Ask for 1.")
    for name, value in (("share of false trends", share), ("confidence", confidence)):
        if not 0.0 < value < 1.0:
            raise InputError(f"The {name} {value} is not between 0 and 1.", "Give such as 0.05.")


def _enough(whole: Calendar) -> bool:
    split = whole.totals.size - whole.recent
    return bool((whole.totals[:split] > 0).sum() >= FEWEST_PAST and whole.totals[split:].sum() > 0)


def _ground(whole: Calendar) -> str:
    split = whole.totals.size - whole.recent
    if not _enough(whole):
        return (
            f"{int((whole.totals[:split] > 0).sum())} past windows hold papers and "
            f"{int(whole.totals[split:].sum()):,} papers are recent, by {whole.unit}; at least "
            f"{FEWEST_PAST} and 1 are needed to call anything rising; {whole.left_out}"
        )
    return (
        f"{whole.spoken(split, whole.totals.size - 1)} ({int(whole.totals[split:].sum()):,} "
        f"papers) against {whole.spoken(0, split - 1)} ({int(whole.totals[:split].sum()):,} "
        f"papers), by {whole.unit}; {whole.left_out}"
    )


def _seen(whole: Calendar, venues: Integers, dates: Integers, ids: Sequence[str]) -> Seen:
    used = np.flatnonzero(whole.places >= 0)
    inside = replace(whole, places=whole.places[used])
    held = tuple(ids[each] for each in used.tolist())
    return Seen(inside, mix(venues[used], inside), dates[used], held, whole.left_out)


def _late(within: csr_matrix, row: int, seen: Seen) -> list[str]:
    """Return the ids of the recent papers of a row, the newest first."""
    held = within[row].indices
    held = held[seen.inside.places[held] >= seen.split]
    dates, ids = seen.dates, seen.ids
    return [ids[each] for each in sorted(held.tolist(), key=lambda at: (-dates[at], ids[at]))]


def _trend(
    kind: Kind,
    name: str,
    row: int,
    within: csr_matrix,
    called: Called,
    seen: Seen,
    also: Sequence[str],
) -> Trend:
    figures, counts, inside = called.rates, called.counts[row], seen.inside
    split, totals = seen.split, inside.totals
    now, then = int(counts[split:].sum()), int(counts[:split].sum())
    made_of = (
        f"{now:,} of {int(totals[split:].sum()):,} papers in "
        f"{inside.spoken(split, counts.size - 1)}, {figures.expected[row]:.1f} expected from "
        f"{then:,} of {int(totals[:split].sum()):,} in {inside.spoken(0, split - 1)}; rates wander "
        f"by {100 * figures.dispersion[row] ** 0.5:.0f} % by themselves; {seen.left_out}"
    )
    series = tuple(
        (label, int(count), int(total))
        for label, count, total in zip(inside.labels, counts, totals, strict=True)
    )
    return Trend(
        kind=kind,
        name=name,
        recent=float(figures.recent[row]),
        expected=float(figures.expected[row]),
        ratio=float(figures.ratio[row]),
        low=float(figures.low[row]),
        high=float(figures.high[row]),
        papers=tuple(_late(within, row, seen)),
        made_of=made_of,
        series=series,
        also=tuple(also),
        q_value=float(called.q_values[row]),
    )
