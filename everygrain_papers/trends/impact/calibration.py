"""From raw scores to estimates that mean what they say, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from everygrain_papers.trends.rates import Floats

BINS = 20


@dataclass(frozen=True, eq=False)
class Calibration:
    """What became of papers with such a score; arrays of (bins,), scores rising.

    values      mean target, never falling
    low, high   between which the target of a paper lies with the stated confidence
    """

    scores: Floats
    values: Floats
    low: Floats
    high: Floats

    def of(self, scores: Floats) -> tuple[Floats, Floats, Floats]:
        """Return value, low and high of each score, (n,) each, straight between the bins."""
        told = [np.interp(scores, self.scores, each) for each in (self.values, self.low, self.high)]
        return told[0], told[1], told[2]


def calibrate(scores: Floats, targets: Floats, confidence: float, bins: int = BINS) -> Calibration:
    """Learn from scores that were given before their targets were seen, (n,) each, n >= bins.

    Bins of equally many scores; their means are made rising by pooling adjacent violators; the
    ends of the intervals are the order statistics with numbers floor((m + 1) (1 - confidence) / 2)
    and ceil((m + 1) (1 + confidence) / 2) of the m targets of a bin, so that a new paper's target
    lies between them with at least that probability while years are alike (split conformal).
    """
    order = np.argsort(scores, kind="stable")
    parts = np.array_split(order, bins)
    sizes = np.array([part.size for part in parts], dtype=np.float64)
    means = rising(np.array([targets[part].mean() for part in parts]), sizes)
    tail = (1.0 - confidence) / 2.0
    low, high = [], []
    for part in parts:
        told, m = np.sort(targets[part]), part.size
        first, last = int(np.floor((m + 1) * tail)), int(np.ceil((m + 1) * (1 - tail)))
        low.append(told[first - 1] if first >= 1 else 0.0)
        high.append(told[last - 1] if last <= m else 1.0)
    centres = np.array([scores[part].mean() for part in parts])
    return Calibration(
        centres,
        means,
        np.minimum(np.array(low), means),
        np.maximum(np.array(high), means),
    )


def rising(values: Floats, weights: Floats) -> Floats:
    """Return the nearest never-falling values by weighted squares (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, values
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, mass, count = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, held, many = blocks.pop()
            mean = (mean * mass + before * held) / (mass + held)
            mass, count = mass + held, count + many
        blocks.append((mean, mass, count))
    return np.repeat([mean for mean, _, _ in blocks], [count for _, _, count in blocks])
