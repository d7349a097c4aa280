"""CSL-JSON, as Zotero and other keepers of references write it -> Papers."""

from __future__ import annotations

import re

from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources.fields import Record, first_of, kept, list_of, map_of, text
from everygrain_papers.sources.identifiers import (
    arxiv_of,
    date_and_year,
    date_of,
    doi_of,
    year_of,
)
from everygrain_papers.sources.markup import one_line, plain


def csl(record: Record) -> Paper:
    """Read one item of a library."""
    issued = map_of(record, "issued")
    parts = list_of(issued, "date-parts")
    date, year = date_and_year(parts[0] if parts and isinstance(parts[0], list) else ())
    stated = first_of(issued, "raw") or first_of(issued, "literal")
    addresses = (
        "URL", "DOI", "note", "number", "archive_location", "archive-location", "container-title",
    )  # fmt: skip
    identifier = text(record, "id") or text(record, "citation-key")
    return of_record(
        {
            "id": f"csl:{one_line(identifier)}" if identifier else None,
            "title": plain(text(record, "title")),
            "abstract": plain(text(record, "abstract")),
            "authors": [
                one_line(" ".join(text(each, name) for name in _NAME)) or text(each, "literal")
                for each in list_of(record, "author")
                if isinstance(each, dict)
            ],
            "venue": plain(first_of(record, "container-title") or first_of(record, "publisher")),
            "date": date or date_of(stated),
            "year": year or year_of(stated),
            "keywords": [
                word
                for word in map(one_line, re.split(r"[,;]", first_of(record, "keyword")))
                if word
            ],
            "url": first_of(record, "URL"),
            "doi": doi_of(record.get("DOI")),
            "arxiv_id": next(filter(None, (arxiv_of(first_of(record, a)) for a in addresses)), ""),
            "more": kept(record, "type", "language"),
        },
        source="csl",
    )


_NAME = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
