"""Names of topics: the terms that their papers hold and others do not.

    weight(t, c) = p(t | c) log(1 + 1 / (30 p(t))),      p(t) = mean over topics of p(t | c)

where p(t | c) is the share of a topic's papers that hold the term: class-based TF-IDF, counted
in papers, so that one abstract which repeats a word does not name a topic. With 150 in place of
30 names are of what is rare, with 5 of what is everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product, takewhile

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from everygrain_papers.topics.terms import Tokens, split

Numbers = npt.NDArray[np.int64]
TERMS = 10  # of each topic, that are kept
_LOOKED_AT = 60
_LEAST_SHARE = 0.08  # of a topic's papers: a rarer term names nothing
_SHARPNESS = 30.0
_ALIKE = 0.7  # of the shorter word's letters, from its beginning
_WHOLE = 0.5  # of a word's papers hold it within a pair: then the pair is the term


def describe(
    texts: Sequence[str], topics: Numbers, count: int
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the names of topics, all different, and of each topic its terms, the best first.

    texts    of the papers that speak for topics;   topics  (texts,) each from 0 to count - 1
    """
    tokens = split(texts)
    terms, weights = weigh(tokens, topics, count)
    told = [
        _readable(tokens, terms, weights[topic].toarray()[0], topics == topic)
        for topic in range(count)
    ]
    return names_of(told), [tuple(each) for each in told]


def weigh(tokens: Tokens, topics: Numbers, count: int) -> tuple[Numbers, csr_matrix]:
    """Return terms, ascending, and their weights (topics, terms); terms of one paper are left
    out."""
    text, numbers, _ = tokens.grams
    terms, columns = np.unique(numbers, return_inverse=True)
    once = np.unique(text * max(1, len(terms)) + columns)
    text, columns = np.divmod(once, max(1, len(terms)))
    held = np.bincount(columns, minlength=len(terms))
    kept = held >= 2
    places = np.cumsum(kept) - 1
    text, columns = text[kept[columns]], columns[kept[columns]]
    counts = csr_matrix(
        (np.ones(len(text)), (topics[text], places[columns])), shape=(count, int(kept.sum()))
    )
    papers = np.maximum(1, np.bincount(topics, minlength=count))
    shares = csr_matrix(counts.multiply(1 / papers[:, None]))
    rarity = np.log1p(1 / (_SHARPNESS * np.maximum(1e-12, np.asarray(shares.mean(axis=0))[0])))
    least = np.maximum(2, _LEAST_SHARE * papers)
    lasting = counts.copy()
    lasting.data = (counts.data >= np.repeat(least, np.diff(counts.indptr))).astype(float)
    weights = csr_matrix(shares.multiply(lasting).multiply(rarity[None, :]))
    weights.eliminate_zeros()
    return terms[kept], weights


def _readable(
    tokens: Tokens, terms: Numbers, weights: npt.NDArray[np.float64], own: npt.NDArray[np.bool_]
) -> list[str]:
    """Return a topic's best terms as written, none of which shares a word with a better one.

    A word that is mostly met within one pair gives way to the pair, and a pair that is mostly a
    part of a longer phrase to the phrase. own (texts,) which texts are the topic's.
    """
    best = [int(terms[i]) for i in np.lexsort((terms, -weights))[:_LOOKED_AT] if weights[i] > 0]
    places = {term: tokens.occurrences(term) for term in best}
    here = {term: each[own[tokens.text[each]]] for term, each in places.items()}
    held = {term: len(np.unique(tokens.text[each])) for term, each in here.items()}
    shown: list[str] = []
    taken: set[int] = set()
    for term in best:
        stems = tokens.stems_of(term)
        if len(stems) == 1:
            wholes = [
                other
                for other in best
                if other != term
                and stems[0] in tokens.stems_of(other)
                and held[other] >= _WHOLE * held[term]
            ]
            term = max(wholes, key=lambda other: held[other], default=term)
        forms = tokens.phrase(here[term], len(tokens.stems_of(term)))
        words = {int(tokens.stem_of[form]) for form in forms}
        written = " ".join(tokens.forms[form] for form in forms)
        if taken & words or _within(written, shown):
            continue
        shown.append(written)
        taken |= words
        if len(shown) == TERMS:
            break
    return shown


def _within(term: str, better: Sequence[str]) -> bool:
    """Return whether a term repeats another: one within the other, letter by letter, or two
    words of one beginning (surgeon, surgery)."""
    low = term.lower()
    for each in (other.lower() for other in better):
        if low in each or each in low:
            return True
        if any(_of_one_beginning(*pair) for pair in product(low.split(), each.split())):
            return True
    return False


def _of_one_beginning(one: str, other: str) -> bool:
    pairs = zip(one, other, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return shared >= max(4, _ALIKE * min(len(one), len(other)))


def names_of(terms: Sequence[Sequence[str]]) -> list[str]:
    """Return a name for each topic: two terms, or three where both are one word.

    A name that an earlier topic has is made longer by the topic's next terms, then numbered.
    """
    names: list[str] = []
    known: set[str] = set()
    for number, each in enumerate(terms):
        size = 3 if all(" " not in term for term in each[:2]) else 2
        name = ", ".join(each[:size]) or f"topic {number + 1}"
        while name.lower() in known and size < len(each):
            size += 1
            name = ", ".join(each[:size])
        stem, copy = name, 1
        while name.lower() in known:
            copy += 1
            name = f"{stem} ({copy})"
        known.add(name.lower())
        names.append(name)
    return names
