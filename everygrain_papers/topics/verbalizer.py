"""Labels by their names alone: terms that a collection relates to them speak for them.

Source:
SciPrompt: Knowledge-augmented Prompting for Fine-grained Categorization of Scientific Topics

The paper retrieves terms for each label, weights them by their correlation with it, and lets a
masked language model say how well a text goes with each term. Here is no language model: a text
goes with a term as far as it holds it, and as far as it is near to the papers that hold it.

    score(x, label) = sum over terms t of w(t, label) (x . p(t) / |P(label)| + tfidf(x, t))
    w(t, label) = max(0, cos(t, label))^8, of the 20 largest, with a sum of 1
    p(t) = mean of the papers that hold t, at length 1;   P(label) = sum_t w(t, label) p(t)

where cos is that of static vectors of the words, without what all terms share. The eighth power
was chosen on one half of labelled papers: a term that is the label's name then outweighs what
merely sounds like it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from everygrain_papers.topics.lexicon import Floats, Lexicon
from everygrain_papers.topics.space import Space, Vectors, unit

RELATED = 20
SHARPNESS = 8


class Encodes(Protocol):
    """What encodes words: an Encoder, or an Index."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return (texts, d) float32, rows of length 1 or zero."""


@dataclass(frozen=True, eq=False)
class Verbalizer:
    """The terms that speak for each label.

    labels      names, as the user wrote them
    weights     (labels, terms of the lexicon) w of the formula
    prototypes  (labels, e) float32 P of the formula, at length 1
    """

    labels: tuple[str, ...]
    lexicon: Lexicon
    weights: csr_matrix
    prototypes: Vectors

    @classmethod
    def fit(
        cls,
        labels: Sequence[str],
        lexicon: Lexicon,
        held: csr_matrix,
        mapped: Vectors,
        encoder: Encodes,
    ) -> Verbalizer:
        """Relate terms to labels.

        held    (papers, terms) whether a paper holds a term;   mapped  (papers, e) in the space
        """
        related = correlations(labels, lexicon, encoder)
        counts = np.maximum(1, np.asarray(held.sum(axis=0))[0])
        weights = csr_matrix(related.shape)
        prototypes = np.zeros((len(labels), mapped.shape[1]), dtype=np.float32)
        if related.shape[1]:
            weights = csr_matrix(sharpened(related))
            used = np.unique(weights.indices)
            means = unit(np.asarray(held[:, used].T @ mapped) / counts[used, None])
            prototypes = unit(np.asarray(weights[:, used] @ means, dtype=np.float32))
        return cls(tuple(labels), lexicon, weights, prototypes)

    def scores(self, rows: csr_matrix, mapped: Vectors) -> Floats:
        """Return (papers, labels) scores, of what `Lexicon.rows` and `Space.map` return."""
        lexical = np.asarray((rows @ self.weights.T).todense())
        return np.asarray(mapped @ self.prototypes.T + lexical, dtype=np.float64)

    def related(self, label: str, count: int = 10) -> list[tuple[str, float]]:
        """Return the terms that speak for a label with their weights, the largest first."""
        row = self.weights[self.labels.index(label)].toarray()[0]
        order = np.lexsort((np.arange(len(row)), -row))[:count]
        return [(self.lexicon.written[i], float(row[i])) for i in order if row[i] > 0]


def correlations(labels: Sequence[str], lexicon: Lexicon, encoder: Encodes) -> Floats:
    """Return (labels, terms) cosines of names and terms in the terms' own space."""
    if not lexicon.terms:
        return np.zeros((len(labels), 0))
    terms = np.asarray(encoder.encode(list(lexicon.written)), dtype=np.float32)
    space = Space.fit(terms)
    names = space.map(np.asarray(encoder.encode(list(labels)), dtype=np.float32))
    return np.asarray(names @ space.map(terms).T, dtype=np.float64)


def sharpened(related: Floats) -> Floats:
    """Return w of the formula: rows with a sum of 1, or of 0 where nothing is related."""
    weights = np.zeros_like(related)
    for row, told in zip(weights, related, strict=True):
        best = np.lexsort((np.arange(len(told)), -told))[:RELATED]
        row[best] = np.maximum(0, told[best]) ** SHARPNESS
    sums = weights.sum(axis=1, keepdims=True)
    return np.asarray(weights / np.where(sums > 0, sums, 1))
