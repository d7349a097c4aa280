"""TREC's files -> a Collection: topics, qrels and text."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Literal

from everygrain.errors import InputError
from everygrain.measure.collections import Collection
from everygrain.measure.judgements import read_judgements
from everygrain.measure.rows import misread, numbered_lines
from everygrain.read import read

Field = Literal["title", "description", "narrative"]

_TAGS: dict[str, Field] = {"title": "title", "desc": "description", "narr": "narrative"}
_TAG = re.compile(r"<(/?)(top|num|title|desc|narr)\b[^>]*>", re.IGNORECASE)
_LABEL = re.compile(r"^\s*(?:number|topic|description|narrative)\s*:", re.IGNORECASE)


def load_trec(
    text: str | Path,
    topics: str | Path,
    judgements: str | Path,
    *,
    field: Field = "title",
    format: str = "trec",
    name: str | None = None,
) -> Collection:
    """Load a collection of three parts, each of which may be gzipped.

    text         a file or folder in the format `format` of everygrain.read
    topics       <top> elements, or lines of query id, tab, text
    judgements   lines of query id, iteration, document id, grade
    field        the part of a <top> that is the query
    name         of the collection; else the name of the topics' file

    Raises InputError, with file and line, for what cannot be read.
    """
    return Collection(
        name or Path(topics).name,
        read_topics(topics, field),
        read_judgements(judgements, columns=4),
        partial(read, text, format=format),
    )


def read_topics(path: str | Path, field: Field = "title") -> dict[str, str]:
    """Read topics: query id -> text, white space run together.

    Elements of a <top> need no closing tags; labels such as "Number:" are left out.
    Raises InputError, with file and line, for a topic without number or without the field, an id
    with two texts, a line without a tab, and a file without topics.
    """
    path = Path(path)
    topics: dict[str, str] = {}
    rows = list(numbered_lines(path))
    classic = any(re.search(r"<top\b", line, re.IGNORECASE) for _, line in rows)
    found = _elements(path, rows, field) if classic else _tab_separated(path, rows)
    for number, query, text in found:
        if topics.setdefault(query, text) != text:
            raise misread(
                path, number, f"the query '{query}' has two texts.", "Give each query its own id."
            )
    if not topics:
        raise InputError(f"{path} holds no topic.", "Check that it is the right file.")
    return topics


def _tab_separated(path: Path, rows: list[tuple[int, str]]) -> list[tuple[int, str, str]]:
    found = []
    for number, line in rows:
        query, tab, text = line.partition("\t")
        if not tab or not query.strip():
            raise misread(
                path, number, "no 'query id, tab, text'.", "Part them by a tab, or use <top>."
            )
        found.append((number, query.strip(), text.strip()))
    return found


def _elements(path: Path, rows: list[tuple[int, str]], field: Field) -> list[tuple[int, str, str]]:
    found = []
    parts: dict[str, list[str]] | None = None
    first, name = 0, ""
    for number, line in [*rows, (rows[-1][0] + 1, "</top>")]:
        pieces = _TAG.split(line)
        if parts is not None and name:
            parts[name].append(pieces[0])
        for closing, tag, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
            tag = tag.lower()
            name = "" if closing or tag == "top" else _TAGS.get(tag, "number")
            if tag == "top":
                if parts is not None:
                    found.append((first, *_topic(path, first, parts, field)))
                parts, first = (None if closing else {}), number
            elif parts is not None and name:
                parts.setdefault(name, []).append(after)
    return found


def _topic(path: Path, number: int, parts: dict[str, list[str]], field: Field) -> tuple[str, str]:
    values = {
        name: " ".join(_LABEL.sub("", " ".join(lines)).split()) for name, lines in parts.items()
    }
    for name in ("number", field):
        if not values.get(name):
            raise misread(
                path,
                number,
                f"the <top> has no {name}.",
                "Add it, or name another field: title, description, narrative.",
            )
    return values["number"], values[field]
