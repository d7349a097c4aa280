"""Versions of one work: the preprint, the published paper and their copies become one.

Every merge is a Decision that says which rule found it and in which values; undone, it stays in
the list and keeps the two apart for good.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from everygrain.errors import InputError
from everygrain_papers.paper import Paper

Rule = Literal["doi", "arxiv id", "title and authors"]
SHORTEST_TITLE = 3  # words; "Editorial" and "Reply to Smith" are the titles of many works
ALIKE = 0.5  # least share of common words of two titles under one identifier
COMMON_AUTHORS = 0.5  # least share of the shorter list's surnames
MOST_COMPARED = 50  # papers under one key; a DOI that thousands carry is no paper's
_ARXIV_DOI = "10.48550/arxiv."
_WORD = re.compile(r"[a-z0-9]+")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_PREPRINTS = ("arxiv", "corr", "biorxiv", "medrxiv", "research square", "ssrn")
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv"))


@dataclass(frozen=True, slots=True)
class Decision:
    """Two papers are one work, or, where it is undone, are not.

    kept, joined   ids: the one that was there before, and the one that came to it
    rule           what was found equal
    values         the equal values, and the two titles
    undone         whether somebody said that it is wrong
    """

    kept: str
    joined: str
    rule: Rule
    values: Mapping[str, Any]
    undone: bool = False

    @property
    def id(self) -> str:
        """Name the decision, whatever the order of its papers."""
        pair = "\t".join(sorted((self.kept, self.joined)))
        return hashlib.blake2b(pair.encode(), digest_size=8).hexdigest()

    def __str__(self) -> str:
        equal = ", ".join(f"{k} {v!r}" for k, v in self.values.items() if k != "titles")
        state = "was kept apart from" if self.undone else "is the same work as"
        return f"{self.joined} {state} {self.kept}: equal {equal}"

    def record(self) -> dict[str, Any]:
        """Return JSON values; `Decision.of` reads them."""
        return asdict(self)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Decision:
        """Read a decision from JSON values. Raises InputError for what is none."""
        try:
            decision = cls(**record)
        except TypeError as error:
            raise InputError(f"Not a decision on a merge: {error}.", "Remove it.") from None
        if decision.rule not in get_args(Rule):
            raise InputError(f"'{decision.rule}' is no rule of merging.", "Remove the decision.")
        return decision


@dataclass(frozen=True, slots=True)
class Work:
    """Papers that are one work, in the order in which they came."""

    versions: tuple[Paper, ...]

    @property
    def id(self) -> str:
        """The id of the version that came first."""
        return self.versions[0].id

    def paper(self) -> Paper:
        """Return the work as one paper.

        The published version speaks first, then the one with the longest abstract; what it lacks
        is taken from the others. The date is the earliest, citations are the most.
        """
        ranked = sorted(self.versions, key=lambda p: (not _published(p), -len(p.abstract)))
        told = ranked[0].record()
        for other in ranked[1:]:
            told = {**other.record(), **told}
        dates = [paper.date for paper in self.versions if paper.date]
        counts = [p.citations for p in self.versions if p.citations is not None]
        words = dict.fromkeys(word for paper in ranked for word in paper.keywords)
        cited = max((paper.references for paper in ranked), key=len)
        return replace(
            ranked[0],
            **{name: told[name] for name in ("abstract", "venue", "url") if name in told},
            id=self.id,
            authors=next((paper.authors for paper in ranked if paper.authors), ()),
            date=min(dates, default=None),
            year=told.get("year"),
            doi=_first(p.doi for p in ranked if not p.doi.startswith(_ARXIV_DOI))
            or _first(p.doi for p in ranked),
            arxiv_id=_first(map(arxiv_id, ranked)),
            keywords=tuple(words),
            references=cited,
            citations=max(counts, default=None),
        )


def merge(
    papers: Iterable[Paper], decisions: Sequence[Decision] = ()
) -> tuple[list[Work], list[Decision]]:
    """Return the works in the order of their first papers, and all decisions, old ones first.

    papers      each id once, or the last state of an id counts
    decisions   earlier ones: they are kept, so that new papers only add to them, and a pair that
                is undone is never in one work, by whatever way

    Rules, in this order: an equal DOI; an equal arXiv id (arXiv's own DOIs are arXiv ids); an
    equal title of at least SHORTEST_TITLE words, as `title_key` has it, with at least
    COMMON_AUTHORS of the surnames in common. An identifier counts only if titles or authors are
    alike too, since two papers sometimes carry one DOI by mistake; two titles that are equal do
    not count where the two works would then have two arXiv ids.
    """
    latest = {paper.id: paper for paper in papers}
    together = _Together(latest, decisions)
    decided = list(decisions)
    known = {decision.id for decision in decisions}
    seen: dict[tuple[str, str], list[Paper]] = {}
    for paper in latest.values():
        for rule, value in keys(paper):
            others = seen.setdefault((rule, value), [])
            for other in others[:MOST_COMPARED]:
                if together.same(other.id, paper.id):
                    continue
                decision = _decision(other, paper, rule, value)
                if decision is None or decision.id in known:
                    continue
                beside = [*together.beside(other.id), *together.beside(paper.id)]
                numbers = {arxiv_id(latest[id]) for id in beside} - {""}
                if rule == "title and authors" and len(numbers) > 1:
                    continue
                if together.join(decision):
                    known.add(decision.id)
                    decided.append(decision)
            others.append(paper)
    return [Work(tuple(latest[i] for i in ids)) for ids in together.groups()], decided


def undo(decisions: Sequence[Decision], id: str) -> list[Decision]:
    """Return the decisions with one undone: `merge` keeps its two papers apart from now on.

    Raises InputError for an id that none has.
    """
    return _changed(decisions, id, undone=True)


def redo(decisions: Sequence[Decision], id: str) -> list[Decision]:
    """Return the decisions with one taken back into force. Raises InputError as `undo` does."""
    return _changed(decisions, id, undone=False)


def _changed(decisions: Sequence[Decision], id: str, *, undone: bool) -> list[Decision]:
    if all(decision.id != id for decision in decisions):
        raise InputError(f"No merge has the id '{id}'.", "List the merges to see their ids.")
    return [replace(each, undone=undone) if each.id == id else each for each in decisions]


class _Together:
    """Groups of ids that grow, and pairs that must never meet in one."""

    def __init__(self, ids: Iterable[str], decisions: Sequence[Decision]) -> None:
        self.members = {id: [id] for id in ids}
        self.group = {id: id for id in self.members}
        self.apart: dict[str, set[str]] = {}
        for decision in decisions:
            if decision.undone:
                self.apart.setdefault(decision.kept, set()).add(decision.joined)
                self.apart.setdefault(decision.joined, set()).add(decision.kept)
        for decision in decisions:
            both = decision.kept in self.group and decision.joined in self.group
            if both and not decision.undone and not self.same(decision.kept, decision.joined):
                self.join(decision)

    def beside(self, id: str) -> list[str]:
        """Return the ids of a paper's group, its own with them."""
        return self.members[self.group[id]]

    def same(self, one: str, other: str) -> bool:
        return self.group[one] == self.group[other]

    def join(self, decision: Decision) -> bool:
        """Unite two groups, unless that would bring together a pair that is to be kept apart."""
        one, other = self.group[decision.kept], self.group[decision.joined]
        small, large = sorted((one, other), key=lambda name: len(self.members[name]))
        if any(
            self.group.get(p) == large for m in self.members[small] for p in self.apart.get(m, ())
        ):
            return False
        for member in self.members[small]:
            self.group[member] = large
        self.members[large] += self.members.pop(small)
        return True

    def groups(self) -> list[list[str]]:
        """Return the groups, each in the order of the ids, and by their first."""
        found: dict[str, list[str]] = {}
        for id, name in self.group.items():
            found.setdefault(name, []).append(id)
        return list(found.values())


def keys(paper: Paper) -> Iterator[tuple[Rule, str]]:
    """Yield what a paper has that another version of its work may have too."""
    if paper.doi and not paper.doi.startswith(_ARXIV_DOI):
        yield "doi", paper.doi
    if number := arxiv_id(paper):
        yield "arxiv id", number
    title = title_key(paper.title)
    if len(title.split()) >= SHORTEST_TITLE or (len(title) >= 8 and not title.isascii()):
        for surname in sorted(surnames(paper.authors)):
            yield "title and authors", f"{title}\t{surname}"


def _decision(other: Paper, paper: Paper, rule: Rule, value: str) -> Decision | None:
    """Return the decision that two papers under one key are one work; None where they are not."""
    titles = title_key(other.title), title_key(paper.title)
    names = surnames(other.authors), surnames(paper.authors)
    common = names[0] & names[1]
    share = len(common) / max(1, min(map(len, names)))
    values: dict[str, Any] = {"titles": [other.title, paper.title]}
    if rule == "title and authors":
        if share < COMMON_AUTHORS:
            return None
        values |= {"title": titles[0], "authors": sorted(common)}
    else:
        if not (_alike(*titles) >= ALIKE or (share >= COMMON_AUTHORS and _alike(*titles) > 0)):
            return None
        values[rule] = value
    return Decision(other.id, paper.id, rule, values)


def _alike(one: str, other: str) -> float:
    """Return the common words of two titles, as a share of the shorter one's, in [0, 1]."""
    words = set(one.split()), set(other.split())
    return len(words[0] & words[1]) / max(1, min(map(len, words)))


def arxiv_id(paper: Paper) -> str:
    """Return a paper's arXiv id without version, in lower case; also out of arXiv's own DOI."""
    stated = paper.arxiv_id or (
        paper.doi.removeprefix(_ARXIV_DOI) if paper.doi.startswith(_ARXIV_DOI) else ""
    )
    return re.sub(r"v\d+$", "", stated.lower())


def title_key(title: str) -> str:
    r"""Return a title's letters and digits, without accents, case, LaTeX and punctuation.

    >>> title_key(r"On the $\alpha$-Divergence: Café"), title_key("on the α-divergence — Cafe")
    ('on the alpha divergence cafe', 'on the alpha divergence cafe')
    """
    title = _COMMAND.sub(r" \1 ", title) if "\\" in title else title
    if title.isascii():
        return " ".join(_WORD.findall(title.lower().replace("'", "")))
    letters = []
    for letter in unicodedata.normalize("NFKD", title):
        if "α" <= letter.lower() <= "ω":
            letters.append(f" {unicodedata.name(letter).split()[-1].lower()} ")
        elif letter.isalnum():
            letters.append(letter.lower())
        elif not unicodedata.combining(letter) and letter not in "'’":
            letters.append(" ")
    return " ".join("".join(letters).split())


def surnames(authors: Iterable[str]) -> frozenset[str]:
    """Return the last word of each surname, of "First Last" and of "Last, First"."""
    found = set()
    for author in authors:
        words = [w for w in title_key(author.partition(",")[0]).split() if w not in _SUFFIXES]
        found.update(words[-1:])
    return frozenset(found)


def _published(paper: Paper) -> bool:
    return bool(paper.venue) and not paper.venue.lower().startswith(_PREPRINTS)


def _first(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")
