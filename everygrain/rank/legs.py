"""The legs of an index as retrievers: lexical, dense, both at once, and words.

A view is one generation, its scorers and its encoder; every search happens in one view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.encode.base import Encoder, Vectors
from everygrain.encode.words.base import BagEncoder, Bags
from everygrain.errors import EverygrainError, QueryError, StoredIndexError
from everygrain.index.masks import Among, Filter, Mask, Masks
from everygrain.index.snapshot import Snapshot
from everygrain.index.store import Store
from everygrain.rank.approximate import Approximate
from everygrain.rank.base import Composable, Queries, check_k, named
from everygrain.rank.dense import Dense
from everygrain.rank.found import NOTHING, Found, of_one_leg
from everygrain.rank.fuse import ReciprocalRank, combine_scores
from everygrain.rank.lexical import BM25, Lexical
from everygrain.rank.query import Query, parse, plain
from everygrain.rank.select import at_least_kth, order
from everygrain.rank.words_leg import find_late, find_xtr, query_bags

SYSTEMS = ("lexical", "dense", "hybrid", "rrf", "late", "xtr")
DEPTH = 100
UNWEIGHED = 0.2  # the dense leg's share before any measurement

_AT_ONCE = 64  # queries in one matrix product
_BLOCK = 2**23  # and scores: 32 MiB

Vector = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float32]
Best = tuple[npt.NDArray[np.int64], Scores]  # numbers and scores, best first


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
        self._masks = Masks(store.catalogue, snapshot)
        self.learned: dict[str, Any] = {}  # what a part of a composition learned of this generation

    @property
    def encoder(self) -> Encoder:
        """Return the encoder. Raises QueryError for an index without a dense leg."""
        encoder = self.store.encoder
        if (
            encoder is None
            and self.store.setting("encoder_spec") != "none"
            and not self.snapshot.count
        ):
            raise QueryError(
                "This index holds no documents, so nothing is encoded yet.",
                "Fill it with `everygrain add`.",
            )
        if encoder is None:
            raise QueryError(
                "This index has no dense leg.",
                "Use --system lexical, or run `everygrain reencode INDEX --encoder NAME`.",
            )
        return encoder

    @property
    def words(self) -> BagEncoder:
        """Return the word encoder. Raises QueryError for an index without words."""
        encoder = self.store.words
        if encoder is None:
            raise QueryError(
                "This index holds no word vectors.",
                "Use another system, or run `everygrain reencode INDEX --words NAME`.",
            )
        if self.snapshot.segments and not self.snapshot.has_words:
            raise StoredIndexError(
                f"Some segments of the index in {self.store.folder} hold no word vectors.",
                "Run `everygrain reencode INDEX --words NAME`.",
            )
        return encoder

    def bags(self, numbers: npt.NDArray[np.int64]) -> Bags:
        """Return the words of some documents, in their order.

        Raises QueryError for an index without words.
        """
        if not self.snapshot.has_words:
            self.words  # noqa: B018 - says what is missing
        return self.snapshot.bags(numbers)

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

    def mask(self, where: Filter | None) -> Mask | None:
        """Return which documents a filter lets through; None without a filter.

        Raises QueryError for a broken expression or a field that no document has.
        """
        return self._masks.of(where)

    @property
    def weight(self) -> float:
        """Return the dense leg's share in `hybrid`."""
        return float(self.fusion["weight"]) if self.fusion else UNWEIGHED

    def query_vectors(self, texts: Sequence[str]) -> Vectors:
        return self.encoder.encode(texts, "query")

    def document_vectors(self, ids: Sequence[str]) -> Vectors:
        """Return (len(ids), d): each document's mean passage; a zero row where it is not here."""
        vectors = np.zeros((len(ids), self.encoder.dimensions), dtype=np.float32)
        at = self.store.catalogue.places(ids)
        rows, numbers = [], []
        for row, identity in enumerate(ids):
            place = at.get(identity)
            number = place and self.snapshot.number_at(place.segment, place.place)
            if number is not None:
                rows.append(row)
                numbers.append(number)
        if rows:
            vectors[rows] = self.dense().means(np.array(numbers, dtype=np.int64))
        return vectors

    # one query

    def find_lexical(
        self, query: Query, k: int, mask: Mask | None = None, bm25: BM25 | None = None
    ) -> Found:
        return self._named(self._best_lexical(self.lexical(bm25).scores(query, mask), k))

    def _best_lexical(self, scores: Scores, k: int) -> Best:
        near = at_least_kth(scores, k)
        near = near[scores[near] > 0]
        return order(near, scores[near], k, self.snapshot.document_ids)

    def _named(self, best: Best) -> Found:
        return Found(*best, self.snapshot.document_ids(best[0]))

    def find_dense(
        self,
        vector: Vector,
        k: int,
        mask: Mask | None = None,
        rough: Scores | None = None,
    ) -> Found:
        """Find the best k by vectors.

        rough   what `Dense.approximate` gives for the vector, where it was asked among others;
                written over
        """
        return self._named(self._best_dense(vector, k, mask, rough))

    def _best_dense(
        self,
        vector: Vector,
        k: int,
        mask: Mask | None,
        rough: Scores | None,
    ) -> Best:
        if not vector.any() or not self.snapshot.size:
            return NOTHING.numbers, NOTHING.scores
        approximate = self.approximate() if mask is None else None
        if approximate is not None:
            near = approximate.candidates(vector, k)
        else:
            if rough is None:
                rough = self.dense().approximate(vector)
            if mask is not None:
                rough[~mask] = -np.inf
            near = at_least_kth(rough, k, self.dense().margin(len(vector)))
            near = near[rough[near] > -np.inf]
        exact = self.dense().exact(vector, near)
        return order(near, exact, k, self.snapshot.document_ids)

    def find_hybrid(
        self,
        query: Query,
        vector: Vector,
        k: int,
        mask: Mask | None = None,
        weight: float | None = None,
        rough: Scores | None = None,
    ) -> Found:
        """Combine both legs' complete scores over the union of their best documents.

        They are shares of what each leg gives its best document of all, whatever the mask lets
        through: so it leaves documents out, and changes no score and no order of the others.
        """
        share = self.weight if weight is None else weight
        depth = max(DEPTH, 2 * k)
        scores = self.lexical().scores(query)
        held, bests = self._with_phrases(query, None), None
        if mask is None:
            mask = held
        else:
            held = self.snapshot.live if held is None else held
            if rough is None and self.snapshot.size:
                rough = self.dense().approximate(vector)
            _, nearest = self._best_dense(vector, 1, held, rough)
            bests = scores.max(initial=0.0), nearest.max(initial=0.0)
            scores[~mask] = 0
            mask = mask & held
        lexical, _ = self._best_lexical(scores, depth)
        dense, _ = self._best_dense(vector, depth, mask, rough)
        union = np.union1d(lexical, dense)
        if not len(union):
            return NOTHING
        lexical_scores = scores[union]
        dense_scores = (
            self.dense().exact(vector, union)
            if len(dense)
            else np.zeros(len(union), dtype=np.float32)
        )
        combined = combine_scores(lexical_scores, dense_scores, share, bests)
        numbers, best = order(union, combined, k, self.snapshot.document_ids)
        at = np.searchsorted(union, numbers)
        ranks = {
            "lexical": {n: i for i, n in enumerate(lexical.tolist(), 1)},
            "dense": {n: i for i, n in enumerate(dense.tolist(), 1)},
        }
        legs = {}
        for name, column in (("lexical", lexical_scores), ("dense", dense_scores)):
            legs[name] = [
                (ranks[name].get(int(n), 0), float(column[i]))
                for n, i in zip(numbers, at, strict=True)
            ]
        return Found(numbers, best, self.snapshot.document_ids(numbers), legs)

    def _with_phrases(self, query: Query, mask: Mask | None) -> Mask | None:
        """Narrow a mask to documents that hold the phrases, whatever the vectors say."""
        for phrase in query.phrases:
            held = self.lexical().holds_phrase(phrase)
            mask = held if mask is None else mask & held
        return mask

    def find_by_ranks(
        self,
        query: Query,
        vector: Vector,
        k: int,
        mask: Mask | None = None,
        rough: Scores | None = None,
    ) -> Found:
        """Fuse both legs' best documents by reciprocal ranks, with equal weights."""
        mask = self._with_phrases(query, mask)
        depth = max(DEPTH, k)
        found = {
            "lexical": self.find_lexical(query, depth, mask),
            "dense": self.find_dense(vector, depth, mask, rough),
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
        where: Filter | None = None,
        bm25: BM25 | None = None,
    ) -> Found:
        """Search with a system by name. Raises QueryError for a name that is none."""
        return next(self.find_many([query], system, k, where, bm25))

    def find_many(
        self,
        queries: Sequence[Query],
        system: str,
        k: int,
        where: Filter | None = None,
        bm25: BM25 | None = None,
    ) -> Iterator[Found]:
        """Yield what `find` returns for each query, to the last bit.

        Queries are encoded, and vectors read, once for a block of them. A block's matrix product
        rounds in another way than a single query's, but both stay within the margin that
        candidates are taken from, and these are scored alike.
        """
        check_k(k)
        if system not in SYSTEMS:
            raise QueryError(f"There is no system '{system}'.", f"Use one of {', '.join(SYSTEMS)}.")
        mask = self.mask(where)
        if system == "lexical":
            for query in queries:
                yield of_one_leg(system, self.find_lexical(query, k, mask, bm25))
            return
        texts = [query.text for query in queries]
        if system in ("late", "xtr") and not self.snapshot.count:
            yield from repeat(NOTHING, len(queries))  # there may be no word encoder yet
            return
        if system == "late":
            first = "hybrid" if self.snapshot.has_vectors else "lexical"
            candidates = self.find_many(queries, first, max(DEPTH, k), where, bm25)
            yield from find_late(self, texts, candidates, k)
            return
        if system == "xtr":
            for query, bag in zip(queries, query_bags(self, texts), strict=True):
                yield find_xtr(self, bag, k, self._with_phrases(query, mask))
            return
        at_once = max(1, min(_AT_ONCE, _BLOCK // max(self.snapshot.size, 1)))
        for start in range(0, len(queries), at_once):
            block = queries[start : start + at_once]
            for query, vector, scores in zip(block, *self._scan(block, mask), strict=True):
                if system == "hybrid":
                    yield self.find_hybrid(query, vector, k, mask, rough=scores)
                elif system == "rrf":
                    yield self.find_by_ranks(query, vector, k, mask, scores)
                else:
                    yield of_one_leg(system, self.find_dense(vector, k, mask, scores))

    def _scan(
        self, block: Sequence[Query], mask: Mask | None
    ) -> tuple[Iterable[Vector], Iterable[Scores | None]]:
        """Return the vectors of some queries, and what `Dense.approximate` gives for each."""
        one_by_one = (self.query_vectors([query.text])[0] for query in block)
        if len(block) == 1:
            return one_by_one, [None]
        try:
            vectors = self.query_vectors([query.text for query in block])
        except EverygrainError:  # one by one, the query at fault is named
            return one_by_one, repeat(None, len(block))
        if mask is None and self.approximate() is not None:
            return vectors, repeat(None, len(block))
        return vectors, self.dense().approximate_many(vectors)


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
    """A system of an index, as a retriever.

    system   "lexical", "dense", "hybrid", "rrf" (both legs by reciprocal ranks), "late" (the best
             of hybrid, or of lexical without vectors, in the order of `Late`), "xtr" (words alone)
    where    a filter on metadata, by ids, or both (see `everygrain.index.masks`), or None
    bm25     None for the index's own settings
    typed    whether quotation marks in a query mean phrases, as in what a person types into
             `Index.search`; in plain text they mean nothing
    """

    views: Views
    system: str
    where: Filter | None = None
    bm25: BM25 | None = None
    typed: bool = False

    def __repr__(self) -> str:
        told = [f"where={self.where!r}"] if isinstance(self.where, str) and self.where else []
        told += [repr(self.where)] if isinstance(self.where, Among) else []
        told += [repr(self.bm25)] if self.bm25 else []
        return f"{self.system}({', '.join(told)})" if told else self.system

    def retrieve(self, queries: Queries, k: int = 10) -> Ranking:
        check_k(k)
        asked = named(queries)
        every_found: list[Found] = []
        with self.views.newest() as view:
            read = parse if self.typed else plain
            parsed = [read(text, view.analyzer) for text in asked.values()]
            every = view.find_many(parsed, self.system, k, self.where, self.bm25)
            for name in asked:
                try:
                    every_found.append(next(every))
                except EverygrainError as error:
                    raise QueryError(f"Query '{name}': {error.problem}", error.remedy) from error
        return _ranking(list(asked), every_found)


def _ranking(queries: list[str], every_found: list[Found]) -> Ranking:
    """Return what was found for each query; it comes in the order of a Ranking."""
    ids = [identity for found in every_found for identity in found.ids]
    sizes = [len(found.ids) for found in every_found]
    query_ids = np.repeat(np.array(queries, dtype=object), sizes)
    scores = np.concatenate([NOTHING.scores, *(found.scores for found in every_found)])
    if np.isnan(scores).any():  # the error for that says whose
        return Ranking.of(queries, zip(query_ids, ids, scores.tolist(), strict=True))
    return Ranking(tuple(queries), query_ids, np.array(ids, dtype=object), scores)
