"""A research paper as every source gives it and every page shows it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from everygrain import Document
from everygrain.errors import InputError

EARLIEST, LATEST = 1400, 2200  # years that are taken for a year
LONGEST_ID = 2048  # characters, as in an index
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?")
_IN_NO_ID = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Paper:
    """One version of one paper.

    id           stable for ever, with its source where that has ids of its own: "arxiv:2101.00001"
    abstract     may be empty
    authors      as they are written, in order
    year, date   date as YYYY-MM-DD, or YYYY-MM; None where it is not known
    doi          lower case, without an address before it
    arxiv_id     without its version
    references   ids, DOIs or titles of what it cites
    citations    how often it was cited when the source was read; None where it is not known
    source       which source it came from, such as "arxiv-oai"
    more         what else the source said, as JSON values

    Raises InputError, naming the field, for an empty id or title, and for a value of another kind.
    """

    id: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    venue: str = ""
    year: int | None = None
    date: str | None = None
    keywords: tuple[str, ...] = ()
    url: str = ""
    doi: str = ""
    arxiv_id: str = ""
    references: tuple[str, ...] = ()
    citations: int | None = None
    source: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("id", "title", "abstract", "venue", "url", "doi", "arxiv_id", "source"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"The paper's '{name}' is no text.", "Give it as a string.")
        for name in ("authors", "keywords", "references"):
            value = getattr(self, name)
            if not isinstance(value, tuple) or not all(isinstance(each, str) for each in value):
                raise InputError(f"The paper's '{name}' is no list of texts.", "Give a list.")
        for name in ("id", "title"):
            if not getattr(self, name).strip():
                raise InputError(f"A paper has no {name}.", f"Give every paper its own {name}.")
        if len(self.id) > LONGEST_ID or _IN_NO_ID.search(self.id):
            raise InputError(
                f"The id {self.id[:40]!r} is too long, or holds a tab or a line break.",
                f"Give ids of one line and at most {LONGEST_ID:,} characters.",
            )
        told = (self.id, self.title, self.abstract, self.venue, *self.authors, *self.keywords)
        if _SURROGATE.search(" ".join(told)):
            raise InputError(
                f"The paper {self.id!r} holds a lone surrogate, which no UTF-8 file can hold.",
                "Mend the escape \\ud800...\\udfff that has no partner.",
            )
        for name in ("year", "citations"):
            value = getattr(self, name)
            if value is not None and type(value) is not int:
                raise InputError(f"The paper's '{name}' is no whole number.", "Leave it out.")
        if self.year is not None and not EARLIEST <= self.year <= LATEST:
            raise InputError(f"The year {self.year} of '{self.id}' is none.", "Leave it out.")
        if self.date is not None and not (
            isinstance(self.date, str) and _DATE.fullmatch(self.date) and _is_day(self.date)
        ):
            raise InputError(
                f"The date {self.date!r} of '{self.id}' is none.", "Write YYYY-MM-DD or YYYY-MM."
            )
        if self.citations is not None and self.citations < 0:
            raise InputError(f"The citations of '{self.id}' are below 0.", "Leave them out.")
        if not isinstance(self.more, Mapping):
            raise InputError(f"The 'more' of '{self.id}' is no object.", "Give an object.")

    def record(self) -> dict[str, Any]:
        """Return JSON values, without what is empty; `of_record` reads them."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        lists = {k: list(v) if isinstance(v, tuple) else v for k, v in told.items()}
        return {k: v for k, v in lists.items() if v not in ("", [], None, {})}

    def document(self) -> Document:
        """Return what an index holds: title and abstract, all else as metadata."""
        told = self.record()
        for name in ("id", "title", "abstract"):
            told.pop(name, None)
        more = told.pop("more", {})
        return Document(self.id, self.abstract, self.title, {**more, **told})


def _is_day(date: str) -> bool:
    """Tell whether there is a day or a month that is written so."""
    try:
        datetime.date.fromisoformat(date if len(date) > 7 else f"{date}-01")
    except ValueError:
        return False
    return True


def of_record(record: Mapping[str, Any], source: str = "") -> Paper:
    """Read a paper from JSON values; fields that no Paper has go into `more`.

    A date that there is not, such as 2024-13-45, is unknown, that of no day in a month the month;
    `more` keeps it as `stated_date`.

    Raises InputError, naming the field, for what no paper can hold.
    """
    known = {each.name for each in fields(Paper)}
    told: dict[str, Any] = {}
    stated = record.get("more") or {}
    if not isinstance(stated, Mapping):
        raise InputError("The paper's 'more' is no object.", "Give an object.")
    more: dict[str, Any] = dict(stated)
    for name, value in record.items():
        if name == "more" or value is None:
            continue
        if name in ("authors", "keywords", "references"):
            if isinstance(value, str):
                value = [part.strip() for part in value.split(";") if part.strip()]
            told[name] = tuple(value) if isinstance(value, list | tuple) else value
        elif name == "year" and isinstance(value, str):
            told[name] = int(value) if re.fullmatch(r"[0-9]{1,9}", value.strip()) else value
        elif name == "date" and isinstance(value, str) and _DATE.fullmatch(value):
            told["date"] = next((d for d in (value, value[:7]) if _is_day(d)), None)
            if told["date"] != value:
                more["stated_date"] = value
        elif name in known:
            told[name] = str(value) if name == "id" and isinstance(value, int) else value
        else:
            more[name] = value
    for name in ("id", "title"):
        if name not in told:
            raise InputError(f"A record has no '{name}'.", f"Give every paper a '{name}'.")
    told.setdefault("source", source)
    return Paper(**told, more=more)
