"""Papers over OAI-PMH, the way that arXiv asks to be harvested.

Source of the protocol: The Open Archives Initiative Protocol for Metadata Harvesting, 2.0.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, tostring

from everygrain.errors import InputError
from everygrain_papers.sources.base import Batch, Cursor, Item, OnReject, Reject, logged
from everygrain_papers.sources.oai_records import item_of, paper_id, stamp_of
from everygrain_papers.sources.safe_xml import child, elements, text_of
from everygrain_papers.sources.visits import Reply, Visitor

ARXIV = "https://oaipmh.arxiv.org/oai"
MOST_RESTARTS = 10  # of one run, after tokens that the server had forgotten
MOST_EMPTY = 10  # pages without records in a row, as where all of them are hidden
_STAMP = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?")
_TOP = ("record", "resumptionToken", "error", "responseDate")
_BEGIN_ANEW = "Forget the source's state to begin anew; nothing stored is lost."


@dataclass(frozen=True)
class OaiPmh:
    """A repository, or one set of it.

    url          the base URL
    set          such as "cs" or "cs:cs:IR"; "" for all
    format       "arXiv", "arXivRaw" or "oai_dc"
    since        first datestamp of a first harvest, YYYY-MM-DD; "" for all. Updates begin where
                 the last harvest did, by the server's own clock
    until        last datestamp; "" for all
    visitor      asks politely
    most_pages   of one harvest: a list that never ends is given up

    Each reply is one batch, in which the newest state of a record counts, whatever the order. A
    Paper's `more["datestamp"]` and a Deleted's `date` say how new an item is.

    A token that the server has forgotten leads back to the last datestamp, while the records
    came in their order, else to the beginning of the harvest.
    Raises InputError for datestamps that are none.
    """

    url: str = ARXIV
    set: str = ""
    format: str = "arXiv"
    since: str = ""
    until: str = ""
    visitor: Visitor = field(default_factory=Visitor)
    most_pages: int = 50_000

    def __post_init__(self) -> None:
        for stamp in (self.since, self.until):
            if stamp and not _STAMP.fullmatch(stamp):
                raise InputError(f"'{stamp}' is no datestamp.", "Write YYYY-MM-DD.")

    @property
    def name(self) -> str:
        return " ".join(filter(None, ("oai", self.url, self.set, self.format)))

    def batches(
        self, cursor: Cursor | None = None, reject: OnReject | None = None
    ) -> Iterator[Batch]:
        """Yield one batch for each reply.

        Raises InputError where the server cannot be reached, refuses, stays broken after
        retries, repeats itself, or never ends; the cursor of the last batch stays good.
        """
        reject = reject or logged
        state = _State.of(cursor or {}, self.since)
        tokens: set[str] = set()
        pages: set[int] = set()
        restarts = 0
        for _ in range(self.most_pages):
            if state.token in tokens:
                raise InputError(f"{self.url} gives the same token again.", _BEGIN_ANEW)
            tokens.update({state.token} - {""})
            page = self._page(state)
            if page.forgotten and not state.anew and restarts < MOST_RESTARTS:
                restarts += 1
                state = state.restarted()
                tokens.clear()
                pages.clear()
                continue
            page.refuse_errors(self.url)
            if page.records and page.checksum in pages:
                raise InputError(f"{self.url} gives the same records again.", _BEGIN_ANEW)
            if page.token and state.empty >= MOST_EMPTY:
                raise InputError(f"{self.url} gives pages without records.", _BEGIN_ANEW)
            pages.add(page.checksum)
            state = state.after(page)
            items = tuple(self._items(page, reject))
            yield Batch(items, state.cursor(), last=not state.token)
            if not state.token:
                return
        raise InputError(
            f"{self.url} goes on after {self.most_pages:,} pages.",
            "Harvest a set, or a shorter time, with since= and until=.",
        )

    def _page(self, state: _State) -> _Page:
        asked = {"verb": "ListRecords"}
        if state.token:
            asked["resumptionToken"] = state.token
        else:
            stated = {"set": self.set, "from": state.begin, "until": self.until}
            asked |= {"metadataPrefix": self.format} | {k: v for k, v in stated.items() if v}
        pages: list[_Page] = []
        self.visitor.get(self.url, asked, check=lambda reply: pages.append(_Page.of(reply)))
        return pages[-1]

    def _items(self, page: _Page, reject: OnReject) -> Iterator[Item]:
        newest: dict[str, Item] = {}
        # sorting is stable: of two records with one datestamp, the later one counts
        for record in sorted(page.records, key=stamp_of):
            try:
                item = item_of(record)
            except InputError as error:
                header = record.find("{*}header")
                known = "" if header is None else paper_id(child(header, "identifier"))
                raw = tostring(record, encoding="unicode")[:1000]
                reject(Reject(f"{self.url}, record {known}".strip(), str(error), raw))
            else:
                newest.pop(item.id, None)
                newest[item.id] = item
        yield from newest.values()


@dataclass(frozen=True)
class _Page:
    """What one reply says."""

    records: tuple[Element, ...]
    token: str
    errors: tuple[tuple[str, str], ...]
    date: str

    @classmethod
    def of(cls, reply: Reply) -> _Page:
        """Read a reply. Raises InputError if it is cut off, no XML, or no OAI-PMH."""
        found = list(elements([reply.content], lambda tag: tag in _TOP))
        told: dict[str, list[Element]] = {name: [] for name in _TOP}
        for each in found:
            told[each.tag.rpartition("}")[2]].append(each)
        if not told["responseDate"]:
            raise InputError("The reply is no OAI-PMH.", "Check the source's address.")
        errors = tuple((each.get("code", ""), text_of(each)) for each in told["error"])
        # a token keeps its spaces: it is the server's
        token = (told["resumptionToken"][-1].text or "") if told["resumptionToken"] else ""
        date = text_of(told["responseDate"][0])
        return cls(tuple(told["record"]), token.strip(), errors, date)

    @property
    def forgotten(self) -> bool:
        return any(code == "badResumptionToken" for code, _ in self.errors)

    @property
    def checksum(self) -> int:
        return zlib.crc32(b"".join(tostring(record) for record in self.records))

    def refuse_errors(self, url: str) -> None:
        """Raise InputError for an error of the protocol, but for that nothing is new."""
        for code, problem in self.errors:
            if code != "noRecordsMatch":
                raise InputError(
                    f"{url} refuses: {code} {problem}".strip() + ".",
                    "Check the set, the format and the dates.",
                )


@dataclass(frozen=True)
class _State:
    """How far a harvest is.

    begin     its first datestamp, "" for all
    token     of the next page; "" at the beginning
    began     the server's clock at its first reply
    latest    the newest datestamp so far
    ordered   whether all datestamps came in order
    anew      whether a token was forgotten, and nothing has come since
    empty     how many pages without records came last
    """

    begin: str = ""
    token: str = ""
    began: str = ""
    latest: str = ""
    ordered: bool = True
    anew: bool = False
    empty: int = 0

    @classmethod
    def of(cls, cursor: Cursor, since: str) -> _State:
        if not cursor:
            return cls(begin=since)
        try:
            told: dict[str, Any] = {name: cursor[name] for name in cls.__dataclass_fields__}
        except KeyError as error:
            raise InputError(f"The state of the source lacks {error}.", _BEGIN_ANEW) from None
        return cls(**told)

    def cursor(self) -> Cursor:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def restarted(self) -> _State:
        begin = self.latest if self.ordered and self.latest else self.begin
        return _State(begin, began=self.began, latest=self.latest, anew=True)

    def after(self, page: _Page) -> _State:
        began = self.began or page.date
        if not page.token:
            # the next harvest begins where this one began: what changed meanwhile comes again
            day = began if "T" in self.begin else began[:10]
            return _State(begin=day if _STAMP.fullmatch(day) else self.begin)
        stamps = [self.latest, *filter(None, map(stamp_of, page.records))]
        return _State(
            self.begin,
            page.token,
            began,
            max(stamps),
            self.ordered and stamps == sorted(stamps),
            empty=0 if page.records else self.empty + 1,
        )
