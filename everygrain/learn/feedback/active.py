"""Which points to ask a costly teacher about, where it is wrong on some and nobody knows which.

The most informative points are often those that the teacher gets wrong. With gains g_1..g_n >= 0
(what a right answer would teach), a budget of b questions and a teacher that is wrong on e of the
n points, the choice is a game: we choose the chance p_i that point i is asked about, 0 <= p_i <= 1
and sum p <= b; then an adversary chooses how wrong the teacher is there, 0 <= w_i <= 1 and
sum w = e. A right answer is worth g_i, a wrong one (1 - h) g_i: nothing at h = 1, as much harm as a
right one does good at h = 2. We want the p with the largest guaranteed worth

    max_p min_w  sum_i p_i g_i (1 - h w_i).

The solution. With x_i = p_i g_i the adversary spoils the e largest x_i, so the worth is
sum x - h T(x), where T, the sum of the e largest, is min over c of e c + sum (x_i - c)+. For h >= 1
what is above the level c is worth nothing or less: x_i <= min(c, g_i). A unit of x_i costs 1 / g_i
of the budget, so that for a given c the informative points are filled up to the level first, until
the budget is spent:

    p_i = min(1, c / g_i) for the most informative points, 0 for the others,

the chances being inverse to the gains. The worth V(c) = sum x - h e c is concave and piecewise
linear in c, with its corners where c is a gain or where the budget ends exactly at a point; all
2 n of them are tried with cumulative sums, in O(n log n). Where no c > 0 has a worth above 0 (the
teacher is wrong on so many that the adversary can spoil all that a budget buys) nothing can be
guaranteed. No weight between information and doubt has to be chosen: only e, which is a fact about
the teacher, to be estimated from points whose answers are known.

This derivation is our own, from the game as the source's abstract states it; a test compares it
with a linear program. The source's own constants may differ.

Source: Robust Active Distillation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError

Values = npt.NDArray[np.float64]

_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Plan:
    """The solution of the game.

    chances      (n,) in [0, 1], the chance that each point is asked about; they sum to the budget,
                 or to less where points without gain are all that is left
    guaranteed   the worth that is had however the teacher's errors fall, in the gains' unit
    level        c, the largest worth that a point may have
    """

    chances: Values
    guaranteed: float
    level: float

    def draw(self, seed: int = 0) -> npt.NDArray[np.int64]:
        """Return the numbers of the points to ask about, ascending.

        Each comes with exactly its chance, and there are as many as the chances sum to (rounded up
        or down): systematic sampling along a random order.
        """
        generator = np.random.default_rng(seed)
        order = generator.permutation(len(self.chances))
        ends = np.cumsum(self.chances[order])
        total = round(float(ends[-1])) if abs(ends[-1] - round(ends[-1])) < 1e-6 else ends[-1]
        ticks = np.floor(np.minimum(ends, total) + generator.random() - _ROUNDING)
        taken = np.diff(ticks, prepend=0.0) > 0
        drawn: npt.NDArray[np.int64] = np.sort(order[taken]).astype(np.int64)
        return drawn


def informativeness(probabilities: npt.ArrayLike) -> Values:
    """Return 1 - the margin between the two likeliest classes of each row, in [0, 1].

    probabilities   (n, classes) of the student, each row summing to 1

    Raises InputError for fewer than two classes, or for what are no probabilities.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    usable = rows.ndim == 2 and rows.shape[1] >= 2
    if not usable or not bool(((rows >= 0) & (rows <= 1)).all()):
        raise InputError(
            f"An array of shape {rows.shape} holds no probabilities of two classes or more.",
            "Give (n, classes) values in [0, 1].",
        )
    two = np.partition(rows, -2, axis=1)[:, -2:]
    gains: Values = 1.0 - (two[:, 1] - two[:, 0])
    return gains


def estimated_error(answers: npt.ArrayLike, truths: npt.ArrayLike) -> float:
    """Return the share of a teacher's answers that is wrong, in (0, 1), one of each kind added.

    answers, truths   (n,) of points whose true answer is known

    Raises InputError for none, or for two lengths.
    """
    said, true = np.asarray(answers), np.asarray(truths)
    if said.shape != true.shape or said.ndim != 1 or not len(said):
        raise InputError(
            f"{said.shape} answers and {true.shape} truths.", "Give one of each for some points."
        )
    return float((np.sum(said != true) + 1) / (len(said) + 2))


