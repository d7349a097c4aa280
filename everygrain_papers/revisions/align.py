"""Which sentences of a new version come from which of the old one.

Source: arXivEdits: Understanding the Human Revision Process in Scientific Writing.

The paper aligns sentences with a neural conditional random field. Here likeness is counted in
words, and the best chain is found by a dynamic programme, so that nothing needs training:

    value of a chain = sum over its groups of (likeness(old part, new part) - least) * sentences

over all monotone chains of groups of 1 to 1, 1 to 2, 1 to 3, 2 to 1 and 3 to 1 sentences; a
sentence in no group counts 0. Sentences that the chain leaves out and that are alike all the same
are paired so that their likeness is largest, wherever they stand, and a neighbour that makes a
pair more alike joins it. What then stands across the longest part that kept its order has moved;
what is in no group was added or deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from everygrain_papers.revisions.words import words_of

Counts: TypeAlias = npt.NDArray[np.float64]
Run: TypeAlias = tuple[int, ...]  # numbers of neighbouring sentences
LEAST = 0.5
LEFT_LEAST = 0.35
_SHAPES = ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1))  # sentences of old and new in a group
_MOST_PAIRS = 10_000  # above it (a book, not an abstract) equal sentences are found first


@dataclass(frozen=True, slots=True)
class Group:
    """Sentences that belong together.

    old, new   numbers of neighbouring sentences, ascending; one of both may be empty
    likeness   from 0 to 1; 0 where one of both is empty
    moved      whether they stand at another place among the sentences that stayed
    """

    old: tuple[int, ...]
    new: tuple[int, ...]
    likeness: float = 0.0
    moved: bool = False

    @property
    def kind(self) -> str:
        """Return "added", "deleted", "split", "merged" or "paired"."""
        if not self.old or not self.new:
            return "deleted" if self.old else "added"
        if len(self.old) == len(self.new):
            return "paired"
        return "split" if len(self.new) > len(self.old) else "merged"


class Likeness:
    """How alike runs of sentences are: twice the shared weight over the whole weight.

        likeness(a, b) = 2 sum_w rarity(w) min(n_a(w), n_b(w)) / sum_w rarity(w) (n_a(w) + n_b(w))

    over words and the trigrams of their letters, half the weight each; a word's rarity is
    log(1 + sentences / sentences that hold it), in both versions together.
    """

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        self._counts: list[tuple[Counts, Counts]] = []  # of both sides, weighted by rarity
        for bag in (_words, _trigrams):
            bags = [bag(text) for text in [*old, *new]]
            terms = dict.fromkeys(term for each in bags for term in each)
            places = {term: place for place, term in enumerate(terms)}
            table = np.zeros((len(bags), len(places)))
            for row, each in zip(table, bags, strict=True):
                row[[places[term] for term in each]] = list(each.values())
            table *= np.log1p(len(bags) / np.maximum(1, (table > 0).sum(axis=0)))
            self._counts.append((table[: len(old)], table[len(old) :]))
        self._known: dict[tuple[int, int], Counts] = {}

    def of(self, old: Sequence[int], new: Sequence[int]) -> float:
        """Return the likeness of runs of neighbouring sentences, from 0 to 1."""
        return float(self.grid(len(old), len(new))[old[0], new[0]])

    def grid(self, size: int, other: int) -> Counts:
        """Return the likeness of all runs of `size` old sentences and `other` new ones.

        (old - size + 1, new - other + 1), by the first sentence of each run.
        """
        if (size, other) not in self._known:
            value: Counts = np.zeros(())
            for tables in self._counts:
                one, two = _runs(tables[0], size), _runs(tables[1], other)
                both = np.array([np.minimum(row, two).sum(axis=1) for row in one])
                both = both.reshape(len(one), len(two))
                whole = one.sum(axis=1)[:, None] + two.sum(axis=1)[None, :]
                value = value + both / np.where(whole > 0, whole, 1)
            self._known[size, other] = value
        return self._known[size, other]

    @property
    def table(self) -> Counts:
        """(old, new) likeness of single sentences."""
        return self.grid(1, 1)


def _runs(table: Counts, size: int) -> Counts:
    """Return sums of `size` neighbouring rows."""
    count = max(0, len(table) - size + 1)
    return np.asarray(sum(table[start : start + count] for start in range(size)))


def align(
    old: Sequence[str],
    new: Sequence[str],
    least: float = LEAST,
    left_least: float = LEFT_LEAST,
) -> tuple[Group, ...]:
    """Align the sentences of two versions.

    least, left_least   likeness from which sentences belong together, in the chain and of
                        those that it leaves out
    Returns groups that hold every sentence exactly once: in the order of the new version, a
    deleted sentence after the group of the one that stood before it.
    """
    found: list[Group] = []
    for (i, k), (j, m) in _stretches(old, new, found):
        alike = Likeness(old[i:k], new[j:m])
        chain = _chain(alike, least)
        grown = _grown(chain + _left(alike, chain, left_least), alike)
        found += [
            Group(tuple(a + i for a in g.old), tuple(b + j for b in g.new), g.likeness, g.moved)
            for g in _with_moves(sorted(grown, key=lambda group: group.new))
        ]
    return ordered(found, len(old), len(new))


def _stretches(
    old: Sequence[str], new: Sequence[str], same: list[Group]
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the stretches of both that have to be compared, and add to `same` what is equal.

    Equal beginnings and endings are cut off. Where much is left, longest runs of equal sentences
    cut it into stretches, of which those are left out that are too long even so.
    """
    head, tail = _equal_ends(old, new)
    left, right = (head, len(old) - tail), (head, len(new) - tail)
    same += [Group((i,), (i,), 1.0) for i in range(head)]
    same += [Group((len(old) - i,), (len(new) - i,), 1.0) for i in range(1, tail + 1)]
    if (left[1] - left[0]) * (right[1] - right[0]) <= _MOST_PAIRS:
        return [(left, right)]
    matcher = SequenceMatcher(None, old[slice(*left)], new[slice(*right)], autojunk=False)
    stretches = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            same += [Group((head + a + n,), (head + c + n,), 1.0) for n in range(b - a)]
        elif 0 < (b - a) * (d - c) <= _MOST_PAIRS:
            stretches.append(((head + a, head + b), (head + c, head + d)))
    return stretches


