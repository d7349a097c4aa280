"""How probable a label is: odds are shifted until the collection has as many of it as examples say.

    share = 2 (share of the collection whose odds are above those of a median example), at most MOST
    log share' = (n log share + WEIGHT log USUAL) / (n + WEIGHT)
    mean over the collection of sigmoid(odds + own shift) = share'
    shift = (n own shift + WEIGHT common shift) / (n + WEIGHT)

The common shift gives all labels together the mean of their shares. Half of a label's papers lie
above its median one; n examples of it, each with the odds of a model that did not see it, tell
where that is. With few examples the median leans on that of all labels' examples, the share on what
is usual, and the shift on the common one, which leaves labels in the order of their odds: one
example tells too little of how rare a label is to change it. Without such a shift the few examples
that were drawn say nothing of how rare a label is (benchmarks/papers/labels_none.py).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from everygrain_papers.topics.lexicon import Floats

USUAL = 0.03  # share of papers that have a label
WEIGHT = 5  # examples that what is usual counts for
LEAST, MOST = 0.001, 0.25  # shares
_STEPS = 50
_WIDEST = 30.0  # of a shift


def shares(crossed: Floats, wanted: Floats, odds: Floats) -> Floats:
    """Return (labels,) the share of papers that each label is estimated to have.

    crossed   (examples, labels) odds by models that did not see the example
    wanted    (examples, labels) 1 where an example has a label
    odds      (papers, labels) of the collection
    """
    found = np.full(odds.shape[1], USUAL)
    if not wanted.any():
        return found
    of_all = float(np.median(crossed[wanted == 1]))
    for label in range(odds.shape[1]):
        own = crossed[wanted[:, label] == 1, label]
        if not len(own):
            continue
        middle = (len(own) * float(np.median(own)) + WEIGHT * of_all) / (len(own) + WEIGHT)
        told = np.clip(2 * (odds[:, label] >= middle).mean(), LEAST, MOST)
        found[label] = np.exp(
            (len(own) * np.log(told) + WEIGHT * np.log(USUAL)) / (len(own) + WEIGHT)
        )
    return found


def shifts(odds: Floats, wanted: Floats, examples: Floats) -> Floats:
    """Return (labels,) what is added to odds (papers, labels) so that the mean probabilities are
    the shares wanted; with few examples (labels,) as much as all labels together need."""
    own = _solved(odds, wanted, axis=0)
    common = _solved(odds, wanted.mean(), axis=None)
    return np.asarray((examples * own + WEIGHT * common) / (examples + WEIGHT))


def _solved(odds: Floats, wanted: Floats, axis: int | None) -> Floats:
    low, high = np.full(np.shape(wanted), -_WIDEST), np.full(np.shape(wanted), _WIDEST)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        above = expit(odds + middle).mean(axis=axis) > wanted
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray((low + high) / 2)
