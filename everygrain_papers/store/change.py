"""What putting papers in did, and one state of a paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from everygrain_papers.paper import Paper


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a paper, and when it was stored."""

    paper: Paper
    stored: datetime


@dataclass
class Change:
    """What putting items in did: ids, each in one list.

    added, updated   new papers, and those whose record is another now
    unchanged        those that are here as they came
    withdrawn        those that their source took back
    older            those of which a later state is here already
    aside            those that are not here, of which something was said that is kept for them
    """

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    def __iadd__(self, other: Change) -> Change:
        for name in ("added", "updated", "unchanged", "withdrawn", "older", "aside"):
            getattr(self, name).extend(getattr(other, name))
        return self
