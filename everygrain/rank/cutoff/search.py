"""A search that ends where relevance ends."""

from __future__ import annotations

from dataclasses import replace

from everygrain.document import Grain
from everygrain.errors import QueryError
from everygrain.index.masks import Filter
from everygrain.rank.cutoff.base import Cutoff, Verdict
from everygrain.rank.cutoff.conformal import Conformal
from everygrain.rank.cutoff.named import DEPTH, FORMS, apply, create
from everygrain.rank.found import NOTHING, Found
from everygrain.rank.legs import View
from everygrain.rank.query import Query

COMPLETE = 1_000  # candidates of a conformal cut-off, whose promise is of complete lists


def made(view: View, cutoff: str | Cutoff) -> Cutoff:
    """Return a cut-off by name, as the index learned it, or as it was given.

    Raises QueryError for what is no cut-off and an index that was never calibrated,
    EncoderMismatchError where it was calibrated with another encoder.
    """
    if isinstance(cutoff, str):
        return create(cutoff, view.store.setting("cutoffs"), view.encoder)
    if not isinstance(cutoff, Cutoff):
        raise QueryError(f"The cut-off is {cutoff!r}.", f"Use {FORMS}.")
    return cutoff


def depth_of(cutoff: Cutoff) -> int:
    """Return how many candidates a cut-off wants to judge."""
    return COMPLETE if isinstance(cutoff, Conformal) else DEPTH


def of_nothing(cutoff: Cutoff) -> Verdict:
    """Return what a cut-off says where nothing was searched for."""
    return apply(cutoff, "", NOTHING, NOTHING)[1]


def ended(
    view: View,
    cutoff: Cutoff,
    query: Query,
    where: Filter | None,
    found: Found,
    k: int,
    grain: Grain = "document",
) -> tuple[Found, Verdict]:
    """Cut what was found, and to k documents; the verdict says where more than k passed.

    grain   of the hits to be made of them: what is cut are documents in any case

    What is judged are scores of the cut-off's own leg, whatever system found the documents.
    """
    judged = view.find(query, cutoff.leg, depth_of(cutoff), where)
    left, verdict = apply(cutoff, query.text, judged, found)
    if len(left.ids) <= k:
        return left, verdict
    told = f"The best {k:,} of these are shown; more with a larger k."
    if grain != "document":
        told = f"Spans of the best {k:,} of these are compared; of more with a larger k."
    note = f"{verdict.note} {told}".strip()
    first = Found(
        left.numbers[:k],
        left.scores[:k],
        left.ids[:k],
        {name: rows[:k] for name, rows in left.legs.items()},
    )
    return first, replace(verdict, note=note)
