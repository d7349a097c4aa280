"""Which runs of tokens are n-grams: those that occur together more often than by chance.

Student's t of an n-gram w of N: (p(w) - p0(w)) / sqrt(p(w) (1 - p(w)) / N), where p0 is the product
of the chances of its tokens.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from everygrain.errors import InputError
from everygrain.learn.pretrain.base import Ids

Gram = tuple[int, ...]


@dataclass(frozen=True)
class Lexicon:
    """N-grams in the order of their identities.

    grams   each two tokens or more, none twice
    """

    grams: tuple[Gram, ...]

    @cached_property
    def identities(self) -> dict[Gram, int]:
        return {gram: place for place, gram in enumerate(self.grams)}

    @cached_property
    def longest(self) -> int:
        return max((len(gram) for gram in self.grams), default=1)

    def units(self, text: Sequence[int]) -> list[Gram]:
        """Cut a text into n-grams and single tokens: from the left, the longest n-gram first."""
        found, start = [], 0
        while start < len(text):
            for length in range(min(self.longest, len(text) - start), 0, -1):
                unit = tuple(text[start : start + length])
                if length == 1 or unit in self.identities:
                    found.append(unit)
                    start += length
                    break
        return found


def t_statistic(count: int, chances: Sequence[float], total: int) -> float:
    """Return Student's t of an n-gram.

    count     how often it occurs, >= 1
    chances   of its tokens
    total     number of all n-grams of this length
    """
    share = count / total
    variance = share * (1 - share)
    expected = math.prod(chances)
    return (share - expected) / math.sqrt(variance / total) if variance else math.inf


def learned_lexicon(ids: Ids, *, size: int, longest: int = 3, least: int = 5) -> Lexicon:
    """Find the n-grams with the highest t in texts, for each length an equal share of `size`.

    ids       texts as token ids, without the two special tokens at their ends
    longest   tokens in an n-gram, >= 2
    least     occurrences

    Equal t goes by the tokens' numbers. Raises InputError for a length below 2.
    """
    if longest < 2:
        raise InputError(f"N-grams of {longest} tokens.", "Use 2 or more.")
    single = Counter(token for text in ids for token in text)
    total = sum(single.values())
    grams: list[Gram] = []
    for length in range(2, longest + 1):
        counts = Counter(
            tuple(text[i : i + length]) for text in ids for i in range(len(text) - length + 1)
        )
        number = sum(counts.values())
        scored = [
            (-t_statistic(count, [single[token] / total for token in gram], number), gram)
            for gram, count in counts.items()
            if count >= least
        ]
        grams += [gram for _, gram in sorted(scored)[: size // (longest - 1)]]
    return Lexicon(tuple(grams))
