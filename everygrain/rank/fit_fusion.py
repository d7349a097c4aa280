"""Weights for any number of retrievers, fitted to a collection without judgements.

Pseudo-queries whose one answer is known are asked (a title, for the rest of its document), and
the weights w >= 0 are those under which the answers are likeliest:

    P(d | q) = exp(sum_i w_i x_i(q, d)) / sum over all d' found of exp(sum_i w_i x_i(q, d'))
    minimise   - mean over q of log P(answer of q | q) + penalty / 2 |w - mean(w)|^2 / mean(w)^2

x_i are the scores of retriever i divided by its best one, as `Weighted` takes them, or on another
scale. The first part is convex and needs no grid, however many retrievers there are; the second
draws the weights together where few queries tell little (it does not change if all weights are
scaled, nor does the order of the documents).

The lexical leg must not find a title in the very document that it was taken from. So retrievers
are fitted on documents without their questions:

    documents, queries, answers = questioned(all_documents, asked, sentences)
    ... index `documents`, build the retrievers on them ...
    method = fit([r.retrieve(queries, 100) for r in retrievers], answers)
    fuse(*retrievers, method=method)          # on the whole index, from now on
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from everygrain.document import Document, Ranking
from everygrain.errors import InputError, QueryError
from everygrain.rank.fuse import (
    Column,
    Fusion,
    MinMax,
    Weighted,
    ZScore,
    best_is_one,
    check_weights,
    least_is_zero,
    least_is_zero_deviations,
)
from everygrain.rank.weigh import pseudo_queries
from everygrain.segment.base import Segmenter

Scale: TypeAlias = Literal["best", "min-max", "z-score"]
Floats: TypeAlias = npt.NDArray[np.float64]

FEWEST = 20
PENALTY = 0.01

_SCALED = {"best": best_is_one, "min-max": least_is_zero, "z-score": least_is_zero_deviations}
_METHODS: dict[str, type[Weighted] | type[MinMax] | type[ZScore]] = {
    "best": Weighted,
    "min-max": MinMax,
    "z-score": ZScore,
}


@dataclass(frozen=True)
class FittedWeights:
    """A fusion method: weights that sum to 1, and what they were fitted on.

    gains     mean gain of each retriever alone over the pseudo-queries, in [0, 1]:
              1 / log2(1 + rank) where the answer is within the first ten, else 0
    fused     mean gain of the fused ranking over the same queries
    queries   number of pseudo-queries with an answer that any retriever found
    """

    weights: tuple[float, ...]
    scale: Scale
    gains: tuple[float, ...]
    fused: float
    queries: int

    def __post_init__(self) -> None:
        check_weights(self.weights)
        if self.scale not in _METHODS:
            raise QueryError(
                f"There is no scale '{self.scale}'.", f"Use one of {', '.join(_METHODS)}."
            )

    def __repr__(self) -> str:
        told = ", ".join(f"{weight:.3f}" for weight in self.weights)
        return f"FittedWeights(({told}), scale={self.scale!r}, queries={self.queries})"

    def combine(self, columns: Sequence[Column]) -> dict[str, float]:
        method: Fusion = _METHODS[self.scale](self.weights)
        return method.combine(columns)

    def settings(self) -> dict[str, Any]:
        """Return what `from_settings` takes, as JSON values."""
        return asdict(self)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> FittedWeights:
        """Raises InputError for settings of another kind."""
        try:
            return cls(
                tuple(float(weight) for weight in settings["weights"]),
                settings["scale"],
                tuple(float(gain) for gain in settings["gains"]),
                float(settings["fused"]),
                int(settings["queries"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"These are no fitted weights ({error!r}).", "Fit them anew."
            ) from None

    def save(self, path: str | Path) -> None:
        Path(path).write_text(json.dumps(self.settings(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> FittedWeights:
        """Raises InputError for a file that holds something else."""
        try:
            return cls.from_settings(json.loads(Path(path).read_text(encoding="utf-8")))
        except ValueError as error:
            raise InputError(f"{path} is no JSON ({error}).", "Fit the weights anew.") from None


def questioned(
    documents: Iterable[Document], asked: AbstractSet[str], sentences: Segmenter
) -> tuple[list[Document], dict[str, str], dict[str, str]]:
    """Take pseudo-queries out of some documents.

    asked   ids of the documents to ask for, such as `weigh.sampled_ids` of an index
    Returns all documents, those asked for without the words of their queries; query id -> text;
    query id -> id of its document.
    """
    left: list[Document] = []
    queries: dict[str, str] = {}
    answers: dict[str, str] = {}
    for document in documents:
        found = pseudo_queries(document, sentences) if document.id in asked else []
        if not found:
            left.append(document)
            continue
        first = found[0]
        left.append(Document(document.id, first.body, first.title, document.metadata))
        for each in found:
            name = f"{document.id} {each.kind}"
            queries[name], answers[name] = each.text, each.document_id
    return left, queries, answers


def fit(
    rankings: Sequence[Ranking],
    answers: Mapping[str, str],
    *,
    scale: Scale = "best",
    penalty: float = PENALTY,
) -> FittedWeights:
    """Fit weights to what retrievers found for pseudo-queries.

    rankings   one of each retriever, for the same queries, in the order that `fuse` will have
    answers    query id -> id of the document that it asks for
    penalty    how strongly weights are drawn to their mean (0 or more)

    Raises QueryError for fewer than two rankings, and where fewer than 20 answers were found:
    weights would be guessed.
    """
    if len(rankings) < 2:
        raise QueryError("There is nothing to weigh.", "Give the rankings of two retrievers.")
    if not penalty >= 0:
        raise QueryError(f"penalty = {penalty} makes no sense.", "Use 0 or more.")
    if scale not in _SCALED:
        raise QueryError(f"There is no scale '{scale}'.", f"Use one of {', '.join(_SCALED)}.")
    features, places = _features(rankings, answers, scale)
    if len(features) < FEWEST:
        raise QueryError(
            f"Only {len(features)} pseudo-queries found their document.",
            f"Give {FEWEST} or more, or fuse by reciprocal ranks.",
        )
    weights = _likeliest(features, places, penalty)
    alone = [_gain(features, places, each) for each in np.eye(len(rankings))]
    return FittedWeights(
        tuple(round(float(weight), 4) for weight in weights),
        scale,
        tuple(round(gain, 4) for gain in alone),
        round(_gain(features, places, weights), 4),
        len(features),
    )


def _features(
    rankings: Sequence[Ranking], answers: Mapping[str, str], scale: Scale
) -> tuple[list[Floats], list[int]]:
    """Return per query (documents found, retrievers) scaled scores, and the answer's row.

    A query whose answer nobody found tells nothing of the weights, and is left out.
    """
    found = [ranking.by_query() for ranking in rankings]
    features, places = [], []
    for query, answer in answers.items():
        columns = [_SCALED[scale](dict(each.get(query, []))) for each in found]
        rows = {d: i for i, d in enumerate(dict.fromkeys(d for c in columns for d in c))}
        if answer not in rows:
            continue
        matrix = np.zeros((len(rows), len(columns)))
        for j, column in enumerate(columns):
            for document, score in column.items():
                matrix[rows[document], j] = score
        features.append(matrix)
        places.append(rows[answer])
    return features, places


def _likeliest(features: Sequence[Floats], places: Sequence[int], penalty: float) -> Floats:
    """Return the weights that minimise the loss of the module's docstring, scaled to sum to 1."""
    from scipy.optimize import minimize

    count = features[0].shape[1]
    found = minimize(
        lambda weights: loss(weights, features, places, penalty),
        np.full(count, 5.0),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1e3)] * count,
    )
    total = float(found.x.sum())
    return found.x / total if total > 0 else np.full(count, 1 / count)


