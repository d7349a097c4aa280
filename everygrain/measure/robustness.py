"""How much a ranking changes when its query is worded or typed another way.

A classifier that changes its label under a rewording is inconsistent; for a retriever the label is
the first document, and the rest of the ranking is compared as well. As in the source, variants can
be held to those that the system itself takes to follow from the original and the original from
them (`everygrain.measure.variants.mutual`): a change then contradicts the system's own judgement.
The variants come from typos, rules or given paraphrases instead of a language model.

Source: Semantic Sensitivities and Inconsistent Predictions: Measuring the Fragility of NLI Models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.errors import MeasureError
from everygrain.measure.bootstrap import Interval, bca_interval
from everygrain.measure.likeness import PERSISTENCE, kendall_tau, overlap_at, rank_biased_overlap
from everygrain.measure.measures import evaluate
from everygrain.measure.significance import PairedTest, randomisation_test
from everygrain.rank.base import Retriever, check_k

Column = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Robustness:
    """Figures per query: the mean over its variants, in the order of `queries`.

    queries    ids of the n queries that have a variant
    varied     (n,) bool: whether any variant differs from the query at all
    rbo        (n,) extrapolated rank-biased overlap with the original ranking, in [0, 1]
    overlap    (n,) share of the first k documents in common, in [0, 1]
    tau        (n,) Kendall's tau over shared documents; NaN where no variant shares two
    first      (n,) share of the variants whose first document is another, or is there no more, or
               is there at last
    """

    queries: tuple[str, ...]
    varied: npt.NDArray[np.bool_]
    rbo: Column
    overlap: Column
    tau: Column
    first: Column

    def mean(self) -> dict[str, float]:
        """Return name -> mean over all queries, the untouched included.

        `any_first` and `all_first` are the shares of queries of which at least one variant, or
        every variant, changes the first document. NaN is left out of the mean of `tau`.
        """
        known = self.tau[~np.isnan(self.tau)]
        return {
            "varied": float(self.varied.mean()),
            "rbo": float(self.rbo.mean()),
            "overlap": float(self.overlap.mean()),
            "tau": float(known.mean()) if len(known) else float("nan"),
            "any_first": float((self.first > 0).mean()),
            "all_first": float((self.first == 1).mean()),
        }


@dataclass(frozen=True, eq=False)
class Drop:
    """What variants cost in a measure: original minus variants, so that a loss is above 0.

    measure          as it was asked for
    original         mean over the queries that are judged and have a variant
    varied           mean of the same queries' means over their variants
    interval         of the mean drop
    test             paired, original against variants
    before, after    (n,) per query
    """

    measure: str
    original: float
    varied: float
    interval: Interval
    test: PairedTest
    before: Column
    after: Column

    @property
    def share(self) -> float:
        """Return the drop as a share of the original mean; NaN where that is 0."""
        return (self.original - self.varied) / self.original if self.original else float("nan")


def robustness(
    retriever: Retriever,
    queries: Mapping[str, str],
    variants: Mapping[str, Sequence[str]],
    *,
    k: int = 10,
    persistence: float = PERSISTENCE,
) -> Robustness:
    """Compare the rankings of queries with those of their variants.

    variants      query id -> other wordings of it
    k             depth to which rankings are compared
    persistence   see `rank_biased_overlap`

    Raises MeasureError for a query without a text or without a variant, and if there is none.
    """
    check_k(k)
    asked = _checked(queries, variants)
    originals = _retrieved(retriever, [queries[query] for query in asked], k)
    texts = [text for query in asked for text in variants[query]]
    others = iter(_retrieved(retriever, texts, k))
    rows = []
    for query, original in zip(asked, originals, strict=True):
        found = [next(others) for _ in variants[query]]
        taus = np.array([kendall_tau(original, other) for other in found])
        known = taus[~np.isnan(taus)]
        rows.append(
            (
                np.mean([rank_biased_overlap(original, other, persistence) for other in found]),
                np.mean([overlap_at(original, other, k) for other in found]),
                known.mean() if len(known) else np.nan,
                np.mean([original[:1] != other[:1] for other in found]),
            )
        )
    varied = np.array([any(text != queries[q] for text in variants[q]) for q in asked])
    columns = np.array(rows, dtype=np.float64).T
    return Robustness(tuple(asked), varied, *columns)


def drops(
    retriever: Retriever,
    queries: Mapping[str, str],
    variants: Mapping[str, Sequence[str]],
    judgements: Mapping[str, Mapping[str, int]],
    measures: Sequence[str],
    *,
    k: int = 100,
    seed: int = 0,
) -> list[Drop]:
    """Measure what variants cost, over the queries that are judged and have a variant.

    k   number of documents asked for; at least the measures' cutoffs

    A variant that finds nothing counts as zero. Raises MeasureError as `robustness` does, if none
    of the queries is judged, and what `evaluate` raises.
    """
    check_k(k)
    asked = [query for query in _checked(queries, variants) if judgements.get(query)]
    if not asked:
        raise MeasureError("No query with a variant is judged.", "Use one release's ids.")
    before = _values(retriever, [(queries[q], judgements[q]) for q in asked], measures, k)
    pairs = [(text, judgements[q]) for q in asked for text in variants[q]]
    each = _values(retriever, pairs, measures, k)
    starts = np.cumsum([0, *(len(variants[q]) for q in asked[:-1])])
    counts = np.array([len(variants[q]) for q in asked])
    after = np.add.reduceat(each, starts, axis=0) / counts[:, None]
    return [
        Drop(
            name,
            float(before[:, j].mean()),
            float(after[:, j].mean()),
            bca_interval(before[:, j] - after[:, j], seed=seed),
            randomisation_test(before[:, j], after[:, j], seed=seed),
            before[:, j],
            after[:, j],
        )
        for j, name in enumerate(measures)
    ]


def _values(
    retriever: Retriever,
    pairs: Sequence[tuple[str, Mapping[str, int]]],
    measures: Sequence[str],
    k: int,
) -> Column:
    """Return (texts, measures); all zero where no text finds anything."""
    found = _retrieved(retriever, [text for text, _ in pairs], k)
    ids = [str(i) for i in range(len(pairs))]
    rows = [(i, d, -float(r)) for i, row in zip(ids, found, strict=True) for r, d in enumerate(row)]
    if not rows:
        return np.zeros((len(pairs), len(measures)))
    grades = {i: row for i, (_, row) in zip(ids, pairs, strict=True)}
    return evaluate(Ranking.of(ids, rows), grades, measures).values


def _retrieved(retriever: Retriever, texts: Sequence[str], k: int) -> list[list[str]]:
    """Return each text's documents, best first; each text is asked for once."""
    distinct = {text: str(i) for i, text in enumerate(dict.fromkeys(texts))}
    ranking = retriever.retrieve({i: text for text, i in distinct.items()}, k)
    found = ranking.by_query()
    ranked = {i: list(dict.fromkeys(d for d, _ in rows)) for i, rows in found.items()}
    return [ranked.get(distinct[text], []) for text in texts]


def _checked(queries: Mapping[str, str], variants: Mapping[str, Sequence[str]]) -> list[str]:
    for query, wordings in variants.items():
        if query not in queries:
            raise MeasureError(f"There is no query '{query}'.", "Use the queries' ids.")
        if isinstance(wordings, str) or not wordings:
            raise MeasureError(
                f"The query '{query}' has no list of variants.", "Give some, or leave it out."
            )
    if not variants:
        raise MeasureError("There is no variant of any query.", "Give query id -> variants.")
    return list(variants)
