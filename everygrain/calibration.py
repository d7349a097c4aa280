"""What an index learns about itself that searches may ask for: cut-offs, and banks of hubs.

    calibrate(index)                             from pseudo-queries of its own documents
    calibrate(index, queries, judgements)        from queries that somebody judged
    index.search(query, cutoff="conformal:0.1")

Nothing that is stored or served changes by it: only searches that name a cut-off use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from everygrain.engine import Index
from everygrain.errors import InputError, QueryError
from everygrain.index.writer import writer
from everygrain.rank import banks, weigh
from everygrain.rank.cutoff.conformal import Calibration
from everygrain.rank.cutoff.named import DEPTH, learn, settings_of
from everygrain.rank.legs import View

SAMPLE = 200  # documents whose pseudo-queries are asked
DEEPEST = 10_000  # an answer further down counts as one that the search misses


@dataclass(frozen=True)
class Calibrated:
    """What a calibration rests on.

    queries    how many
    judged     whether people judged them
    threshold  least probability of relevance that the cut-off `adapted` keeps; None where it could
               not be learned, as `without` says
    """

    queries: int
    judged: bool
    threshold: float | None
    without: str = ""


def calibrate(
    index: Index,
    queries: Mapping[str, str] | None = None,
    judgements: Mapping[str, Mapping[str, int]] | None = None,
    *,
    at_least: int = 0,
) -> Calibrated:
    """Fit the cut-offs of an index's dense leg, and keep them and its banks in the index.

    queries      id -> text, with judgements query id -> document id -> grade; without them, queries
                 are made of the documents' titles and sentences, which are unlike people's
    at_least     results that `adapted` keeps of every query: sets are better with 1 where every
                 query has an answer; with 0 there may be no good one

    Raises InputError for judgements of no document that is relevant, QueryError for documents that
    give no query, or an index without vectors.
    """
    sentences, passages = index.segmenters()
    with writer(index.store) as write:
        with index.views.newest() as view:
            if queries is None:
                ids = weigh.sampled_ids(view, SAMPLE, reserved=True)
                held = view.store.catalogue.fetch(ids)
                documents = [held[identity] for identity in ids]
                learned = learn(view, documents, sentences, passages, at_least)
            else:
                learned = _from_judged(index, view, queries, judgements or {}, at_least)
            sample = banks.make(view, sentences)
        with write.catalogue.writing():
            write.catalogue.set("cutoffs", learned)
        if sample is not None:
            banks.keep(index.folder, sample)
    cut = learned.get("adapted")
    return Calibrated(
        len(learned["conformal"]["scores"]),
        queries is not None,
        None if cut is None else float(cut["threshold"]),
        str(learned.get("without", "")),
    )


def _from_judged(
    index: Index,
    view: View,
    queries: Mapping[str, str],
    judgements: Mapping[str, Mapping[str, int]],
    at_least: int,
) -> dict[str, Any]:
    judged = {
        query: text
        for query, text in queries.items()
        if any(grade > 0 for grade in judgements.get(query, {}).values())
    }
    if not judged:
        raise InputError("No query has a relevant document.", "Check the judgements.")
    dense = index.retriever("dense")
    depth = max(1, min(view.snapshot.count, DEEPEST))
    scores: list[float] = []
    names = list(judged)
    for start in range(0, len(names), 50):  # a complete list of each is long
        part = {name: judged[name] for name in names[start : start + 50]}
        scores += Calibration.of(dense.retrieve(part, depth), judgements).scores
    if not any(isfinite(score) for score in scores):
        raise QueryError("No judged document is in the index.", "Check that the ids are its own.")
    ranking = dense.retrieve(judged, DEPTH)
    calibration = Calibration(tuple(scores))
    return settings_of(view.encoder, calibration, ranking, judgements, judged, at_least)
