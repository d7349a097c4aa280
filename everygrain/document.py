"""The values that rooms pass to each other: documents, spans, hits and rankings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError

if TYPE_CHECKING:
    import pyarrow

Grain = Literal["document", "passage", "sentence"]
GRAINS: tuple[Grain, ...] = ("document", "passage", "sentence")

LONGEST_ID = 2048


def _storable(value: str) -> bool:
    """Tell whether UTF-8 can hold the text: it cannot hold a lone surrogate."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Document:
    """A text with an id of the user's own.

    id         the user's string, 1 to 2,048 characters, without line breaks, tabs or NUL;
               stable for ever
    text       as it came; offsets of spans count its characters
    title      may be empty
    metadata   whatever JSON can hold

    Raises InputError, naming the field, for a value that could not be stored or found again.
    """

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("id", "text", "title"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise InputError(
                    f"The field '{name}' is {type(value).__name__}, not a string.",
                    f"Give '{name}' as text.",
                )
            if not _storable(value):
                raise InputError(
                    f"The field '{name}' holds a lone surrogate, which no UTF-8 file can hold.",
                    "Decode the source with errors='replace', or mend its escapes.",
                )
        if not self.id.strip():
            raise InputError("The id is empty.", "Give every document an id of its own.")
        if len(self.id) > LONGEST_ID:
            raise InputError(
                f"The id '{self.id[:40]}...' has {len(self.id):,} characters.",
                f"Use at most {LONGEST_ID:,}.",
            )
        if any(c in "\t\n\r\x00" for c in self.id):
            raise InputError(
                f"The id {self.id!r} holds a tab, a line break or NUL.",
                "Remove it: run files and qrels could not hold such an id.",
            )
        if not isinstance(self.metadata, Mapping):
            raise InputError(
                f"The metadata of '{self.id}' is {type(self.metadata).__name__}, not an object.",
                'Give metadata as {"field": value, ...}.',
            )


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a document: `document.text[start:end]` is its exact text."""

    document_id: str
    start: int
    end: int
    grain: Grain = "sentence"

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise InputError(
                f"The span {self.start}:{self.end} of '{self.document_id}' runs backwards.",
                "Offsets satisfy 0 <= start <= end.",
            )

    def of(self, document: Document) -> str:
        """Return the span's text. Raises InputError if the document is another or shorter."""
        if document.id != self.document_id or self.end > len(document.text):
            raise InputError(
                f"The span {self.start}:{self.end} of '{self.document_id}' does not lie in the "
                f"document '{document.id}' of {len(document.text)} characters.",
                "Use the document that the span was found in.",
            )
        return document.text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Leg:
    """What one leg says of a hit: its rank (from 1) and its own score."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span that speaks for a hit, with its text and a score in [0, 1] among its document's."""

    span: Span
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One result of a search: the document, its score, the evidence, and why it is here."""

    document: Document
    score: float
    spans: tuple[Evidence, ...] = ()
    legs: Mapping[str, Leg] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.document.id

    @property
    def title(self) -> str:
        return self.document.title


@dataclass(frozen=True, eq=False)
class Ranking:
    """Results for a set of queries, in columns of one length.

    Rows are grouped by query in the order of `queries`, and within a query sorted by score
    descending, then by document id, so that equal scores never depend on storage order.

    queries        every query that was asked, also those without a result
    query_ids      (n,) str
    document_ids   (n,) str
    scores         (n,) float32
    starts, ends   (n,) int64 offsets into the document's text, or None for whole documents
    legs           name -> (n,) float32 scores of a single leg; NaN where the leg lacks the row
    """

    queries: tuple[str, ...]
    query_ids: npt.NDArray[np.object_]
    document_ids: npt.NDArray[np.object_]
    scores: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64] | None = None
    ends: npt.NDArray[np.int64] | None = None
    legs: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        queries: Sequence[str],
        rows: Iterable[tuple[str, str, float]],
    ) -> Ranking:
        """Sort (query id, document id, score) rows into a Ranking.

        Raises InputError for a query that was not asked, a score that is NaN, or a document
        twice under one query.
        """
        found: dict[str, list[tuple[str, str, float]]] = {query: [] for query in queries}
        if len(found) != len(queries):
            raise InputError("Two queries have one id.", "Give every query an id of its own.")
        for query, hits in groupby(rows, itemgetter(0)):
            if query not in found:
                raise InputError(f"The query '{query}' was not asked.", "List it in `queries`.")
            found[query] += hits
        ids: list[str] = []
        values: list[float] = []
        for query, listed in found.items():
            documents = [document for _, document, _ in listed]
            if len(set(documents)) < len(documents):
                twice = next(d for i, d in enumerate(documents) if d in documents[:i])
                raise InputError(
                    f"The document '{twice}' occurs twice for query '{query}'.",
                    "Rank every document once.",
                )
            ids += documents
            values += [score for _, _, score in listed]
        names, scores = list(found), np.array(values, dtype=np.float32)
        sizes = np.array([len(listed) for listed in found.values()], dtype=np.int64)
        places = np.repeat(np.arange(len(sizes)), sizes)
        if np.isnan(scores).any():
            i = int(np.isnan(scores).argmax())
            raise InputError(
                f"The score of '{ids[i]}' for query '{names[places[i]]}' is NaN.",
                "Mend the system that gave it.",
            )
        order = np.lexsort((-scores, places))  # stable, and the places are sorted
        falling = scores[order]
        new = np.flatnonzero((falling[1:] != falling[:-1]) | (places[1:] != places[:-1])) + 1
        if len(new) + 1 < len(order):
            for start, end in pairwise([0, *new.tolist(), len(order)]):
                if end > start + 1:
                    order[start:end] = sorted(order[start:end].tolist(), key=ids.__getitem__)
        return cls(
            tuple(queries),
            np.array(names, dtype=object)[places],
            np.array(ids, dtype=object)[order],
            scores[order],
        )

    def __len__(self) -> int:
        return len(self.scores)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Ranking)
            and self.queries == other.queries
            and bool(np.array_equal(self.query_ids, other.query_ids))
            and bool(np.array_equal(self.document_ids, other.document_ids))
            and self._column_bytes() == other._column_bytes()
        )

    def _column_bytes(self) -> dict[str, bytes]:
        columns = {"scores": self.scores, "starts": self.starts, "ends": self.ends}
        columns |= {f"leg {name}": column for name, column in self.legs.items()}
        return {name: column.tobytes() for name, column in columns.items() if column is not None}

    def rows(self) -> Iterator[tuple[str, str, float]]:
        """Yield (query id, document id, score) in order."""
        for query, document, score in zip(
            self.query_ids, self.document_ids, self.scores, strict=True
        ):
            yield query, document, float(score)

    def by_query(self) -> dict[str, list[tuple[str, float]]]:
        """Return query id -> [(document id, score), ...]; empty lists for queries without a hit."""
        grouped: dict[str, list[tuple[str, float]]] = {query: [] for query in self.queries}
        for query, document, score in self.rows():
            grouped[query].append((document, score))
        return grouped

    def cut(self, k: int) -> Ranking:
        """Keep the first k rows of each query."""
        taken: dict[str, int] = {}
        keep = np.zeros(len(self), dtype=bool)
        for i, query in enumerate(self.query_ids):
            taken[query] = taken.get(query, 0) + 1
            keep[i] = taken[query] <= k
        return Ranking(
            self.queries,
            self.query_ids[keep],
            self.document_ids[keep],
            self.scores[keep],
            None if self.starts is None else self.starts[keep],
            None if self.ends is None else self.ends[keep],
            {name: column[keep] for name, column in self.legs.items()},
        )

    def write_trec(self, path: str | Path, tag: str = "everygrain") -> None:
        """Write a TREC run file: query id, Q0, document id, rank, score, tag.

        Raises InputError for an id that is empty or has a space, which the format cannot hold.
        """
        ranks: dict[str, int] = {}
        lines = []
        for query, document, score in self.rows():
            for name in (query, document):
                if not name or any(c.isspace() for c in name):
                    raise InputError(
                        f"The id '{name}' is empty or has a space, which a TREC run file cannot "
                        "hold.",
                        "Write JSON instead, or give ids without spaces.",
                    )
            ranks[query] = ranks.get(query, 0) + 1
            lines.append(f"{query} Q0 {document} {ranks[query]} {score!r} {tag}\n")
        Path(path).write_text("".join(lines), encoding="utf-8")

    @classmethod
    def read_trec(cls, path: str | Path) -> Ranking:
        """Read a TREC run file. Raises InputError with the line number of a broken line."""
        rows: dict[tuple[str, str], float] = {}
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not UTF-8 ({error}).", "Convert the file.") from None
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                query, _, document, _, score = line.split()[:5]
                if (value := float(score)) != value:
                    raise ValueError(score)
            except ValueError:
                raise InputError(
                    f"{path}, line {number}: not 'query Q0 document rank score tag'.",
                    "Mend or remove the line.",
                ) from None
            if (query, document) in rows:
                raise InputError(
                    f"{path}, line {number}: '{document}' occurs twice for query '{query}'.",
                    "Remove one of the two lines.",
                )
            rows[query, document] = value
        queries = list(dict.fromkeys(query for query, _ in rows))
        return cls.of(queries, [(*pair, score) for pair, score in rows.items()])

    def to_arrow(self) -> pyarrow.Table:
        """Return an Arrow table: query_id, document_id, rank, score, and what else there is."""
        import pyarrow

        ranks, last, rank = np.empty(len(self), dtype=np.int32), None, 0
        for i, query in enumerate(self.query_ids):
            rank = rank + 1 if query == last else 1
            ranks[i], last = rank, query
        columns: dict[str, Any] = {
            "query_id": pyarrow.array(self.query_ids.tolist(), pyarrow.string()),
            "document_id": pyarrow.array(self.document_ids.tolist(), pyarrow.string()),
            "rank": ranks,
            "score": self.scores,
        }
        if self.starts is not None and self.ends is not None:
            columns |= {"start": self.starts, "end": self.ends}
        columns |= {f"leg_{name}": column for name, column in self.legs.items()}
        table = pyarrow.table(columns)
        return table.replace_schema_metadata({"queries": json.dumps(self.queries)})

    @classmethod
    def from_arrow(cls, table: pyarrow.Table) -> Ranking:
        """Read what `to_arrow` wrote."""
        described = (table.schema.metadata or {}).get(b"queries")
        ids = table["query_id"].to_pylist()
        queries = json.loads(described) if described else list(dict.fromkeys(ids))
        names = table.column_names
        return cls(
            tuple(queries),
            np.array(ids, dtype=object),
            np.array(table["document_id"].to_pylist(), dtype=object),
            table["score"].to_numpy().astype(np.float32),
            table["start"].to_numpy() if "start" in names else None,
            table["end"].to_numpy() if "end" in names else None,
            {n[4:]: table[n].to_numpy() for n in names if n.startswith("leg_")},
        )

    def to_ir_measures(self) -> list[Any]:
        """Return ir_measures' ScoredDoc rows, scores made strictly decreasing in our order.

        trec_eval breaks ties by document id descending, ours by id ascending; ranks as scores
        keep the order that was returned.
        """
        import ir_measures

        rows, ranks = [], dict.fromkeys(self.queries, 0)
        for query, document, _ in self.rows():
            ranks[query] += 1
            rows.append(ir_measures.ScoredDoc(query, document, -float(ranks[query])))
        return rows
