"""Vectors whose dimensions have names, so that a score can be told concept by concept.

    z_c(text)       w_c . x(text) + b_c                 x by any encoder
    a(text)         max(0, z), the `most` largest of them, the others 0
    vector          a / |a|
    score(q, d)     sum_c q_c d_c

A score is the sum of its explanation's products, and no more. Untrained, w_c is the vector of the
concept's name and b_c is 0: any list of names will do. `everygrain.learn.train.concepts` learns
from texts that have been given concepts. What no concept tells is lost, so the scores are coarser
than the encoder's own: see benchmarks/results/rank_concepts.md.

Source: SESA: Supervised Explicit Semantic Analysis
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.encode.base import Encoder, Kind, Vectors, unit
from everygrain.errors import InputError, ModelError

Told = list[tuple[str, float]]


@dataclass(frozen=True, eq=False)
class Concepts:
    """An encoder into a space of named concepts.

    inner    encodes texts
    names    of the k concepts, none twice, none empty
    matrix   (k, d) float32, one row for each concept
    biases   (k,) float32
    most     concepts of a text at most, >= 1

    Two texts without a common concept have the score 0; a text that has none is the zero vector.
    Source: SESA: Supervised Explicit Semantic Analysis
    Raises InputError for names that are empty or given twice, for a `most` below 1, and for arrays
    that do not fit.
    """

    inner: Encoder
    names: tuple[str, ...]
    matrix: Vectors
    biases: Vectors
    most: int = 32

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for name in self.names:
            if not name.strip() or name in seen:
                raise InputError(
                    f"The concept '{name}' is {'given twice' if name in seen else 'empty'}.",
                    "Give every concept a name of its own.",
                )
            seen.add(name)
        if not self.names or self.most < 1:
            raise InputError(
                f"{self.most} of {len(self.names)} concepts for each text.",
                "Give one concept or more, and let a text have one or more.",
            )
        expected = (len(self.names), self.inner.dimensions)
        if self.matrix.shape != expected or self.biases.shape != expected[:1]:
            raise InputError(
                f"{len(self.names)} concepts have a matrix of {self.matrix.shape} and biases of "
                f"{self.biases.shape}.",
                f"Give them the shapes {expected} and {expected[:1]}.",
            )

    @classmethod
    def named(cls, inner: Encoder, names: Sequence[str], most: int = 32) -> Concepts:
        """Return the untrained encoder of a list of names.

        A name that the encoder knows nothing of never occurs: see `unknown`.
        """
        matrix = inner.encode(list(names)) if names else np.zeros((0, inner.dimensions), np.float32)
        return cls(inner, tuple(names), matrix, np.zeros(len(names), np.float32), most)

    @property
    def dimensions(self) -> int:
        return len(self.names)

    @property
    def unknown(self) -> list[str]:
        """The concepts that no text can have."""
        dead = ~self.matrix.any(axis=1) & (self.biases <= 0)
        return [name for name, each in zip(self.names, dead, strict=True) if each]

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.blake2b(self.inner.fingerprint.encode(), digest_size=6)
        digest.update(json.dumps([self.names, self.most]).encode())
        for array in (self.matrix, self.biases):
            digest.update(np.ascontiguousarray(array).tobytes())
        return f"concepts-{self.dimensions}-{digest.hexdigest()}"

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        return self.over(self.inner.encode(texts, kind))

    def logits(self, vectors: Vectors) -> Vectors:
        """Return (n, k) z of n texts, given their (n, d) vectors."""
        found = np.empty((len(vectors), self.dimensions), dtype=np.float32)
        for row, vector in zip(found, vectors, strict=True):
            # one by one: a product of matrices rounds by how many rows it has
            row[:] = self.matrix @ np.array(vector) + self.biases
        return found

    def over(self, vectors: Vectors) -> Vectors:
        """Return (n, k) rows of length 1, or zero, of texts given their (n, d) vectors."""
        found = np.maximum(self.logits(vectors), 0)
        found[~vectors.any(axis=1)] = 0
        if self.most < self.dimensions:
            # among equals the concepts first in the list stay
            order = np.argsort(-found, axis=1, kind="stable")
            np.put_along_axis(found, order[:, self.most :], 0, axis=1)
        return unit(found)

    def concepts_of(self, text: str, most: int | None = None, kind: Kind = "document") -> Told:
        """Return a text's concepts and what each weighs, in (0, 1], the most first."""
        return self._told(self.encode([text], kind)[0], most)

    def score(self, query: str, text: str) -> float:
        """Return the sum of the products that `explain` gives, in [0, 1]."""
        return math.fsum(product for _, product in self.explain(query, text))

    def explain(self, query: str, text: str, most: int | None = None) -> Told:
        """Return the concepts that query and text have in common with the products of their
        weights, the largest first; all of them sum to the score, to the last bit.

        most   how many to return, those of the largest products; all if None
        """
        sides = self.encode([query], "query")[0], self.encode([text])[0]
        # the product of two float32 has no rounding in float64
        return self._told(sides[0].astype(np.float64) * sides[1].astype(np.float64), most)

    def _told(self, weights: np.ndarray[Any, Any], most: int | None) -> Told:
        order = np.argsort(-weights, kind="stable")[:most]
        return [(self.names[c], float(weights[c])) for c in order if weights[c] > 0]

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        inner = folder / "inner"
        inner.mkdir()
        self.inner.save(inner)
        arrays = {"matrix": self.matrix, "biases": self.biases}
        save_file(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()},
            folder / "concepts.safetensors",
        )
        described = {"kind": "concepts", "names": self.names, "most": self.most}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> Concepts:
        """Read what `save` wrote. Raises ModelError if a file is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from everygrain.encode import registry

        try:
            arrays = load_file(folder / "concepts.safetensors")
            names, inner = tuple(described["names"]), registry.load(folder / "inner")
            return cls(inner, names, arrays["matrix"], arrays["biases"], described["most"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, InputError) as error:
            raise ModelError(
                f"The concepts in {folder} are missing or damaged ({error}).",
                "Make them again from their names, or train them again.",
            ) from error
