"""Records of one kind -> Papers: one small mapping for each of the field's JSON dialects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from everygrain.errors import InputError
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources.base import Addition
from everygrain_papers.sources.csl import csl
from everygrain_papers.sources.fields import (
    Record,
    are_texts,
    count_of,
    first_of,
    kept,
    list_of,
    map_of,
    names_of,
    text,
)
from everygrain_papers.sources.identifiers import (
    arxiv_of,
    date_and_year,
    date_of,
    doi_of,
    year_of,
)
from everygrain_papers.sources.markup import accents, clean, one_line, plain

LONGEST_ABSTRACT = 1_000_000  # words of an inverted index; more is no abstract
# authors, concepts, funders, institutions, publishers, sources, topics
_NO_WORKS = frozenset("ACFIPST")


def own(record: Record) -> Paper:
    """Read the fields of Paper itself; text stays as it came, but for control characters."""
    cleaned = {
        name: clean(value) if isinstance(value, str) and name != "id" else value
        for name, value in record.items()
    }
    return of_record(cleaned, source="jsonl")


def arxiv(record: Record) -> Paper:
    """Read a record of arXiv's metadata snapshot."""
    identifier = text(record, "id")
    parsed = record.get("authors_parsed")
    if isinstance(parsed, list):
        authors = [one_line(f"{a[1]} {a[0]} {a[2]}") for a in parsed if are_texts(a, 3)]
    else:
        authors = text(record, "authors").replace(" and ", ", ").split(",")
    versions = [v for v in list_of(record, "versions") if isinstance(v, Mapping)]
    first = date_of(versions[0].get("created")) if versions else None
    date = first or date_of(record.get("update_date"))
    return of_record(
        {
            "id": f"arxiv:{identifier}" if identifier else None,
            "title": one_line(text(record, "title")),
            "abstract": one_line(text(record, "abstract")),
            "authors": [name for name in (one_line(accents(a)) for a in authors) if name],
            "venue": one_line(text(record, "journal-ref")) or "arXiv",
            "date": date,
            "year": year_of(date),
            "keywords": text(record, "categories").split(),
            "url": f"https://arxiv.org/abs/{identifier}",
            "doi": doi_of(record.get("doi")),
            "arxiv_id": identifier,
            "more": kept(record, "comments", "license", "update_date")
            | ({"version": len(versions)} if versions else {}),
        },
        source="arxiv-snapshot",
    )


def openalex(record: Record) -> Paper:
    """Read a work of OpenAlex; its abstract is an index of words to places."""
    identifier = text(record, "id").rstrip("/").rsplit("/", 1)[-1]
    if identifier[:1] in _NO_WORKS and identifier[1:].isdigit():
        raise InputError(f"'{identifier}' is no work.", "Read the folder of works alone.")
    places = [map_of(record, "primary_location"), *list_of(record, "locations")]
    addresses = [str(p.get("landing_page_url") or "") for p in places if isinstance(p, Mapping)]
    doi = doi_of(record.get("doi"))
    source = map_of(map_of(record, "primary_location"), "source") or map_of(record, "host_venue")
    stated = list_of(record, "keywords") or list_of(record, "concepts")
    date = date_of(record.get("publication_date"))
    return of_record(
        {
            "id": f"openalex:{identifier}",
            "title": plain(text(record, "title") or text(record, "display_name")),
            "abstract": one_line(uninverted(record.get("abstract_inverted_index") or {})),
            "authors": [
                one_line(
                    text(map_of(each, "author"), "display_name") or text(each, "raw_author_name")
                )
                for each in list_of(record, "authorships")
                if isinstance(each, Mapping)
            ],
            "venue": plain(text(source, "display_name")),
            "date": date,
            "year": year_of(record.get("publication_year"), date),
            "keywords": names_of(stated, "display_name"),
            "url": next((a for a in addresses if a), "") or text(record, "id"),
            "doi": doi,
            "arxiv_id": next(filter(None, map(arxiv_of, [doi, *addresses])), ""),
            "references": [
                "openalex:" + each.rsplit("/", 1)[-1]
                for each in list_of(record, "referenced_works")
                if isinstance(each, str)
            ],
            "citations": count_of(record.get("cited_by_count")),
            "more": kept(record, "type", "language", "is_retracted"),
        },
        source="openalex",
    )


