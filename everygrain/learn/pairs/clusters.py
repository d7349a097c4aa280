"""Near-duplicate texts -> clusters.

Texts are sets of runs of words. Those that share a band of a MinHash signature are compared
exactly: two are near-duplicates if they share enough of their runs (Jaccard), or if nearly all of
the shorter one stands in the longer (an abridged copy). Clusters are connected components.

At a Jaccard of 0.5, 40 bands of 3 values miss a pair with a chance of (1 - 0.5^3)^40 = 0.5 %;
an abridged copy is found as far as its Jaccard lets the bands meet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import Words, split
from everygrain.errors import InputError

BANDS, ROWS = 40, 3
_WHOLE = 30  # in a bucket of so many all pairs are compared; above, neighbours and the first
_AT_ONCE = 20_000
_PRIME = np.uint64(0x9E3779B97F4A7C15)

Ids = npt.NDArray[np.int64]


def clusters(
    texts: Sequence[str],
    run: int = 3,
    jaccard: float = 0.5,
    contained: float = 0.9,
) -> Ids:
    """Return (n,) int64: the place of the first text of each text's cluster.

    run         words of a run, at least 1; a text of fewer is one run
    jaccard     share of common runs, in (0, 1], from which two texts are near-duplicates
    contained   share of the shorter text's runs, in (0, 1], that does as well; only texts of
                ten runs or more are taken for abridged
    Texts without words are alone. Raises InputError for a setting out of range.
    """
    if run < 1 or not 0 < jaccard <= 1 or not 0 < contained <= 1:
        raise InputError(
            f"Near-duplicates by runs of {run} words, Jaccard {jaccard}, contained {contained}.",
            "Use a run of 1 or more, and shares above 0 and up to 1.",
        )
    found, first = _distinct(split(texts), run)
    leaders = np.arange(len(texts), dtype=np.int64)
    if len(found.distinct) > 1:
        pairs = _candidates(found)
        alike = np.concatenate(
            [
                _alike(found, pairs[start : start + _AT_ONCE], jaccard, contained)
                for start in range(0, len(pairs), _AT_ONCE)
            ]
            or [np.zeros(0, dtype=bool)]
        )
        labels = _components(len(found.distinct), pairs[alike])
        least = np.full(len(found.distinct), len(texts), dtype=np.int64)
        np.minimum.at(least, labels, found.distinct)
        held = first >= 0
        leaders[held] = least[labels[first[held]]]
    elif len(found.distinct) == 1:
        leaders[first >= 0] = found.distinct[0]
    return leaders


class _Runs:
    """Sets of hashed runs of the distinct texts.

    distinct   (m,) places of the texts that each set was first found in
    """

    def __init__(self, hashes: list[npt.NDArray[np.uint64]], distinct: list[int]) -> None:
        self.distinct = np.array(distinct, dtype=np.int64)
        self.offsets = np.concatenate([[0], np.cumsum([len(each) for each in hashes])]).astype(
            np.int64
        )
        self.hashes = np.concatenate(hashes) if hashes else np.zeros(0, dtype=np.uint64)


def _distinct(words: Words, run: int) -> tuple[_Runs, Ids]:
    """Return the distinct sets of runs, and for each text the number of its set; -1 for none."""
    hashed = np.array([_of_word(word) for word in words.vocabulary], dtype=np.uint64)
    first = np.full(len(words), -1, dtype=np.int64)
    numbers: dict[bytes, int] = {}
    hashes: list[npt.NDArray[np.uint64]] = []
    distinct: list[int] = []
    for place in range(len(words)):
        mine = hashed[words.ids[words.offsets[place] : words.offsets[place + 1]]]
        if not len(mine):
            continue
        size = min(run, len(mine))
        runs = np.zeros(len(mine) - size + 1, dtype=np.uint64)
        for step in range(size):
            runs = _mixed(runs + mine[step : len(mine) - size + 1 + step])
        runs = np.unique(runs)
        number = numbers.setdefault(runs.tobytes(), len(hashes))
        if number == len(hashes):
            hashes.append(runs)
            distinct.append(place)
        first[place] = number
    return _Runs(hashes, distinct), first


def _of_word(word: str) -> int:
    """Return a hash that is the same in every process, unlike Python's own."""
    from hashlib import blake2b

    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Spread 64-bit values: the last steps of splitmix64."""
    mixed = values + _PRIME
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _candidates(runs: _Runs) -> Ids:
    """Return (c, 2) pairs of sets that share a band, each once, smaller number first."""
    count = len(runs.distinct)
    found: list[Ids] = [np.zeros(0, dtype=np.int64)]
    for band in range(BANDS):
        key = np.zeros(count, dtype=np.uint64)
        for row in range(ROWS):
            salt = _mixed(np.array([band * ROWS + row + 1], dtype=np.uint64))
            least = np.minimum.reduceat(_mixed(runs.hashes ^ salt), runs.offsets[:-1])
            key = _mixed(key + least)
        order = np.argsort(key, kind="stable")
        edges = np.flatnonzero(np.diff(key[order])) + 1
        for bucket in np.split(order, edges):
            if len(bucket) < 2:
                continue
            if len(bucket) <= _WHOLE:
                one, other = np.triu_indices(len(bucket), 1)
                found.append(bucket[one] * count + bucket[other])
            else:
                found.append(bucket[0] * count + bucket[1:])
                found.append(bucket[:-1] * count + bucket[1:])
    keys = np.unique(np.concatenate(found))
    return np.stack([keys // count, keys % count], axis=1)


def _alike(runs: _Runs, pairs: Ids, jaccard: float, contained: float) -> npt.NDArray[np.bool_]:
    """Compare the sets of some pairs exactly."""
    lengths = np.diff(runs.offsets)
    shared = np.array(
        [
            len(np.intersect1d(_set(runs, one), _set(runs, other), assume_unique=True))
            for one, other in pairs.tolist()
        ],
        dtype=np.int64,
    )
    one, other = lengths[pairs[:, 0]], lengths[pairs[:, 1]]
    least = np.minimum(one, other)
    abridged = (shared >= contained * least) & (least >= 10)
    return (shared >= jaccard * (one + other - shared)) | abridged


def _set(runs: _Runs, number: int) -> npt.NDArray[np.uint64]:
    return runs.hashes[runs.offsets[number] : runs.offsets[number + 1]]


def _components(count: int, pairs: Ids) -> Ids:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    labels: Ids = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels
