"""What an index learns about itself that searches may ask for: cut-offs, banks of hubs, weights
of a fusion, and anchors of a dear scorer.

    calibrate(index)                             from pseudo-queries of its own documents
    calibrate(index, queries, judgements)        from queries that somebody judged
    index.search(query, cutoff="conformal:0.1")

    fit_fusion(index, "fuse(lexical, dense, late)")
    index.search(query, system="fuse(lexical, dense, late, method=fitted)")

    score_anchors(index, CrossEncoderScorer("folder"))
    index.search(query, system="cur(hybrid, model='folder')")

Nothing that is stored or served changes by it: only searches that name a cut-off use it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from everygrain.engine import Index
from everygrain.errors import InputError, QueryError
from everygrain.index.writer import writer
from everygrain.rank import anchors, banks, weigh
from everygrain.rank.anchors import NamedScorer
from everygrain.rank.compose import parse
from everygrain.rank.compose.learned import FUSIONS
from everygrain.rank.compose.making import Making
from everygrain.rank.compose.parts import FuseOf, needs_vectors, needs_words
from everygrain.rank.compose.reader import ASKING
from everygrain.rank.cutoff.conformal import Calibration
from everygrain.rank.cutoff.named import DEPTH, learn, settings_of
from everygrain.rank.fit_fusion import FittedWeights, fit, questioned
from everygrain.rank.legs import View

SAMPLE = 200  # documents whose pseudo-queries are asked
FITTED_ON, FITTED_FOR = 5_000, 150  # documents that a fusion is fitted on; that queries are made of
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


def fit_fusion(index: Index, system: str) -> FittedWeights:
    """Fit weights to what is fused in a composition, and keep them for its `method=fitted`.

    system   such as "fuse(lexical, dense, late)"; its own method and weights do not matter

    At most 5,000 documents are indexed for it beside the index, without the words of the
    pseudo-queries that are made of some: a lexical leg would find its own words.
    Raises QueryError for what fuses nothing, or asks a language model, and for documents that give
    fewer than 20 queries whose document is found.
    """
    composition = parse(system)
    if not isinstance(composition, FuseOf) or ASKING & composition.stages():
        raise QueryError(
            f"'{system}' has no weights to fit.", "Write fuse(lexical, dense), or more systems."
        )
    with index.views.newest() as view:
        asked = weigh.sampled_ids(view, FITTED_FOR, reserved=True)
        ids = list(dict.fromkeys([*asked, *weigh.sampled_ids(view, FITTED_ON)]))[:FITTED_ON]
        held = view.store.catalogue.fetch(ids)
        encoder = view.encoder if needs_vectors(composition) else None
        words = view.words if needs_words(composition) else None
        analyzer = view.analyzer
    documents = [held[identity] for identity in ids]
    sentences, _ = index.segmenters()
    left, queries, answers = questioned(documents, set(asked), sentences)
    with (
        tempfile.TemporaryDirectory() as work,
        Index(
            Path(work) / "index", encoder or "none", words=words, language=analyzer.language,
            stemmer=analyzer.stemmer, stop_words=analyzer.stop_words,
        ) as beside,
    ):  # fmt: skip
        beside.add(left)
        making = Making(beside.views)
        rankings = [part.build(making).retrieve(queries, 100) for part in composition.parts]
    fitted = fit(rankings, answers, scale="min-max")
    with writer(index.store) as write, write.catalogue.writing():
        told = ", ".join(str(part) for part in composition.parts)
        kept = write.catalogue.get(FUSIONS) or {}
        write.catalogue.set(FUSIONS, kept | {told: fitted.settings()})
    return fitted


def score_anchors(
    index: Index,
    scorer: NamedScorer,
    queries: int = 50,
    on_progress: Callable[[int], None] | None = None,
) -> anchors.Anchors:
    """Score every document of an index for some pseudo-queries, and keep that for `cur`.

    queries       anchor queries, at least 1: each costs as many readings as there are documents
    on_progress   called with the number of pairs after each piece of work

    Called again, only documents that came or changed are read. Raises QueryError for an index
    whose documents give no query, and where the scorer fails.
    """
    sentences, _ = index.segmenters()
    with index.views.newest() as view:
        made = anchors.make(view, scorer, sentences, queries, on_progress)
    with writer(index.store):
        anchors.keep(index.folder, scorer.fingerprint, made)
    return made


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
