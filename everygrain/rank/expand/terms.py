"""From documents that a query found to a query of weighted words.

    P(w | R)  = sum over d of P(d) * P(w | d)
    P(d)      = score(d) / sum of scores; alike where no score is above 0
    P(w | d)  = (tf(w, d) + mu * P(w | C)) / (length(d) + mu)
    weight(w) = original * qtf(w) + (1 - original) * |q| * P'(w | R)

tf and length are occurrences of terms, stop words and single characters left out; P(w | C) is a
term's share of all occurrences in the live documents. P' is P of the likeliest terms alone, made
to sum to 1 again (equal ones in the alphabet's order). |q| is the number of words of the query, so
that original = 1 is the query as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from everygrain.analyze import is_mark
from everygrain.document import Ranking
from everygrain.errors import EverygrainError, QueryError
from everygrain.index.snapshot import Snapshot
from everygrain.rank.base import Retriever, check_k
from everygrain.rank.legs import Leg, View
from everygrain.rank.query import Query, plain


@dataclass(frozen=True)
class Feedback:
    """How words are taken from documents.

    documents   how many of those found first
    terms       how many words are added at most
    original    share of the query's own words, 0 to 1
    mu          Dirichlet smoothing, in occurrences (>= 0); 0 is the maximum likelihood
    title       whether words of the title count, or those of the text alone

    Raises QueryError for a setting that is out of range.
    """

    documents: int
    terms: int
    original: float
    mu: float = 0.0
    title: bool = True

    def __post_init__(self) -> None:
        check_k(self.documents)
        check_k(self.terms)
        if not (0 <= self.original <= 1 and 0 <= self.mu < float("inf")):
            raise QueryError(
                f"original={self.original} and mu={self.mu} are out of range.",
                "Give a share from 0 to 1, and a mu of 0 or more.",
            )


def expanded(
    leg: Leg, first: Retriever, asked: Mapping[str, str], how: Feedback, k: int
) -> Ranking:
    """Retrieve with `first`, take words from what it finds, and search the leg with them.

    A query that finds nothing at first is asked as it is.
    Raises QueryError that names the query where its search fails.
    """
    found = first.retrieve(asked, how.documents).by_query()
    rows: list[tuple[str, str, float]] = []
    with leg.views.newest() as view:
        queries = [
            expand(view, plain(text, view.analyzer), found[name][: how.documents], how)
            for name, text in asked.items()
        ]
        every = view.find_many(queries, leg.system, k, leg.where, leg.bm25)
        for name in asked:
            try:
                best = next(every)
            except EverygrainError as error:
                raise QueryError(f"Query '{name}': {error.problem}", error.remedy) from error
            scores = best.scores.tolist()
            rows += [(name, d, score) for d, score in zip(best.ids, scores, strict=True)]
    return Ranking.of(list(asked), rows)


def expand(view: View, query: Query, found: Sequence[tuple[str, float]], how: Feedback) -> Query:
    """Return the query with the words of documents added, by the formula above.

    found   (document id, score); a document that the index lacks is passed over
    """
    places = view.store.catalogue.places([identity for identity, _ in found])
    documents = []
    for identity, score in found:
        place = places.get(identity)
        number = None if place is None else view.snapshot.number_at(place.segment, place.place)
        if number is not None:
            documents.append((counted(view.snapshot, number, how.title), max(score, 0.0)))
    likely = likelihoods(view.snapshot, documents, how.mu)
    best = sorted(likely, key=lambda term: (-likely[term], term))[: how.terms]
    total = sum(likely[term] for term in best)
    own = dict(query.terms)
    if total <= 0:
        return query
    length = sum(own.values()) or 1.0
    weights = {term: how.original * weight for term, weight in own.items()}
    for term in best:
        share = (1 - how.original) * length * likely[term] / total
        weights[term] = weights.get(term, 0.0) + share
    return query.weighing({term: weight for term, weight in weights.items() if weight > 0})


def counted(snapshot: Snapshot, number: int, title: bool = True) -> Counter[str]:
    """Return term -> occurrences in a document, as the index holds them."""
    i = max(j for j, base in enumerate(snapshot.bases) if base <= number)
    lexical, place = snapshot.segments[i].lexical, number - snapshot.bases[i]
    start, end = (int(each) for each in lexical["token_offsets"][place : place + 2])
    tokens = lexical["tokens"][
        start if title else start + int(lexical["title_tokens"][place]) : end
    ]
    numbers, occurrences = np.unique(tokens[tokens >= 0], return_counts=True)
    offsets = lexical["term_offsets"]
    found: Counter[str] = Counter()
    for term, count in zip(numbers, occurrences, strict=True):
        name = lexical["terms"][offsets[term] : offsets[term + 1]].tobytes().decode()
        if not is_mark(name):
            found[name] = int(count)
    return found


def likelihoods(
    snapshot: Snapshot, documents: Sequence[tuple[Mapping[str, int], float]], mu: float
) -> dict[str, float]:
    """Return P(w | R) of the words of some documents, each with its score."""
    total = sum(score for _, score in documents)
    seen: dict[str, float] = {}
    smoothed = 0.0
    for counts, score in documents:
        share = score / total if total > 0 else 1 / len(documents)
        length = sum(counts.values()) + mu
        if length <= 0:
            continue
        smoothed += share * mu / length
        for term, count in counts.items():
            seen[term] = seen.get(term, 0.0) + share * count / length
    if smoothed:
        occurrences = _occurrences(snapshot)
        for term in seen:
            postings = snapshot.postings(term)
            held = int(postings.title_counts.sum(dtype=np.int64))
            held += int(postings.text_counts.sum(dtype=np.int64))
            seen[term] += smoothed * held / max(occurrences, 1)
    return seen


def _occurrences(snapshot: Snapshot) -> int:
    live = snapshot.live
    titles = snapshot.title_lengths[live].sum(dtype=np.int64)
    return int(titles + snapshot.text_lengths[live].sum(dtype=np.int64))
