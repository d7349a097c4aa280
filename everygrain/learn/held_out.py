"""Questions kept back from training, and what they are asked of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from everygrain.document import Document
from everygrain.learn.pairs import PairSource
from everygrain.rank.weigh import is_reserved


@dataclass(frozen=True, eq=False)
class Questions:
    """The held-out queries of one source, with the documents as the source leaves them.

    documents    a document whose words became a query is there without those words
    queries      query id -> text
    judgements   query id -> document id -> 1
    asked_by     query id -> the document that it was taken from
    """

    source: str
    documents: list[Document]
    queries: dict[str, str] = field(default_factory=dict)
    judgements: dict[str, dict[str, int]] = field(default_factory=dict)
    asked_by: dict[str, str] = field(default_factory=dict)


def divide(documents: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Return the documents that train, and the quarter, chosen by id, that only tests.

    They are the ones that pseudo-queries of the fusion weight come from, so what was trained on
    never sways that weight either. A copy of a tested document under another id does neither.
    """
    kept = [document for document in documents if is_reserved(document.id)]
    told = {(document.title, document.text) for document in kept}
    train = [
        document
        for document in documents
        if not is_reserved(document.id) and (document.title, document.text) not in told
    ]
    return train, kept


def questions(
    source: PairSource,
    test: Sequence[Document],
    others: Sequence[Document],
    *,
    queries: int,
    documents: int,
) -> Questions:
    """Make held-out questions of test documents.

    source      other than those that trained
    others      documents that are searched beside them
    queries     at most; every n-th pair is taken where there are more
    documents   searched at most, those that answer first
    """
    pairs = list(source.pairs([*test, *others] if source_links(source) else test))
    kept = {document.id for document in test}
    pairs = [pair for pair in pairs if pair.query_id in kept]
    step = max(1, len(pairs) // queries)
    made = Questions(source.name, [])
    taken: dict[str, list[str]] = {}
    answers: dict[str, str] = {}
    for number, pair in enumerate(pairs[::step][:queries]):
        name = f"{number}"
        if pair.query_id == pair.positive_id:
            taken.setdefault(pair.query_id, []).append(pair.query)
            answers[pair.query_id] = pair.positive
        made.queries[name] = pair.query
        made.judgements[name] = {pair.positive_id: 1}
        made.asked_by[name] = pair.query_id
    changed = {
        document.id: _without(document, taken[document.id], answers[document.id])
        for document in test if document.id in taken
    }  # fmt: skip
    wanted = {each for grades in made.judgements.values() for each in grades}
    first = [document for document in [*test, *others] if document.id in wanted]
    rest = [document for document in [*test, *others] if document.id not in wanted]
    for document in [*first, *rest][: max(documents, len(first))]:
        made.documents.append(changed.get(document.id, document))
    return made


def _without(document: Document, queries: Sequence[str], answer: str) -> Document:
    """Return a document without its queries; the answer alone, if one of them is not in it."""
    title, text = document.title, document.text
    for query in queries:
        if query == title.strip():
            title = ""
        elif query in text:
            text = text.replace(query, " ")
        else:
            return Document(document.id, answer)
    return Document(document.id, text, title)


def source_links(source: PairSource) -> bool:
    """Tell whether a source asks one document for another, so that it has to see them all."""
    return source.name.split("(")[0] in ("links", "cocitation")
