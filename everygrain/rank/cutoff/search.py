"""A search that ends where relevance ends."""

from __future__ import annotations

from dataclasses import replace

from everygrain.rank.cutoff.base import Cutoff, Verdict
from everygrain.rank.cutoff.conformal import Conformal
from everygrain.rank.cutoff.named import DEPTH, apply, create
from everygrain.rank.found import Found
from everygrain.rank.legs import View

COMPLETE = 1_000  # candidates of a conformal cut-off, whose promise is of complete lists


def made(view: View, cutoff: str | Cutoff) -> Cutoff:
    """Return a cut-off by name, as the index learned it, or as it was given.

    Raises QueryError for an unknown name and an index that was never calibrated,
    EncoderMismatchError where it was calibrated with another encoder.
    """
    if not isinstance(cutoff, str):
        return cutoff
    return create(cutoff, view.store.setting("cutoffs"), view.encoder)


def depth_of(cutoff: Cutoff) -> int:
    """Return how many candidates a cut-off wants to judge."""
    return COMPLETE if isinstance(cutoff, Conformal) else DEPTH


def ended(cutoff: Cutoff, query: str, found: Found, k: int) -> tuple[Found, Verdict]:
    """Cut what was found, and to k; the verdict says where more than k passed."""
    left, verdict = apply(cutoff, query, found)
    if len(left.ids) <= k:
        return left, verdict
    note = f"{verdict.note} The best {k:,} of these are shown; more with a larger k.".strip()
    first = Found(
        left.numbers[:k],
        left.scores[:k],
        left.ids[:k],
        {name: rows[:k] for name, rows in left.legs.items()},
    )
    return first, replace(verdict, note=note)
