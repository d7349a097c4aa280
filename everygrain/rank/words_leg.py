"""What the words that an index holds are good for: candidates in a better order, and a leg.

`late` reranks: it copies the words of the candidates out of the index and compares them with the
query's. `xtr` retrieves: it compares the query's words with those of every document, and scores
documents by the words that are retrieved (`everygrain.rank.xtr`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.encode.words.base import SCALE, Bags
from everygrain.errors import EverygrainError, QueryError
from everygrain.rank.base import Queries, check_asked, named
from everygrain.rank.found import NOTHING, Found, of_one_leg
from everygrain.rank.late import exact_sim, fused, max_sim
from everygrain.rank.query import plain
from everygrain.rank.select import at_least_kth, order

if TYPE_CHECKING:
    from everygrain.rank.legs import View, Views

# the best of eight on 300 queries of scifact/train with an unlearned word encoder (nDCG@10 .714 to
# .725 behind hybrid); on the other 509 it was as good as hybrid alone (.746 and .745)
SHARE = 0.5
RETRIEVED = 1_000  # words of the collection for each word of a query
_BLOCK = 2**16  # words that are compared at once, and a document's more

Scores = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Late:
    """Reranks documents of an index by the words that it holds of them: `hybrid % 100 >> late`.

        s(q, d) = share * m(first(q, d)) + (1 - share) * m(late(q, d))

    with m a map of the candidates' scores to 0..1 (`everygrain.rank.late.fused`). Documents that
    are no longer in the index are left out.

    share   of the score that a document came with, in [0, 1]
    exact   compare only words that are equal

    Source: Introducing Neural Bag of Whole-Words with ColBERTer: Contextualized Late Interactions
    using Enhanced Reduction.
    """

    views: Views
    share: float = SHARE
    exact: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise QueryError(f"A share of {self.share} makes no sense.", "Use 0 to 1.")

    def __repr__(self) -> str:
        told = [] if self.share == SHARE else [f"share={self.share:g}"]
        told += ["exact=True"] if self.exact else []
        return f"late({', '.join(told)})" if told else "late"

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        """Raises QueryError for an index without words, or a ranking of other queries."""
        asked, rows = named(queries), list[tuple[str, str, float]]()
        check_asked(asked, ranking)
        given = ranking.by_query()
        with self.views.newest() as view:
            texts = {name: plain(asked[name], view.analyzer).text for name in given}
            every = query_bags(view, list(texts.values()))
            for name, candidates in given.items():
                try:
                    bag = next(every)
                except EverygrainError as error:
                    raise QueryError(f"Query '{name}': {error.problem}", error.remedy) from error
                numbers, ids, first = _still_there(view, candidates)
                scores, _ = rescored(view, bag, numbers, first, self.share, self.exact)
                rows += zip([name] * len(ids), ids, scores.tolist(), strict=True)
        return Ranking.of(list(given), rows)


def _still_there(
    view: View, candidates: Sequence[tuple[str, float]]
) -> tuple[Numbers, list[str], Scores]:
    """Return the numbers, ids and scores of the candidates that a view holds."""
    places = view.store.catalogue.places([identity for identity, _ in candidates])
    numbers, ids, first = [], [], []
    for identity, score in candidates:
        if identity in places:
            place = places[identity]
            numbers.append(view.snapshot.number_at(place.segment, place.place))
            ids.append(identity)
            first.append(score)
    return np.array(numbers, dtype=np.int64), ids, np.array(first, dtype=np.float32)


def query_bags(view: View, texts: Sequence[str]) -> Iterator[Bags]:
    """Yield the words of each query, all encoded at once; one by one where that fails, so that
    the query at fault can be named."""
    if not texts:
        return
    encoder = view.words
    try:
        together = encoder.encode_bags(texts, "query")
    except EverygrainError:
        for text in texts:
            yield encoder.encode_bags([text], "query")
        return
    for i in range(len(texts)):
        start, end = together.offsets[i : i + 2]
        yield Bags(
            together.words[start:end],
            together.vectors[start:end],
            np.array([0, end - start], dtype=np.int64),
        )


def rescored(
    view: View, query: Bags, numbers: Numbers, first: Scores, share: float, exact: bool = False
) -> tuple[Scores, Scores]:
    """Return the fused scores of documents, and those of their words alone."""
    bags = view.bags(numbers)
    late = exact_sim(query, bags) if exact else max_sim(query, bags)
    empty = np.diff(bags.offsets) == 0
    if empty.any():  # nothing is no better than words that fit badly
        late[empty] = min(0.0, float(late.min()))
    return fused(first, late, share), late


def find_late(
    view: View, texts: Sequence[str], candidates: Iterable[Found], k: int
) -> Iterator[Found]:
    """Yield each query's candidates in the order of `Late`, the best k of them."""
    for bag, found in zip(query_bags(view, texts), candidates, strict=True):
        yield _reordered(view, bag, found, k) if len(found.numbers) else NOTHING


