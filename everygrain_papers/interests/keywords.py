"""Which papers hold a keyword: a word or a phrase, by stems, so that plurals match too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csc_matrix

from everygrain_papers.interests.terms import BREAK, Floats, Numbers, Vocabulary, read, stem, words
from everygrain_papers.paper import Paper

IN_TITLE = 1.0  # a keyword whole in the title
IN_TEXT = 0.8  # whole in the abstract
SCATTERED = 0.3  # all its words, but not together


class Keywords:
    """Finds keywords in papers that stand as rows of terms.

    papers     n papers
    columns    (n, terms) their rows, column by column
    """

    def __init__(
        self, papers: Sequence[Paper], vocabulary: Vocabulary, columns: csc_matrix
    ) -> None:
        self.papers, self.vocabulary, self.columns = papers, vocabulary, columns
        self._found: dict[str, Floats] = {}

    def strengths(self, keyword: str) -> Floats:
        """Return (n,) how well each paper matches, in [0, 1]; a stop word matches nothing.

        1 for the phrase in the title, .8 in the abstract, .3 for all its words apart.
        """
        found = self._found.get(keyword)
        if found is None:
            found = self._found[keyword] = np.zeros(len(self.papers), np.float32)
            wanted = self._wanted(keyword)
            for paper in self._holders(wanted[wanted != BREAK]):
                found[paper] = self._strength(wanted, self.papers[paper])
        return found

    def whole(self, keyword: str) -> Numbers:
        """Return the papers that hold a keyword as one phrase."""
        return np.flatnonzero(self.strengths(keyword) > SCATTERED)

    def score(self, keywords: Sequence[str]) -> Floats:
        """Return (n,) sums over keywords of strength * idf / the idf of a term of one paper.

        idf = ln((1 + n) / (1 + papers that match)) + 1
        """
        total = np.zeros(len(self.papers), np.float32)
        count = len(self.papers)
        rarest = np.log((1 + count) / 2) + 1
        for keyword in dict.fromkeys(keywords):
            found = self.strengths(keyword)
            idf = np.log((1 + count) / (1 + np.count_nonzero(found))) + 1
            total += found * np.float32(min(idf / rarest, 1.0))
        return total

    def _wanted(self, keyword: str) -> Numbers:
        """Return a keyword's stems from the first to the last; none if one is in no paper."""
        wanted = self.vocabulary.numbers(keyword)
        inside = np.flatnonzero(wanted != BREAK)
        if not len(inside) or len(inside) < sum(bool(stem(word)) for word in words(keyword)):
            return wanted[:0]
        return wanted[inside[0] : inside[-1] + 1]

    def _strength(self, wanted: Numbers, paper: Paper) -> float:
        """Return how a paper that holds all the stems of a keyword matches it."""
        if _stands(wanted, self.vocabulary.numbers(paper.title)):
            return IN_TITLE
        if len(wanted) == 1 or _stands(wanted, self.vocabulary.numbers(read(paper))):
            return IN_TEXT
        return SCATTERED

    def _holders(self, stems: Numbers) -> Numbers:
        """Return the papers that hold all of some stems."""
        if not len(stems):
            return stems
        starts = self.columns.indptr
        held = [self.columns.indices[starts[s] : starts[s + 1]] for s in np.unique(stems)]
        papers, times = np.unique(np.concatenate(held), return_counts=True)
        holders: Numbers = papers[times == len(held)]
        return holders


def _stands(wanted: Numbers, text: Numbers) -> bool:
    """Tell whether numbers stand in a text one after another; -1 in them is any stop word."""
    spots = len(text) - len(wanted) + 1
    if spots < 1:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(text, len(wanted))
    return bool((windows == wanted).all(axis=1).any())
