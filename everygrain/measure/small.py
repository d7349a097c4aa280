"""A large test collection -> a small one of what is judged and what is hard.

All judged documents stay, and with them the best documents of several systems for every query:
the ones that could be taken for relevant. What no system finds tells systems apart no more, so
that their order should stay; benchmarks/downsampling.py measures how far it does.

For a system whose scores do not depend on what else is in the collection, figures at a cutoff of
at most `depth` are the same if its own ranking was pooled, and else no lower than on the whole.
BM25's do depend on it: rarity and mean length are those of the small collection.

Source: MMTEB: Massive Multilingual Text Embedding Benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from everygrain.document import Document, Ranking
from everygrain.errors import MeasureError
from everygrain.measure.collections import Collection
from everygrain.rank.base import check_k


def pooled(rankings: Sequence[Ranking], depth: int, queries: Mapping[str, object]) -> set[str]:
    """Return the ids of the first `depth` documents of every ranking for every query.

    queries   the ids of the queries that count; others are passed over

    Raises MeasureError where there is no ranking, or a query was not asked in one.
    """
    check_k(depth)
    if not rankings:
        raise MeasureError("There is no ranking to pool.", "Give those of several systems.")
    found: set[str] = set()
    for ranking in rankings:
        asked = ranking.by_query()
        for query in queries:
            if query not in asked:
                raise MeasureError(
                    f"The query '{query}' was not asked by every system.", "Ask all of them."
                )
            found.update(document for document, _ in asked[query][:depth])
    return found


def small(
    collection: Collection, rankings: Sequence[Ranking], depth: int, name: str | None = None
) -> Collection:
    """Return the collection with only its judged documents and the pooled ones.

    rankings   of several systems on the whole collection, of all its scored queries
    depth      how many documents of each ranking are kept for each query
    name       of the small collection; the old one and the depth, if None

    Queries that are not judged go. Raises what `pooled` raises.
    """
    queries = collection.scored_queries
    kept = pooled(rankings, depth, queries)
    for grades in collection.judgements.values():
        kept.update(grades)

    def documents() -> Iterator[Document]:
        return (document for document in collection.documents() if document.id in kept)

    return replace(
        collection, name=name or f"{collection.name}/{depth}", queries=queries, documents=documents
    )


def part(collection: Collection, queries: Sequence[str]) -> Collection:
    """Return the collection with some of its queries and their judgements; all documents stay.

    Raises MeasureError for a query that has no judgement.
    """
    for query in queries:
        if not collection.judgements.get(query):
            raise MeasureError(f"The query '{query}' has no judgement.", "Name judged queries.")
    chosen = set(queries)
    return replace(
        collection,
        queries={query: text for query, text in collection.queries.items() if query in chosen},
        judgements={q: grades for q, grades in collection.judgements.items() if q in chosen},
    )