def loss(
    weights: Floats, features: Sequence[Floats], places: Sequence[int], penalty: float
) -> tuple[float, Floats]:
    """Return the loss of the module's docstring and its gradient.

    weights    (retrievers,)
    features   per query (documents, retrievers)
    places     per query the row of its answer
    """
    total, gradient = 0.0, np.zeros_like(weights)
    for matrix, place in zip(features, places, strict=True):
        scores = matrix @ weights
        chances = np.exp(scores - scores.max())
        total += math.log(chances.sum()) + float(scores.max() - scores[place])
        gradient += chances @ matrix / chances.sum() - matrix[place]
    total, gradient = total / len(features), gradient / len(features)
    mean = max(float(weights.mean()), 1e-9)
    relative = weights / mean - 1
    total += penalty / 2 * float(relative @ relative)
    # the mean moves with every weight
    gradient += penalty / mean * (relative - float(relative @ weights) / (mean * len(weights)))
    return total, gradient


def _gain(features: Sequence[Floats], places: Sequence[int], weights: Floats) -> float:
    gains = []
    for matrix, place in zip(features, places, strict=True):
        scores = matrix @ weights
        rank = 1 + int((scores > scores[place]).sum())
        gains.append(1 / math.log2(1 + rank) if rank <= 10 and scores[place] > 0 else 0.0)
    return float(np.mean(gains))
