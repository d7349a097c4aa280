"""The legs of an index as retrievers: lexical, dense, and both at once.

A view is one generation, its scorers and its encoder; every search happens in one view.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.encode.base import Encoder, Vectors
from everygrain.errors import EverygrainError, QueryError
from everygrain.index.filters import parse as parse_condition
from everygrain.index.snapshot import Snapshot
from everygrain.index.store import Store
from everygrain.rank.approximate import Approximate
from everygrain.rank.base import Composable, Queries, check_k, named
from everygrain.rank.dense import Dense
from everygrain.rank.fuse import ReciprocalRank, combine_scores
from everygrain.rank.lexical import BM25, Lexical
from everygrain.rank.query import Query, plain
from everygrain.rank.select import at_least_kth, order

SYSTEMS = ("lexical", "dense", "hybrid", "rrf")
DEPTH = 100
UNWEIGHED = 0.2  # the dense leg's share before any measurement

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """One query's results, best first: numbers in the snapshot, ids, scores, and per leg the
    (rank, score) of each."""

    numbers: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    ids: list[str]
    legs: Mapping[str, list[tuple[int, float]]] = field(default_factory=dict)


NOTHING = Found(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32), [])


class View:
    """One generation with its scorers."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self.store = store
        self.snapshot = snapshot
        self.analyzer = store.analyzer
        self.bm25 = BM25(**store.setting("bm25"))
        self.fusion: dict[str, Any] | None = store.setting("fusion")
        self._lexical: dict[BM25, Lexical] = {}
        self._dense: Dense | None = None
        self._approximate: Approximate | None = None
        self._masks: dict[str, Mask] = {}

    @property
    def encoder(self) -> Encoder:
        """Return the encoder. Raises QueryError for an index without a dense leg."""
        encoder = self.store.encoder
        if encoder is None:
            raise QueryError(
                "This index has no dense leg.",
                "Use --system lexical, or run `everygrain reencode INDEX --encoder NAME`.",
            )
        return encoder

    def lexical(self, bm25: BM25 | None = None) -> Lexical:
        chosen = bm25 or self.bm25
        if chosen not in self._lexical:
            self._lexical[chosen] = Lexical(self.snapshot, chosen)
        return self._lexical[chosen]

    def dense(self) -> Dense:
        if self._dense is None:
            self._dense = Dense(self.snapshot)
        return self._dense

    def approximate(self) -> Approximate | None:
        """Return the approximate index where the settings ask for one at this size."""
        settings = self.store.setting("approximate")
        if not settings or self.snapshot.count < settings["above"]:
            return None
        if self._approximate is None:
            self._approximate = Approximate.build(self.dense(), settings["kind"])
        return self._approximate

    def mask(self, where: str | None) -> Mask | None:
        """Return which documents a filter lets through; None without a filter.

        Raises QueryError for a broken expression or a field that no document has.
        """
        if where is None:
            return None
        condition = parse_condition(where)
        key = str(condition)
        if key not in self._masks:
            catalogue = self.store.catalogue
            for name in sorted(condition.fields()):
                if self.snapshot.count and not catalogue.any_matching(
                    parse_condition(f"exists {name}")
                ):
                    raise QueryError(
                        f"No document has the field '{name}'.",
                        "See the fields with `everygrain info INDEX`.",
                    )
            mask = np.zeros(self.snapshot.size, dtype=bool)
            for _, segment, place in catalogue.matching(condition):
                number = self.snapshot.number_at(segment, place)
                if number is not None:
                    mask[number] = True
            self._masks[key] = mask
        return self._masks[key]

    @property
    def weight(self) -> float:
        """Return the dense leg's share in `hybrid`."""
        return float(self.fusion["weight"]) if self.fusion else UNWEIGHED

    def query_vectors(self, texts: Sequence[str]) -> Vectors:
        return self.encoder.encode(texts, "query")

    # one query

    def find_lexical(
        self, query: Query, k: int, mask: Mask | None = None, bm25: BM25 | None = None
    ) -> Found:
        return self._best_lexical(self.lexical(bm25).scores(query, mask), k)

    def _best_lexical(self, scores: npt.NDArray[np.float32], k: int) -> Found:
        near = at_least_kth(scores, k)
        near = near[scores[near] > 0]
        return Found(*order(near, scores[near], k, self.snapshot.document_ids))

    def find_dense(
        self, vector: npt.NDArray[np.float32], k: int, mask: Mask | None = None
    ) -> Found:
        if not vector.any() or not self.snapshot.size:
            return NOTHING
        approximate = self.approximate() if mask is None else None
        if approximate is not None:
            near = approximate.candidates(vector, k)
            scores = self.dense().exact(vector, near)
            return Found(*order(near, scores, k, self.snapshot.document_ids))
        return self._best_dense(self.dense().approximate(vector), vector, k, mask)

    def _best_dense(
        self,
        rough: npt.NDArray[np.float32],
        vector: npt.NDArray[np.float32],
        k: int,
        mask: Mask | None,
    ) -> Found:
        if mask is not None:
            rough[~mask] = -np.inf
        near = at_least_kth(rough, k, self.dense().margin(len(vector)))
        near = near[rough[near] > -np.inf]
        exact = self.dense().exact(vector, near)
        return Found(*order(near, exact, k, self.snapshot.document_ids))

    def find_hybrid(
        self,
        query: Query,
        vector: npt.NDArray[np.float32],
        k: int,
        mask: Mask | None = None,
        weight: float | None = None,
    ) -> Found:
        """Combine both legs' complete scores over the union of their best documents."""
        share = self.weight if weight is None else weight
        depth = max(DEPTH, 2 * k)
        mask = self._with_phrases(query, mask)
        scores = self.lexical().scores(query, mask)
        lexical = self._best_lexical(scores, depth)
        dense = self.find_dense(vector, depth, mask)
        union = np.union1d(lexical.numbers, dense.numbers)
        if not len(union):
            return NOTHING
        lexical_scores = scores[union]
        dense_scores = (
            self.dense().exact(vector, union)
            if len(dense.ids)
            else np.zeros(len(union), dtype=np.float32)
        )
        combined = combine_scores(lexical_scores, dense_scores, share)
        numbers, best, ids = order(union, combined, k, self.snapshot.document_ids)
        at = np.searchsorted(union, numbers)
        ranks = {
            "lexical": {int(n): i for i, n in enumerate(lexical.numbers, 1)},
            "dense": {int(n): i for i, n in enumerate(dense.numbers, 1)},
        }
        legs = {}
        for name, column in (("lexical", lexical_scores), ("dense", dense_scores)):
            legs[name] = [
                (ranks[name].get(int(n), 0), float(column[i]))
                for n, i in zip(numbers, at, strict=True)
            ]
        return Found(numbers, best, ids, legs)

    def _with_phrases(self, query: Query, mask: Mask | None) -> Mask | None:
        """Narrow a mask to documents that hold the phrases, whatever the vectors say."""
        for phrase in query.phrases:
            held = self.lexical().holds_phrase(phrase)
            mask = held if mask is None else mask & held
        return mask

    def find_by_ranks(
        self,
        query: Query,
        vector: npt.NDArray[np.float32],
        k: int,
        mask: Mask | None = None,
    ) -> Found:
        """Fuse both legs' best documents by reciprocal ranks, with equal weights."""
        mask = self._with_phrases(query, mask)
        depth = max(DEPTH, k)
        found = {
            "lexical": self.find_lexical(query, depth, mask),
            "dense": self.find_dense(vector, depth, mask),
        }
        columns = [dict(zip(f.ids, f.scores.tolist(), strict=True)) for f in found.values()]
        fused = ReciprocalRank().combine(columns)
        numbers = {i: int(n) for f in found.values() for i, n in zip(f.ids, f.numbers, strict=True)}
        best = sorted(fused, key=lambda i: (-np.float32(fused[i]), i))[:k]
        legs = {}
        for name, column in zip(found, columns, strict=True):
            ranks = {identity: rank for rank, identity in enumerate(column, 1)}
            legs[name] = [(ranks.get(i, 0), float(column.get(i, 0.0))) for i in best]
        return Found(
            np.array([numbers[i] for i in best], dtype=np.int64),
            np.array([fused[i] for i in best], dtype=np.float32),
            best,
            legs,
        )

    def find(
        self,
        query: Query,
        system: str,
        k: int,
        where: str | None = None,
        bm25: BM25 | None = None,
    ) -> Found:
        """Search with a system by name. Raises QueryError for a name that is none."""
        check_k(k)
        if system not in SYSTEMS:
            raise QueryError(f"There is no system '{system}'.", f"Use one of {', '.join(SYSTEMS)}.")
        mask = self.mask(where)
        if system == "lexical":
            found = self.find_lexical(query, k, mask, bm25)
        else:
            vector = self.query_vectors([query.text])[0]
            if system == "hybrid":
                return self.find_hybrid(query, vector, k, mask)
            if system == "rrf":
                return self.find_by_ranks(query, vector, k, mask)
            found = self.find_dense(vector, k, mask)
        rows = [(i, float(s)) for i, s in enumerate(found.scores, 1)]
        return Found(found.numbers, found.scores, found.ids, {system: rows})


