"""A query-dependent map from score to probability of relevance, and one threshold for all queries.

A cosine of 0.5 is much for one query and little for another. So what is known of a query, x, sets
the map of its own scores:

    P(relevant | x, s) = sigmoid(slope(x) s + offset(x))
    slope(x) = softplus(a0 + a . x) > 0,     offset(x) = c0 + c . x

x is the query's vector and, as its last number, the score of the query's best candidate: on scifact
how far a score falls behind the best one tells more than all of the vector (see
benchmarks/results/rank_cutoff.md). The slope is above 0, so no order changes; what changes is where
a list ends. Parameters minimise the mean logistic loss over candidates of training queries plus
strength / 2 (|a|^2 + |c|^2), of the vector's part: with a strength that is high, queries share one
map. The threshold maximises the mean F1 of the returned sets over the same queries, each mapped by
parameters fitted without it. A query whose best candidate is improbable is left without a result;
where all have an answer, that loses to a list of one, and `at_least=1` does better.

Source: Relevance Filtering for Embedding-based Retrieval, whose Cosine Adapter sees the query alone
and is trained on logged relevance; here on judged queries, or on pseudo-queries of the collection
with the other candidates as negatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.encode.base import Encoder
from everygrain.errors import EncoderMismatchError, InputError, QueryError
from everygrain.rank.base import Queries, named
from everygrain.rank.cutoff.base import Verdict, judged, passed
from everygrain.rank.cutoff.sets import Candidates, best_threshold

Floats = npt.NDArray[np.float64]

STRENGTH = 1e-3
FEWEST = 20
FOLDS = 5


@dataclass(frozen=True, eq=False)
class Adapter:
    """The map of w numbers x; parameters (2 w + 2,) are a, a0, c, c0 one after the other."""

    parameters: Floats

    @property
    def width(self) -> int:
        return len(self.parameters) // 2 - 1

    def probabilities(self, vectors: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
        """Map scores (r,) of queries of which (r, w) is known, row by row."""
        slopes, offsets = self.lines(vectors)
        return _sigmoid(slopes * np.asarray(scores, dtype=np.float64) + offsets)

    def lines(self, vectors: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return the slopes and the offsets of queries of which (n, w) is known."""
        return _lines(self.parameters, np.asarray(vectors, dtype=np.float64))


def known(vectors: npt.ArrayLike, candidates: Candidates) -> Floats:
    """Return (n, d + 1) what is known of queries: their vectors and their best scores.

    A query without a candidate has a best score of 0.
    """
    best = np.zeros((len(candidates.queries), 1))
    first = candidates.ranks == 1
    best[candidates.owners[first], 0] = candidates.scores[first]
    return np.hstack([np.asarray(vectors, dtype=np.float64), best])


def fit_adapter(
    candidates: Candidates, vectors: npt.ArrayLike, strength: float = STRENGTH, free: int = 0
) -> Adapter:
    """Fit the map to labelled candidates.

    vectors   (n, w), what is known of the queries
    free      how many of the last of the w numbers the strength spares
    Raises QueryError where fewer than 20 queries have a relevant candidate and one that is not.
    """
    wide = np.asarray(vectors, dtype=np.float64)
    hits = np.bincount(candidates.owners, candidates.labels, len(wide))
    rows = np.bincount(candidates.owners, minlength=len(wide))
    able = int(((hits > 0) & (hits < rows)).sum())
    if able < FEWEST:
        raise QueryError(
            f"Only {able} queries have both relevant and other candidates.",
            f"Give {FEWEST} or more: a map would be guessed.",
        )
    if not strength >= 0:
        raise QueryError(f"strength = {strength} makes no sense.", "Use 0 or more.")
    from scipy.optimize import minimize

    start = np.zeros(2 * wide.shape[1] + 2)
    start[wide.shape[1]] = 10.0  # softplus(10) is about 10: the range of a cosine's logit
    start[-1] = -10.0
    found = minimize(
        loss, start, args=(candidates, wide, strength, free), jac=True, method="L-BFGS-B",
        options={"maxiter": 500},
    )  # fmt: skip
    return Adapter(np.asarray(found.x))


def loss(
    parameters: Floats, candidates: Candidates, vectors: Floats, strength: float, free: int = 0
) -> tuple[float, Floats]:
    """Return the loss of the module's docstring and its gradient."""
    count, width = vectors.shape
    slopes, offsets = _lines(parameters, vectors)
    owners, scores, labels = candidates.owners, candidates.scores, candidates.labels
    logits = slopes[owners] * scores + offsets[owners]
    value = float((np.logaddexp(0, logits) - labels * logits).mean())
    errors = (_sigmoid(logits) - labels) / len(logits)
    softplus = _sigmoid(vectors @ parameters[:width] + parameters[width])  # its slope
    by_slope = softplus * np.bincount(owners, errors * scores, count)
    by_offset = np.bincount(owners, errors, count)
    tilt, shift = parameters[:width], parameters[width + 1 : -1]
    pulls = np.full(width, strength)
    pulls[width - free :] = 0
    value += float(pulls @ (tilt**2 + shift**2)) / 2
    gradient = np.concatenate([
        by_slope @ vectors + pulls * tilt, [by_slope.sum()],
        by_offset @ vectors + pulls * shift, [by_offset.sum()],
    ])  # fmt: skip
    return value, gradient


