"""The results of one collection in a suite, kept in a file until the suite is run again.

A file is named after the collection and after all that its figures depend on, so that results of
other settings lie beside it and are never taken for these.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from everygrain.errors import MeasureError
from everygrain.measure.collections import Collection
from everygrain.measure.results import Cost
from everygrain.measure.scores import Scores

_KEY = b"everygrain"


@dataclass(frozen=True)
class Settings:
    """What figures depend on.

    texts       digest of queries, judgements and documents
    described   what tells systems of one name apart
    """

    collection: str
    texts: str
    systems: tuple[str, ...]
    described: str
    measures: tuple[str, ...]
    k: int

    def file(self, folder: Path) -> Path:
        told = json.dumps([version("everygrain"), asdict(self)], sort_keys=True)
        key = hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
        return folder / f"{quote(self.collection, safe='')[:100]}-{key}.parquet"


@dataclass(frozen=True, eq=False)
class Kept:
    """Every system's figures and cost on one collection."""

    scores: Mapping[str, Scores]
    costs: tuple[Cost, ...]


def digest(collection: Collection) -> tuple[str, frozenset[str]]:
    """Read a collection once; return a digest of its texts and judgements, in any order of
    documents, and the ids of queries that are a document of it, by id and by text."""
    total, taken = 0, set()
    for document in collection.documents():
        told = json.dumps([document.id, document.title, document.text]).encode()
        total += int.from_bytes(hashlib.blake2b(told, digest_size=16).digest())
        query = collection.queries.get(document.id)
        if query is not None and _words(query) in (
            _words(document.text),
            _words(f"{document.title} {document.text}"),
        ):
            taken.add(document.id)
    judged = {query: dict(sorted(row.items())) for query, row in collection.judgements.items()}
    rest = json.dumps([f"{total:x}", dict(collection.queries), judged]).encode()
    return hashlib.blake2b(rest, digest_size=16).hexdigest(), frozenset(taken)


def write(folder: Path, settings: Settings, kept: Kept) -> None:
    """Write results; a file is there whole or not at all."""
    import pyarrow
    import pyarrow.parquet

    tables = []
    for system, scores in kept.scores.items():
        column = pyarrow.array([system] * len(scores.queries), pyarrow.string())
        tables.append(scores.to_arrow().append_column("\0system", column))
    costs = [_plain(asdict(cost)) for cost in kept.costs]
    told = json.dumps({"settings": asdict(settings), "costs": costs})
    table = pyarrow.concat_tables(tables).replace_schema_metadata({_KEY: told})
    folder.mkdir(parents=True, exist_ok=True)
    file = settings.file(folder)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        pyarrow.parquet.write_table(table, unfinished)
        os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)


def read(folder: Path, settings: Settings) -> Kept | None:
    """Return what `write` wrote of the same settings; None if nothing was.

    Raises MeasureError for a file that is damaged.
    """
    import pyarrow
    import pyarrow.compute
    import pyarrow.parquet

    file = settings.file(folder)
    if not file.is_file():
        return None
    try:
        table = pyarrow.parquet.read_table(file)
        told = json.loads(table.schema.metadata[_KEY])
        scores = {}
        for system in settings.systems:
            rows = table.filter(pyarrow.compute.equal(table["\0system"], system))
            scores[system] = Scores.from_arrow(rows.drop_columns(["\0system"]))
            if not scores[system].queries:
                raise ValueError(f"there is nothing of '{system}'")
        return Kept(scores, tuple(Cost(**_whole(cost)) for cost in told["costs"]))
    except (pyarrow.ArrowException, KeyError, TypeError, ValueError) as error:
        raise MeasureError(
            f"The kept results in {file} are damaged ({error}).", "Remove the file, and run again."
        ) from error


def _words(text: str) -> str:
    return " ".join(text.split())


def _plain(cost: dict[str, Any]) -> dict[str, Any]:
    nothing = math.isnan(cost["queries_per_second"])
    return {**cost, "queries_per_second": None if nothing else cost["queries_per_second"]}


def _whole(cost: dict[str, Any]) -> dict[str, Any]:
    rate = cost["queries_per_second"]
    return {**cost, "queries_per_second": math.nan if rate is None else rate}
