"""Items stand where their users ask: vectors from the queries that an item was used for.

    vector = unit( n / (n + shrinkage) * mean of its queries + shrinkage / (n + shrinkage) * text )

with n the queries that used the item and `text` the vector of its description, so that an item
that nobody used yet stands where its description is, and the description fades as uses come in.

Source: Efficient and Scalable Estimation of Tool Representations in Vector Space
(the mean of query vectors is Tool2Vec's; the shrinkage is ours; `usage_ranking` has the staged
refinement and the multi-label classifier).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Encoder, Vectors, unit
from everygrain.errors import InputError

SHRINKAGE = 3.0
Use = tuple[str, str]


@dataclass(frozen=True, eq=False)
class UsedItems:
    """Items with their descriptions' vectors and the sums of the queries that used them.

    ids            of the n items, none twice
    descriptions   (n, d) rows of length 1, or zero where an item has no description
    sums           (n, d) float64 sums of the queries' unit vectors
    counts         (n,) queries that used the item
    shrinkage      how many queries the description counts as, >= 0; 0 leaves it out wherever
                   there are uses, infinity leaves the uses out

    Raises InputError for an id given twice and for a negative shrinkage.
    """

    ids: tuple[str, ...]
    descriptions: Vectors
    sums: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    shrinkage: float = SHRINKAGE

    def __post_init__(self) -> None:
        if len(set(self.ids)) < len(self.ids):
            raise InputError("An item's id occurs twice.", "Give every item an id of its own.")
        if not self.shrinkage >= 0:
            raise InputError(f"The shrinkage is {self.shrinkage}.", "Use 0 or more; 3 is usual.")

    @classmethod
    def described(
        cls, encoder: Encoder, texts: Mapping[str, str], shrinkage: float = SHRINKAGE
    ) -> UsedItems:
        """Return items that nobody used yet: id -> description."""
        vectors = encoder.encode(list(texts.values()))
        zeros = np.zeros(vectors.shape, dtype=np.float64)
        return cls(tuple(texts), vectors, zeros, np.zeros(len(texts), dtype=np.int64), shrinkage)

    @cached_property
    def places(self) -> dict[str, int]:
        return {item: place for place, item in enumerate(self.ids)}

    def used(self, encoder: Encoder, uses: Sequence[Use]) -> UsedItems:
        """Return the items with further uses: pairs of a query and the id of the item it used.

        Raises InputError for an unknown id.
        """
        return self.used_at(encoder.encode([query for query, _ in uses], "query"),
                            [item for _, item in uses])  # fmt: skip

    def used_at(self, queries: Vectors, items: Sequence[str]) -> UsedItems:
        """Return the items with further uses, the queries given as (m, d) vectors."""
        unknown = next((item for item in items if item not in self.places), None)
        if unknown is not None:
            raise InputError(
                f"A query used the item '{unknown}', which is not among the items.",
                "Describe the item first; an empty description is enough.",
            )
        rows = np.array([self.places[item] for item in items], dtype=np.int64)
        sums, counts = self.sums.copy(), self.counts.copy()
        np.add.at(sums, rows, queries)
        np.add.at(counts, rows, 1)
        return replace(self, sums=sums, counts=counts)

    @cached_property
    def vectors(self) -> Vectors:
        """(n, d) rows of length 1; zero for an item without description and uses."""
        if np.isinf(self.shrinkage):
            return unit(self.descriptions)
        counts = self.counts[:, None]
        weight = counts + self.shrinkage
        blended = (self.sums + self.shrinkage * self.descriptions) / np.where(weight, weight, 1)
        return unit(np.where(weight > 0, blended, self.descriptions))

    def search(self, queries: Vectors, k: int = 10) -> list[list[tuple[str, float]]]:
        """Return the k nearest items of each of (m, d) queries, best first, with their cosines.

        Items of one score are in the order of `ids`.
        """
        scores = queries @ self.vectors.T
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [
            [(self.ids[j], float(row[j])) for j in places]
            for row, places in zip(scores, order, strict=True)
        ]
