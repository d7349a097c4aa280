"""Cut-offs by name, learned from an index's own pseudo-queries, kept as JSON, applied to a search.

    learned = learn(view, documents, sentences, passages)   # kept in the catalogue by the writer
    cutoff = create("conformal:0.1", learned, view.encoder)
    found, verdict = apply(cutoff, query.text, found)       # between `View.find` and the hits

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
) -> dict[str, Any]:
    """Fit both cut-offs of the dense leg to pseudo-queries of documents.

    documents   such as `weigh.sampled_ids(view, 200, reserved=True)` names
    Returns JSON values for `create`.
    Raises QueryError where the documents give too few pseudo-queries.
    """
    ranking, answers, texts = asked(view, documents, sentences, passages)
    judgements = {query: {document: 1} for query, document in answers.items()}
    cut = Adapted.fit(ranking.cut(DEPTH), judgements, texts, view.encoder)
    scores = Calibration.of(ranking, judgements)
    return {
        "fingerprint": view.encoder.fingerprint,
        "adapted": cut.settings(),
        "conformal": Conformal(0.1, scores).settings(),
    }


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
    if name not in ("adapted", "conformal") or (name == "conformal" and not number):
        raise QueryError(f"There is no cut-off '{spec}'.", f"Use {FORMS}.")
    try:
        value = float(number) if number else None
    except ValueError:
        raise QueryError(f"'{number}' in '{spec}' is no number.", f"Use {FORMS}.") from None
    if not learned or name not in learned:
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


def apply(cutoff: Cutoff, query: str, found: Found) -> tuple[Found, Verdict]:
    """End what a search found for one query.

    The scores judged are those of the cut-off's leg; the order, the scores and the legs of what
    is kept stay the search's own.
    Raises QueryError where the search did not ask that leg.
    """
    legs = found.legs.get(cutoff.leg)
    if found.ids and legs is None:
        raise QueryError(
            f"The cut-off judges scores of the leg '{cutoff.leg}', which was not searched.",
            "Search with --system hybrid or dense.",
        )
    scores = [score for _, score in legs or []]
    ranking = Ranking.of(
        ["query"],
        [("query", identity, s) for identity, s in zip(found.ids, scores, strict=True)],
    )
    kept = set(cutoff.rerank({"query": query}, ranking).document_ids.tolist())
    places = [i for i, identity in enumerate(found.ids) if identity in kept]
    left = Found(
        found.numbers[places],
        found.scores[places],
        [found.ids[i] for i in places],
        {name: [rows[i] for i in places] for name, rows in found.legs.items()},
    )
    return left, cutoff.verdicts({"query": query}, ranking)["query"]