def _equal_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Return how many sentences at the beginning and at the end are the same."""
    most = min(len(old), len(new))
    head = next((i for i in range(most) if old[i] != new[i]), most)
    rest = most - head
    tail = next((i for i in range(rest) if old[-1 - i] != new[-1 - i]), rest)
    return head, tail


def _chain(alike: Likeness, least: float) -> list[Group]:
    """Return the best monotone chain, by dynamic programming from the ends."""
    rows, columns = alike.table.shape
    value = np.zeros((rows + 1, columns + 1))
    choice: dict[tuple[int, int], tuple[int, int, float]] = {}
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            best, step = -1.0, (0, 0, 0.0)
            for a, b in _SHAPES:
                if i + a > rows or j + b > columns:
                    continue
                if alike.table[i : i + a, j : j + b].min() < least / 4:
                    continue
                score = alike.of(range(i, i + a), range(j, j + b))
                won = value[i + a, j + b] + (score - least) * (a + b)
                if score >= least and won > best + 1e-12:
                    best, step = won, (a, b, score)
            for a, b in ((1, 0), (0, 1)):
                if i + a <= rows and j + b <= columns and value[i + a, j + b] > best + 1e-12:
                    best, step = value[i + a, j + b], (a, b, 0.0)
            value[i, j] = max(best, 0.0)
            choice[i, j] = step
    groups: list[Group] = []
    i = j = 0
    while i < rows or j < columns:
        a, b, score = choice[i, j]
        if a and b:
            groups.append(Group(tuple(range(i, i + a)), tuple(range(j, j + b)), score))
        i, j = i + a, j + b
    return groups


def _left(alike: Likeness, chain: Sequence[Group], least: float) -> list[Group]:
    """Pair sentences that the chain leaves out, so that their likeness is largest in sum."""
    left = [i for i in range(alike.table.shape[0]) if not any(i in g.old for g in chain)]
    right = [j for j in range(alike.table.shape[1]) if not any(j in g.new for g in chain)]
    if not left or not right:
        return []
    gains = np.maximum(0, alike.table[np.ix_(left, right)] - least)
    pairs = zip(*linear_sum_assignment(-gains), strict=True)
    return [
        Group((left[a],), (right[b],), float(alike.table[left[a], right[b]]))
        for a, b in pairs
        if gains[a, b] > 0
    ]


def _grown(groups: list[Group], alike: Likeness) -> list[Group]:
    """Let single sentences that are left join a neighbour whose pair they make more alike."""
    rows, columns = alike.table.shape
    while True:
        taken_old = {i for g in groups for i in g.old}
        taken_new = {j for g in groups for j in g.new}
        best, place, grown = 0.0, -1, None
        for number, group in enumerate(groups):
            for old, new in _neighbours(group, rows, columns):
                if taken_old & set(old) - set(group.old) or taken_new & set(new) - set(group.new):
                    continue
                score = alike.of(old, new)
                won = score - group.likeness
                if won > best + 0.02:
                    best, place, grown = won, number, Group(old, new, score)
        if grown is None:
            return groups
        groups[place] = grown


def _neighbours(group: Group, rows: int, columns: int) -> list[tuple[Run, Run]]:
    """Return the group with one more sentence, before or after it, on the side of several."""
    found: list[tuple[Run, Run]] = []
    if len(group.old) == 1 and len(group.new) < 3:
        if group.new[0] > 0:
            found.append((group.old, (group.new[0] - 1, *group.new)))
        if group.new[-1] + 1 < columns:
            found.append((group.old, (*group.new, group.new[-1] + 1)))
    if len(group.new) == 1 and len(group.old) < 3:
        if group.old[0] > 0:
            found.append(((group.old[0] - 1, *group.old), group.new))
        if group.old[-1] + 1 < rows:
            found.append(((*group.old, group.old[-1] + 1), group.new))
    return found


def _with_moves(groups: Sequence[Group]) -> list[Group]:
    """Mark as moved what is not in the longest part, in sentences, whose old order rises."""
    best: list[tuple[int, int]] = []  # sentences up to a group, and the group before it or -1
    for place, group in enumerate(groups):
        before = [(best[n][0], -n) for n in range(place) if groups[n].old < group.old]
        longest, last = max(before, default=(0, 1))
        best.append((longest + len(group.old) + len(group.new), -last))
    kept: set[int] = set()
    place = max(range(len(groups)), key=lambda n: (best[n][0], -n), default=-1)
    while place >= 0:
        kept.add(place)
        place = best[place][1]
    return [
        group if place in kept else replace(group, moved=True) for place, group in enumerate(groups)
    ]


def ordered(groups: Sequence[Group], old_count: int, new_count: int) -> tuple[Group, ...]:
    """Return groups in the order of the new version, with what was added and deleted."""
    told = sorted((g for g in groups if g.new), key=lambda g: g.new)
    taken_old = {i for g in told for i in g.old}
    taken_new = {j for g in told for j in g.new}
    told += [Group((), (j,)) for j in range(new_count) if j not in taken_new]
    told.sort(key=lambda g: g.new)
    for i in range(old_count):
        if i in taken_old:
            continue
        before = [n for n, g in enumerate(told) if i - 1 in g.old]
        told.insert(before[0] + 1 if before else 0, Group((i,), ()))
    return tuple(told)


def _words(text: str) -> Counter[str]:
    return Counter(word.lower() for word in words_of(text))


def _trigrams(text: str) -> Counter[str]:
    padded = [f" {word.lower()} " for word in words_of(text)]
    return Counter(word[i : i + 3] for word in padded for i in range(len(word) - 2))
