"""The same query under two instructions: do the documents that the second excludes fall?

For a document whose relevance the change of instruction takes away, at rank r before and s after,

    p-MRR = R / S - 1   if it rose (r > s), with reciprocal ranks R = 1 / r and S = 1 / s
            1 - S / R   if it fell or stayed

so that it lies in (-1, 1): 0 where nothing changed, towards 1 the further it fell, as it should,
and towards -1 the further it rose. Exchanging the two rankings changes the sign. The mean is taken
over the documents of a query, then over queries.

Documents that become relevant are not counted: the instructions of the source only narrow.

Source: FollowIR: Evaluating and Teaching Information Retrieval Models to Follow Instructions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from everygrain.document import Ranking
from everygrain.errors import MeasureError
from everygrain.measure.scores import Scores

NAME = "p-MRR"


def rank_change(before: int, after: int) -> float:
    """Return p-MRR of one document from its ranks, which count from 1.

    Raises MeasureError for a rank below 1.
    """
    if before < 1 or after < 1:
        raise MeasureError(f"A rank is {min(before, after)}.", "Count ranks from 1.")
    if before > after:
        return after / before - 1
    return 1 - before / after


def excluded(
    before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]
) -> dict[str, tuple[str, ...]]:
    """Return query id -> the documents that are relevant before, and judged not relevant after.

    before, after   judgements under the two instructions, by the same query ids

    Queries without such a document are left out: they say nothing. A document without a judgement
    under the second instruction was not judged anew, and is left out too.
    Raises MeasureError where the two have no query in common.
    """
    shared = [query for query in before if query in after]
    if not shared:
        raise MeasureError(
            "The two sets of judgements have no query in common.",
            "Give a query the same id under both instructions.",
        )
    changed = {
        query: tuple(
            document
            for document, grade in before[query].items()
            if grade > 0 and after[query].get(document, 1) <= 0
        )
        for query in shared
    }
    return {query: documents for query, documents in changed.items() if documents}


def p_mrr(before: Ranking, after: Ranking, changed: Mapping[str, Sequence[str]]) -> Scores:
    """Measure how far the excluded documents fell, query by query.

    before, after   rankings under the two instructions, of the same query ids and to one depth
    changed         query id -> the documents whose relevance was taken away, as `excluded` gives

    A document that a ranking lacks is taken to stand right after the longer of the query's two.
    The mean of the scores is the figure of the source.
    Raises MeasureError for a query that was not asked in one of the rankings, a query without such
    documents, one named twice, and where there is no query.
    """
    if not changed:
        raise MeasureError(
            "No document lost its relevance.", "Use judgements that differ between instructions."
        )
    ranks = [_ranks(ranking, changed) for ranking in (before, after)]
    values = np.zeros((len(changed), 1))
    for i, (query, documents) in enumerate(changed.items()):
        if isinstance(documents, str) or not documents or len(set(documents)) < len(documents):
            raise MeasureError(
                f"The query '{query}' has no list of documents, each named once.",
                "Leave such a query out.",
            )
        old, new = ranks[0][query], ranks[1][query]
        missing = max(len(old), len(new)) + 1
        values[i] = np.mean([rank_change(old.get(d, missing), new.get(d, missing))
                             for d in documents])  # fmt: skip
    return Scores(tuple(changed), (NAME,), values)


def _ranks(ranking: Ranking, queries: Mapping[str, object]) -> dict[str, dict[str, int]]:
    """Return query id -> document id -> rank, from 1."""
    asked = set(ranking.queries)
    for query in queries:
        if query not in asked:
            raise MeasureError(
                f"The query '{query}' was not asked under both instructions.",
                "Run every query with both.",
            )
    return {
        query: {document: rank for rank, (document, _) in enumerate(rows, 1)}
        for query, rows in ranking.by_query().items()
    }
