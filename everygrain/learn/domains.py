"""Domains of a collection: found in its vectors where nobody names them, or read from a field.

Domains are found by spherical k-means among the principal directions of the vectors, for the number
k of domains that comes back best: the documents are halved at random, both halves are clustered,
and one half's own clusters are compared with those that the other half's centroids make of it, by
the adjusted Rand index (Hubert and Arabie, "Comparing Partitions": 1 for the same clusters, 0 for
chance). The k with the highest mean agreement over several halvings is taken, the larger among
equals; where none reaches the least that was asked, the collection is one domain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Words
from everygrain.analyze.words import is_mark
from everygrain.document import Document
from everygrain.encode.base import Vectors, unit
from everygrain.encode.experts.centroids import NO_DOMAIN, Centroids
from everygrain.errors import InputError

ALL = "all"
_SAMPLE = 6_000
_ROUNDS = 50
_STARTS = 4
_WORDS_IN_A_NAME = 3


@dataclass(frozen=True, eq=False)
class Domains:
    """The domains of some documents.

    names       distinct
    assigned    (documents,) place in names, -1 for a document of none
    agreements  (k, mean adjusted Rand index) of each number of domains that was tried
    """

    names: tuple[str, ...]
    assigned: npt.NDArray[np.int64]
    agreements: tuple[tuple[int, float], ...] = ()

    def sizes(self) -> dict[str, int]:
        """Return the number of documents of each domain."""
        return {name: int((self.assigned == i).sum()) for i, name in enumerate(self.names)}

    def of_documents(self) -> list[str | None]:
        """Return the name of each document's domain; None for none."""
        return [None if place == NO_DOMAIN else self.names[place] for place in self.assigned]

    def centroids(self, vectors: Vectors, outside: float = 0.01) -> Centroids:
        """Return what tells the domain of a text from its vector: see `Centroids.of`."""
        return Centroids.of(self.names, vectors, self.assigned, outside)


@dataclass(frozen=True)
class DomainSearch:
    """How domains are looked for.

    largest    most domains
    agreement  adjusted Rand index, up to 1, that a number of domains must reach
    smallest   fewest documents of a domain
    halvings   random halvings that an agreement is averaged over
    directions number of principal directions that the documents are told apart by
    seed       of every random choice
    """

    largest: int = 8
    agreement: float = 0.5
    smallest: int = 50
    halvings: int = 3
    directions: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        counts = (self.largest, self.smallest, self.halvings, self.directions)
        if min(counts) < 1 or not self.agreement <= 1:
            raise InputError(
                f"{self} finds no domains.",
                "Use 1 or more for the counts, and an agreement of at most 1.",
            )


