"""The gate: a new encoder is taken only if a paired test says that it helped.

The old and the new system answer the same held-out queries, of sources that the training pairs did
not come from, by the dense leg alone and by what a search serves (both legs, fused). The new one is
promoted where

- on at least one source and leg its mean nDCG@10 is higher, with a p of the paired randomisation
  test that stays below `alpha` after Holm's correction over all sources and legs, and
- on none it is lower with an uncorrected p below `alpha`: harm needs less proof than gain.

Where nothing differs in truth, a promotion so has a chance of at most alpha / 2. The dense leg
counts by itself because questions made of a collection's own words favour the lexical leg: on them
a fused result hardly shows what an encoder has learned, while judged queries do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from everygrain.errors import InputError
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test

ALPHA = 0.05
FEWEST = 20


@dataclass(frozen=True, eq=False)
class Trial:
    """What both systems reached on the queries of one source.

    leg        "dense", or "served" for what a search gives
    old, new   (n,) values of the same queries, in the same order
    """

    source: str
    leg: str
    old: npt.NDArray[np.float64]
    new: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What the test says of one source and leg.

    difference   mean of new minus old, with its 95 % BCa interval from `low` to `high`
    p            of the paired randomisation test; `p_corrected` by Holm over sources and legs
    """

    source: str
    leg: str
    queries: int
    old: float
    new: float
    difference: float
    low: float
    high: float
    p: float
    p_corrected: float


@dataclass(frozen=True)
class Decision:
    """Whether the new encoder is taken, in words why, and every test."""

    promoted: bool
    reason: str
    verdicts: tuple[Verdict, ...]


def decide(trials: Sequence[Trial], alpha: float = ALPHA) -> Decision:
    """Return the decision on the trials of all sources.

    Sources of fewer than 20 queries are told of, and take no part.
    Raises InputError without any trial, and for two lists of different length.
    """
    if not trials:
        raise InputError(
            "There is no query to test a new encoder on.",
            "Give documents titles or several sentences, or judged queries.",
        )
    for trial in trials:
        if len(trial.old) != len(trial.new):
            raise InputError(
                f"The source '{trial.source}' has {len(trial.old)} old and {len(trial.new)} new "
                "values.",
                "Give both systems the same queries.",
            )
    heard = [trial for trial in trials if len(trial.old) >= FEWEST]
    tests = [randomisation_test(trial.new, trial.old) for trial in heard]
    corrected = holm([test.p for test in tests]).tolist() if tests else list[float]()
    verdicts = []
    for trial, test, p in zip(heard, tests, corrected, strict=True):
        around = bca_interval(trial.new - trial.old)
        means = float(trial.old.mean()), float(trial.new.mean())
        verdicts.append(
            Verdict(
                trial.source,
                trial.leg,
                len(trial.old),
                *means,
                test.difference,
                around.low,
                around.high,
                test.p,
                float(p),
            )
        )
    harmed = [each for each in verdicts if each.difference < 0 and each.p < alpha]
    helped = [each for each in verdicts if each.difference > 0 and each.p_corrected < alpha]
    if not verdicts:
        counts = ", ".join(
            f"{len(trial.old)} of '{trial.source}'" for trial in trials if trial.leg == "served"
        )
        reason = f"Refused: too few held-out queries ({counts}; {FEWEST} of a source are needed)."
    elif harmed:
        reason = f"Refused: worse on {_named(harmed, corrected=False)}."
    elif helped:
        reason = f"Promoted: better on {_named(helped)}, and worse on none."
    else:
        reason = f"Refused: nothing shows a gain that chance would not ({_named(verdicts)})."
    few = {trial.source: len(trial.old) for trial in trials if len(trial.old) < FEWEST}
    if few and verdicts:
        told = ", ".join(f"'{source}' has {count}" for source, count in few.items())
        reason += f" Not heard, for fewer than {FEWEST} queries: {told}."
    return Decision(bool(helped) and not harmed, reason, tuple(verdicts))


def _named(verdicts: Sequence[Verdict], corrected: bool = True) -> str:
    """Tell of tests, with the p that decided: harm is believed without correction."""
    return "; ".join(
        f"'{each.source}', {each.leg}: {each.old:.3f} to {each.new:.3f}, "
        f"p {each.p_corrected if corrected else each.p:.3g}"
        for each in verdicts
    )
