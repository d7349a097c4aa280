"""One digest of one reader: papers by interest, each with its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from everygrain_papers.paper import Paper


@dataclass(frozen=True, slots=True)
class Pick:
    """A paper that is recommended.

    score     of the ranker; higher is better, comparable within one interest
    reasons   why it is here, a sentence each
    """

    paper: Paper
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The papers of one interest, best first."""

    interest: str
    name: str
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """What one reader is shown of the papers that arrived in [since, until).

    user, reader   id and name
    zone           name of the reader's time zone
    sections       by interest, in the reader's order; none is empty
    considered     how many papers arrived in that time
    follows        how many interests the reader has
    """

    user: str
    reader: str
    zone: str
    since: datetime
    until: datetime
    sections: tuple[Section, ...]
    considered: int
    follows: int = 1

    def __len__(self) -> int:
        return sum(len(section.picks) for section in self.sections)

    def picks(self) -> Iterator[tuple[Section, Pick]]:
        for section in self.sections:
            for pick in section.picks:
                yield section, pick

    @property
    def why_empty(self) -> str:
        """What a digest without papers says."""
        if not self.follows:
            return "You follow nothing yet. Make an interest, and like a paper or add a keyword."
        return "Nothing that arrived since your last digest is near to what you follow."

    @property
    def title(self) -> str:
        count = len(self)
        if not count:
            return "No new papers for you"
        papers = "1 new paper" if count == 1 else f"{count} new papers"
        return f"{papers}: {', '.join(section.name for section in self.sections)}"
