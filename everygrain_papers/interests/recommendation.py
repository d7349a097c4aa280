"""What a reader is shown, and why."""

from __future__ import annotations

from dataclasses import dataclass

from everygrain_papers.paper import Paper


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a paper is recommended.

    nearest      id of the liked or seed paper that it is most like; None if there is none
    similarity   to that paper, in [-1, 1]: the mean of the cosines of their terms and vectors
    terms        (term, weight) that spoke for it, strongest first, in parts of the linear score
    against      (term, weight) that spoke against it, strongest first, weights below 0
    keywords     the interest's keywords that it holds as they are written
    """

    nearest: str | None = None
    similarity: float = 0.0
    terms: tuple[tuple[str, float], ...] = ()
    against: tuple[tuple[str, float], ...] = ()
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One paper for one interest.

    interest   the interest's id
    score      how far it stands above the candidates' mean for this interest, in their standard
               deviations, and what its keywords add
    """

    paper: Paper
    interest: str
    score: float
    reasons: Reasons
