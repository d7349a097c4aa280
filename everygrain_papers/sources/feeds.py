"""RSS and Atom feeds of papers: journals, preprint servers, blogs."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from everygrain.errors import InputError
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.sources.base import Batch, Cursor, OnReject, Reject, logged
from everygrain_papers.sources.identifiers import arxiv_of, date_of, doi_of, year_of
from everygrain_papers.sources.markup import one_line, plain
from everygrain_papers.sources.safe_xml import child, children, elements, text_of
from everygrain_papers.sources.visits import Visitor


@dataclass(frozen=True)
class Feed:
    """An address of RSS 0.9 to 2.0 or Atom.

    The cursor holds the server's validators (ETag, Last-Modified): a feed that did not change is
    not sent again, and one that is sent again unchanged is not read again.
    """

    url: str
    visitor: Visitor = field(default_factory=Visitor)

    @property
    def name(self) -> str:
        return f"feed {self.url}"

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield one batch: all papers that the feed shows now.

        Raises InputError if it cannot be had or is no feed. Of one that is cut off, the entries
        before that count, and it is asked for anew next time.
        """
        reject = reject or logged
        known = dict(cursor or {})
        headers = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("modified")}
        reply = self.visitor.get(self.url, headers={k: v for k, v in headers.items() if v})
        checksum = zlib.crc32(reply.content)
        if reply.status == 304 or checksum == known.get("checksum"):
            yield Batch((), known, last=True)
            return
        refused: list[Reject] = []
        papers = tuple(papers_of(reply.content, self.url, refused.append))
        for each in refused:
            reject(each)
        cut = any(each.place == self.url for each in refused)
        state = {
            "etag": reply.headers.get("etag", ""),
            "modified": reply.headers.get("last-modified", ""),
            "checksum": checksum,
        }
        yield Batch(papers, {} if cut else state, last=True)


def papers_of(content: bytes, place: str, reject: OnReject) -> Iterator[Paper]:
    """Read the entries of a feed.

    A title is text, whatever tags it speaks of. An entry that is no paper is a reject, and so is
    the rest of a feed that is cut off; its place is the feed's own.
    Raises InputError for what is no feed at all.
    """
    number = heads = 0
    try:
        for entry in elements([content], lambda tag: tag in ("item", "entry", "title")):
            if entry.tag.rpartition("}")[2] == "title":
                heads += 1
                continue
            number += 1
            try:
                yield _paper(entry)
            except InputError as error:
                reject(
                    Reject(f"{place}, entry {number}", str(error), one_line(child(entry, "title")))
                )
    except InputError as error:
        if not number:
            raise InputError(f"{place} is no feed: {error.problem}", error.remedy) from None
        reject(Reject(place, f"{error} The {number} entries before were read."))
        return
    if not number and (not heads or b"<html" in content[:2000].lower()):
        raise InputError(f"{place} is no feed: it has neither title nor entries.", "Check it.")


def _paper(entry: Element) -> Paper:
    link = _link(entry)
    named = child(entry, "id", "guid") or link or entry.get(_ABOUT, "")
    dois = [child(entry, "doi"), child(entry, "identifier"), named, link]
    doi = next(filter(None, map(doi_of, dois)), "")
    arxiv = next(filter(None, map(_arxiv, (named, link, doi))), "")
    date = date_of(child(entry, "published", "pubDate", "date", "publicationDate", "updated"))
    summary = child(entry, "summary", "description", "encoded", "content")
    _, _, told = summary.partition("Abstract:") if arxiv else ("", "", "")
    return of_record(
        {
            "id": f"arxiv:{arxiv}" if arxiv else named or None,
            "title": _title(entry),
            "abstract": plain(told or summary),
            "authors": _authors(entry, bool(arxiv)),
            "venue": plain(child(entry, "publicationName")) or ("arXiv" if arxiv else ""),
            "date": date,
            "year": year_of(date),
            "keywords": [c.get("term", "") for c in entry.iterfind("{*}category") if c.get("term")]
            or children(entry, "category"),
            "url": link if link.startswith(("http://", "https://")) else "",
            "doi": doi,
            "arxiv_id": arxiv,
        },
        source="feed",
    )


_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_ATOM = "{http://www.w3.org/2005/Atom"
_FEEDS = ("", _ATOM, "{http://purl.org/rss/1.0/", "{http://my.netscape.com/rdf/simple/0.9/")


def _arxiv(text: str) -> str:
    """Return the arXiv id of an address, or of arXiv's own guid, "oai:arXiv.org:2411.00001v1"."""
    return arxiv_of(text.removeprefix("oai:arXiv.org:"))


def _title(entry: Element) -> str:
    titles = [each for each in entry.iterfind("{*}title") if text_of(each)]
    # media:title and dc:title repeat the entry's own, or say something else
    own = [each for each in titles if each.tag.rpartition("}")[0] in _FEEDS] or titles
    if not own:
        return ""
    literal = own[0].tag.startswith(_ATOM) and own[0].get("type", "text") == "text"
    return one_line(text_of(own[0])) if literal else plain(text_of(own[0]))


def _link(entry: Element) -> str:
    for link in entry.iterfind("{*}link"):
        if link.get("rel", "alternate") == "alternate" and (link.get("href") or link.text):
            return one_line(link.get("href") or link.text or "")
    return ""


def _authors(entry: Element, joined: bool) -> list[str]:
    named = [
        child(author, "name") or one_line(author.text or "")
        for author in entry.iterfind("{*}author")
    ]
    creators = named or children(entry, "creator")
    if joined or len(creators) == 1:
        creators = [part.strip() for each in creators for part in each.split(", ")]
    return [name for name in map(plain, creators) if name]
