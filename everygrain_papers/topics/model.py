"""Topics of a collection, found in its vectors and named by its words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.topics import means, stored
from everygrain_papers.topics.names import describe
from everygrain_papers.topics.space import Space, Vectors, checked

Numbers = npt.NDArray[np.int64]
NO_TOPIC = -1
MOST = 200
SPEAKERS = 120  # papers nearest to a topic's centre, whose words name it
CENTRAL = 5
USUAL = 0.99  # share of papers like those of the fit that belong to a topic
_FEWEST, _TRIED = 40, 10_000  # papers that `limit_of` needs, and looks at


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    id       its number, from 0; topics stand by size, the largest first
    name     readable, and different from every other topic's
    terms    what its papers hold and others do not, the best first; at most ten
    size     papers of the fit that belong to it
    central  ids of the papers nearest to its centre, at most five
    """

    id: int
    name: str
    terms: tuple[str, ...]
    size: int
    central: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TopicModel:
    """Topics that stay as they are while papers come.

    space    in which they are told apart
    centres  (topics, e) float32 rows of length 1
    limit    above 0: a paper whose oddness in the space is above it belongs to no topic
    """

    topics: tuple[Topic, ...]
    space: Space
    centres: Vectors
    limit: float

    @classmethod
    def fit(
        cls,
        papers: Sequence[Paper],
        vectors: npt.ArrayLike,
        count: int | None = None,
        seed: int = 0,
    ) -> TopicModel:
        """Find topics.

        vectors  (papers, d) float32, such as `index.vectors(ids)`; a row of zeros takes no part
        count    topics to look for, from 1; chosen by `usual_count` if None. Fewer are found
                 where some have hardly any papers: fewer than 3, or than a tenth of their part
        The same papers, vectors, count and seed give the same topics.
        Raises InputError for no papers, for vectors that do not fit, and for a count below 1.
        """
        rows = checked(vectors, len(papers))
        known = np.flatnonzero(np.any(rows != 0, axis=1))
        if not len(known):
            raise InputError(
                "There is no paper with a vector.", "Add papers, or use another encoder."
            )
        wanted = usual_count(len(known)) if count is None else count
        if wanted < 1:
            raise InputError(f"{wanted} topics are wanted.", "Ask for 1 or more.")
        space = Space.fit(rows)
        mapped = space.map(rows)
        met = mapped[np.any(mapped != 0, axis=1)]
        if not len(met):  # all papers have one vector: one topic holds them
            met = np.zeros((1, mapped.shape[1]), dtype=np.float32)
            met[0, 0] = 1.0
        centres = means.centres_of(met, min(wanted, len(met)), seed)
        centres = means.without_tiny(met, centres, max(3, len(met) // (10 * wanted)))
        unnamed = cls((), space, centres, limit_of(rows[known], seed))
        sizes = np.bincount(unnamed.assign(rows) + 1, minlength=len(centres) + 1)[1:]
        ordered = replace(unnamed, centres=centres[np.argsort(-sizes, kind="stable")])
        return replace(ordered, topics=ordered._named(papers, rows))

    def _named(self, papers: Sequence[Paper], rows: Vectors) -> tuple[Topic, ...]:
        inside = self.assign(rows)
        cosines = self.nearest(rows)[1]
        order = np.lexsort((-cosines, inside))
        order = order[inside[order] != NO_TOPIC]
        ends = np.searchsorted(inside[order], np.arange(len(self.centres) + 1))
        members = [order[a:b] for a, b in pairwise(ends)]
        speakers = np.concatenate([each[:SPEAKERS] for each in members])
        texts = [f"{papers[i].title}. {papers[i].abstract}" for i in speakers]
        names, terms = describe(texts, inside[speakers], len(self.centres))
        return tuple(
            Topic(
                number,
                names[number],
                terms[number],
                len(each),
                tuple(papers[i].id for i in each[:CENTRAL]),
            )
            for number, each in enumerate(members)
        )

    def nearest(self, vectors: npt.ArrayLike) -> tuple[Numbers, Vectors]:
        """Return the number of the nearest topic of each vector and the cosine with its centre.

        vectors  (n, d) as those of the fit. Raises InputError where they do not fit.
        """
        rows = checked(vectors, width=self.space.dimensions)
        return means.nearest(self.space.map(rows), self.centres)

    def assign(self, vectors: npt.ArrayLike) -> Numbers:
        """Return (n,) the topic of each vector, NO_TOPIC (-1) for what lies outside of all.

        Nothing is fitted again. Raises InputError where the vectors do not fit.
        """
        rows = checked(vectors, width=self.space.dimensions)
        inside = self.space.oddness(rows) <= self.limit
        return np.where(inside, self.nearest(rows)[0], NO_TOPIC)

    def save(self, folder: str | Path) -> None:
        """Write the model into a folder, which is made. Raises InputError if it cannot be."""
        arrays = {
            "mean": self.space.mean,
            "directions": self.space.directions,
            "spreads": self.space.spreads,
            "centres": self.centres,
        }
        told = [
            {"name": t.name, "terms": list(t.terms), "size": t.size, "central": list(t.central)}
            for t in self.topics
        ]
        numbers = {"rest": self.space.rest, "limit": self.limit}
        stored.write(folder, "topics", arrays, {"topics": told, **numbers})

    @classmethod
    def load(cls, folder: str | Path) -> TopicModel:
        """Read what `save` wrote. Raises ModelError for missing or damaged files."""
        return stored.read(folder, "topics", cls._of_parts)

    @classmethod
    def _of_parts(cls, arrays: stored.Arrays, told: stored.Told) -> TopicModel:
        topics = tuple(
            Topic(
                number,
                str(each["name"]),
                tuple(map(str, each["terms"])),
                int(each["size"]),
                tuple(map(str, each["central"])),
            )
            for number, each in enumerate(told["topics"])
        )
        space = Space(arrays["mean"], arrays["directions"], arrays["spreads"], float(told["rest"]))
        width = len(space.spreads)
        stored.check_shapes(
            (space.mean, (len(space.mean),)),
            (space.directions, (len(space.mean), width)),
            (space.spreads, (width,)),
            (arrays["centres"], (len(topics), width)),
        )
        limit = float(told["limit"])
        if not topics or not limit > 0 or not space.rest > 0 or not (space.spreads > 0).all():
            raise ValueError("its figures are out of range")
        return cls(topics, space, arrays["centres"], limit)


def usual_count(papers: int) -> int:
    """Return how many topics to look for: sqrt(papers / 4), at least 2 and at most 200.

    300 papers give 9, 5,000 give 35, 87,000 give 147: a list that can be read.
    """
    return min(MOST, max(2, round(math.sqrt(papers / 4))))


def limit_of(vectors: Vectors, seed: int = 0) -> float:
    """Return the oddness that 99 % of papers like these stay below.

    Each half of (at most 10,000 of) the vectors is looked at from a space fitted to the other: a
    paper is less odd where it took part itself, by much where papers are few. Below 40 vectors
    nothing is odd.
    """
    if len(vectors) < _FEWEST:
        return float(np.finfo(np.float64).max)
    order = np.random.default_rng(seed).permutation(len(vectors))[:_TRIED]
    halves = vectors[order[::2]], vectors[order[1::2]]
    odd = [Space.fit(one).oddness(other) for one, other in (halves, halves[::-1])]
    return float(np.quantile(np.concatenate(odd), USUAL))
