"""One interest, learned by itself: how well each candidate fits it, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, vstack

from everygrain.errors import InputError
from everygrain_papers.interests.interest import Interest
from everygrain_papers.interests.keywords import SCATTERED
from everygrain_papers.interests.linear import balanced, fit
from everygrain_papers.interests.pool import Pool
from everygrain_papers.interests.recommendation import Reasons
from everygrain_papers.interests.terms import Floats, Numbers
from everygrain_papers.paper import Paper

SHARPNESS = 10.0  # of the soft maximum over liked papers: at 0 the mean, without bound the nearest
HALVED = 8  # papers liked since then, at which an older one counts half
FEWEST_RECENT = 3
MOST_NAMED = 5  # terms given as reasons


@dataclass(frozen=True)
class Mix:
    """What each part of a score counts (>= 0), and how strongly the linear model is fitted.

    Each of the first three parts is in standard deviations over the candidates; so is their sum
    again, and the keywords are added to it. Chosen on readers of benchmarks/papers/digest.py who
    are not in its report; `keywords`, which it cannot measure, by hand, and `disliked` too: with
    simulated dislikes nothing is surely better, and 4 is worse (benchmarks/papers/dislikes.py).

    linear     a linear model over terms, of all liked papers against those presumed of no interest
    recent     the same of the newer half of the liked papers
    vectors    nearness of vectors to the liked papers, a soft maximum in which new ones count more
    disliked   what the nearest disliked paper takes from nearness of vectors
    keywords   one rare keyword in the title
    strength   of a paper presumed to be of no interest, against the size of the weights (> 0)
    """

    linear: float = 1.0
    recent: float = 0.3
    vectors: float = 0.35
    disliked: float = 0.5
    keywords: float = 3.0
    strength: float = 1.0


class Profile:
    """An interest against a pool of candidates.

    scores   (n,) float32 in standard deviations over the candidates; -inf for a candidate that
             holds a negative keyword; where nothing but keywords is known, for one that holds
             none of them; and for all where no liked paper is in the library either

    Raises InputError for a vector of the library of another length than the pool's, or one that is
    not finite.
    """

    def __init__(
        self,
        interest: Interest,
        pool: Pool,
        library: Mapping[str, Paper],
        vectors: Mapping[str, Floats],
        mix: Mix,
    ) -> None:
        self.interest, self.pool = interest, pool
        self.for_ = [library[each] for each in interest.positive if each in library]
        disliked = [library[each] for each in interest.disliked if each in library]
        self._rows = pool.read(self.for_)
        self._vectors = _stacked(self.for_, vectors, pool.vectors.shape[1])
        self._weights = np.zeros(len(pool.vocabulary), np.float32)
        self.scores = np.zeros(len(pool.candidates), np.float32)
        if self.for_:
            self._learn(pool.read(disliked), disliked, vectors, mix)
        elif not interest.keywords:
            self.scores[:] = -np.inf
        if interest.keywords:
            held = pool.keywords.score(interest.keywords)
            self.scores += np.float32(mix.keywords) * held
            if not self.for_:
                self.scores[held == 0] = -np.inf
        for keyword in interest.negative:
            self.scores[pool.keywords.whole(keyword)] = -np.inf

    def _learn(
        self,
        against: csr_matrix,
        disliked: list[Paper],
        vectors: Mapping[str, Floats],
        mix: Mix,
    ) -> None:
        pool, rows = self.pool, self._rows
        ids, presumed = pool.presumed
        marked = {*self.interest.positive, *self.interest.disliked}
        unmarked = np.array([i for i, each in enumerate(ids) if each not in marked], np.int64)
        presumed = presumed[unmarked]
        self._weights = _linear(rows, against, presumed, mix.strength)
        total = mix.linear * _standard(pool.rows @ self._weights)
        newer = max(FEWEST_RECENT, len(self.for_) // 2)
        if mix.recent and newer < len(self.for_):
            recent = _linear(rows[len(self.for_) - newer :], against, presumed, mix.strength)
            total = total + mix.recent * _standard(pool.rows @ recent)
        if self._vectors.any():
            age = np.arange(len(self.for_))[::-1]
            near = np.exp(SHARPNESS * (pool.vectors @ self._vectors.T)) @ (1 / (1 + age / HALVED))
            total = total + mix.vectors * _standard(np.log(near))
            away = _stacked(disliked, vectors, pool.vectors.shape[1])
            if away.any():
                alike = (pool.vectors @ away.T).max(axis=1)
                total = total - mix.vectors * mix.disliked * np.maximum(_standard(alike), 0)
        self.scores = _standard(total).astype(np.float32)

    def reasons(self, candidate: int) -> Reasons:
        """Say why a candidate, by its number, has its score."""
        row = self.pool.rows[candidate]
        nearest, similarity = None, 0.0
        if self.for_:
            vector = self.pool.vectors[candidate]
            alike = ((self._rows @ row.T).toarray().ravel() + self._vectors @ vector) / 2
            best = int(np.argmax(alike))
            nearest, similarity = self.for_[best].id, float(alike[best])
        told = row.data * self._weights[row.indices]
        order = np.lexsort((row.indices, -told))
        name = self.pool.vocabulary.name
        named = [(name(int(row.indices[i])), float(told[i])) for i in order]
        terms = tuple((term, weight) for term, weight in named[:MOST_NAMED] if weight > 0)
        last = reversed(named[-MOST_NAMED:])
        against = tuple((term, weight) for term, weight in last if weight < 0)
        held = tuple(
            keyword
            for keyword in dict.fromkeys(self.interest.keywords)
            if self.pool.keywords.strengths(keyword)[candidate] > SCATTERED
        )
        return Reasons(nearest, similarity, terms, against, held)


def _stacked(papers: list[Paper], vectors: Mapping[str, Floats], width: int) -> Floats:
    """Return (len(papers), width) float32, zero where a paper has no vector."""
    stacked = np.zeros((len(papers), width), np.float32)
    for i, paper in enumerate(papers):
        if paper.id in vectors:
            vector = np.asarray(vectors[paper.id], np.float32)
            if vector.shape != (width,) or not np.isfinite(vector).all():
                raise InputError(
                    f"The vector of '{paper.id}' has shape {vector.shape} or is not finite; the "
                    f"candidates' have {width} numbers.",
                    "Encode all papers with one encoder.",
                )
            stacked[i] = vector
    return stacked


def _linear(
    liked: csr_matrix, against: csr_matrix, presumed: csr_matrix, strength: float
) -> Floats:
    """Return the weights of all terms; those that no marked paper holds have none, since they
    could not be given as a reason. The model's constant is the same for all candidates: left out.
    """
    told = csr_matrix(vstack([liked, against]))
    columns: Numbers = np.unique(told.indices)
    rows = csr_matrix(vstack([told[:, columns], presumed[:, columns]]), dtype=np.float64)
    wanted, weights = balanced(liked.shape[0], against.shape[0], presumed.shape[0], strength)
    spread = np.zeros(liked.shape[1], np.float32)
    spread[columns] = fit(rows, wanted, weights)[0]
    return spread


def _standard(values: Floats) -> Floats:
    """Return values as standard deviations above their mean; zeros where all are equal."""
    deviation = float(values.std())
    standard: Floats = (values - values.mean()) / (deviation if deviation > 0 else 1.0)
    return standard
