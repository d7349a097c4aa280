"""The newest papers, or those of a search, as an Atom feed (RFC 4287)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as xml

from starlette.responses import Response

from everygrain_papers import latex
from everygrain_papers.paper import Paper
from everygrain_papers.sources.markup import one_line
from everygrain_papers.web.rendering import paper_address
from everygrain_papers.web.searching import asked_of, found
from everygrain_papers.web.visit import Visit

MOST = 50
LONGEST = 2000  # characters of a summary
_ATOM = "http://www.w3.org/2005/Atom"
xml.register_namespace("", _ATOM)


def papers_feed(visit: Visit) -> Response:
    """Give the newest papers, or those of a search with its filters."""
    asked = asked_of(visit)
    if asked.query or asked.filtered:
        papers = [hit.paper for hit in found(visit, asked).hits]
        title = f"Papers for “{asked.query}”" if asked.query else "Papers chosen by filters"
    else:
        papers, title = visit.room.papers.newest(MOST), "New papers"
    arrived = visit.room.papers.arrival([paper.id for paper in papers])
    body = atom(title, visit.house.address, asked.address(path="/feed.atom"), papers, arrived)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in visit.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/atom+xml", headers=headers)


def atom(
    title: str, pages: str, path: str, papers: Sequence[Paper], arrived: dict[str, datetime]
) -> bytes:
    """Return a feed.

    pages     address of these pages, before every path
    arrived   paper id -> when it came
    """
    feed = xml.Element(f"{{{_ATOM}}}feed")
    _add(feed, "id", uuid5(NAMESPACE_URL, f"everygrain:papers:{path}").urn)
    _add(feed, "title", one_line(title)[:200])
    last = max(arrived.values(), default=datetime(2000, 1, 1, tzinfo=UTC))
    _add(feed, "updated", last.isoformat(timespec="seconds"))
    _add(_add(feed, "author"), "name", "Everygrain")
    _add(feed, "link", rel="self", type="application/atom+xml", href=pages + path)
    for paper in papers:
        entry = _add(feed, "entry")
        _add(entry, "id", uuid5(NAMESPACE_URL, f"everygrain:paper:{paper.id}").urn)
        _add(entry, "title", one_line(latex.plain(paper.title[:600])))
        came = arrived.get(paper.id, last)
        _add(entry, "updated", came.isoformat(timespec="seconds"))
        _add(entry, "link", rel="alternate", href=pages + paper_address(paper.id))
        for author in paper.authors[:50]:
            if name := one_line(author)[:200]:
                _add(_add(entry, "author"), "name", name)
        _add(entry, "summary", one_line(latex.plain(paper.abstract[:LONGEST])))
    body = bytes(xml.tostring(feed, "utf-8"))
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def _add(parent: xml.Element, name: str, text: str | None = None, **attributes: str) -> xml.Element:
    made = xml.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    made.text = text
    return made
