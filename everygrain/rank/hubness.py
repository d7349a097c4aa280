"""Dual-bank normalisation: documents that are near to every query stop winning all of them.

In many dimensions some documents, hubs, are among the nearest of far more queries than others.
With a bank of queries Q and one of documents G (`everygrain.rank.banks`), a similarity is divided
by how near the document is to queries and to documents in general, two inverted softmaxes:

    exp(b1 s(q, d)) / mean over q' in Q of exp(b1 s(q', d))
      * exp(b2 s(q, d)) / mean over g' in G of exp(b2 s(g', d))

(means, where the source has sums, change no order). Its logarithm over b1 + b2 is the similarity
less a number of the document alone, a soft mean of its similarities to the banks:

    score(q, d) = s(q, d) - penalty(d)
    penalty(d) = [log mean exp(b1 s(q', d)) + log mean exp(b2 s(g', d))] / (b1 + b2)

Since the banks are made of the index's own documents, a document's own pseudo-query and itself are
left out of its means; it would be punished for being in the sample.

Source: Balance Act: Mitigating Hubness in Cross-Modal Retrieval with Query and Gallery Banks. Its
evidence is of images, videos and sounds. On text (benchmarks/results/rank_hubness.md) hubs lose
their lead nearly everywhere, but the ranking gains only on cisi with minilm, where the
10-occurrence is most skewed (3.6); on scifact and cranfield (below 2) it loses or stays: what is
near to many queries is often what answers them. Nothing uses it by default; the dynamic variant
harms least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from everygrain.document import Ranking
from everygrain.errors import EncoderMismatchError, QueryError
from everygrain.rank.banks import Banks, numbers_of, passages_of
from everygrain.rank.base import Queries
from everygrain.rank.legs import View, Views

Floats = npt.NDArray[np.float64]

BETA = 5.0  # the best of 5, 10, 20 and 40 on most halves of queries
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Hubness:
    """A reranker of what the dense leg found: `dense % 100 >> Hubness(views, banks)`.

    The scores that come in must be the dense leg's; each loses the penalty of its document.

    beta_queries     b1 >= 0, inverse temperature of the bank of queries; 0 leaves it out
    beta_documents   b2 >= 0, of the bank of documents
    dynamic          correct only queries whose best document is a known hub
    hub_at           of how many of the banks a hub is the nearest, at least
    """

    views: Views = field(repr=False)
    banks: Banks
    beta_queries: float = BETA
    beta_documents: float = BETA
    dynamic: bool = False
    hub_at: int = 2
    _known: dict[int, dict[str, float]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        betas = (self.beta_queries, self.beta_documents)
        if not all(np.isfinite(b) and b >= 0 for b in betas) or not sum(betas) > 0:
            raise QueryError(
                f"beta_queries = {betas[0]} and beta_documents = {betas[1]} make no sense.",
                "Use 0 or more, and one above 0.",
            )

    def __repr__(self) -> str:
        told = [f"beta_queries={self.beta_queries}", f"beta_documents={self.beta_documents}"]
        told += [f"dynamic=True, hub_at={self.hub_at}"] if self.dynamic else []
        return f"Hubness({', '.join(told)})"

    def rerank(self, queries: Queries, ranking: Ranking) -> Ranking:
        """Raises EncoderMismatchError where the banks were made with another encoder."""
        found = ranking.by_query()
        with self.views.newest() as view:
            expected = view.encoder.fingerprint
            if self.banks.fingerprint != expected:
                raise EncoderMismatchError(
                    f"The banks were made with {self.banks.fingerprint}, the index with "
                    f"{expected}.",
                    "Make the banks anew.",
                )
            corrected = {q: rows for q, rows in found.items() if rows and self._applies(rows[0][0])}
            wanted = dict.fromkeys(d for rows in corrected.values() for d, _ in rows)
            penalty = self._penalties(view, list(wanted))
        rows = []
        for query, document, score in ranking.rows():
            if query not in corrected:
                rows.append((query, document, score))
            elif document in penalty:  # deleted since: it would come off unpunished
                rows.append((query, document, score - penalty[document]))
        return Ranking.of(ranking.queries, rows)

    def _applies(self, best: str) -> bool:
        return not self.dynamic or self.banks.hubs.get(best, 0) >= self.hub_at

    def _penalties(self, view: View, ids: Sequence[str]) -> dict[str, float]:
        """Return the penalties of live documents; each is worked out once in a generation."""
        generation = view.snapshot.generation
        if generation not in self._known:
            self._known.clear()
        known = self._known.setdefault(generation, {})
        held = view.store.catalogue.places([i for i in ids if i not in known])
        missing = list(held)
        for start in range(0, len(missing), _AT_ONCE):
            block = missing[start : start + _AT_ONCE]
            passages = passages_of(view, numbers_of(view, block))
            found = penalties(block, passages, self.banks, self.beta_queries, self.beta_documents)
            known.update(zip(block, found.tolist(), strict=True))
        return known


def penalties(
    ids: Sequence[str],
    passages: Sequence[npt.NDArray[np.float32]],
    banks: Banks,
    beta_queries: float,
    beta_documents: float,
) -> Floats:
    """Return (n,) penalties, in the unit of a cosine; the same to the last bit in any company.

    ids        (n,) of the documents
    passages   their (passages, d) vectors
    """
    lengths = [len(each) for each in passages]
    rows = _fixed(np.concatenate(list(passages)))
    firsts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    total = np.zeros(len(ids))
    for owners, vectors, beta in (
        (banks.query_ids, banks.queries, beta_queries),
        (banks.document_ids, banks.vectors, beta_documents),
    ):
        if beta:
            similar = np.maximum.reduceat(rows @ _fixed(vectors).T, firsts, axis=0)
            total += _log_mean_exp(beta * similar, _own(ids, owners))
    return total / (beta_queries + beta_documents)


def _fixed(vectors: npt.NDArray[np.floating]) -> Floats:
    """Round to multiples of 2^-24: then a float64 dot product of rows of length 1 is exact, so
    that it does not depend on how a library orders the additions."""
    return np.asarray(np.rint(vectors.astype(np.float64) * 2**24) / 2**24)


def _own(ids: Sequence[str], owners: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return (ids, owners) whether a row of the bank was made of the document itself."""
    of_id = {identity: i for i, identity in enumerate(ids)}
    own = np.zeros((len(ids), len(owners)), dtype=bool)
    for j, owner in enumerate(owners):
        if owner in of_id:
            own[of_id[owner], j] = True
    return own


