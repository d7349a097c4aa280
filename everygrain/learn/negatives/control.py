"""Control of false negatives: margins to the positive's score, and clusters of duplicates.

An unjudged document near to a query is often one more answer to it. Three things tell: it is the
pair's own document, its text nearly repeats the positive's, or a teacher (or the retriever) scores
it as high as the positive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan

import numpy as np
import numpy.typing as npt

from everygrain.document import Document
from everygrain.encode.base import Encoder
from everygrain.errors import InputError
from everygrain.learn.negatives.base import Negatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.duplicates import duplicate_clusters
from everygrain.learn.pairs.parts import body, first_passage, with_title

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating]
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Margin:
    """How far below the positive's score a negative's has to be.

    absolute   in the unit of the score, at least 0
    relative   share of the positive's score, in (0, 1], that a negative may reach; where that
               score is negative, the same distance below it

    A negative's score is below both bounds. Raises InputError for a value out of range.
    """

    absolute: float = 0.0
    relative: float = 1.0

    def __post_init__(self) -> None:
        if not self.absolute >= 0 or not 0 < self.relative <= 1:
            raise InputError(
                f"{self} is out of range.", "Use absolute >= 0, and relative in (0, 1]."
            )

    def bounds(self, positives: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return for each positive's score the bound that a negative's score stays below."""
        scores = np.asarray(positives, dtype=np.float64)
        return scores - np.maximum(self.absolute, (1 - self.relative) * np.abs(scores))


@dataclass(frozen=True)
class Control:
    """What is known against false negatives.

    margin    None lets every score pass
    teacher   scores negatives and positives for the margin; without it the retriever's scores are
              taken, and a positive that it did not find has none
    same      document id -> id of its cluster of near-duplicates (see `same_text`)
    """

    margin: Margin | None = None
    teacher: Encoder | None = None
    same: Mapping[str, str] = field(default_factory=dict)


def same_text(documents: Sequence[Document], jaccard: float = 0.5) -> dict[str, str]:
    """Return document id -> id of the first document of its cluster of near-duplicate texts."""
    leaders = duplicate_clusters(documents, jaccard)
    return {
        document.id: documents[leader].id
        for document, leader in zip(documents, leaders.tolist(), strict=True)
    }


def screened(
    pairs: Sequence[Pair],
    candidates: Sequence[Sequence[tuple[str, float]]],
    positives: Sequence[float],
    documents: Sequence[Document],
    control: Control,
    most: int,
) -> Negatives:
    """Return the first `most` candidates of each pair that nothing speaks against.

    candidates   for each pair (document id, retriever's score), hardest first
    positives    for each pair the retriever's score of its positive; NaN where it has none
    """
    by_id = {document.id: document for document in documents}
    refused: Counter[str] = Counter()
    left: list[list[tuple[str, float]]] = []
    for pair, found in zip(pairs, candidates, strict=True):
        kept = []
        for identity, score in found:
            if identity in (pair.positive_id, pair.query_id):
                refused["own"] += 1
            elif _alike(identity, pair, control.same):
                refused["duplicate"] += 1
            elif identity in by_id:
                kept.append((identity, score))
        left.append(kept)
    if control.margin is not None:
        if control.teacher is not None:
            left, positives = _taught(pairs, left, by_id, control.teacher)
        for place, (kept, positive) in enumerate(zip(left, positives, strict=True)):
            bound = float(control.margin.bounds(positive))
            below = [each for each in kept if each[1] < bound]
            refused["unscored" if isnan(positive) else "margin"] += len(kept) - len(below)
            left[place] = below
    ids = tuple(tuple(dict.fromkeys(identity for identity, _ in kept))[:most] for kept in left)
    return Negatives(ids, dict(+refused), sum(len(each) < most for each in ids))


def counted(
    pairs: Sequence[Pair],
    document_ids: Sequence[str],
    same: Mapping[str, str] | None = None,
    scores: Floats | None = None,
    margin: Margin | None = None,
) -> Bools:
    """Return (n, m) bool: which documents of a batch count for which query (Batch.counted).

    pairs          n of them; document i < n is the positive of pair i
    document_ids   (m,) ids of the batch's documents, positives first, m >= n
    same           document id -> id of its cluster of near-duplicates
    scores         (n, m) a teacher's or the model's own, for the margin; NaN counts
    margin         needs scores

    A document does not count where it is another pair's positive but the same document, or a
    duplicate of it, or the document that the query was taken from, or not below the margin. A
    positive always counts. Raises InputError where the shapes do not fit together.
    """
    n, m = len(pairs), len(document_ids)
    if m < n or (margin is not None) != (scores is not None):
        raise InputError(
            f"{n} pairs, {m} documents, {'no ' if scores is None else ''}scores, margin {margin}.",
            "Give the positive of every pair as document, and scores with a margin, or neither.",
        )
    same = same or {}
    numbers: dict[str, int] = {}

    def numbered(ids: Sequence[str]) -> npt.NDArray[np.int64]:
        return np.array([numbers.setdefault(same.get(i, i), len(numbers)) for i in ids], np.int64)

    columns = numbered(document_ids)
    asked = numbered([pair.query_id for pair in pairs])
    answered = numbered([pair.positive_id for pair in pairs])
    passes = (columns[None] != asked[:, None]) & (columns[None] != answered[:, None])
    if margin is not None and scores is not None:
        if scores.shape != (n, m):
            raise InputError(f"Scores of shape {scores.shape}.", f"Give them the shape {(n, m)}.")
        bounds = margin.bounds(np.diagonal(scores)[:n])
        passes &= ~(scores >= bounds[:, None])
    passes[np.arange(n), np.arange(n)] = True
    return np.asarray(passes, dtype=np.bool_)


def _alike(identity: str, pair: Pair, same: Mapping[str, str]) -> bool:
    cluster = same.get(identity, identity)
    return cluster in (
        same.get(pair.positive_id, pair.positive_id), same.get(pair.query_id, pair.query_id)
    )  # fmt: skip


def _taught(
    pairs: Sequence[Pair],
    candidates: Sequence[Sequence[tuple[str, float]]],
    by_id: Mapping[str, Document],
    teacher: Encoder,
) -> tuple[list[list[tuple[str, float]]], list[float]]:
    """Score candidates and positives by a teacher, each text encoded once in a run of pairs."""
    scored: list[list[tuple[str, float]]] = []
    positives: list[float] = []
    for start in range(0, len(pairs), _AT_ONCE):
        some, theirs = pairs[start : start + _AT_ONCE], candidates[start : start + _AT_ONCE]
        queries = teacher.encode([pair.query for pair in some], "query")
        answers = teacher.encode([pair.positive for pair in some])
        positives += np.einsum("nd,nd->n", queries, answers).tolist()
        places: dict[str, int] = {}
        for found in theirs:
            for identity, _ in found:
                places.setdefault(identity, len(places))
        vectors = teacher.encode([_shown(by_id[identity]) for identity in places])
        for query, found in zip(queries, theirs, strict=True):
            scores = vectors[[places[identity] for identity, _ in found]] @ query
            ids = (identity for identity, _ in found)
            scored.append(list(zip(ids, scores.tolist(), strict=True)))
    return scored, positives


def _shown(document: Document) -> str:
    return with_title(document, first_passage(body(document), 256))
