"""A name of the package ir_datasets -> a Collection."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.measure.collections import Collection
from everygrain.measure.judgements import Judgements

PREFIX = "ir_datasets:"


def load_ir_datasets(name: str) -> Collection:
    """Load a data set by its name, such as `beir/scifact/test`; the prefix may be there.

    A record's text is its field `text`, with a document's `title` beside it; a record without it
    has ir_datasets' own default text, which holds the title, if there is one.
    Raises InputError if the package is not installed, the name is unknown, the data cannot be had,
    or they lack documents, queries or judgements.
    """
    name = name.removeprefix(PREFIX)
    try:
        package = importlib.import_module("ir_datasets")
    except ModuleNotFoundError:
        raise InputError(
            f"The collection '{name}' needs the package ir_datasets, which is not installed.",
            "Install it: pip install ir_datasets.",
        ) from None
    try:
        source = package.load(name)
    except KeyError:
        raise InputError(
            f"ir_datasets knows no '{name}'.", "Look the name up at ir-datasets.com."
        ) from None
    for part in ("docs", "queries", "qrels"):
        if not getattr(source, f"has_{part}")():
            raise InputError(f"'{name}' of ir_datasets has no {part}.", "Name one of its subsets.")
    try:
        queries = {query.query_id: _text(query) for query in source.queries_iter()}
        judgements: Judgements = {}
        for row in source.qrels_iter():
            grades = judgements.setdefault(row.query_id, {})
            if grades.setdefault(row.doc_id, row.relevance) != row.relevance:
                raise InputError(
                    f"'{name}': the document '{row.doc_id}' has scores {grades[row.doc_id]} and "
                    f"{row.relevance} for query '{row.query_id}'.",
                    "Use another release of the data set.",
                )
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"ir_datasets could not get '{name}': {error}.", "Check the network, or its manual."
        ) from error
    return Collection(name, queries, judgements, partial(_documents, source))


def _documents(source: Any) -> Iterator[Document]:
    for record in source.docs_iter():
        title = getattr(record, "title", None) if hasattr(record, "text") else None
        yield Document(record.doc_id, _text(record), title or "")


def _text(record: Any) -> str:
    return str(record.text if hasattr(record, "text") else record.default_text())
