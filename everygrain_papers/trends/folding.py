"""Names that speak of one trend: 'language model' inside 'large language models', LLM beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from everygrain_papers.trends.rates import Floats
from everygrain_papers.trends.venues import Mix, rates_of
from everygrain_papers.trends.windows import Calendar

SAME = 0.5  # recent papers that two names share, of all with either: then they are one trend
SAME_IN_PART = 0.3  # the same, where one name is part of the other


def folds(
    terms: Sequence[str],
    within: csr_matrix,
    calendar: Calendar,
    mix: Mix,
    low: Floats,
    dispersion: Floats,
    confidence: float = 0.95,
) -> list[int]:
    """Return for each of n rising terms which one it is folded into, itself if it stands.

    terms        their words with spaces;   within (n, papers) of ones;   low (n,) of their ratios
    dispersion   (n,) of each term's rate

    A term that is part of longer rising ones is folded into one of them unless it rises without
    them too: its rate is taken again over the papers that hold none of the longer ones, and if the
    lower end of that ratio is not above 1, the longer ones are all that rises. Then, by falling
    lower ends, a term joins the first one with which it shares half of the recent papers of either,
    or three tenths where one is part of the other.
    """
    held, recent = calendar.totals.size, calendar.recent
    late = within[:, calendar.places >= held - recent]
    shared = (late @ late.T).toarray().astype(np.float64)
    sizes = shared.diagonal()
    overlap = shared / np.maximum(sizes[:, None] + sizes - shared, 1.0)
    longer = _longer(terms)
    into = np.arange(len(terms))
    parts = {(short, each) for short, holders in longer.items() for each in holders}
    parts |= {(b, a) for a, b in parts}
    alone = _rise_without(within, longer, calendar, mix, dispersion, confidence)
    for short, holders in longer.items():
        nearest = max(holders, key=lambda each: (overlap[short, each], -each))
        if overlap[short, nearest] >= SAME or not alone[short]:
            into[short] = nearest
    heads: list[int] = []
    for each in np.argsort(-low, kind="stable").tolist():
        if into[each] == each:
            like = [
                head
                for head in heads
                if overlap[each, head] >= SAME
                or (overlap[each, head] >= SAME_IN_PART and (each, head) in parts)
            ]
            if like:
                into[each] = like[0]
            else:
                heads.append(each)
    return [_end(into, each) for each in range(len(terms))]


def _longer(terms: Sequence[str]) -> dict[int, list[int]]:
    """Return the terms that hold each term as a run of their words."""
    places = {term: number for number, term in enumerate(terms)}
    found: dict[int, list[int]] = {}
    for number, term in enumerate(terms):
        words = term.split()
        runs = {
            " ".join(words[start:end])
            for start in range(len(words))
            for end in range(start + 1, len(words) + 1)
        }
        for run in runs - {term}:
            if run in places:
                found.setdefault(places[run], []).append(number)
    return found


def _rise_without(
    within: csr_matrix,
    longer: Mapping[int, Sequence[int]],
    calendar: Calendar,
    mix: Mix,
    dispersion: Floats,
    confidence: float,
) -> dict[int, bool]:
    """Return whether each term rises over the papers that hold none of the longer ones."""
    if not longer:
        return {}
    rows = []
    for short, holders in longer.items():
        covered = np.asarray(within[holders].sum(axis=0)).ravel() > 0
        rows.append(within[short].multiply(~covered))
    alone = csr_matrix(vstack(rows))
    told = rates_of(alone, calendar, mix, confidence, dispersion[list(longer)])
    return dict(zip(longer, (told.low > 1.0).tolist(), strict=True))


def _end(into: npt.NDArray[np.int64], start: int) -> int:
    while into[start] != start:
        start = int(into[start])
    return start
