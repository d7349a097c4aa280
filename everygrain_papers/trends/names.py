"""How papers write a term."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from everygrain_papers.trends.counts import TermCounts
from everygrain_papers.trends.words import BREAK, stem


def written(counts: TermCounts, ids: Sequence[str], term: str) -> str:
    """Return how these papers mostly write a term, in abstracts where they hold it.

    term   its stems, with spaces for hyphens
    """
    vocabulary = counts.vocabulary
    wanted = term.split()
    prose: Counter[str] = Counter()
    titles: Counter[str] = Counter()
    for id in ids:
        words, title = counts.words(id)
        for at, found in _occurrences([vocabulary[each] for each in words], wanted):
            (titles if at < title else prose)[found] += 1
    told = prose or titles
    return min(told, key=lambda each: (-told[each], each)) if told else term


def _occurrences(words: Sequence[str], wanted: Sequence[str]) -> list[tuple[int, str]]:
    """Return the places where words, hyphens taken as spaces, are the wanted stems."""
    parts = [stem(word).replace("-", " ").split() for word in words]
    found = []
    for start, part in enumerate(parts):
        if words[start] == BREAK or part[:1] != list(wanted[:1]):
            continue
        told: list[str] = []
        for end in range(start, min(start + len(wanted), len(words))):
            if words[end] == BREAK:
                break
            told += parts[end]
            if told == list(wanted):
                found.append((start, " ".join(words[start : end + 1])))
            if len(told) >= len(wanted):
                break
    return found
