"""How training pairs are put into batches: every pair exactly once in an epoch.

A maker is a frozen value; the batches of an epoch follow from its settings, the pairs and the
number of the epoch alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError

Rows = npt.NDArray[np.int64]
Order = Literal["even", "short_first", "cycles"]


@dataclass(frozen=True)
class Shuffled:
    """Batches of nearly equal size, at most `size`, of pairs in random order."""

    size: int
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.size > 0, f"A batch of {self.size} pairs is no batch.", "Set size above 0.")

    def epoch(self, count: int, epoch: int = 0) -> list[Rows]:
        """Return the batches of an epoch over `count` pairs: arrays of their numbers."""
        order = np.random.default_rng([self.seed, epoch]).permutation(count)
        return cut(order.astype(np.int64), self.size)


@dataclass(frozen=True)
class Homogeneous:
    """Batches whose pairs all come from one group (a task, a source, a domain).

    The others of a batch are then harder negatives, and no batch can be told apart by its domain.
    Batches of all groups come in random order.

    size   pairs in a batch, at most; a group's batches are of nearly equal size

    Source: Retrieve Anything To Augment Large Language Models.
    """

    size: int
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.size > 0, f"A batch of {self.size} pairs is no batch.", "Set size above 0.")

    def epoch(self, groups: Sequence[str] | npt.ArrayLike, epoch: int = 0) -> list[Rows]:
        """Return the batches of an epoch over pairs whose groups are given, in their order."""
        lot = np.random.default_rng([self.seed, epoch])
        _, numbers = np.unique(np.asarray(groups), return_inverse=True)
        batches = []
        for number in range(int(numbers.max(initial=-1)) + 1):
            members = np.flatnonzero(numbers == number).astype(np.int64)
            batches += cut(lot.permutation(members), self.size)
        return [batches[i] for i in lot.permutation(len(batches))]


@dataclass(frozen=True)
class LengthBuckets:
    """Batches of texts of like length, more of them where they are short.

    Pairs go to buckets by length: above 2^(b-1), up to 2^b words. A batch takes tokens / 2^b
    pairs of one bucket, so that batch size times length is the same for all, no text is padded to
    more than twice its length, and no batch mixes lengths. What is longer than `longest` goes to
    the last bucket.

    tokens    words in a batch: its size times the upper bound of its bucket
    longest   upper bound of the last bucket, in words; rounded up to a power of 2
    order     even: batches of all buckets in random order;
              short_first: buckets by rising length (the length curriculum);
              cycles: `cycles` rounds, each by rising length through a share of every bucket
    cycles    rounds for order="cycles"

    In the paper a long text is cut into pieces of such lengths (`decompose`); a pair is kept whole.
    Raises InputError for a longest text that does not fit into one batch.
    Source: Dataset Decomposition: Faster LLM Training with Variable Sequence Length Curriculum.
    """

    tokens: int
    longest: int = 256
    order: Order = "cycles"
    cycles: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.longest > 0, f"longest is {self.longest}.", "Set it above 0.")
        _require(self.cycles > 0, f"cycles is {self.cycles}.", "Set it above 0.")
        _require(
            self.tokens >= 2 ** _bucket(self.longest),
            f"A text of {2 ** _bucket(self.longest)} words does not fit a batch of {self.tokens}.",
            "Raise tokens, or lower longest.",
        )
        known = ("even", "short_first", "cycles")
        _require(
            self.order in known, f"There is no order '{self.order}'.", f"Use {', '.join(known)}."
        )

    def buckets(self, lengths: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the bucket of each length: b for lengths in (2^(b-1), 2^b], the last for more."""
        given = np.asarray(lengths, dtype=np.int64)
        _require(bool((given >= 0).all()), "A length is negative.", "Give lengths in words.")
        bounds = 2 ** np.arange(_bucket(self.longest), dtype=np.int64)
        return np.searchsorted(bounds, given, side="left").astype(np.int64)

    def epoch(self, lengths: npt.ArrayLike, epoch: int = 0) -> list[Rows]:
        """Return the batches of an epoch over pairs whose lengths in words are given."""
        lot = np.random.default_rng([self.seed, epoch])
        numbers = self.buckets(lengths)
        rounds = self.cycles if self.order == "cycles" else 1
        planned: list[list[Rows]] = [[] for _ in range(rounds)]
        for bucket in range(_bucket(self.longest) + 1):
            members = lot.permutation(np.flatnonzero(numbers == bucket).astype(np.int64))
            batches = cut(members, self.tokens // 2**bucket)
            # shares of whole batches, begun at a random round, so that small buckets spread
            first = int(lot.integers(rounds))
            for i, batch in enumerate(batches):
                planned[(first + i * rounds // len(batches)) % rounds].append(batch)
        flat = [batch for batches in planned for batch in batches]
        if self.order == "even":
            return [flat[i] for i in lot.permutation(len(flat))]
        return flat


def decompose(length: int, longest: int, least: int = 1) -> list[tuple[int, int]]:
    """Cut a text of `length` words into pieces whose lengths are powers of 2, longest first.

    longest   no piece is longer; rounded down to a power of 2
    least     pieces shorter than this are left out: the rest at the end of the text

    Returns (start, end) in words, end to end: 13 words give 8, 4 and 1. A piece is of one text
    only, so nothing attends across texts.
    Source: Dataset Decomposition: Faster LLM Training with Variable Sequence Length Curriculum.
    """
    _require(length >= 0 and longest > 0 and least > 0, "A length is negative.", "Raise it.")
    piece = 1 << (longest.bit_length() - 1)
    spans, start = [], 0
    while piece >= least:
        while length - start >= piece:
            spans.append((start, start + piece))
            start += piece
        piece //= 2
    return spans


def cut(order: Rows, size: int) -> list[Rows]:
    """Cut an order into as few parts of at most `size` as can be, of nearly equal size.

    A short rest would make a batch with hardly a negative.
    """
    if not len(order):
        return []
    return list(np.array_split(order, -(-len(order) // size)))


def _bucket(length: int) -> int:
    """Return b such that length lies in (2^(b-1), 2^b]."""
    return max(length - 1, 0).bit_length()


def _require(holds: bool, problem: str, remedy: str) -> None:
    if not holds:
        raise InputError(problem, remedy)
