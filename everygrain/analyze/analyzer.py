"""Words to terms: Snowball stems, with stop words left out on wish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from everygrain.analyze.language import STEMMED
from everygrain.analyze.stopwords import stop_words
from everygrain.analyze.words import Words, of_text
from everygrain.errors import QueryError


@dataclass(frozen=True)
class Analyzer:
    """How words become terms; two analyzers are the same if they print the same.

    language     ISO 639-1 code; chooses the stop words and, with "snowball", the stemmer
    stemmer      "snowball" for the language's own, "none", or a Snowball algorithm by name
                 ("porter", "english", ...)
    stop_words   leave out the language's function words

    Raises QueryError for a stemmer that does not exist.
    """

    language: str = "en"
    stemmer: str = "snowball"
    stop_words: bool = True

    def __post_init__(self) -> None:
        import Stemmer

        if self.stemmer not in ("snowball", "none", *Stemmer.algorithms()):
            raise QueryError(
                f"There is no stemmer '{self.stemmer}'.",
                f"Use snowball, none, or one of {', '.join(sorted(Stemmer.algorithms()))}.",
            )

    @cached_property
    def _stemmer(self) -> Any:
        import Stemmer

        name = STEMMED.get(self.language) if self.stemmer == "snowball" else self.stemmer
        return Stemmer.Stemmer(name) if name in Stemmer.algorithms() else None

    @cached_property
    def _stop_words(self) -> frozenset[str]:
        return stop_words(self.language) if self.stop_words else frozenset()

    def settings(self) -> dict[str, Any]:
        """Return what `Analyzer(**settings)` needs to be this one again."""
        return asdict(self)

    def stems(self, words: Sequence[str]) -> list[str]:
        """Return the term of each word, stop words included."""
        return list(self._stemmer.stemWords(list(words))) if self._stemmer else list(words)

    def places(self, words: Sequence[str]) -> list[str | None]:
        """Return the term of each word, None for a stop word: its place is kept for phrases."""
        return [
            None if word in self._stop_words else stem
            for word, stem in zip(words, self.stems(words), strict=True)
        ]

    def query(self, text: str) -> list[str]:
        """Return the terms of one text, in order, with repetitions, without stop words."""
        return [term for term in self.places(of_text(text)) if term is not None]

    def terms(self, words: Words) -> Words:
        """Map words to terms: ids of words that share a stem become one, stop words go."""
        numbered: dict[str, int] = {}
        mapping = np.array(
            [
                -1 if stem is None else numbered.setdefault(stem, len(numbered))
                for stem in self.places(words.vocabulary)
            ],
            dtype=np.int32,
        )
        ids = mapping[words.ids]
        kept = ids >= 0
        before = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        return Words(list(numbered), ids[kept], before[words.offsets])
