"""The reader's own labels on the pages: made, learned behind the page, taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from starlette.responses import Response

from everygrain_papers.learned import learned
from everygrain_papers.paper import Paper
from everygrain_papers.tags import add_label, labels_of, remove_label, take_back
from everygrain_papers.web import subjects
from everygrain_papers.web.rendering import Refusal
from everygrain_papers.web.visit import House, Visit

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

MOST_EXAMPLES = 5  # of a label, on the page of all


@dataclass(frozen=True, slots=True)
class Own:
    """The labels of a room and the papers that have them.

    labels      label -> ids of its examples, as of now
    tags        paper id -> labels, as they were learned last; only first versions
    sizes       label -> papers that have it
    later       later version -> first version of its work
    is_learned  whether tags are of these labels and examples; else they are being learned
    """

    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    later: Mapping[str, str] = field(default_factory=dict)
    is_learned: bool = True

    @classmethod
    def of(
        cls,
        room: ReadingRoom,
        labels: Mapping[str, Sequence[str]],
        tags: Mapping[str, tuple[str, ...]],
    ) -> Own:
        later = room.papers.works(room.papers.later_versions())
        return cls(labels, tags, Counter(each for names in tags.values() for each in names), later)

    def of_paper(self, paper: str) -> list[tuple[str, str]]:
        """Return the labels of a paper, each with the version that is its example, or ""."""
        work = self.later.get(paper, paper)
        examples = {
            name: next((i for i in each if self.later.get(i, i) == work), "")
            for name, each in self.labels.items()
        }
        fits = [name for name in self.tags.get(work, ()) if name in self.labels]
        names = dict.fromkeys([*(name for name, i in examples.items() if i), *fits])
        return [(name, examples[name]) for name in names]

    def size(self, label: str) -> int:
        return max(self.sizes.get(label, 0), len(self.labels.get(label, ())))

    def papers(self, labels: Iterable[str]) -> list[str]:
        """Return the papers that have any of these labels, one of each work."""
        wanted = frozenset(labels) & self.labels.keys()
        examples = (self.later.get(i, i) for name in wanted for i in self.labels[name])
        fits = (i for i, names in self.tags.items() if not wanted.isdisjoint(names))
        return list(dict.fromkeys([*examples, *fits]))

    def with_later(self, works: Iterable[str]) -> frozenset[str]:
        """Return the papers of these works: the first versions, and the others."""
        first = frozenset(works)
        return first.union(i for i, work in self.later.items() if work in first)


@dataclass(frozen=True, slots=True)
class ShownLabel:
    """One label on the page of all; more are the examples that are not shown."""

    name: str
    size: int
    examples: tuple[Paper, ...]
    more: int


def own(house: House) -> Own:
    """Return the labels. What they fit comes from the outlook, or from what was learned since a
    label changed: only that is made anew then, behind the page."""
    labels = labels_of(house.room)
    if not labels:
        return Own()
    known = subjects.outlook(house)
    if known is None:  # the outlook that is being made has the labels
        return Own(labels, is_learned=False)
    last = Own()
    if known.labels:
        then, tags = known.labels, known.tags
        last = house.cache.get(
            ("labels", known.made),
            lambda: Own.of(house.room, then, tags),
            seconds=subjects.SECONDS,
            late=True,
        )
        if last.labels == labels:
            return last
    learned = house.cache.soon("labels", lambda: _learn(house.room), None, seconds=subjects.SECONDS)
    if learned is not None:
        if learned.labels == labels:
            return learned
        house.cache.renew("labels", lambda: _learn(house.room))
    return replace(learned or last, labels=labels, is_learned=False)


def _learn(room: ReadingRoom) -> Own:
    return Own.of(room, *learned(room))


def topics_page(visit: Visit) -> Response:
    """Show the reader's own labels, and the topics that were found."""
    known = subjects.outlook(visit.house)
    nothing = "Topics are found from fifty papers on."
    if known is None:
        nothing = "The topics are being found. Load this page again in a minute."
    mine = own(visit.house)
    return visit.page(
        "topics.html", place="topics", topics=subjects.topics(visit.house), nothing=nothing,
        labels=_shown(visit, mine), is_learned=mine.is_learned, keeps=visit.keeps,
    )  # fmt: skip


def _shown(visit: Visit, mine: Own) -> list[ShownLabel]:
    chosen = {name: each[-MOST_EXAMPLES:][::-1] for name, each in mine.labels.items()}
    papers = visit.room.papers.fetch(list({i for each in chosen.values() for i in each}))
    return [
        ShownLabel(
            name,
            mine.size(name),
            tuple(papers[i] for i in each if i in papers),
            len(mine.labels[name]) - len(each),
        )
        for name, each in chosen.items()
    ]


def change(visit: Visit) -> Response:
    """Make a label, add an example to one, take one back, or forget a label."""
    act, label, paper = visit.field("act"), visit.field("label"), visit.field("paper")
    back = visit.field("back") or "/topics"
    if act == "add":
        add_label(visit.room, label, [paper] if paper else ())
        return visit.go(back, "labelled")
    if act == "take":
        take_back(visit.room, label, paper)
        return visit.go(back, "unlabelled")
    if act == "remove":
        if not visit.keeps and labels_of(visit.room).get(label):
            raise Refusal(
                403,
                "Only a keeper of this room removes a label that has examples.",
                "Ask whoever made your account, or take your own examples back on their pages.",
            )
        remove_label(visit.room, label)
        return visit.go(back, "forgotten")
    raise Refusal(400, f"'{act[:40]}' is nothing to do with a label.", "Use add, take or remove.")
