"""What `everygrain judge pool` asks of an index: rankings, documents, evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everygrain.document import Document, Ranking
    from everygrain.engine import Index
    from everygrain.measure.pool import Fetch, FindEvidence, Spans


def rankings_of(
    index: Index, queries: Mapping[str, str], systems: str | None, depth: int
) -> list[Ranking]:
    """Run systems, written as experiments write them and parted by commas, on an index.

    Raises QueryError for a system that does not exist, MeasureError for one named twice.
    """
    from everygrain.cli.evaluate import split_names
    from everygrain.cli.progress import progress
    from everygrain.cli.run import ranked
    from everygrain.errors import MeasureError
    from everygrain.rank.compose import parse
    from everygrain.rank.compose.making import Making

    default = "lexical" if index.store.fingerprint is None else "lexical,dense,hybrid"
    compositions = [parse(name) for name in split_names(systems or default)]
    for each in compositions:
        if compositions.count(each) > 1:
            raise MeasureError(f"The system '{each}' is named twice.", "Name it once.")
    with progress("Searching", len(queries) * len(compositions)) as advance:
        return [
            ranked(
                index,
                each.build(Making(index.views)),
                queries,
                depth,
                advance,
            )
            for each in compositions
        ]


def fetcher(index: Index) -> Fetch:
    """Return what gets documents by id."""

    def fetch(ids: Sequence[str]) -> dict[str, Document]:
        with index.store.reading():
            return index.store.catalogue.fetch(ids)

    return fetch


def evidence_finder(index: Index) -> FindEvidence:
    """Return what finds a document's best sentences, by all legs that the index has."""
    from everygrain.rank.evidence import best_spans, score_spans
    from everygrain.rank.query import parse
    from everygrain.segment.sentences import Sentences

    sentences = Sentences(index.store.analyzer.language)
    system = "lexical" if index.store.fingerprint is None else "hybrid"

    def find(query: str, documents: Sequence[Document]) -> list[Spans]:
        with index.views.newest() as view:
            parsed = parse(query, view.analyzer)
            candidates = score_spans(view, parsed, documents, sentences, system)
        return [
            [candidates.spans[place] for place, _ in best_spans(candidates, i)]
            for i in range(len(documents))
        ]

    return find
