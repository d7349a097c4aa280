"""TREC text -> Documents: <DOC> <DOCNO>...</DOCNO> ... </DOC>, one after the other."""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterator
from io import BufferedIOBase

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.read.base import OnReject, Origin, Reject
from everygrain.read.lines import LONGEST_LINE, decode, lines

TITLE_ELEMENTS = ("title", "headline", "head", "hl", "ti")
_BOUNDARY = re.compile(rb"(</?doc\s*>)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)(?:\s[^<>]*)?>")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,31});")


def read(stream: BufferedIOBase, origin: Origin, reject: OnReject) -> Iterator[Document]:
    """Read documents of at most LONGEST_LINE bytes.

    id: <DOCNO>. Title: the first of TITLE_ELEMENTS. Text: all <TEXT> elements, joined by a
    blank line; without one, all that is not id or title. Other elements become metadata, named
    in lower case. Tags within an element are dropped and entities (&amp;) are decoded.
    """
    for number, result in _blocks(stream, origin, reject):
        try:
            document = _document(decode(*result))
        except InputError as error:
            raw = result[0].decode("utf-8", "replace")
            reject(Reject(origin.name, number, str(error), raw))
        else:
            yield document


def _blocks(
    stream: BufferedIOBase, origin: Origin, reject: OnReject
) -> Iterator[tuple[int, tuple[bytes, int]]]:
    """Yield (first line, (what stands between <DOC> and </DOC>, its offset in bytes))."""
    block: list[bytes] | None = None
    size = first = start = 0

    def refuse(line: int, reason: str, raw: bytes) -> None:
        reject(Reject(origin.name, line, reason, raw[:1000].decode("utf-8", "replace")))

    for number, offset, line in lines(stream, origin, reject):
        for piece in _BOUNDARY.split(line):
            opens = _BOUNDARY.fullmatch(piece) is not None
            closes = opens and piece.startswith(b"</")
            if closes:
                if block is not None and size > LONGEST_LINE:
                    refuse(first, "The document is longer than 64 MiB. Split it.", block[0])
                elif block is not None:
                    yield first, (b"".join(block), start)
                block = None
            elif opens:
                if block is not None:
                    refuse(first, "The <DOC> has no </DOC>. Close it.", b"".join(block))
                block, size, first, start = [], 0, number, offset + len(piece)
            elif block is not None:
                size += len(piece)
                if size <= LONGEST_LINE:
                    block.append(piece)
            elif piece.strip() and not piece.lstrip().startswith((b"<?", b"<!")):
                refuse(number, "Text outside <DOC>...</DOC>. Enclose it, or remove it.", piece)
            offset += len(piece)
    if block is not None:
        refuse(first, "The <DOC> has no </DOC>. Close it.", b"".join(block))


def _document(source: str) -> Document:
    identifier = title = ""
    texts: list[str] = []
    others: list[str] = []
    metadata: dict[str, str] = {}
    for name, markup in _elements(source):
        content = _plain(markup)
        if name == "docno":
            identifier = identifier or content
        elif name in TITLE_ELEMENTS and not title:
            title = " ".join(content.split())
        elif name == "text":
            texts.append(content)
        else:
            others.append(markup)
            if name and content:
                metadata[name] = f"{metadata[name]}\n\n{content}" if name in metadata else content
    if not identifier:
        raise InputError("The <DOC> has no id.", "Give it one: <DOCNO>...</DOCNO>.")
    if not texts:
        return Document(identifier, _plain("".join(others)), title)
    return Document(identifier, "\n\n".join(texts), title, metadata)


def _elements(source: str) -> Iterator[tuple[str, str]]:
    """Yield (name, source) of the outermost elements, and ("", source) of what is between them.

    A tag that is never closed, as in old SGML, is no element.
    """
    tags = list(_TAG.finditer(source))
    closings: dict[str, list[int]] = {}
    for place, tag in enumerate(tags):
        if tag[1]:
            closings.setdefault(tag[2].lower(), []).append(place)
    done = place = 0
    while place < len(tags):
        name = tags[place][2].lower()
        ends = closings.get(name, [])
        end = bisect_left(ends, place)
        if tags[place][1] or end == len(ends):
            place += 1
            continue
        yield "", source[done : tags[place].start()]
        close = tags[ends[end]]
        yield name, source[tags[place].start() : close.end()]
        done, place = close.end(), ends[end] + 1
    yield "", source[done:]


def _plain(markup: str) -> str:
    text = _TAG.sub("", markup)
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text).strip()
