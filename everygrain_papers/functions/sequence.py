"""Labels of a whole sequence: the best path, and how likely each label is at each place.

A path y of an abstract with sentences 1..n scores

    s(y) = start[y_1] + sum_t emission[t, y_t] + sum_{t>1} transition[y_{t-1}, y_t]

and has the probability exp s(y) / sum_y' exp s(y'). All abstracts of a call are done at once, in
arrays padded to the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from everygrain_papers.functions.base import FUNCTIONS, Floats

COUNT = len(FUNCTIONS)


@dataclass(frozen=True, eq=False)
class Transitions:
    """What follows what: start (5,) and scores (5, 5), from row to column, in natural logs."""

    start: Floats
    scores: Floats

    @classmethod
    def counted(
        cls,
        sequences: Sequence[Sequence[int]],
        strength: float,
        prior: Floats,
        smoothing: float = 5.0,
    ) -> Transitions:
        """Count label sequences: strength * log P(next | this) / P(next), and so for the start.

        The share of the label itself is divided out, because emissions hold it already.

        sequences   numbers of FUNCTIONS
        strength    0 ignores neighbours, 1 trusts the counts whole: below 1, as emissions that
                    have seen the neighbours tell part of it already
        prior       (5, 5) scores for what follows what, as long as there are few counts; in the
                    logs of ratios that are returned
        smoothing   sentences' worth of the prior, added to each row of counts
        """
        pairs, first = np.zeros((COUNT, COUNT)), np.zeros(COUNT)
        shares = np.ones(COUNT)
        for labels in sequences:
            for label in labels:
                shares[label] += 1
            for before, after in pairwise(labels):
                pairs[before, after] += 1
            if labels:
                first[labels[0]] += 1
        shares /= shares.sum()
        believed = shares * np.exp(np.vstack([np.zeros(COUNT), prior]))
        believed /= believed.sum(axis=1, keepdims=True)
        rows = np.vstack([first, pairs]) + smoothing * believed
        scores = strength * np.log(rows / rows.sum(axis=1, keepdims=True) / shares)
        return cls(scores[0], scores[1:])

    def paths(self, emissions: Floats, lengths: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return (abstracts, longest) the best path of each (Viterbi), -1 where padded.

        emissions   (abstracts, longest, 5); among equals the function that FUNCTIONS names first
        """
        many, longest, _ = emissions.shape
        sizes = np.asarray(lengths)
        found = np.full((many, longest), -1, dtype=np.int64)
        if not longest:
            return found
        best = np.empty((many, longest, COUNT))
        came = np.zeros((many, longest, COUNT), dtype=np.int64)
        best[:, 0] = self.start + emissions[:, 0]
        for t in range(1, longest):
            steps = best[:, t - 1, :, None] + self.scores
            came[:, t] = steps.argmax(axis=1)
            best[:, t] = steps.max(axis=1) + emissions[:, t]
        rows = np.arange(many)
        label = np.zeros(many, dtype=np.int64)
        for t in range(longest - 1, -1, -1):
            label = np.where(sizes == t + 1, best[:, t].argmax(axis=1), label)
            inside = sizes > t
            found[inside, t] = label[inside]
            label = np.where(inside, came[rows, t, label], label)
        return found

    def marginals(self, emissions: Floats, lengths: Sequence[int]) -> Floats:
        """Return (abstracts, longest, 5) probabilities of each label at each place, 0 in padding.

        By the forward-backward recursion, in logs.
        """
        many, longest, _ = emissions.shape
        sizes = np.asarray(lengths)
        if not longest:
            return np.zeros((many, 0, COUNT))
        forward = np.empty((many, longest, COUNT))
        backward = np.zeros((many, longest, COUNT))
        forward[:, 0] = self.start + emissions[:, 0]
        for t in range(1, longest):
            steps = forward[:, t - 1, :, None] + self.scores
            forward[:, t] = logsumexp(steps, axis=1) + emissions[:, t]
        for t in range(longest - 2, -1, -1):
            after = self.scores + (emissions[:, t + 1] + backward[:, t + 1])[:, None, :]
            backward[:, t] = np.where((sizes > t + 1)[:, None], logsumexp(after, axis=2), 0.0)
        both = forward + backward
        told: Floats = np.exp(both - logsumexp(both, axis=2, keepdims=True))
        told[np.arange(longest)[None, :] >= sizes[:, None]] = 0.0
        return told


def padded(rows: Floats, lengths: Sequence[int]) -> Floats:
    """Return (abstracts, longest, 5) from (sentences of all abstracts, 5); padding is 0."""
    full = np.zeros((len(lengths), max(lengths, default=0), rows.shape[1]))
    inside = np.arange(full.shape[1])[None, :] < np.asarray(lengths, dtype=np.int64)[:, None]
    full[inside] = rows
    return full
