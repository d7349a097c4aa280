"""What a list shows of each paper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from everygrain_papers import latex
from everygrain_papers.interests.interest import Interest
from everygrain_papers.paper import Paper
from everygrain_papers.results import PaperHit
from everygrain_papers.web.highlight import LONGEST_EXCERPT, excerpt, folded
from everygrain_papers.web.visit import Visit

EMPTY = Markup("")
_LEGS = {"bm25": "words", "lexical": "words", "dense": "meaning", "words": "words"}


@dataclass(frozen=True, slots=True)
class Card:
    """One paper of a list.

    number     from 1, unique on its page
    interest   id of the interest that likes go to; "" begins one
    mark       "like", "dislike" or "none" in it
    excerpt    what speaks for the paper; abstract is all of it, "" where that is the same
    reasons    why it is recommended
    why        what each leg of the search says
    versions   how many other versions were found
    is_new     whether it came in the last days
    grade      of a judge, as text; "" for none
    """

    number: int
    paper: Paper
    interest: str = ""
    mark: str = "none"
    excerpt: Markup = EMPTY
    abstract: Markup = EMPTY
    reasons: Markup = EMPTY
    why: tuple[str, ...] = ()
    versions: int = 0
    is_new: bool = False
    grade: str = ""


def mark_of(interest: Interest | None, paper: str) -> str:
    """Return how a paper stands in an interest."""
    if interest is None:
        return "none"
    return (
        "like" if paper in interest.liked else "dislike" if paper in interest.disliked else "none"
    )


def chosen(visit: Visit) -> tuple[list[Interest], Interest | None]:
    """Return the reader's interests, and the one that likes of this page go to."""
    interests = visit.people.interests(visit.user.id)
    wanted = visit.asked("interest")
    found = next((each for each in interests if each.id == wanted), None)
    return interests, found or (interests[0] if interests else None)


def of_papers(papers: Iterable[Paper], interest: Interest | None, first: int = 1) -> list[Card]:
    return [_card(number, paper, interest) for number, paper in enumerate(papers, first)]


def of_hits(
    hits: Sequence[PaperHit], interest: Interest | None, query: str, first: int
) -> list[Card]:
    """Return the cards of a search, with evidence and what each leg says."""
    return [
        Card(
            number, hit.paper, interest.id if interest else "", mark_of(interest, hit.paper.id),
            excerpt(hit.paper, hit.evidence, query),
            folded(hit.paper, query) if _is_longer(hit.paper, hit.evidence) else Markup(""),
            why=_legs(hit), versions=len(hit.versions),
        )
        for number, hit in enumerate(hits, first)
    ]  # fmt: skip


def recommended(number: int, paper: Paper, interest: Interest, why: Markup, new: bool) -> Card:
    """Return the card of a recommended paper."""
    return replace(_card(number, paper, interest), reasons=why, is_new=new)


def _card(number: int, paper: Paper, interest: Interest | None) -> Card:
    return Card(
        number, paper, interest.id if interest else "", mark_of(interest, paper.id),
        excerpt(paper, (), ""), folded(paper) if _is_longer(paper, ()) else Markup(""),
    )  # fmt: skip


def _is_longer(paper: Paper, evidence: Sequence[tuple[int, int]]) -> bool:
    shown = sum(end - start for start, end in evidence[:2]) if evidence else LONGEST_EXCERPT
    return len(paper.abstract) > shown


def _legs(hit: PaperHit) -> tuple[str, ...]:
    """Return what each leg of the search says, such as "words: rank 3 (score 12.1)"."""
    told = [
        f"{_LEGS.get(name, name)}: rank {leg.rank} (score {leg.score:.3g})"
        for name, leg in sorted(hit.hit.legs.items(), key=lambda pair: pair[1].rank)
    ]
    return (*told, f"together: {hit.score:.3g}")


def sentence(text: str) -> Markup:
    """Return a sentence with its LaTeX, cut where it runs on."""
    return latex.html(text if len(text) <= LONGEST_EXCERPT else text[:LONGEST_EXCERPT] + " …")
