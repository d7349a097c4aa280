"""BibTeX libraries: a Zotero export, the ACL Anthology with abstracts, one's own file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everygrain import Document, read_documents
from everygrain.errors import InputError
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources.base import Batch, Cursor, OnReject, Reject, logged
from everygrain_papers.sources.files import file_batches, status_of
from everygrain_papers.sources.identifiers import arxiv_of, date_of, dated, doi_of, year_of
from everygrain_papers.sources.markup import accents, one_line, plain

_HEAD = re.compile(r"\s*@(\w+)\s*[{(]\s*([^\s,{}]+)\s*,")
_FIELD = re.compile(r"^\s*([A-Za-z][\w-]*)\s*=\s*(.*)$", re.MULTILINE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_VENUES = (
    "journal", "journaltitle", "booktitle", "eventtitle", "publisher", "school", "institution",
)  # fmt: skip
_NO_PAPERS = frozenset(("proceedings", "comment", "string", "preamble"))


@dataclass(frozen=True)
class BibTeX:
    """A BibTeX file, packed or not.

    An entry with broken braces is read line by line, as programs write them, and says so in
    `more["mended"]`; one that even so has no title is a reject. The volumes of proceedings are
    passed over: they are no papers.
    """

    path: Path

    @property
    def name(self) -> str:
        return f"bibtex {self.path.absolute()}"

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield the papers. Raises InputError if the file cannot be read."""
        status_of(self.path)
        return file_batches(self.path, self._papers(reject or logged), cursor)

    def _papers(self, reject: OnReject) -> Iterator[Paper]:
        broken: list[Any] = []
        seen: set[str] = set()
        documents = read_documents(self.path, format="bibtex", on_reject=broken.append)
        going = True
        while going:
            document = next(documents, None)
            going = document is not None
            found = [(each, self._mended(each.raw)) for each in broken]
            broken.clear()
            for refused, mended in found:
                line = f", line {refused.line_or_record}" if refused.line_or_record else ""
                told = Reject(f"{self.path}{line}", refused.reason, refused.raw[:1000])
                if mended is None:
                    reject(told)
                else:
                    yield from self._new(mended, told.place, seen, reject)
            if document is not None and document.metadata.get("type") not in _NO_PAPERS:
                place = f"{self.path}, entry {document.id}"
                yield from self._new(document, place, seen, reject)

    def _new(
        self, document: Document, place: str, seen: set[str], reject: OnReject
    ) -> Iterator[Paper]:
        try:
            if document.id in seen:
                raise InputError(f"Two entries have the key '{document.id}'.", "Rename one.")
            paper = _paper(document, f"bibtex:{self.path.name.partition('.')[0]}:{document.id}")
        except InputError as error:
            reject(Reject(place, str(error), document.title))
        else:
            seen.add(document.id)
            yield paper

    def _mended(self, raw: str) -> Document | None:
        head = _HEAD.match(raw)
        if head is None:
            return None
        told: dict[str, Any] = {"type": head[1].lower(), "mended": "braces"}
        found = list(_FIELD.finditer(raw, head.end()))
        if not found:
            return None
        ends = [*(each.start() for each in found[1:]), len(raw)]
        for each, end in zip(found, ends, strict=True):
            value = raw[each.start(2) : end].strip().rstrip("}, \n\t").strip('"{')
            told[each[1].lower()] = one_line(accents(value))
        if not told.get("title"):
            return None
        title, abstract = told.pop("title"), told.pop("abstract", "")
        return Document(head[2], abstract, title, told)


def _paper(document: Document, identifier: str) -> Paper:
    told = {name.lower(): value for name, value in document.metadata.items()}
    stated = {name: str(value) for name, value in told.items() if isinstance(value, str | int)}
    names = [_turned(name) for name in re.split(r"\s+and\s+", stated.get("author", ""))]
    date = date_of(stated.get("date")) or _dated(stated)
    eprint = stated.get("eprint", "")
    of_arxiv = "arxiv" in (stated.get("archiveprefix", "") + stated.get("eprinttype", "")).lower()
    addresses = [stated.get(name, "") for name in ("url", "doi", "journal", "note")]
    words = re.split(r"\s*[,;]\s*", stated.get("keywords", ""))
    venue = next(filter(None, map(stated.get, _VENUES)), "")
    return of_record(
        {
            "id": identifier,
            "title": plain(document.title),
            "abstract": plain(document.text),
            "authors": [name for name in names if name and name.lower() != "others"],
            "venue": one_line(venue),
            "date": date,
            "year": year_of(stated.get("year"), date, stated.get("date")),
            "keywords": [word for word in map(one_line, words) if word],
            "url": stated.get("url", ""),
            "doi": doi_of(stated.get("doi")) or doi_of(stated.get("url")),
            "arxiv_id": (arxiv_of(eprint) if of_arxiv else "")
            or next(filter(None, map(arxiv_of, addresses)), ""),
            "more": {n: stated[n] for n in ("type", "file", "mended") if stated.get(n)},
        },
        source="bibtex",
    )


def _turned(name: str) -> str:
    """Return "First Last" of "Last, First" and of "Last, Jr, First", and of a name in named parts,
    as BibLaTeX has them: "family=Last, given=First, prefix=van"."""
    if "family=" in name:
        stated = (part.partition("=") for part in name.split(","))
        parts = {one_line(key): one_line(value).strip('"') for key, _, value in stated}
        return " ".join(
            parts[key] for key in ("given", "prefix", "family", "suffix") if parts.get(key)
        )
    last, *first = [one_line(part) for part in name.split(",")]
    if len(first) == 2:
        last, first = f"{last} {first[0]}", first[1:]
    return " ".join(filter(None, (*first, last)))


def _dated(stated: dict[str, str]) -> str | None:
    month, year = stated.get("month", "").strip().lower(), stated.get("year")
    number = _MONTHS.index(month[:3]) + 1 if month[:3] in _MONTHS else month
    return dated(year, number, stated.get("day")) if month else None
