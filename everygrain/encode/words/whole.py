"""Texts as bags of whole words: few dimensions, one byte each, and no word that says little.

Source: Introducing Neural Bag of Whole-Words with ColBERTer: Contextualized Late Interactions using
Enhanced Reduction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Analyzer
from everygrain.encode.base import Kind, Vectors
from everygrain.encode.transformer import Transformer
from everygrain.encode.words.base import SCALE, Bags
from everygrain.encode.words.tokens import Merged, TokenReader
from everygrain.errors import ModelError, QueryError

MOST_DIMENSIONS = 128
_VERSION = 1


@dataclass(frozen=True, eq=False)
class Gate:
    """How much a word matters: g(x, r) = min(max(weights . x + rarity * r + bias, 0), 1).

    weights   (width,) float32, for the word's vector x; zeros before learning
    rarity    for the rarity r of the word in [0, 1], which stands for inverse document frequency
    bias      no unit
    """

    weights: npt.NDArray[np.float32]
    rarity: float = 1.0
    bias: float = 0.0


@dataclass(frozen=True, eq=False)
class WholeWords:
    """The word encoder `words`. A word with the mean token vector x has

        v = g(x, r) * y / max(|y|, 1)     y = P' x + shift

    transformer   whose token vectors these are
    analyzer      which words are terms: words that share a stem share a vector
    projection    P, (width, d) float32
    shift         (d,) float32
    gate          g; a word is left out of documents where it is 0
    kept          share of a document's words that stay at most, in (0, 1], by gate; at least one

    Raises QueryError for a share or a number of dimensions out of range.
    """

    transformer: Transformer
    analyzer: Analyzer
    projection: Vectors
    shift: npt.NDArray[np.float32]
    gate: Gate
    kept: float = 1.0

    def __post_init__(self) -> None:
        check_settings(self.dimensions, self.kept)

    @property
    def dimensions(self) -> int:
        return int(self.projection.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        told = [_VERSION, self.transformer.fingerprint, self.analyzer.settings(), self.kept]
        told += [self.gate.rarity, self.gate.bias]
        digest = hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=6)
        for array in (self.projection, self.shift, self.gate.weights):
            digest.update(np.ascontiguousarray(array, dtype=np.float32).tobytes())
        return f"words-{self.dimensions}-{digest.hexdigest()}"

    @cached_property
    def reader(self) -> TokenReader:
        return TokenReader(self.transformer, self.analyzer)

    @cached_property
    def _columns(self) -> Vectors:
        """Return projection and gate side by side: what a token vector is reduced to at once."""
        return np.ascontiguousarray(np.column_stack([self.projection, self.gate.weights]))

    def encode_bags(self, texts: Sequence[str], kind: Kind = "document") -> Bags:
        merged = self.reader.read(texts, kind, self._columns)
        return self.reduce(merged, kind)

    def reduce(self, merged: Sequence[Merged], kind: Kind = "document") -> Bags:
        """Return the bags of texts that were read with projection and gate as columns."""
        words, vectors = [], []
        for each in merged:
            values, gate = self._values(each)
            kept = np.arange(len(gate)) if kind == "query" else _kept(gate, each.words, self.kept)
            words.append(each.words[kept])
            vectors.append(values[kept])
        offsets = np.zeros(len(merged) + 1, dtype=np.int64)
        np.cumsum([len(each) for each in words], out=offsets[1:])
        if not words:
            empty = np.zeros((0, self.dimensions), dtype=np.int8)
            return Bags(np.zeros(0, dtype=np.uint32), empty, offsets)
        return Bags(np.concatenate(words), np.concatenate(vectors), offsets)

    def _values(self, each: Merged) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
        """Return the vectors of a text's words in units of 1 / SCALE, and their gates."""
        mapped = each.vectors[:, :-1] + self.shift
        lengths = np.sqrt(np.square(mapped, dtype=np.float64).sum(axis=1)).astype(np.float32)
        gate = each.vectors[:, -1] + np.float32(self.gate.rarity) * each.rarity
        gate = np.clip(gate + np.float32(self.gate.bias), 0, 1).astype(np.float32)
        scaled = mapped * (SCALE * gate / np.maximum(lengths, 1))[:, None]
        return np.rint(scaled).astype(np.int8), gate

    def with_kept(self, kept: float) -> WholeWords:
        """Return the same encoder with another share of words kept."""
        return replace(self, kept=kept)

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        arrays = {"projection": self.projection, "shift": self.shift, "gate": self.gate.weights}
        save_file(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()},
            folder / "words.safetensors",
        )
        described = {
            "kind": "whole-words", "transformer": self.transformer.name,
            "analyzer": self.analyzer.settings(), "kept": self.kept,
            "rarity": self.gate.rarity, "bias": self.gate.bias,
        }  # fmt: skip
        (folder / "words.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> WholeWords:
        """Read what `save` wrote. Raises ModelError if a file is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(folder / "words.safetensors")
            projection, shift, gate = arrays["projection"], arrays["shift"], arrays["gate"]
            fits = projection.ndim == 2 and shift.shape == projection.shape[1:]
            if not fits or gate.shape != projection.shape[:1]:
                raise ValueError("its arrays do not fit together")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(
                f"The word encoder kept in {folder} is missing or damaged ({error}).",
                "Run `everygrain reencode INDEX --words NAME` to make the words anew.",
            ) from error
        return cls(
            Transformer(described["transformer"]),
            Analyzer(**described["analyzer"]),
            projection,
            shift,
            Gate(gate, described["rarity"], described["bias"]),
            described["kept"],
        )


def check_settings(dimensions: int, kept: float) -> None:
    """Raise QueryError for a number of dimensions or a share of words that makes no sense."""
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise QueryError(
            f"A word cannot have {dimensions} dimensions.", f"Use 1 to {MOST_DIMENSIONS}."
        )
    if not 0 < kept <= 1:
        raise QueryError(
            f"{kept} is no share of a document's words.", "Use more than 0, and at most 1."
        )


def _kept(
    gate: npt.NDArray[np.float32], words: npt.NDArray[np.uint32], share: float
) -> npt.NDArray[np.int64]:
    """Return the places of the words that stay, in order: the best by gate, then by hash.

    A text that has words keeps one, whatever the gate says.
    """
    if not len(gate):
        return np.zeros(0, dtype=np.int64)
    open_ = int((gate > 0).sum())
    count = max(1, min(open_, int(np.ceil(share * len(gate)))))
    return np.sort(np.lexsort((words, -gate))[:count])
