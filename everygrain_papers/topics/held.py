"""Which terms of a lexicon the papers of a collection hold, kept so that each is read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from everygrain_papers.paper import Paper
from everygrain_papers.topics import stored
from everygrain_papers.topics.lexicon import Lexicon

AT_ONCE = 2_000  # papers in memory as words
_NAME = "label-terms"

Columns = npt.NDArray[np.int32]


class HeldTerms:
    """Papers by their ids, each with the columns of the terms that it holds.

    lexicon    fixed, so that what was read stays right
    fitted_on  how many papers the collection had when the lexicon was made
    read       when the collection was read last
    """

    def __init__(self, lexicon: Lexicon, fitted_on: int, read: datetime) -> None:
        self.lexicon, self.fitted_on, self.read = lexicon, fitted_on, read
        self._columns: dict[str, Columns] = {}

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, identity: object) -> bool:
        return identity in self._columns

    def add(self, papers: Iterable[Paper]) -> None:
        """Read papers; one that is held already is read anew."""
        left = iter(papers)
        while part := list(islice(left, AT_ONCE)):
            table = self.lexicon.held([text_of(paper) for paper in part])
            columns = np.split(table.indices.astype(np.int32), table.indptr[1:-1])
            self._columns.update(zip((paper.id for paper in part), columns, strict=True))

    def remove(self, ids: Iterable[str]) -> None:
        """Forget papers; ids that are not held change nothing."""
        for identity in ids:
            self._columns.pop(identity, None)

    def rows(self, ids: Sequence[str]) -> csr_matrix:
        """Return (ids, terms) what `Lexicon.held` returns of these papers, which are all held."""
        columns = [self._columns[identity] for identity in ids]
        starts = np.cumsum([0, *(each.size for each in columns)])
        flat = np.concatenate([np.zeros(0, np.int32), *columns])
        shape = (len(ids), len(self.lexicon.terms))
        return csr_matrix((np.ones(flat.size), flat, starts), shape=shape)

    def save(self, folder: Path) -> None:
        """Write all into a folder, which is made. Raises InputError if it cannot be."""
        columns = list(self._columns.values())
        arrays = {
            "columns": np.concatenate([np.zeros(0, np.int32), *columns]),
            "lengths": np.array([each.size for each in columns], dtype=np.int32),
            "rarity": self.lexicon.rarity,
        }
        told = {
            "ids": list(self._columns),
            "terms": list(self.lexicon.terms),
            "written": list(self.lexicon.written),
            "fitted_on": self.fitted_on,
            "read": self.read.isoformat(),
        }
        stored.write(folder, _NAME, arrays, told)

    @classmethod
    def load(cls, folder: Path) -> HeldTerms:
        """Read what `save` wrote. Raises ModelError for missing or damaged files."""
        return stored.read(folder, _NAME, cls._of_parts)

    @classmethod
    def _of_parts(cls, arrays: stored.Arrays, told: stored.Told) -> HeldTerms:
        terms, written = tuple(map(str, told["terms"])), tuple(map(str, told["written"]))
        columns, lengths = arrays["columns"], arrays["lengths"]
        stored.check_shapes(
            (arrays["rarity"], (len(terms),)),
            (lengths, (len(told["ids"]),)),
            (columns, (int(lengths.sum()),)),
        )
        if len(written) != len(terms) or columns.dtype != np.int32 or lengths.min(initial=0) < 0:
            raise ValueError("its terms do not belong together")
        if columns.min(initial=0) < 0 or columns.max(initial=-1) >= len(terms):
            raise ValueError("it holds terms that are none")
        made = cls(
            Lexicon(terms, written, arrays["rarity"]),
            int(told["fitted_on"]),
            datetime.fromisoformat(told["read"]),
        )
        ends = np.cumsum(lengths)
        made._columns = {
            str(identity): columns[end - size : end]
            for identity, end, size in zip(told["ids"], ends, lengths, strict=True)
        }
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)


def text_of(paper: Paper) -> str:
    """Return what of a paper holds terms."""
    return f"{paper.title}. {paper.abstract}"
