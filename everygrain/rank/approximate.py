"""Approximate search by vectors, an option above a size; exact search is the default.

    ivf, hnsw   by faiss
    binary      codes of two bits a dimension, compared by the bits in which they differ; needs no
                faiss, and is made fastest (see `everygrain.index.compress`)

The index finds candidates; they are scored exactly, so scores never differ from exact search,
only documents may be missing. `recall` says how many, against exact search, on the collection's
own vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.errors import ModelError, QueryError
from everygrain.rank.dense import Dense

if TYPE_CHECKING:
    from everygrain.index.compress.two_stage import TwoStage

KINDS = ("binary", "ivf", "hnsw")
FEWEST, SHARE = 200, 600  # candidates of binary codes: one of 600 passages, and at least 200


@dataclass(frozen=True, eq=False)
class Approximate:
    """An index over the live passages of one snapshot, built in memory when first used.

    index    of faiss, or of binary codes
    owners   (rows,) the document that each of its vectors belongs to
    """

    kind: str
    index: Any
    owners: npt.NDArray[np.int64]
    dense: Dense

    @classmethod
    def build(cls, dense: Dense, kind: str) -> Approximate:
        """Build over all live passages. Raises ModelError without faiss where it takes that."""
        if kind == "binary":
            return cls(kind, *_binary(dense), dense)
        try:
            import faiss
        except ImportError as error:
            raise ModelError(
                "Approximate search needs faiss.",
                'Install it with `pip install "everygrain[models]"`, or set approximate to none.',
            ) from error
        if kind not in KINDS:
            raise QueryError(
                f"There is no approximate search '{kind}'.", f"Use {', '.join(KINDS)}."
            )
        vectors, owners = dense.live_passages()
        dimensions = vectors.shape[1]
        index: Any
        if kind == "hnsw":
            index = faiss.IndexHNSWFlat(dimensions, 16, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction, index.hnsw.efSearch = 100, 128
        else:
            lists = max(1, min(4 * int(len(vectors) ** 0.5), len(vectors) // 39))
            quantizer = faiss.IndexFlatIP(dimensions)
            index = faiss.IndexIVFFlat(quantizer, dimensions, lists, faiss.METRIC_INNER_PRODUCT)
            index.train(vectors)
            index.nprobe = min(lists, max(8, lists // 16))
        index.add(vectors)
        return cls(kind, index, owners, dense)

    def candidates(self, query: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
        """Return documents that are likely among the best k, in no order."""
        wanted = min(2 * k + 10, len(self.owners))
        if self.kind == "binary":
            return np.unique(self.owners[self.index.candidates(query, wanted)])
        _, rows = self.index.search(query[None], wanted)
        found = rows[0][rows[0] >= 0]
        return np.unique(self.owners[found])

    def recall(self, k: int = 10, sample: int = 200) -> float:
        """Return the mean share of the exact best k that is found, for a sample of vectors."""
        vectors, _ = self.dense.live_passages()
        vectors = vectors[vectors.any(axis=1)]
        k = min(k, self.dense.snapshot.count)
        chosen = np.linspace(0, len(vectors) - 1, min(sample, len(vectors))).astype(int)
        shares = []
        for query in vectors[np.unique(chosen)]:
            rough = self.dense.approximate(query)
            best = np.argsort(-rough, kind="stable")[:k]
            shares.append(np.isin(best, self.candidates(query, k)).mean())
        return float(np.mean(shares)) if shares else 1.0


def _binary(dense: Dense) -> tuple[TwoStage, npt.NDArray[np.int64]]:
    from everygrain.index.compress.binary import Binary
    from everygrain.index.compress.two_stage import TwoStage

    vectors, owners = dense.live_passages()
    compressor = Binary(-(-2 * vectors.shape[1] // 8) * 8).fit(vectors)
    depth = max(FEWEST, len(vectors) // SHARE)
    return TwoStage.build(compressor, compressor.encode(vectors), vectors, depth), owners
