"""New papers for a reader's interests, each interest by itself, none twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np

from everygrain.errors import InputError
from everygrain_papers.interests.interest import Interest
from everygrain_papers.interests.interleave import interleave
from everygrain_papers.interests.known import Known
from everygrain_papers.interests.pool import Pool
from everygrain_papers.interests.profile import Mix, Profile
from everygrain_papers.interests.recommendation import Recommendation
from everygrain_papers.interests.terms import Floats
from everygrain_papers.paper import Paper

DEEPEST = 5  # times k: how far down a list papers are looked at that may be known or twice there
MIX = Mix()


def recommend(
    interests: Sequence[Interest],
    candidates: Sequence[Paper],
    candidate_vectors: Floats,
    library: Mapping[str, Paper],
    library_vectors: Mapping[str, Floats],
    *,
    seen: Set[str] = frozenset(),
    works: Mapping[str, str] | None = None,
    k: int = 20,
    mix: Mix = MIX,
) -> list[Recommendation]:
    """Return at most k new papers, in the order to show them.

    candidates          n papers, such as those of the last day
    candidate_vectors   (n, d) float32, rows of length 1, or zero where there is none
    library             id -> paper for those that the interests name; one that is not here is
                        passed over. Papers that no interest names are taken for ordinary ones: a
                        few hundred of them make the terms' rarity and the scores steadier
    library_vectors     id -> (d,) vector of papers of the library
    seen                ids of papers that must not come again
    works               paper id -> id of its work: one version of a work is enough

    An interest with no paper liked and no keyword gives nothing: there is nothing to go by.
    A paper seen, marked in any interest, or a version or near copy of such a one or of one
    above it, is never returned. Deterministic.
    Raises InputError for arrays that do not fit, an id given twice, and k below 1.
    """
    named = {each for i in interests for each in (*i.positive, *i.disliked)}
    background = [paper for each, paper in library.items() if each not in named]
    pool = Pool(candidates, candidate_vectors, background)
    return recommend_from(
        pool, interests, library, library_vectors, seen=seen, works=works, k=k, mix=mix
    )


def recommend_from(
    pool: Pool,
    interests: Sequence[Interest],
    library: Mapping[str, Paper],
    library_vectors: Mapping[str, Floats],
    *,
    seen: Set[str] = frozenset(),
    works: Mapping[str, str] | None = None,
    k: int = 20,
    mix: Mix = MIX,
) -> list[Recommendation]:
    """Return what `recommend` does from a pool that many readers share, read but once."""
    if k < 1:
        raise InputError(f"{k} recommendations were asked for.", "Ask for at least one.")
    if len({interest.id for interest in interests}) < len(interests):
        raise InputError("Two interests have the same id.", "Give each interest its own.")
    told = [interest for interest in interests if not interest.is_empty]
    if not told or not pool.candidates:
        return []
    known = Known(pool, interests, library, seen, works or {})
    profiles, orders, scores = [], [], []
    for interest in told:
        profile = Profile(interest, pool, library, library_vectors, mix)
        fresh = np.where(known.before, -np.inf, profile.scores)
        order = _best(fresh, DEEPEST * k, pool)
        profiles.append(profile)
        orders.append(order)
        scores.append([float(profile.scores[i]) for i in order])
    merged = interleave(scores, k, lambda which, place: known.admit(orders[which][place]))
    return [
        Recommendation(
            pool.candidates[orders[which][place]],
            told[which].id,
            scores[which][place],
            profiles[which].reasons(orders[which][place]),
        )
        for which, place in merged
    ]


def _best(scores: Floats, count: int, pool: Pool) -> list[int]:
    """Return the best candidates, best first, equal scores by id; none at -inf."""
    count = min(count, int(np.isfinite(scores).sum()))
    if not count:
        return []
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    kept = np.flatnonzero(scores >= least).tolist()
    kept.sort(key=lambda i: (-scores[i], pool.candidates[i].id))
    return kept[:count]
