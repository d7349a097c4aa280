"""PubMed's XML: the baseline files, the daily updates, and exports of a search."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast
from xml.etree.ElementTree import Element

from everygrain.errors import InputError
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources.base import Batch, Cursor, Deleted, Item, OnReject, Reject, logged
from everygrain_papers.sources.files import file_batches, status_of
from everygrain_papers.sources.identifiers import date_of, dated, doi_of, year_of
from everygrain_papers.sources.markup import one_line
from everygrain_papers.sources.safe_xml import child, children, elements, text_of


@dataclass(frozen=True)
class PubMed:
    """A file of PubmedArticleSet, packed or not; its DeleteCitation lists withdrawn papers."""

    path: Path

    @property
    def name(self) -> str:
        return f"pubmed {self.path.absolute()}"

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield papers and deletions. Raises InputError for what is no XML; a file that is cut
        off is a reject, after what came before."""
        status_of(self.path)
        return file_batches(self.path, self._items(reject or logged), cursor)

    def _items(self, reject: OnReject) -> Iterator[Item]:
        number = 0
        wanted = ("PubmedArticle", "DeleteCitation")
        try:
            with self.path.open("rb") as file:
                for each in elements(_pieces(file), lambda tag: tag in wanted):
                    number += 1
                    try:
                        if each.tag == "DeleteCitation":
                            for pmid in children(each, "PMID"):
                                yield Deleted(f"pubmed:{pmid}")
                        else:
                            yield _paper(each)
                    except InputError as error:
                        place = f"{self.path}, record {number}"
                        reject(Reject(place, str(error), text_of(each)[:1000]))
        except (OSError, EOFError, zlib.error) as error:
            reject(Reject(str(self.path), f"Reading stopped: {error}. Fetch it again."))
        except InputError as error:
            if not number:
                raise InputError(f"{self.path}: {error.problem}", error.remedy) from None
            reject(Reject(str(self.path), f"{error} The {number} records before were read."))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file
    while piece := stream.read(2**18):
        yield piece


def _paper(record: Element) -> Paper:
    citation = record.find("MedlineCitation")
    article = None if citation is None else citation.find("Article")
    if citation is None or article is None:
        raise InputError("The record has no article.", "It was left out.")
    pmid = child(citation, "PMID")
    date, year = _date(article)
    ids = [(i.get("IdType"), text_of(i)) for i in record.iterfind("PubmedData/ArticleIdList/*")]
    ids += [(i.get("EIdType"), text_of(i)) for i in article.iterfind("ELocationID")]
    cited = [
        text_of(i)
        for i in record.iterfind(".//Reference/ArticleIdList/ArticleId[@IdType='pubmed']")
    ]
    keywords = [text_of(k) for k in citation.iterfind("KeywordList/Keyword")]
    headings = [text_of(k) for k in citation.iterfind("MeshHeadingList/MeshHeading/DescriptorName")]
    title = child(article, "ArticleTitle") or child(article, "VernacularTitle")
    return of_record(
        {
            "id": f"pubmed:{pmid}" if pmid else None,
            "title": one_line(title),
            "abstract": " ".join(
                filter(None, map(_part, article.iterfind("Abstract/AbstractText")))
            ),
            "authors": [name for a in article.iterfind("AuthorList/Author") if (name := _name(a))],
            "venue": child(article, "Journal/Title", "Journal/ISOAbbreviation"),
            "date": date,
            "year": year,
            "keywords": list(dict.fromkeys(filter(None, keywords + headings))),
            "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/",
            "doi": next((d for kind, told in ids if kind == "doi" and (d := doi_of(told))), ""),
            "references": [f"pubmed:{each}" for each in cited if each],
        },
        source="pubmed",
    )


def _part(part: Element) -> str:
    """Return a part of an abstract, after its label: "METHODS: ..."."""
    label, told = part.get("Label", ""), text_of(part)
    return f"{label}: {told}" if label and told and label != "UNLABELLED" else told


def _name(author: Element) -> str:
    first = child(author, "ForeName", "Initials")
    return f"{first} {child(author, 'LastName')}".strip() or child(author, "CollectiveName")


def _date(article: Element) -> tuple[str | None, int | None]:
    stated = article.find("ArticleDate")
    if stated is None:
        stated = article.find("Journal/JournalIssue/PubDate")
    if stated is None:
        return None, None
    year, month, day = (child(stated, name) for name in ("Year", "Month", "Day"))
    loose = child(stated, "MedlineDate")
    date = dated(year, month, day or None) if month.isdigit() else date_of(f"{year} {month} {day}")
    return date or date_of(loose), year_of(year, loose)