def learn_domains(
    words: Words,
    vectors: Vectors,
    search: DomainSearch | None = None,
    rows: npt.NDArray[np.int64] | None = None,
) -> Domains:
    """Find the domains of documents.

    words     of the documents, for the domains' names
    vectors   (documents, d) rows of length 1 or 0; a document without a vector is of no domain
    rows      places of the documents that `words` are of; None for all
    Raises InputError where words and documents differ in number, or no document has a vector.
    """
    search = search or DomainSearch()
    known = np.flatnonzero(vectors.any(axis=1))
    rows = np.arange(len(vectors)) if rows is None else rows
    if len(words) != len(rows) or not len(known):
        raise InputError(
            f"{len(words)} documents and {len(vectors)} vectors, {len(known)} of them not zero.",
            "Give one vector per document, and at least one document with a known word.",
        )
    generator = np.random.default_rng(search.seed)
    sample = np.sort(generator.permutation(known)[:_SAMPLE])
    projection = Projection.of(vectors[sample], search.directions)
    seen = projection.of_vectors(vectors[sample])
    best, highest = unit(seen.sum(axis=0, keepdims=True)), search.agreement
    agreements = []
    for k in range(2, min(search.largest, len(sample) // 4) + 1):
        agreement = found_again(seen, k, search.halvings, search.seed)
        agreements.append((k, agreement))
        if agreement >= highest:  # the more domains among equals
            centroids = spherical_k_means(seen, k, search.seed)
            counts = np.bincount(_nearest(seen, centroids), minlength=k)
            if counts.min() * len(known) >= search.smallest * len(sample):
                best, highest = centroids, agreement
    assigned = np.full(len(vectors), NO_DOMAIN, dtype=np.int64)
    assigned[known] = _nearest(projection.of_vectors(vectors[known]), best)
    # the largest first, so that their order does not hang on the start of k-means
    order = np.argsort(-np.bincount(assigned[known], minlength=len(best)), kind="stable")
    place = np.empty(len(best), dtype=np.int64)
    place[order] = np.arange(len(best))
    assigned[known] = place[assigned[known]]
    return Domains(named(words, assigned[rows], len(best)), assigned, tuple(agreements))


def domains_of_field(documents: Sequence[Document], field: str, smallest: int = 50) -> Domains:
    """Read the domains from a field of the metadata: each of its values is one.

    smallest   fewest documents of a domain; those of a rarer value are of none
    Values that are no text or whole number count as missing. The largest domain stands first.
    Raises InputError where no value is common enough.
    """
    values = [_value(document, field) for document in documents]
    counts = Counter(value for value in values if value is not None)
    names = sorted((v for v, n in counts.items() if n >= smallest), key=lambda v: (-counts[v], v))
    if not names:
        fields = sorted({name for document in documents[:1000] for name in document.metadata})
        raise InputError(
            f"No value of the field '{field}' has {smallest} documents "
            f"(the most common has {max(counts.values(), default=0)}).",
            f"Name another field ({', '.join(fields) or 'there is none'}) or let them be found.",
        )
    place: dict[str | None, int] = {name: i for i, name in enumerate(names)}
    assigned = np.array([place.get(value, NO_DOMAIN) for value in values], dtype=np.int64)
    return Domains(tuple(names), assigned)


def _value(document: Document, field: str) -> str | None:
    value = document.metadata.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


@dataclass(frozen=True, eq=False)
class Projection:
    """The principal directions of some vectors: whitened vectors hide their topics among others.

    middle       (d,) mean
    directions   (d, r) orthonormal columns, the first with the most variance
    """

    middle: Vectors
    directions: Vectors

    @classmethod
    def of(cls, vectors: Vectors, directions: int) -> Projection:
        middle = vectors.mean(axis=0, dtype=np.float64)
        spread = vectors.astype(np.float64) - middle
        found = np.linalg.eigh(spread.T @ spread)[1][:, ::-1][:, :directions]
        return cls(middle.astype(np.float32), found.astype(np.float32))

    def of_vectors(self, vectors: Vectors) -> Vectors:
        """Return (n, r) rows of length 1."""
        return unit((vectors - self.middle) @ self.directions)


def found_again(vectors: Vectors, k: int, halvings: int = 3, seed: int = 0) -> float:
    """Return how well k clusters of one half of the vectors are those of the other.

    The mean over halvings of the adjusted Rand index of two clusterings of one half: its own, and
    by the centroids of the other half.
    """
    found = []
    for halving in range(halvings):
        order = np.random.default_rng([seed, halving]).permutation(len(vectors))
        learned, held = vectors[order[::2]], vectors[order[1::2]]
        theirs = _nearest(held, spherical_k_means(learned, k, seed))
        own = _nearest(held, spherical_k_means(held, k, seed))
        found.append(adjusted_rand(own, theirs))
    return float(np.mean(found))


def adjusted_rand(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> float:
    """Return the agreement of two clusterings, corrected for chance: at most 1, about 0 by chance.

    Two clusterings that cannot differ (all in one cluster, or each alone) agree wholly.
    """
    table = np.zeros((int(first.max()) + 1, int(second.max()) + 1))
    np.add.at(table, (first, second), 1)
    both = _pairs(table).sum()
    rows, columns = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    chance = rows * columns / max(float(_pairs(np.array(len(first)))), 1.0)
    most = (rows + columns) / 2
    return 1.0 if most == chance else float((both - chance) / (most - chance))


def _pairs(counts: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(counts * (counts - 1) / 2, dtype=np.float64)


def spherical_k_means(vectors: Vectors, k: int, seed: int = 0) -> Vectors:
    """Return (k, d) unit centroids, the best of several starts; the same for the same input.

    vectors   (n, d) rows of length 1, n >= k
    """
    best, highest = vectors[:k], -np.inf
    for start in range(_STARTS if k > 1 else 1):
        centroids = _spread(vectors, k, np.random.default_rng([seed, start]))
        assigned = _nearest(vectors, centroids)
        for _ in range(_ROUNDS):
            sums = np.zeros((k, vectors.shape[1]))
            for cluster in range(k):
                sums[cluster] = vectors[assigned == cluster].astype(np.float64).sum(axis=0)
            # a cluster that lost all its members stays where it was
            centroids = np.where(sums.any(axis=1, keepdims=True), unit(sums), centroids)
            moved = _nearest(vectors, centroids)
            if np.array_equal(moved, assigned):
                break
            assigned = moved
        total = float((vectors @ centroids.T).max(axis=1).sum(dtype=np.float64))
        if total > highest:
            best, highest = centroids, total
    return best


def _spread(vectors: Vectors, k: int, generator: np.random.Generator) -> Vectors:
    """Choose k of the vectors, each with a chance that grows with its distance to the chosen."""
    chosen = [int(generator.integers(len(vectors)))]
    distance = np.full(len(vectors), np.inf)
    for _ in range(k - 1):
        distance = np.minimum(distance, 1 - vectors @ vectors[chosen[-1]])
        weights = np.maximum(distance, 0).astype(np.float64)
        total = weights.sum()
        weights = weights / total if total > 0 else np.full(len(vectors), 1 / len(vectors))
        chosen.append(int(generator.choice(len(vectors), p=weights)))
    return vectors[chosen]


def _nearest(vectors: Vectors, centroids: Vectors) -> npt.NDArray[np.int64]:
    return np.asarray((vectors @ centroids.T).argmax(axis=1), dtype=np.int64)


def named(words: Words, assigned: npt.NDArray[np.int64], domains: int) -> tuple[str, ...]:
    """Name domains by the words that set them apart: those of the highest p log(p / q).

    p and q are the shares of documents with the word inside and outside the domain. A single
    domain is named "all"; equal names get a number.
    """
    if domains == 1:
        return (ALL,)
    texts = np.repeat(np.arange(len(words)), words.lengths())
    pairs = np.unique(np.stack([texts, words.ids.astype(np.int64)]), axis=1)
    counts = np.zeros((domains, len(words.vocabulary)))
    of = assigned[pairs[0]]
    np.add.at(counts, (of[of != NO_DOMAIN], pairs[1][of != NO_DOMAIN]), 1)
    sizes = np.bincount(assigned[assigned != NO_DOMAIN], minlength=domains)
    usable = np.array([not is_mark(w) and not w.isdigit() for w in words.vocabulary])
    names: list[str] = []
    for domain in range(domains):
        inside = (counts[domain] + 0.5) / (sizes[domain] + 1)
        outside = (counts.sum(axis=0) - counts[domain] + 0.5) / (sizes.sum() - sizes[domain] + 1)
        scores = np.where(usable, inside * np.log(inside / outside), -np.inf)
        top = np.argsort(-scores, kind="stable")[:_WORDS_IN_A_NAME]
        name = "-".join(words.vocabulary[i] for i in top) or ALL
        number = sum(other == name or other.startswith(f"{name}-#") for other in names)
        names.append(f"{name}-#{number + 1}" if number else name)
    return tuple(names)
