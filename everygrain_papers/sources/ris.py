"""RIS libraries, as Zotero, EndNote and publishers write them."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from everygrain.errors import InputError
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources.base import Batch, Cursor, OnReject, Reject, logged
from everygrain_papers.sources.files import file_batches, status_of
from everygrain_papers.sources.identifiers import arxiv_of, date_of, doi_of, year_of
from everygrain_papers.sources.markup import one_line, plain
from everygrain_papers.sources.whole_json import unpacked

LONGEST_LINE = 4 * 2**20  # bytes; what is longer is cut
MOST_LINES = 10_000  # of one record
_TAG = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*))?$", re.DOTALL)


@dataclass(frozen=True)
class Ris:
    """A file of records from TY to ER, packed or not.

    Zotero writes no ids: such a record is known by its DOI, else by its title, year and first
    author. A record without its last line ends where the next begins.
    """

    path: Path

    @property
    def name(self) -> str:
        return f"ris {self.path.absolute()}"

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield the papers. Raises InputError if the file cannot be read."""
        status_of(self.path)
        return file_batches(self.path, self._papers(reject or logged), cursor)

    def _papers(self, reject: OnReject) -> Iterator[Paper]:
        line = 0
        try:
            for line, record in self._records():
                try:
                    yield _paper(record)
                except InputError as error:
                    shown = "\n".join(f"{tag}  - {each}" for tag in record for each in record[tag])
                    reject(Reject(f"{self.path}, line {line}", str(error), shown[:1000]))
        except (OSError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            reason = f"The file is cut off or damaged: {error}. Fetch it again."
            reject(Reject(f"{self.path}, after line {line}", reason))

    def _records(self) -> Iterator[tuple[int, dict[str, list[str]]]]:
        record: dict[str, list[str]] = {}
        first = number = 0
        tag, inside = "", False
        with self.path.open("rb") as file:
            stream = unpacked(file)
            while raw := stream.readline(LONGEST_LINE):
                number += 1
                line = raw.decode("utf-8-sig", "replace").rstrip("\r\n")
                found = _TAG.match(line)
                if found and found[1] in ("TY", "ER"):
                    if inside:
                        yield first, record
                    record, first, inside = {}, number, found[1] == "TY"
                    tag = "TY"
                elif found and inside and number - first < MOST_LINES:
                    tag = found[1]
                    record.setdefault(tag, []).append(found[2] or "")
                elif inside and tag in record and line.strip() and number - first < MOST_LINES:
                    record[tag][-1] += f" {line}"
        if inside:
            yield first, record


def _paper(record: dict[str, list[str]]) -> Paper:
    def first(*tags: str) -> str:
        return next((e for tag in tags for e in record.get(tag, ()) if e.strip()), "")

    title = plain(first("TI", "T1", "CT"))
    authors = [_turned(each) for tag in ("AU", "A1") for each in record.get(tag, ())]
    doi = doi_of(first("DO")) or next(filter(None, map(doi_of, record.get("UR", ()))), "")
    stated = first("DA", "PY", "Y1").strip("/ ")
    year = year_of(first("PY", "Y1", "YR"), stated)
    identifier = one_line(first("ID")) or doi
    if not identifier and title:
        known = "\t".join((title.lower(), str(year), *authors[:1]))
        identifier = hashlib.blake2b(known.encode(), digest_size=8).hexdigest()
    addresses = [each for tag in ("UR", "DO", "M1", "N1", "JO") for each in record.get(tag, ())]
    keywords = [one_line(each) for each in record.get("KW", ())]
    return of_record(
        {
            "id": f"ris:{identifier}",
            "title": title,
            "abstract": plain(first("AB", "N2")),
            "authors": [each for each in authors if each],
            "venue": plain(first("JF", "T2", "JO", "JA", "BT", "PB")),
            "date": date_of("-".join(stated.split("/")[:3]).rstrip("-")),
            "year": year,
            "keywords": [each for each in keywords if each],
            "url": first("UR"),
            "doi": doi,
            "arxiv_id": next(filter(None, map(arxiv_of, addresses)), ""),
        },
        source="ris",
    )


def _turned(name: str) -> str:
    """Return "First Last" of "Last, First" and of "Last, First, Jr"."""
    last, *first = [one_line(part) for part in name.split(",")]
    return " ".join(filter(None, (*first[:1], last, *first[1:])))