def _log_mean_exp(values: Floats, left_out: npt.NDArray[np.bool_]) -> Floats:
    """Return the logarithm of each row's mean exponential; 0 for a row with nothing left."""
    kept = np.where(left_out, -np.inf, values)
    counts = (~left_out).sum(axis=1)
    peaks = np.where(counts > 0, kept.max(axis=1, initial=-np.inf), 0.0)
    sums = np.exp(kept - peaks[:, None]).sum(axis=1)
    means = np.divide(sums, counts, out=np.ones(len(sums)), where=counts > 0)
    return np.asarray(peaks + np.log(means))


def occurrences(ranking: Ranking, k: int) -> Counter[str]:
    """Return of how many queries each document is among the first k."""
    return Counter(ranking.cut(k).document_ids.tolist())


def skewness(ranking: Ranking, k: int, documents: int) -> float:
    """Return the skewness of the k-occurrence, the usual measure of hubness; 0 if none varies.

    documents   in the collection: those that never occur count as 0
    """
    counts = np.zeros(documents)
    found = list(occurrences(ranking, k).values())
    if len(found) > documents:
        raise QueryError(
            f"{len(found)} documents were found among {documents}.", "Count all documents."
        )
    counts[: len(found)] = found
    spread = counts.std()
    return float(((counts - counts.mean()) ** 3).mean() / spread**3) if spread else 0.0