def _lines(parameters: Floats, vectors: Floats) -> tuple[Floats, Floats]:
    width = vectors.shape[1]
    if len(parameters) != 2 * width + 2:
        raise QueryError(
            f"The map takes {len(parameters) // 2 - 1} numbers of a query, not {width}.",
            "Use the encoder that it was fitted with.",
        )
    slopes = np.logaddexp(0, vectors @ parameters[:width] + parameters[width])
    return slopes, vectors @ parameters[width + 1 : -1] + parameters[-1]


def _sigmoid(logits: Floats) -> Floats:
    from scipy.special import expit  # a third of the engine's time to import, were it at the top

    return np.asarray(expit(logits))


@dataclass(frozen=True, eq=False)
class Adapted:
    """Keeps what is relevant with a probability of at least the threshold; scores become these
    probabilities.

    at_least      so many results are kept, whatever their probability. Sets are better with 1, as
                  long as every query has an answer; with 0 nothing good is a result
    encoder       gives the queries' vectors
    fingerprint   of the encoder that the map was fitted with
    queries       how many it was fitted on
    """

    adapter: Adapter = field(repr=False)
    threshold: float
    encoder: Encoder = field(repr=False)
    fingerprint: str = field(repr=False)
    queries: int
    leg: str = "dense"
    at_least: int = 0

    def __post_init__(self) -> None:
        if self.encoder.fingerprint != self.fingerprint:
            raise EncoderMismatchError(
                f"The cut-off was fitted with {self.fingerprint}, but the encoder at hand is "
                f"{self.encoder.fingerprint}.",
                "Fit the cut-off anew.",
            )

    def __repr__(self) -> str:
        return f"Adapted(threshold={self.threshold:.4g}, queries={self.queries})"

    @classmethod
    def fit(
        cls,
        ranking: Ranking,
        judgements: Mapping[str, Mapping[str, int]],
        queries: Queries,
        encoder: Encoder,
        *,
        strength: float = STRENGTH,
        leg: str = "dense",
        at_least: int = 0,
    ) -> Adapted:
        """Fit map and threshold to a ranking of judged queries. Raises what `fit_adapter` does."""
        asked = named(queries)
        candidates = Candidates.of(ranking, judgements)
        vectors = encoder.encode([asked[query] for query in candidates.queries], "query")
        about = known(vectors, candidates)
        adapter, threshold = fit_both(candidates, about, strength, free=1, at_least=at_least)
        count = len(candidates.queries)
        return cls(adapter, threshold, encoder, encoder.fingerprint, count, leg, at_least)

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        values = self._probabilities(queries, ranking)
        return passed(ranking, values, self.threshold, self.at_least)

    def verdicts(self, queries: Queries, ranking: Ranking) -> dict[str, Verdict]:
        values = self._probabilities(queries, ranking)
        unit = "probability of relevance"
        return judged(ranking, values, self.threshold, unit, {}, self.at_least)

    def _probabilities(self, queries: Queries, ranking: Ranking) -> Floats:
        asked = named(queries)
        if not len(ranking):
            return np.zeros(0)
        rows = Candidates.of(ranking, {query: {"": 0} for query in ranking.queries})
        vectors = self.encoder.encode([asked[query] for query in rows.queries], "query")
        slopes, offsets = self.adapter.lines(known(vectors, rows))
        return _sigmoid(slopes[rows.owners] * rows.scores + offsets[rows.owners])

    def settings(self) -> dict[str, Any]:
        return {
            "kind": "adapted",
            "threshold": self.threshold,
            "fingerprint": self.fingerprint,
            "queries": self.queries,
            "leg": self.leg,
            "at_least": self.at_least,
            "parameters": self.adapter.parameters.tolist(),
        }

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], encoder: Encoder) -> Adapted:
        """Raises InputError for settings of another kind, EncoderMismatchError for another
        encoder."""
        try:
            return cls(
                Adapter(np.array(settings["parameters"], dtype=np.float64)),
                float(settings["threshold"]),
                encoder,
                str(settings["fingerprint"]),
                int(settings["queries"]),
                str(settings["leg"]),
                int(settings["at_least"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"These are no settings of an adapted cut-off ({error!r}).", "Fit it anew."
            ) from None


def fit_both(
    candidates: Candidates,
    vectors: npt.ArrayLike,
    strength: float = STRENGTH,
    free: int = 0,
    at_least: int = 0,
) -> tuple[Adapter, float]:
    """Fit the map to all queries, and the threshold to maps that did not see the query.

    at_least   so many candidates of each query are returned in any case
    """
    wide = np.asarray(vectors, dtype=np.float64)
    values = held_out(candidates, wide, strength, free)
    values[candidates.ranks <= at_least] = 2.0  # above any probability
    threshold = best_threshold(candidates, values)
    return fit_adapter(candidates, wide, strength, free), min(threshold, 1.0)


def held_out(candidates: Candidates, vectors: Floats, strength: float, free: int = 0) -> Floats:
    """Return (r,) probabilities, each from a map fitted to the other four fifths of the queries."""
    fold = np.random.default_rng(0).permutation(len(vectors)) % FOLDS
    values = np.empty(len(candidates.scores))
    whole = len(vectors) < 2 * FOLDS * FEWEST  # too few to go without any
    for i in range(FOLDS):
        mine = fold[candidates.owners] == i
        seen = np.arange(len(vectors)) if whole else np.flatnonzero(fold != i)
        adapter = fit_adapter(candidates.take(seen), vectors[seen], strength, free)
        owners = candidates.owners[mine]
        values[mine] = adapter.probabilities(vectors[owners], candidates.scores[mine])
        if whole:
            return adapter.probabilities(vectors[candidates.owners], candidates.scores)
    return values
