"""What a room's searches return: papers with the places that speak for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from everygrain import Hit
from everygrain_papers.paper import Paper


@dataclass(frozen=True, slots=True)
class PaperHit:
    """One work that was found.

    paper      the work: the version that was found
    hit        what the engine says of it: score, and rank and score of each leg
    evidence   (start, end) in the abstract of the sentences that speak for it, best first
    versions   ids of the work's other versions that were found too
    """

    paper: Paper
    hit: Hit
    evidence: tuple[tuple[int, int], ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        return self.hit.score


@dataclass(frozen=True, slots=True)
class Results:
    """One page of a search.

    hits   best first, one for each work
    more   whether there is a next page
    """

    hits: tuple[PaperHit, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Alike:
    """A paper that is alike in one facet, and the two sentences that show it.

    score   of the search, comparable within one list only
    mine    the sentence of the paper or text that was asked for
    theirs  the sentence of this paper that is nearest to it; its title where none is of the facet
    """

    paper: Paper
    score: float
    mine: str
    theirs: str

    @property
    def is_said(self) -> bool:
        """Whether a sentence of this paper shows it, or its title stands for one."""
        return self.theirs != self.paper.title


_WORDS = {"aside": "kept for papers to come"}


@dataclass
class Report:
    """What reading a source did.

    added, updated, unchanged, withdrawn, older, aside   papers, see store.Change
    rejected                                      records that could not be read
    merged                                        decisions that two papers are one work
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    older: int = 0
    aside: int = 0
    rejected: int = 0
    merged: int = 0
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        told = [
            f"{getattr(self, name):,} {_WORDS.get(name, name)}"
            for name in (
                "added",
                "updated",
                "unchanged",
                "withdrawn",
                "aside",
                "rejected",
                "merged",
            )
            if getattr(self, name) or name == "added"
        ]
        return ", ".join(told)
