"""The words of a query in a text, whatever their form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from everygrain_papers.paper import Paper
from everygrain_papers.web.layers import Mark, marked

LONGEST_EXCERPT = 420  # characters
LONGEST_SHOWN = 20_000  # characters of an abstract on its own page
LONGEST_FOLDED = 4_000  # characters of an abstract in a list
_WORD = re.compile(r"[^\W_]+")
_OPEN, _CLOSE = Markup("<mark>"), Markup("</mark>")
_PLAIN = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has",
    "have", "how", "if", "in", "into", "is", "it", "its", "of", "on", "or", "that", "the",
    "their", "there", "these", "they", "this", "to", "was", "we", "what", "when", "where",
    "which", "who", "why", "will", "with", "you",
))  # fmt: skip


def words_of(query: str) -> frozenset[str]:
    """Return the stems of a query's words, without those that every text holds."""
    words = [word.casefold() for word in _WORD.findall(query)]
    return frozenset(_stem(word) for word in words if word not in _PLAIN)


def word_marks(text: str, stems: frozenset[str]) -> list[Mark]:
    """Return a mark for each word of the text whose stem is among them."""
    if not stems:
        return []
    return [
        Mark(match.start(), match.end(), _OPEN, _CLOSE)
        for match in _WORD.finditer(text)
        if _stem(match[0].casefold()) in stems
    ]


def excerpt(paper: Paper, places: Sequence[tuple[int, int]], query: str) -> Markup:
    """Return the sentences that speak for a paper, in their order, the query's words marked.

    places   (start, end) in the abstract, best first; without any, the abstract's beginning
    """
    text = paper.abstract
    stems = words_of(query)
    chosen = sorted(places[:2]) or [(0, min(len(text), LONGEST_EXCERPT))]
    parts = []
    for start, end in chosen:
        cut = min(end, start + LONGEST_EXCERPT)
        piece = text[start:cut]
        shown = marked(piece, [word_marks(piece, stems)])
        parts.append(
            Markup("{} …").format(shown) if cut < end or (end < len(text) and not places) else shown
        )
    return Markup(" … ").join(parts)


def folded(paper: Paper, query: str = "") -> Markup:
    """Return a whole abstract for a list, the query's words marked."""
    text = paper.abstract[:LONGEST_FOLDED]
    shown = marked(text, [word_marks(text, words_of(query))])
    return Markup("{} …").format(shown) if len(paper.abstract) > LONGEST_FOLDED else shown


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word)) if len(word) < 40 else word


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    from Stemmer import Stemmer

    return Stemmer("english")
