"""Ways to fuse that rest on what the index learned: as values, and made for one index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from everygrain.errors import QueryError
from everygrain.rank.base import Retriever
from everygrain.rank.fuse import Weights, check_weights, fuse
from everygrain.rank.weigh import pseudo_queries, sampled_ids
from everygrain.segment.sentences import Sentences

if TYPE_CHECKING:
    from everygrain.rank.legs import View

FUSIONS = "fusions"  # the setting of an index that holds fitted weights, by the systems fused
SAMPLE = 150  # documents that a bank is made of


@dataclass(frozen=True)
class Sinkhorn:
    """`method=sinkhorn`: no document may win every query (`everygrain.rank.sinkhorn`)."""

    weights: Weights = ()

    def __post_init__(self) -> None:
        check_weights(self.weights)


@dataclass(frozen=True)
class Fitted:
    """`method=fitted`: weights that `everygrain calibrate --system` fitted to the index."""

    weights: Weights = ()


def made(
    view: View, retrievers: Sequence[Retriever], method: Sinkhorn | Fitted, parts: Sequence[str]
) -> Retriever:
    """Fuse retrievers.

    parts   the systems as they are written

    Raises QueryError where nothing was fitted for these systems, or the index's documents make
    fewer than 20 pseudo-queries.
    """
    if isinstance(method, Sinkhorn):
        return _sinkhorn(view, retrievers, method.weights, parts)
    from everygrain.rank.fit_fusion import FittedWeights

    kept = (view.store.setting(FUSIONS) or {}).get(", ".join(parts))
    if kept is None:
        raise QueryError(
            f"No weights were fitted for fuse({', '.join(parts)}).",
            f'Run `everygrain calibrate INDEX --system "fuse({", ".join(parts)})"`.',
        )
    return fuse(*retrievers, method=FittedWeights.from_settings(kept))


def _sinkhorn(
    view: View, retrievers: Sequence[Retriever], weights: Weights, parts: Sequence[str]
) -> Retriever:
    from everygrain.rank.sinkhorn import FEWEST, Bank, sinkhorn_fuse

    key = f"sinkhorn({', '.join(repr(each) for each in retrievers)})"
    if key not in view.learned:
        ids = sampled_ids(view, SAMPLE)
        held = view.store.catalogue.fetch(ids)
        sentences = Sentences(view.analyzer.language)
        asked = {
            f"{query.document_id} {query.kind}": query.text
            for identity in ids
            for query in pseudo_queries(held[identity], sentences)
        }
        if len(asked) < FEWEST:
            raise QueryError(
                f"The index's documents make {len(asked)} queries, too few to learn from what a "
                "document gets of them.",
                "Fuse with method=min_max.",
            )
        view.learned[key] = Bank.learn(retrievers, asked)
    return sinkhorn_fuse(*retrievers, weights=weights, bank=view.learned[key])