def semantic_scholar(record: Record) -> Paper | Addition:
    """Read a paper of Semantic Scholar: its dumps, its API, or its old open corpus.

    Its dumps give papers, their abstracts and their summaries (tldrs) apart: an abstract or a
    summary alone is an Addition.
    """
    if {"corpusid", "model", "text"} <= record.keys() and "title" not in record:
        summary = one_line(text(record, "text"))
        if not summary:
            raise InputError("The summary is empty.", "Leave it out.")
        return Addition(f"s2:{text(record, 'corpusid')}", {"more": {"tldr": summary}})
    if "corpusid" in record and "abstract" in record and "title" not in record:
        abstract = one_line(text(record, "abstract"))
        return Addition(f"s2:{text(record, 'corpusid')}", {"abstract": abstract})
    known = {k.lower(): v for k, v in (map_of(record, "externalIds")).items()}
    known |= {k.lower(): v for k, v in (map_of(record, "externalids")).items()}
    identifiers = (text(record, name) for name in ("corpusid", "corpusId", "paperId", "id"))
    identifier = next(filter(None, identifiers), None)
    date = date_of(record.get("publicationdate") or record.get("publicationDate"))
    cited = record.get("citationcount", record.get("citationCount"))
    incoming = record.get("inCitations")
    fields = list_of(record, "s2fieldsofstudy") or list_of(record, "s2FieldsOfStudy")
    references = [
        f"s2:{each.get('corpusid') or each.get('paperId')}" if isinstance(each, Mapping) else each
        for each in list_of(record, "references") or list_of(record, "outCitations")
    ]
    venue = text(record, "venue") or text(record, "journalName")
    return of_record(
        {
            "id": f"s2:{identifier}" if identifier else None,
            "title": one_line(text(record, "title")),
            "abstract": one_line(text(record, "abstract") or text(record, "paperAbstract")),
            "authors": names_of(list_of(record, "authors"), "name"),
            "venue": one_line(venue or text(map_of(record, "journal"), "name")),
            "date": date,
            "year": year_of(record.get("year"), date),
            "keywords": list(dict.fromkeys(names_of(fields, "category"))),
            "url": text(record, "url") or text(record, "s2Url"),
            "doi": doi_of(known.get("doi") or record.get("doi")),
            "arxiv_id": arxiv_of(known.get("arxiv")),
            "references": [r for r in references if isinstance(r, str) and r != "s2:None"],
            "citations": count_of(len(incoming) if isinstance(incoming, list) else cited),
            "more": {"tldr": text(map_of(record, "tldr"), "text")} if record.get("tldr") else {},
        },
        source="semantic-scholar",
    )


def crossref(record: Record) -> Paper:
    """Read a work of Crossref; its abstract is JATS."""
    doi = doi_of(record.get("DOI"))
    names = ("published-print", "published-online", "published", "issued", "posted", "created")
    parts = [list_of(map_of(record, name), "date-parts") for name in names]
    first = next((p[0] for p in parts if p and isinstance(p[0], list) and any(p[0])), [])
    date, year = date_and_year(first)
    title = ": ".join(filter(None, (first_of(record, "title"), first_of(record, "subtitle"))))
    preprints = list_of(map_of(record, "relation"), "is-preprint-of")
    published = [doi_of(each.get("id")) for each in preprints if isinstance(each, Mapping)]
    return of_record(
        {
            "id": f"doi:{doi}" if doi else None,
            "title": plain(title),
            "abstract": plain(text(record, "abstract")).removeprefix("Abstract "),
            "authors": [
                one_line(f"{text(a, 'given')} {text(a, 'family')}") or one_line(text(a, "name"))
                for a in list_of(record, "author")
                if isinstance(a, Mapping)
            ],
            "venue": plain(first_of(record, "container-title") or text(record, "publisher")),
            "date": date,
            "year": year,
            "keywords": [one_line(k) for k in list_of(record, "subject") if isinstance(k, str)],
            "url": text(record, "URL"),
            "doi": doi,
            "arxiv_id": arxiv_of(doi),
            "references": [
                ref
                for each in list_of(record, "reference")
                if isinstance(each, Mapping)
                and (ref := doi_of(each.get("DOI")) or one_line(text(each, "article-title")))
            ],
            "citations": count_of(record.get("is-referenced-by-count")),
            "more": kept(record, "type", "language")
            | ({"preprint_of": [d for d in published if d]} if any(published) else {}),
        },
        source="crossref",
    )


Dialect = Callable[[Record], Paper | Addition]
DIALECTS: Mapping[str, Dialect] = {
    "papers": own,
    "arxiv": arxiv,
    "openalex": openalex,
    "semantic-scholar": semantic_scholar,
    "crossref": crossref,
    "csl": csl,
}


def dialect_of(record: Record) -> str:
    """Tell by its fields which of DIALECTS a record speaks."""
    if "abstract_inverted_index" in record or "openalex.org/" in str(record.get("id", ""))[:40]:
        return "openalex"
    if {"corpusid", "corpusId", "paperId", "paperAbstract"} & record.keys():
        return "semantic-scholar"
    if "id" in record and {"issued", "container-title", "citation-key"} & record.keys():
        return "csl"
    if "DOI" in record:
        return "csl" if "id" in record else "crossref"
    if "authors_parsed" in record or {"update_date", "categories"} <= record.keys():
        return "arxiv"
    return "papers"


def item_of(record: Any, dialect: str | None = None) -> Paper | Addition:
    """Read a record in one of DIALECTS, or in the one that its fields tell.

    Raises InputError for what is no record of a paper.
    """
    if not isinstance(record, Mapping):
        raise InputError(
            f"A record is a JSON {type(record).__name__}, no object.",
            'Write one object a line: {"id": ..., "title": ..., "abstract": ...}.',
        )
    return DIALECTS[dialect or dialect_of(record)](record)


def uninverted(index: Any) -> str:
    """Return the text of {"word": [places]}.

    Raises InputError for what is no such index; places may have gaps.
    """
    if not isinstance(index, Mapping):
        raise InputError("'abstract_inverted_index' is no object.", "Leave it out.")
    placed: list[tuple[int, str]] = []
    for word, places in index.items():
        if not isinstance(places, list) or any(type(place) is not int for place in places):
            raise InputError(
                f"'abstract_inverted_index' gives no places for '{word[:40]}'.", "Leave it out."
            )
        placed += [(place, word) for place in places]
        if len(placed) > LONGEST_ABSTRACT:
            raise InputError("'abstract_inverted_index' has no end.", "Leave it out.")
    return " ".join(word for _, word in sorted(placed))