class Views:
    """Gives the view of the newest generation; keeps it until the next commit."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._view: View | None = None

    @contextmanager
    def newest(self) -> Iterator[View]:
        with self.store.reading() as snapshot:
            view = self._view
            if view is None or view.snapshot is not snapshot:
                view = self._view = View(self.store, snapshot)
            yield view


@dataclass(frozen=True, eq=False)
class Leg(Composable):
    """A system of an index, as a retriever. Its queries are plain text: quotation marks in them
    mean nothing, as they do in what a person types into `Index.search`.

    system   "lexical", "dense", "hybrid" or "rrf" (both legs by reciprocal ranks)
    where    a filter on metadata, or None
    bm25     None for the index's own settings
    """

    views: Views
    system: str
    where: str | None = None
    bm25: BM25 | None = None

    def __repr__(self) -> str:
        told = [f"where={self.where!r}"] if self.where else []
        told += [repr(self.bm25)] if self.bm25 else []
        return f"{self.system}({', '.join(told)})" if told else self.system

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        check_k(k)
        asked = named(queries)
        rows: list[tuple[str, str, float]] = []
        with self.views.newest() as view:
            for name, text in asked.items():
                try:
                    query = plain(text, view.analyzer)
                    found = view.find(query, self.system, k, self.where, self.bm25)
                except EverygrainError as error:
                    raise QueryError(f"Query '{name}': {error.problem}", error.remedy) from error
                rows += [
                    (name, document, float(score))
                    for document, score in zip(found.ids, found.scores, strict=True)
                ]
        return Ranking.of(list(asked), rows)