def robust_choice(gains: npt.ArrayLike, budget: int, error: float, *, harm: float = 1.0) -> Plan:
    """Return whom to ask about with which chance: the solution of the game above.

    gains    (n,) what a right answer would teach, 0 or more, in any unit
    budget   b, the number of questions, 1 or more; at n or above everything is asked
    error    the teacher's error rate e / n, in [0, 1)
    harm     h, 1 or more: what a wrong answer costs, as a multiple of what a right one gives

    Source: Robust Active Distillation.
    Raises InputError for values out of range, and where nothing can be guaranteed.
    """
    found = np.asarray(gains, dtype=np.float64)
    if found.ndim != 1 or not bool(np.isfinite(found).all()) or bool((found < 0).any()):
        raise InputError("The gains are no list of numbers from 0 up.", "Give one for each point.")
    if type(budget) is not int or budget < 1 or not 0 <= error < 1 or not harm >= 1:
        raise InputError(
            f"budget={budget!r}, error={error}, harm={harm} make no game.",
            "Give a budget of 1 or more, an error rate in [0, 1), and a harm of 1 or more.",
        )
    order = np.lexsort((np.arange(len(found)), -found))
    sorted_gains = found[order]
    n = int(np.count_nonzero(sorted_gains > 0))
    if not n:
        raise InputError("No point has a gain above 0.", "There is nothing to ask about.")
    game = _Game(sorted_gains[:n], min(budget, n), harm * error * len(found))
    level, worth = game.best()
    if worth <= _ROUNDING * float(sorted_gains[0]):
        raise InputError(
            f"With {budget:,} questions on {n:,} points of some gain and a teacher that is wrong "
            f"on {error:.0%}, nothing can be guaranteed.",
            "Use a better teacher, or a pool of more points.",
        )
    chances = np.zeros(len(found))
    chances[order[:n]] = game.chances(level)
    return Plan(chances, worth, level)


class _Game:
    """The game over n gains above 0, sorted descending.

    spoiled   h e, in points
    """

    def __init__(self, gains: Values, budget: int, spoiled: float) -> None:
        self.gains, self.budget, self.spoiled = gains, budget, spoiled
        self.costs = np.concatenate([[0.0], np.cumsum(1 / gains)])  # of a unit of each of the first
        self.sums = np.concatenate([[0.0], np.cumsum(gains)])

    def best(self) -> tuple[float, float]:
        """Return the level with the largest guaranteed worth, and that worth."""
        levels = np.concatenate([self.gains, self._ends()])
        worths = np.array([self._worth(float(level)) for level in levels])
        # of equal ones the lowest level spreads the questions widest
        best = np.lexsort((levels, -worths))[0]
        return float(levels[best]), float(worths[best])

    def chances(self, level: float) -> Values:
        """Return min(1, level / gain) until the budget is spent."""
        wanted = np.minimum(1.0, level / self.gains)
        left = self.budget - np.concatenate([[0.0], np.cumsum(wanted)[:-1]])
        chances: Values = np.clip(left, 0.0, wanted)
        return chances

    def _ends(self) -> Values:
        """Return the levels at which the budget ends exactly at a point.

        With the first k points, of which j have gains of the level or above, the level is that
        with level * costs[j] + (k - j) = budget.
        """
        n = len(self.gains)
        points = np.arange(self.budget, n + 1)
        # what the first j points cost at the level of the j-th falls with j, less the j themselves
        at_gain = self.gains * self.costs[1:] - np.arange(1, n + 1)
        reached = np.searchsorted(-at_gain, points - self.budget, side="right")
        above = np.minimum(np.maximum(reached, 1), points)
        levels: Values = (self.budget - points + above) / self.costs[above]
        return levels[levels > 0]

    def _worth(self, level: float) -> float:
        above = int(np.searchsorted(-self.gains, -level, side="right"))  # gains >= level
        full = self.budget / level  # points above the level that could be filled, by their costs
        if full <= self.costs[above]:
            filled = min(int(np.searchsorted(self.costs, full, side="right")) - 1, above)
            worth = filled * level
            left = self.budget - level * float(self.costs[filled])
        else:
            left = self.budget - level * float(self.costs[above])
            more = min(int(left), len(self.gains) - above)
            filled = above + more
            worth = above * level + float(self.sums[filled] - self.sums[above])
            left -= more
        if filled < len(self.gains):
            worth += min(left * float(self.gains[filled]), level)
        return worth - self.spoiled * level
