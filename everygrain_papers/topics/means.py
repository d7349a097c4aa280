"""Spherical k-means: unit vectors -> centres, so that each vector is near to its centre."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from everygrain_papers.topics.space import Vectors, unit

SAMPLE = 20_000  # vectors that beginnings are tried on
BEGINNINGS = 3
TRIED_STEPS, STEPS = 10, 25
SETTLED = 0.002  # share of vectors that change their centre, below which nothing more is won
_AT_ONCE = 8192

Numbers = npt.NDArray[np.int64]


def centres_of(vectors: Vectors, count: int, seed: int) -> Vectors:
    """Return at most `count` unit rows that maximise the sum of cosines, as far as descent goes.

        sum over i of  max over c of  x_i . m_c,      m_c = the members' sum at length 1

    Three beginnings are tried on at most 20,000 of the vectors; the best goes on with all. The
    same vectors, count and seed give the same centres.
    vectors   (n, e) float32, n at least 1, rows of length 1
    """
    lot = np.random.default_rng(seed)
    chosen = lot.choice(len(vectors), min(len(vectors), SAMPLE), replace=False)
    sample = vectors[np.sort(chosen)]
    best, reached = sample[:1], -np.inf
    for _ in range(BEGINNINGS if count > 1 else 1):
        centres = descend(sample, begin(sample, count, lot), TRIED_STEPS)
        value = float(nearest(sample, centres)[1].mean())
        if value > reached:
            best, reached = centres, value
    return descend(vectors, best, STEPS)


def begin(vectors: Vectors, count: int, lot: np.random.Generator) -> Vectors:
    """Return at most `count` of the vectors, drawn far apart: k-means++ over 1 - cosine.

    Fewer are returned where fewer differ.
    """
    chosen = [int(lot.integers(len(vectors)))]
    away = np.maximum(0, 1 - vectors @ vectors[chosen[0]]).astype(np.float64)
    while len(chosen) < count and away.max() > 1e-6:
        chosen.append(int(lot.choice(len(vectors), p=away / away.sum())))
        away = np.minimum(away, np.maximum(0, 1 - vectors @ vectors[chosen[-1]]))
    return vectors[chosen]


def nearest(vectors: Vectors, centres: Vectors) -> tuple[Numbers, Vectors]:
    """Return (n,) the number of the nearest centre, the first of equals, and (n,) its cosine."""
    numbers = np.zeros(len(vectors), dtype=np.int64)
    cosines = np.zeros(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _AT_ONCE):
        part = vectors[start : start + _AT_ONCE] @ centres.T
        numbers[start : start + len(part)] = part.argmax(axis=1)
        cosines[start : start + len(part)] = part.max(axis=1)
    return numbers, cosines


def descend(vectors: Vectors, centres: Vectors, steps: int) -> Vectors:
    """Move centres to the mean direction of what is nearest to them, until they settle.

    A centre that nothing is nearest to is dropped.
    """
    before: Numbers | None = None
    for _ in range(steps):
        numbers, _ = nearest(vectors, centres)
        centres, numbers = directions_of(vectors, numbers, len(centres))
        if before is not None and (before != numbers).mean() < SETTLED:
            break
        before = numbers
    return centres


def directions_of(vectors: Vectors, numbers: Numbers, count: int) -> tuple[Vectors, Numbers]:
    """Return the mean direction of each group that has members, and the groups renumbered.

    A group whose members cancel out has the direction of its first.
    """
    ones = np.ones(len(vectors), dtype=np.float32)
    groups = csr_matrix((ones, (numbers, np.arange(len(vectors)))), shape=(count, len(vectors)))
    sums = np.asarray(groups @ vectors)
    kept = np.bincount(numbers, minlength=count) > 0
    for group in np.flatnonzero(kept & (np.linalg.norm(sums, axis=1) < 1e-4)):
        sums[group] = vectors[np.flatnonzero(numbers == group)[0]]
    renumbered = np.cumsum(kept) - 1
    return unit(sums[kept]), renumbered[numbers]


def without_tiny(vectors: Vectors, centres: Vectors, least: int) -> Vectors:
    """Drop, the smallest first, every centre with fewer than `least` members.

    The members of a dropped centre go to their nearest other one, which moves to meet them. At
    least one centre stays.
    """
    while len(centres) > 1:
        numbers, _ = nearest(vectors, centres)
        sizes = np.bincount(numbers, minlength=len(centres))
        smallest = int(sizes.argmin())
        if sizes[smallest] >= least:
            break
        left = np.delete(centres, smallest, axis=0)
        centres, _ = directions_of(vectors, nearest(vectors, left)[0], len(left))
    return centres
