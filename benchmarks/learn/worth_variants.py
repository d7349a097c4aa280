"""What an adapted table can do on another collection than it was trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.encode import registry
from everygrain.encode.adapted import Adapted
from everygrain.encode.distil import static_table, with_words
from everygrain.encode.static import Static, Table, document_frequencies, inverse_frequencies

RIDGE = 1e-3

LEAST_SEEN = 3


@dataclass(frozen=True)
class Variant:
    """What an adapted table does on another collection.

    beyond   whether it was taught words beyond its collection's, too
    keep     texts worth of the map that a trained row is mixed with; None for no map
    words    whether the collection's own words get vectors of their own
    whiten   strength of the whitening
    """

    beyond: bool = False
    keep: float | None = None
    words: bool = False
    whiten: float = 0.0

    def __str__(self) -> str:
        parts = ["beyond"] if self.beyond else []
        parts += [] if self.keep is None else [f"map, k {self.keep:g}"]
        parts += ["words"] if self.words else []
        parts += [f"whiten {self.whiten:g}"] if self.whiten else []
        return "; ".join(parts) or "adapted"


VARIANTS = [
    Variant(), Variant(keep=0.0), Variant(keep=5.0), Variant(keep=20.0), Variant(keep=100.0),
    Variant(keep=5.0, words=True), Variant(keep=20.0, words=True), Variant(whiten=0.15),
    Variant(keep=20.0, words=True, whiten=0.15), Variant(keep=20.0, words=True, whiten=0.3),
    Variant(True), Variant(True, 5.0, words=True), Variant(True, 5.0, words=True, whiten=0.15),
]  # fmt: skip


class Learned:
    """The table before and after training, and what leads from one to the other."""

    def __init__(self, folder: Path) -> None:
        adapted = registry.load(folder / "adapted")
        assert isinstance(adapted, Adapted)
        kept = np.load(folder / "before.npz")
        self.after = adapted.static
        self.before, self.counts = kept["matrix"].astype(np.float64), kept["counts"]
        self.pretrained = static_table()
        pieces = len(self.pretrained.matrix)
        raw = self.pretrained.matrix.astype(np.float64)
        # a fit multiplies the pretrained rows by one matrix, which these determine
        self.folding = np.linalg.lstsq(raw, self.before[:pieces], rcond=None)[0]
        trained = self.after.table.matrix.astype(np.float64)
        weights = np.sqrt(np.minimum(self.counts, 1_000).astype(np.float64))[:, None]
        left, right = self.before * weights, trained * weights
        gram = left.T @ left
        ridge = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        # towards the identity: directions that nothing trained stay as they are
        self.map = np.eye(len(gram)) + np.linalg.solve(gram + ridge, left.T @ (right - left))

    def encoder(self, words: Any, variant: Variant) -> Static:
        """Return the encoder of a collection given by its words."""
        table = self.after.table
        matrix = table.matrix.astype(np.float64)
        if variant.keep is not None:
            own = self.counts[:, None].astype(np.float64)
            share = own / np.maximum(own + variant.keep, 1e-9)
            matrix = share * matrix + (1 - share) * (self.before @ self.map)
        names = table.words
        if variant.words:
            known = set(names)
            new = [word for word in own_words(words) if word not in known]
            wider = with_words(self.pretrained, new)
            added = wider.matrix[len(self.pretrained.matrix) :].astype(np.float64)
            matrix = np.concatenate([matrix, added @ self.folding @ self.map])
            names = (*names, *wider.words)
        idf, unseen = inverse_frequencies(words)
        made = Static(
            Table(table.tokenizer, matrix.astype(np.float16), names), idf, unseen, len(words)
        )
        return whitened(made, words, variant.whiten) if variant.whiten else made


def own_words(words: Any) -> list[str]:
    """Return the words that several documents hold."""
    frequency = document_frequencies(words)
    found = zip(words.vocabulary, frequency, strict=True)
    return [word for word, count in found if count >= LEAST_SEEN and word.isalpha()]


def whitened(encoder: Static, words: Any, strength: float) -> Static:
    """Whiten by the second moments of a collection, as `Static.fit` does, a part of the way."""
    vectors = encoder.encode_words(words).astype(np.float64)
    values, directions = np.linalg.eigh(vectors.T @ vectors)
    mean = max(float(values.mean()), 1e-9)
    shrunken = (values + 400 * mean / len(vectors)) / (mean + 400 * mean / len(vectors))
    turned = encoder.table.matrix.astype(np.float64) @ (directions * (shrunken + 1e-3) ** -strength)
    table = replace(encoder.table, matrix=turned.astype(np.float16))
    return replace(encoder, table=table, original=None, source="")
