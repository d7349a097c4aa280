"""What was found, as a user gets it: documents or spans of them, with evidence, best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from everygrain.document import Document, Grain, Hit
from everygrain.document import Leg as LegScore
from everygrain.rank.cutoff.base import Verdict
from everygrain.rank.evidence import as_evidence, best_spans, score_spans
from everygrain.rank.found import Found
from everygrain.rank.legs import View
from everygrain.rank.query import Query
from everygrain.segment.base import Segmenter

if TYPE_CHECKING:
    from everygrain.rank.llm.spent import Spent


class Hits(list[Hit]):
    """The hits of one search, best first.

    verdict   what a cut-off said of what was found, where one was asked for: "no good answer",
              for example, which leaves no hit
    spent     what language models in a composition cost; None where none took part
    """

    verdict: Verdict | None = None
    spent: Spent | None = None

    @classmethod
    def none(cls, verdict: Verdict | None) -> Hits:
        """Return no hit, with what a cut-off says of that."""
        made = cls()
        made.verdict = verdict
        return made


def document_hits(
    view: View, query: Query, system: str, found: Found, documents: Sequence[Document],
    sentences: Segmenter,
) -> Hits:  # fmt: skip
    """Return the documents that were found, each with its best sentences."""
    candidates = score_spans(view, query, documents, sentences, system)
    hits = Hits()
    for i, document in enumerate(documents):
        evidence = tuple(
            as_evidence(candidates, documents, place, "sentence")
            for place, _ in best_spans(candidates, i)
        )
        hits.append(Hit(document, float(found.scores[i]), evidence, _legs(found, i)))
    return hits


def span_hits(
    view: View, query: Query, system: str, found: Found, documents: Sequence[Document],
    segmenter: Segmenter, grain: Grain, k: int,
) -> Hits:  # fmt: skip
    """Return the best k spans of the documents that were found; half of a span's score is its
    document's share of the best one's."""
    candidates = score_spans(view, query, documents, segmenter, system)
    best = max(found.scores.max(initial=0.0), 1e-9)
    scores = (candidates.scores + found.scores[candidates.owners] / best) / 2
    order = sorted(
        range(len(scores)),
        key=lambda i: (-scores[i], documents[int(candidates.owners[i])].id, candidates.spans[i]),
    )
    return Hits(
        Hit(
            documents[int(candidates.owners[i])],
            float(scores[i]),
            (as_evidence(candidates, documents, i, grain),),
            _legs(found, int(candidates.owners[i])),
        )
        for i in order[:k]
        if candidates.scores[i] > 0
    )


def _legs(found: Found, i: int) -> dict[str, LegScore]:
    return {name: LegScore(*rows[i]) for name, rows in found.legs.items()}
