"""Cut-offs by name, learned from an index's own pseudo-queries, kept as JSON, applied to a search.

    learned = learn(view, documents, sentences, passages)   # kept in the catalogue by the writer
    cutoff = create("conformal:0.1", learned, view.encoder)
    found, verdict = apply(cutoff, query.text, judged, found)   # judged: what the leg found

Pseudo-queries know one answer each, and are asked in the words of titles. What is learned from
them is a start where nobody judged anything; `Adapted.fit` and `Calibration.of` take judged
queries, and their `settings()` can be kept in the same place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from everygrain.document import Document, Ranking
from everygrain.encode.base import Encoder
from everygrain.errors import EncoderMismatchError, QueryError
from everygrain.rank.cutoff.adapter import Adapted
from everygrain.rank.cutoff.base import Cutoff, Verdict
from everygrain.rank.cutoff.conformal import Calibration, Conformal
from everygrain.rank.found import Found
from everygrain.rank.legs import View
from everygrain.rank.select import at_least_kth
from everygrain.rank.weigh import encode_rests, pseudo_queries
from everygrain.segment.base import Segmenter

FORMS = "adapted, adapted:PROBABILITY (such as adapted:0.5) or conformal:ALPHA (conformal:0.1)"
DEPTH = 100


def learn(
    view: View,
    documents: Sequence[Document],
    sentences: Segmenter,
    passages: Segmenter,
    at_least: int = 0,
) -> dict[str, Any]:
    """Fit both cut-offs of the dense leg to pseudo-queries of documents.

    documents   such as `weigh.sampled_ids(view, 200, reserved=True)` names
    Returns JSON values for `create`.
    Raises QueryError where the documents give too few pseudo-queries.
    """
    ranking, answers, texts = asked(view, documents, sentences, passages)
    judgements = {query: {document: 1} for query, document in answers.items()}
    scores = Calibration.of(ranking, judgements)
    return settings_of(view.encoder, scores, ranking.cut(DEPTH), judgements, texts, at_least)


def settings_of(
    encoder: Encoder,
    calibration: Calibration,
    ranking: Ranking,
    judgements: Mapping[str, Mapping[str, int]],
    queries: Mapping[str, str],
    at_least: int = 0,
) -> dict[str, Any]:
    """Return both cut-offs as JSON values; the adapted one only where the queries are enough.

    Raises QueryError where there is no query at all.
    """
    if not calibration.scores:
        raise QueryError(
            "There is no query to calibrate with.", "Add documents with titles, or judge some."
        )
    told: dict[str, Any] = {
        "fingerprint": encoder.fingerprint,
        "conformal": Conformal(0.1, calibration).settings(),
    }
    try:
        cut = Adapted.fit(ranking, judgements, queries, encoder, at_least=at_least)
        told["adapted"] = cut.settings()
    except QueryError as error:
        told["without"] = error.problem
    return told


def asked(
    view: View, documents: Sequence[Document], sentences: Segmenter, passages: Segmenter
) -> tuple[Ranking, dict[str, str], dict[str, str]]:
    """Ask the dense leg the pseudo-queries of documents, their own words taken out of them.

    Returns the best 100 of each, and its answer wherever that stands; query id -> document id;
    query id -> text.
    """
    pseudo = [query for document in documents for query in pseudo_queries(document, sentences)]
    vectors = view.query_vectors([query.text for query in pseudo])
    rests = encode_rests(view, pseudo, passages)
    numbers = np.flatnonzero(view.snapshot.live)
    number_of = dict(zip(view.snapshot.document_ids(numbers), numbers.tolist(), strict=True))
    rows: list[tuple[str, str, float]] = []
    answers, texts = {}, {}
    for query, vector, rest in zip(pseudo, vectors, rests, strict=True):
        name = f"{query.document_id} {query.kind}"
        answers[name], texts[name] = query.document_id, query.text
        own = number_of[query.document_id]
        scores = view.dense().approximate(vector)
        scores[own] = (rest @ vector).max(initial=0.0)
        near = np.union1d(at_least_kth(scores, DEPTH), [own])
        near = near[scores[near] > -np.inf]
        ids = view.snapshot.document_ids(near)
        rows += [(name, i, s) for i, s in zip(ids, scores[near].tolist(), strict=True)]
    return Ranking.of(list(answers), rows), answers, texts


def create(spec: str, learned: Mapping[str, Any] | None, encoder: Encoder) -> Cutoff:
    """Make the cut-off of a name from what an index keeps.

    learned   what `learn` returned, or None
    Raises QueryError for an unknown name and where nothing was learned; EncoderMismatchError
    where the index has another encoder by now.
    """
    name, _, number = spec.partition(":")
    empty = not number and (name == "conformal" or ":" in spec)
    if name not in ("adapted", "conformal") or empty:
        raise QueryError(f"There is no cut-off '{spec}'.", f"Use {FORMS}.")
    try:
        value = float(number) if number else None
    except ValueError:
        raise QueryError(f"'{number}' in '{spec}' is no number.", f"Use {FORMS}.") from None
    if learned and name not in learned:
        raise QueryError(
            f"This index did not learn the cut-off '{name}'. {learned.get('without', '')}".strip(),
            "Calibrate with more queries, or use conformal:ALPHA.",
        )
    if not learned:
        raise QueryError(
            "This index has learned no cut-off.",
            "Run `everygrain calibrate INDEX`, with judged queries if you have any.",
        )
    if learned.get("fingerprint") != encoder.fingerprint:
        raise EncoderMismatchError(
            f"The cut-offs were learned with {learned.get('fingerprint')}, but the encoder at hand "
            f"is {encoder.fingerprint}.",
            "Run `everygrain calibrate INDEX` again.",
        )
    settings = learned[name]
    if name == "conformal":
        return Conformal.from_settings(settings | {"alpha": value})
    cut = Adapted.from_settings(settings, encoder)
    if value is None:
        return cut
    if not 0 <= value <= 1:
        raise QueryError(f"{value} is no probability.", "Use one between 0 and 1.")
    return replace(cut, threshold=value)


def apply(cutoff: Cutoff, query: str, judged: Found, found: Found) -> tuple[Found, Verdict]:
    """End what a search found for one query.

    judged   what the cut-off's leg found for it: those of its documents that pass are kept, in the
             order, with the scores and with the legs that the search gave them

    Where a document that passes is not among what the search found, the verdict says so: what a
    conformal cut-off promises is of all that pass.
    """
    ranking = Ranking.of(
        ["query"],
        [("query", i, s) for i, s in zip(judged.ids, judged.scores.tolist(), strict=True)],
    )
    kept = set(cutoff.rerank({"query": query}, ranking).document_ids.tolist())
    verdict = cutoff.verdicts({"query": query}, ranking)["query"]
    places = [i for i, identity in enumerate(found.ids) if identity in kept]
    if lost := len(kept) - len(places):
        told = f"{lost:,} that passed are not among what the search found: less may be covered."
        verdict = replace(verdict, note=f"{verdict.note} {told}".strip())
    left = Found(
        found.numbers[places],
        found.scores[places],
        [found.ids[i] for i in places],
        {name: [rows[i] for i in places] for name, rows in found.legs.items()},
    )
    return left, verdict
