"""Rankings of several systems -> one file of documents to judge, blind to who found what.

A line of the file is one document beside one query, as JSON:

    {"query_id", "query", "document_id", "title", "text", "evidence": [[start, end], ...]}

`evidence`, offsets into the text, may be missing. Nothing tells which system found a document, how
many did, or where. The order within a query is that of a hash of seed, query and document: neither
ranks nor the other documents of the pool move two documents past each other.

Source: Report on the need for and provision of an "ideal" information retrieval test collection.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from everygrain.document import Document, Ranking
from everygrain.errors import InputError, MeasureError
from everygrain.measure.rows import misread, numbered_lines
from everygrain.read.record import parse_json

Spans = Sequence[tuple[int, int]]
Fetch = Callable[[Sequence[str]], Mapping[str, Document]]
FindEvidence = Callable[[str, Sequence[Document]], Sequence[Spans]]

FIELDS = ("query_id", "query", "document_id", "title", "text")


@dataclass(frozen=True, slots=True)
class Item:
    """One document to be judged for one query.

    evidence   (start, end) offsets into the text, or none
    """

    query_id: str
    query: str
    document_id: str
    title: str
    text: str
    evidence: tuple[tuple[int, int], ...] = ()

    @property
    def pair(self) -> tuple[str, str]:
        """Return (query id, document id), by which judgements are kept."""
        return self.query_id, self.document_id


def pooled(rankings: Sequence[Ranking], depth: int, seed: int = 0) -> dict[str, list[str]]:
    """Return query id -> the documents that any ranking has among its first `depth`, shuffled.

    Raises MeasureError where there is no ranking, or a depth of less than 1.
    """
    if not rankings:
        raise MeasureError("There is no ranking to pool.", "Name at least one system or run.")
    if depth < 1:
        raise MeasureError(f"A pool of depth {depth} holds nothing.", "Use 1 or more.")
    found: dict[str, set[str]] = {}
    for ranking in rankings:
        for query, rows in ranking.cut(depth).by_query().items():
            found.setdefault(query, set()).update(document for document, _ in rows)
    return {
        query: sorted(documents, key=lambda document: _place(seed, query, document))
        for query, documents in found.items()
    }


def make_pool(
    queries: Mapping[str, str],
    rankings: Sequence[Ranking],
    fetch: Fetch,
    *,
    depth: int = 20,
    seed: int = 0,
    find_evidence: FindEvidence | None = None,
) -> Iterator[Item]:
    """Yield what is to be judged, query by query in the order of `queries`.

    fetch           document ids -> those of them that there are
    find_evidence   query text, its documents -> the spans of each that speak for it; must not
                    depend on who found them, or the pool would not be blind

    Raises MeasureError, naming them, for queries without a text and for documents that `fetch`
    does not know.
    """
    found = pooled(rankings, depth, seed)
    if unknown := [query for query in found if query not in queries]:
        raise MeasureError(
            f"The rankings hold queries without a text: {_named(unknown)}.",
            "Give the queries that the systems were run on.",
        )
    for query, text in queries.items():
        ids = found.get(query, [])
        held = fetch(ids) if ids else {}
        if missing := [identity for identity in ids if identity not in held]:
            raise MeasureError(
                f"Of what was found for the query '{query}', the collection lacks "
                f"{_named(missing)}.",
                "Use the collection that the systems were run on.",
            )
        documents = [held[identity] for identity in ids]
        spans = find_evidence(text, documents) if find_evidence and documents else ()
        for i, document in enumerate(documents):
            evidence = tuple(sorted(spans[i])) if spans else ()
            yield Item(query, text, document.id, document.title, document.text, evidence)


def write_pool(path: str | Path, items: Iterable[Item]) -> int:
    """Write a pool, whole or not at all. Returns the number of its documents.

    Raises MeasureError, and leaves no file, if there is nothing to judge.
    """
    path = Path(path)
    made = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with made.open("w", encoding="utf-8") as file:
            for item in items:
                row = {name: getattr(item, name) for name in FIELDS}
                row |= {"evidence": item.evidence} if item.evidence else {}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        if not count:
            raise MeasureError(
                "There is nothing to judge: no system found anything.", "Check queries and index."
            )
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
    return count


def read_pool(path: str | Path) -> list[Item]:
    """Read a pool; the documents of a query stand together, queries as they first occur.

    Raises InputError with file and line for a broken line, a query id with two texts, and a
    document that is there twice for one query; and for a file without a line.
    """
    path = Path(path)
    items: dict[tuple[str, str], Item] = {}
    queries: dict[str, str] = {}
    for number, line in numbered_lines(path):
        try:
            item = _item(parse_json(line))
            if queries.setdefault(item.query_id, item.query) != item.query:
                raise InputError(f"The query '{item.query_id}' has two texts.", "Keep one.")
            if item.pair in items:
                raise InputError(
                    f"'{item.document_id}' is there twice for query '{item.query_id}'.",
                    "Remove one of the two lines.",
                )
        except InputError as error:
            raise misread(path, number, error.problem, error.remedy) from None
        items[item.pair] = item
    if not items:
        raise InputError(f"{path} holds nothing to judge.", "Check that it is the right file.")
    place = {query: i for i, query in enumerate(queries)}
    return sorted(items.values(), key=lambda item: place[item.query_id])


def _item(row: Any) -> Item:
    remedy = "Make the file with `everygrain judge pool`."
    if not isinstance(row, dict):
        raise InputError("The line is no JSON object.", remedy)
    for name in FIELDS:
        if not isinstance(row.get(name), str):
            raise InputError(f"The field '{name}' is missing, or no text.", remedy)
    document = Document(row["document_id"], row["text"], row["title"])  # refuses what it must
    query = Document(row["query_id"], row["query"])
    evidence = row.get("evidence", [])
    if not isinstance(evidence, list) or not all(
        isinstance(span, list)
        and len(span) == 2
        and all(type(end) is int for end in span)
        and 0 <= span[0] <= span[1] <= len(document.text)
        for span in evidence
    ):
        raise InputError("The field 'evidence' is no list of [start, end] in the text.", remedy)
    spans = tuple((start, end) for start, end in evidence)
    return Item(query.id, query.text, document.id, document.title, document.text, spans)


def _place(seed: int, query: str, document: str) -> bytes:
    return blake2b(f"{seed}\0{query}\0{document}".encode(), digest_size=16).digest()


def _named(ids: Sequence[str], most: int = 5) -> str:
    return ", ".join(f"'{each}'" for each in ids[:most]) + (", ..." if len(ids) > most else "")
