"""What a reader knows already: papers seen or marked, their versions and near copies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from everygrain_papers.interests.interest import Interest
from everygrain_papers.interests.pool import Pool
from everygrain_papers.paper import Paper

COPY = 0.85  # least cosine of the terms of two papers that are one text
_NO_WORD = re.compile(r"[\W_]+")


class Known:
    """Tells which candidates may be shown.

    before   (n,) whether a candidate is seen or marked, or another version of such a paper

    Two papers are versions of one work where `works` says so, or where they have one DOI, arXiv
    id or title of four words or more; they are near copies where their terms' cosine is .85 or
    above.
    """

    def __init__(
        self,
        pool: Pool,
        interests: Sequence[Interest],
        library: Mapping[str, Paper],
        seen: Set[str],
        works: Mapping[str, str],
    ) -> None:
        self.pool = pool
        marked = {each for i in interests for each in (*i.positive, *i.disliked)}
        self._works = works
        self._keys = {("id", each) for each in marked | seen}
        self._keys |= {("work", works.get(each, each)) for each in marked | seen}
        kept = [library[each] for each in sorted(marked | seen) if each in library]
        for paper in kept:
            self._keys.update(self._named(paper))
        self._rows = pool.read([paper for paper in kept if paper.id in marked])
        self.before: npt.NDArray[np.bool_] = np.array(
            [not self._keys.isdisjoint(self._named(paper)) for paper in pool.candidates], bool
        )

    def admit(self, candidate: int) -> bool:
        """Tell whether a candidate is new, and remember it as shown."""
        names = set(self._named(self.pool.candidates[candidate]))
        row = self.pool.rows[candidate]
        if not self._keys.isdisjoint(names):
            return False
        alike = self._rows @ row.T
        if alike.nnz and float(alike.max()) >= COPY:
            return False
        self._keys |= names
        self._rows = csr_matrix(vstack([self._rows, row]))
        return True

    def _named(self, paper: Paper) -> Iterator[tuple[str, str]]:
        """Yield what a paper shares with its other versions."""
        yield "id", paper.id
        yield "work", self._works.get(paper.id, paper.id)
        if paper.doi:
            yield "doi", paper.doi
        if paper.arxiv_id:
            yield "arxiv", paper.arxiv_id
        title = _NO_WORD.sub(" ", paper.title.casefold()).strip()
        if title.count(" ") >= 3:
            yield "title", title
