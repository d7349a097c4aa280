"""Finds the pilots of a router: where, in a base encoder's space, each expert does best.

Every training pair is given to all experts; the texts of one domain on which one expert does best
make a group, and each group's middle is a pilot of that expert. An expert that is best on texts of
several domains has a pilot in each, and a domain's own expert need not be best on all its texts.

Source: RouterRetriever: Exploring the Benefits of Routing over Multiple Expert Embedding Models
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Encoder, Vectors
from everygrain.encode.experts.router import Pilots
from everygrain.errors import InputError
from everygrain.learn.domains import spherical_k_means
from everygrain.learn.pairs.base import Pair

Scores = npt.NDArray[np.float64]


def pair_scores(
    queries: Encoder,
    documents: Encoder,
    pairs: Sequence[Pair],
    scale: float = 20.0,
    block: int = 512,
) -> Scores:
    """Return how well the answer of each pair is told from other answers: (n,) log-probabilities.

    queries     encodes the queries: the expert
    documents   encodes the answers: the expert too, or the encoder that all experts share
    block       answers that each one is told from, the pairs next to it
    """
    asked = queries.encode([pair.query for pair in pairs], "query")
    answers = documents.encode([pair.positive for pair in pairs], "document")
    found = np.zeros(len(pairs))
    for start in range(0, len(pairs), block):
        rows = slice(start, start + block)
        logits = scale * (asked[rows] @ answers[rows].T).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        found[rows] = np.diag(logits) - np.log(np.exp(logits).sum(axis=1))
    return found


def learn_pilots(
    vectors: Vectors,
    scores: Mapping[str, Scores],
    domains: Sequence[str | None],
    each: int = 1,
    smallest: int = 1,
) -> Pilots:
    """Return the pilots of experts.

    vectors    (n, d) of the queries, by the base encoder
    scores     expert -> (n,) how well it does on each query; the first expert wins among equals
    domains    (n,) of the queries
    each       pilots of a group; a group of fewer texts gives one for each
    smallest   fewest texts of a group; smaller ones give no pilot
    Raises InputError for lengths that differ, no text, or no group that is large enough.
    """
    if not scores or {len(vectors)} != {len(domains), *map(len, scores.values())} or not domains:
        raise InputError(
            f"{len(vectors)} vectors, {len(domains)} domains and scores of {len(scores)} experts.",
            "Give one vector and domain per query, and a score of each by every expert.",
        )
    names = list(scores)
    best = np.stack([scores[name] for name in names]).argmax(axis=0)
    known = vectors.any(axis=1)
    owners: list[str] = []
    middles: list[Vectors] = []
    for domain in dict.fromkeys(domains):
        within = np.array([each_domain == domain for each_domain in domains]) & known
        for place, name in enumerate(names):
            rows = np.flatnonzero(within & (best == place))
            if len(rows) >= max(smallest, 1):
                found = spherical_k_means(vectors[rows], min(each, len(rows)))
                owners += [name] * len(found)
                middles.append(found)
    if not middles:
        raise InputError(
            f"No expert is best on {smallest} texts of a domain.", "Ask for smaller groups."
        )
    return Pilots(tuple(owners), np.concatenate(middles))