def _reordered(view: View, query: Bags, found: Found, k: int) -> Found:
    scores, late = rescored(view, query, found.numbers, found.scores, SHARE)
    ids_of = view.snapshot.document_ids
    numbers, best = order(found.numbers, scores, k, ids_of)
    at = {int(number): i for i, number in enumerate(found.numbers)}
    places = [at[int(number)] for number in numbers]
    legs = {name: [rows[i] for i in places] for name, rows in found.legs.items()}
    by_words, _ = order(found.numbers, late, len(late), ids_of)
    ranks = {int(number): rank for rank, number in enumerate(by_words, 1)}
    legs["late"] = [
        (ranks[int(number)], float(late[i])) for number, i in zip(numbers, places, strict=True)
    ]
    return Found(numbers, best, [found.ids[i] for i in places], legs)


def find_xtr(view: View, query: Bags, k: int, mask: Mask | None = None) -> Found:
    """Find the best k documents by their words alone.

    What `everygrain.rank.xtr.imputed` gives for all documents that the mask lets through, to the
    last bit: retrieved words are those with a product of at least the RETRIEVED-th highest, so a
    document scores the sum of its best products, raised to that where they are below. Memory holds
    a block of words, and documents that may yet be found.

    Source: Rethinking the Role of Token Retrieval in Multi-Vector Retrieval.
    """
    asked = query.vectors.astype(np.float32)
    if not len(asked) or not view.snapshot.count:
        return NOTHING
    top = np.zeros((len(asked), 0), dtype=np.float32)
    held, best = np.zeros(0, dtype=np.int64), np.zeros((len(asked), 0), dtype=np.float32)
    lowest = np.zeros(0, dtype=np.float32)
    for numbers, bags in _blocks(view, mask):
        products = asked @ bags.vectors.astype(np.float32).T
        top = np.concatenate([top, products], axis=1)
        if top.shape[1] > RETRIEVED:
            top = np.partition(top, -RETRIEVED, axis=1)[:, -RETRIEVED:]
        lowest = top.min(axis=1)
        held = np.concatenate([held, numbers])
        of_documents = np.maximum.reduceat(products, bags.offsets[:-1], axis=1)
        best = np.concatenate([best, of_documents], axis=1)
        if top.shape[1] == RETRIEVED:
            near = (best >= lowest[:, None]).any(axis=0)
            held, best = held[near], best[:, near]
    if not len(held):
        return NOTHING
    # whole numbers: their sum is exact in any order
    total = np.maximum(best, lowest[:, None]).sum(axis=0, dtype=np.float64)
    scores = np.asarray(total / (len(asked) * SCALE**2), dtype=np.float32)
    near = at_least_kth(scores, k)
    found = order(held[near], scores[near], k, view.snapshot.document_ids)
    return of_one_leg("xtr", Found(*found, view.snapshot.document_ids(found[0])))


def _blocks(view: View, mask: Mask | None) -> Iterator[tuple[Numbers, Bags]]:
    """Yield the live documents that have words and that a mask lets through, some at a time."""
    snapshot = view.snapshot
    wanted = snapshot.live if mask is None else snapshot.live & mask
    for base, segment in zip(snapshot.bases, snapshot.segments, strict=True):
        counts = np.diff((segment.words or {})["offsets"])
        places = np.flatnonzero(wanted[base : base + len(segment)] & (counts > 0))
        blocks = np.cumsum(counts[places]) // _BLOCK
        for part in np.split(places, np.flatnonzero(np.diff(blocks)) + 1):
            if len(part):
                yield part + base, view.bags(part + base)
