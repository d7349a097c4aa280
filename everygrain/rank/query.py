"""What a user typed: words to weigh, and phrases in quotes that must occur."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from everygrain.analyze import Analyzer, is_mark
from everygrain.analyze.words import of_text
from everygrain.errors import QueryError

LONG = 8
_MARKS = re.compile('["“”„«»]')
_QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»')


@dataclass(frozen=True)
class Query:
    """A query after analysis.

    terms     (term, weight), sorted by term, so that sums are taken in one order; the weight is
              the number of occurrences, unless the query was expanded
    phrases   terms in order; None stands for any one stop word
    text      what was typed, without the quotation marks
    """

    terms: tuple[tuple[str, float], ...]
    phrases: tuple[tuple[str | None, ...], ...]
    text: str

    @property
    def is_empty(self) -> bool:
        return not self.terms and not self.phrases

    def weighing(self, weights: Mapping[str, float]) -> Query:
        """Return the query with other terms, term -> weight (> 0); phrases and text stay.

        Raises QueryError for a weight that is not finite, or not above 0.
        """
        for term, weight in weights.items():
            if not 0 < weight < math.inf:
                raise QueryError(f"The term '{term}' weighs {weight}.", "Give a weight above 0.")
        return replace(self, terms=tuple(sorted(weights.items())))


def parse(text: str, analyzer: Analyzer) -> Query:
    """Analyse a query. A quotation mark without its partner is ignored.

    Raises QueryError for a phrase of stop words only, which the index keeps no places of.
    """
    text, phrases = _decodable(text), []
    for match in _QUOTED.finditer(text):
        quoted = next(group for group in match.groups() if group is not None)
        places = analyzer.places(of_text(quoted))
        while places and places[0] is None:
            places.pop(0)
        while places and places[-1] is None:
            places.pop()
        if places:
            phrases.append(tuple(places))
        elif of_text(quoted):
            raise QueryError(
                f'The phrase "{quoted}" holds only stop words, which cannot be looked up.',
                "Add a word that carries meaning, or build the index with --keep-stop-words.",
            )
    spoken = _QUOTED.sub(lambda m: f" {next(g for g in m.groups() if g is not None)} ", text)
    return Query(plain(spoken, analyzer).terms, tuple(phrases), " ".join(spoken.split()))


def unquoted(text: str) -> str:
    """Return a text whose quotation marks are spaces: added to what a person typed, it asks for no
    phrase."""
    return _MARKS.sub(" ", text)


def plain(text: str, analyzer: Analyzer) -> Query:
    """Analyse a text that nobody typed as a query: quotation marks in it mean nothing.

    In a text of more than eight terms, single characters are initials and list marks, and are
    left out (CISI: nDCG@10 .411 instead of .406); in a short query, "vitamin C" means C.
    """
    text = _decodable(text)
    counts = Counter(analyzer.query(text))
    if len(counts) > LONG:
        counts = Counter({t: n for t, n in counts.items() if not is_mark(t)})
    return Query(tuple(sorted(counts.items())), (), text)


def _decodable(text: str) -> str:
    """Return the text with lone surrogates, which nothing indexed can hold, as question marks."""
    return text if text.isascii() else text.encode(errors="replace").decode()
