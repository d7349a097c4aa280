"""A record of OAI-PMH -> a Paper or Deleted: the metadata formats arXiv, arXivRaw and oai_dc."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from everygrain.errors import InputError
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources.base import Deleted, Item
from everygrain_papers.sources.identifiers import arxiv_of, date_of, doi_of, year_of
from everygrain_papers.sources.markup import accents, one_line
from everygrain_papers.sources.safe_xml import child, children, text_of

_ARXIV = re.compile(r"oai:arXiv\.org:(.+)", re.IGNORECASE)


def item_of(record: Element) -> Item:
    """Read a `record` element. Raises InputError where it lacks what a paper needs."""
    header = record.find("{*}header")
    identifier = "" if header is None else child(header, "identifier")
    if header is None or not identifier:
        raise InputError("The record has no identifier.", "It was left out.")
    stamp = child(header, "datestamp")
    if header.get("status") == "deleted":
        return Deleted(paper_id(identifier), date_of(stamp))
    metadata = record.find("{*}metadata")
    told = next(iter(metadata), None) if metadata is not None else None
    if told is None:
        raise InputError(f"The record {identifier} has no metadata.", "It was left out.")
    kind = told.tag.rpartition("}")[2]
    if kind not in _READERS:
        raise InputError(
            f"The record {identifier} is in the format '{kind}'.",
            f"Ask for one of the formats {', '.join(['arXiv', 'arXivRaw', 'oai_dc'])}.",
        )
    return _READERS[kind](told, identifier, stamp)


def paper_id(identifier: str) -> str:
    """Return the id of a paper: "arxiv:..." for arXiv's own, else the identifier as it is."""
    own = _ARXIV.fullmatch(identifier)
    return f"arxiv:{own[1]}" if own else identifier


def _arxiv(told: Element, identifier: str, stamp: str) -> Paper:
    authors = [
        " ".join(filter(None, (child(a, "forenames"), child(a, "keyname"), child(a, "suffix"))))
        for a in told.iterfind("{*}authors/{*}author")
    ]
    return _of_arxiv(told, identifier, stamp, authors, date_of(child(told, "created")))


def _arxiv_raw(told: Element, identifier: str, stamp: str) -> Paper:
    stated = re.sub(r"\s*\([^()]*\)", "", child(told, "authors"))  # affiliations
    authors = [a.strip() for a in re.split(r",\s*(?:and\s+)?|\s+and\s+", stated)]
    first = told.find("{*}version")
    date = None if first is None else date_of(child(first, "date"))
    return _of_arxiv(told, identifier, stamp, authors, date)


def _of_arxiv(
    told: Element, identifier: str, stamp: str, authors: list[str], date: str | None
) -> Paper:
    number = child(told, "id") or paper_id(identifier).removeprefix("arxiv:")
    versions = told.findall("{*}version")
    more = {name: child(told, name) for name in ("comments", "license", "updated")}
    return of_record(
        {
            "id": paper_id(identifier),
            "title": one_line(child(told, "title")),
            "abstract": one_line(child(told, "abstract")),
            "authors": [name for name in (one_line(accents(a)) for a in authors) if name],
            "venue": child(told, "journal-ref") or "arXiv",
            "date": date,
            "year": year_of(date),
            "keywords": child(told, "categories").split(),
            "url": f"https://arxiv.org/abs/{number}",
            "doi": doi_of(child(told, "doi")),
            "arxiv_id": number,
            "more": {name: value for name, value in more.items() if value}
            | ({"version": len(versions)} if versions else {})
            | {"datestamp": stamp},
        },
        source="oai",
    )


def _dublin_core(told: Element, identifier: str, stamp: str) -> Paper:
    names = children(told, "identifier") + children(told, "relation")
    dates = sorted(filter(None, map(date_of, children(told, "date"))))
    described = children(told, "description")
    arxiv = next(filter(None, map(arxiv_of, names)), "")
    addresses = [name for name in names if name.startswith(("http://", "https://"))]
    return of_record(
        {
            "id": paper_id(identifier),
            "title": child(told, "title"),
            "abstract": next((d for d in described if not d.startswith("Comment:")), ""),
            "authors": [_turned(name) for name in children(told, "creator")],
            "venue": "arXiv" if arxiv else child(told, "source", "publisher"),
            "date": dates[0] if dates else None,
            "year": year_of(*dates[:1], *children(told, "date")),
            "keywords": children(told, "subject"),
            "url": addresses[0] if addresses else "",
            "doi": next(filter(None, map(doi_of, names)), ""),
            "arxiv_id": arxiv,
            "more": {"datestamp": stamp},
        },
        source="oai",
    )


def _turned(name: str) -> str:
    """Return "First Last" of "Last, First"."""
    last, _, first = name.partition(",")
    return f"{first.strip()} {last.strip()}".strip()


_READERS = {"arXiv": _arxiv, "arXivRaw": _arxiv_raw, "dc": _dublin_core}


def stamp_of(record: Element) -> str:
    """Return the datestamp of a record, "" where it has none."""
    header = record.find("{*}header")
    return "" if header is None else text_of(header.find("{*}datestamp"))
