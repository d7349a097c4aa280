"""The static encoder after training: token vectors stay, word weights follow the collection.

A fit of `Static` whitens its table anew, and would undo what training did to it. A fit of an
adapted encoder learns the inverse document frequencies alone: with those of the training set kept
instead, an encoder trained on one collection loses .02 nDCG@10 and more on another.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from everygrain.analyze import Words
from everygrain.encode.base import Kind, Vectors
from everygrain.encode.static import Static, inverse_frequencies


@dataclass(frozen=True, eq=False)
class Adapted:
    """A trained `Static`.

    static   the token vectors and word weights
    taught   whether a transformer taught it, which questions made of the collection's own words
             show less of than people's: see `everygrain.rank.weigh`
    """

    static: Static
    taught: bool = False

    @property
    def fitted(self) -> int:
        return self.static.fitted

    def fit(self, words: Words) -> Adapted:
        """Learn the weights of words from documents. Returns a new encoder."""
        idf, unseen = inverse_frequencies(words)
        fitted = replace(self.static, idf=idf, unseen=unseen, fitted=len(words))
        return Adapted(fitted, self.taught)

    @property
    def dimensions(self) -> int:
        return self.static.dimensions

    @cached_property
    def fingerprint(self) -> str:
        return f"{'taught' if self.taught else 'adapted'}-{self.static.fingerprint}"

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        return self.static.encode(texts, kind)

    def encode_words(self, words: Words, kind: Kind = "document") -> Vectors:
        return self.static.encode_words(words, kind)

    def save(self, folder: Path) -> None:
        """Write what `load` needs into an empty folder."""
        self.static.save(folder)
        path = folder / "encoder.json"
        described = json.loads(path.read_text(encoding="utf-8"))
        described |= {"kind": "adapted", "taught": self.taught}
        path.write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> Adapted:
        """Read what `save` wrote. Raises ModelError if a file is missing or damaged."""
        return cls(Static.load(folder, described), described["taught"])
