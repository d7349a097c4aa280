"""Latent semantic analysis: vectors learned from the collection alone, with NumPy and SciPy.

Terms (stems without stop words) get the right singular vectors of the documents' weighted counts
log(1 + tf) * idf, rows scaled to length 1 (Deerwester et al., "Indexing by Latent Semantic
Analysis"); a text is the sum of its terms' vectors, each times its idf, scaled to length 1. The
decomposition is the randomised one of Halko, Martinsson and Tropp, with a fixed seed.

Fixed between fits: what a text's vector is does not change as documents come and go, until the
index refits (see `everygrain.refitting`), which gives an encoder of another fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Analyzer, Words, split
from everygrain.encode.base import Kind, Vectors, unit
from everygrain.errors import ModelError

DIMENSIONS = 256
_MOST_TERMS = 60_000
_OVERSAMPLING = 16
_POWER_ITERATIONS = 3
_NEGLIGIBLE = 1e-9  # of the largest singular value


@dataclass(frozen=True, eq=False)
class Latent:
    """The encoder `latent`; before a fit it has one dimension and knows no term.

    terms    term -> row of `matrix`
    matrix   (terms, d) float32, right singular vectors times idf
    fitted   number of documents fitted on
    """

    analyzer: Analyzer
    terms: dict[str, int]
    matrix: Vectors
    fitted: int = 0

    @classmethod
    def unfitted(cls, language: str = "en") -> Latent:
        return cls(Analyzer(language), {}, np.zeros((0, 1), dtype=np.float32))

    @property
    def dimensions(self) -> int:
        return int(self.matrix.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.blake2b(self.matrix.tobytes(), digest_size=6)
        digest.update(json.dumps([list(self.terms), str(self.analyzer)]).encode())
        return f"latent-{self.dimensions}-{digest.hexdigest()}"

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        return self.encode_words(split(texts), kind)

    def encode_words(self, words: Words, kind: Kind = "document") -> Vectors:
        """Sum in the order of the text, so that the last bit depends on the text alone."""
        from scipy.sparse import csr_array

        known = self.analyzer.terms(words)
        rows = np.array([self.terms.get(t, -1) for t in known.vocabulary], dtype=np.int64)
        ids = rows[known.ids] if len(rows) else known.ids.astype(np.int64)
        kept = ids >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        ones = np.ones(int(before[-1]), dtype=np.float32)
        shape = (len(words), len(self.matrix))
        counts = csr_array((ones, ids[kept], before[known.offsets]), shape=shape)
        return unit(np.asarray(counts @ self.matrix))

    def fit(self, words: Words) -> Latent:
        """Decompose the weighted counts of documents. Returns a new encoder."""
        from scipy.sparse import csr_array, diags_array

        terms = self.analyzer.terms(words)
        count = len(terms)
        ones = np.ones(len(terms.ids), dtype=np.float64)
        counts = csr_array(
            (ones, terms.ids, terms.offsets), shape=(count, max(len(terms.vocabulary), 1))
        )
        counts.sum_duplicates()
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        # a term of one document says nothing about any other; the rarest go first
        usual = np.flatnonzero(frequency > 1) if count > 4 else np.arange(counts.shape[1])
        if len(usual) > _MOST_TERMS:
            order = np.argsort(-frequency[usual], kind="stable")
            usual = np.sort(usual[order[:_MOST_TERMS]])
        if not len(usual) or not len(terms.ids):
            return Latent(self.analyzer, {}, np.zeros((0, 1), dtype=np.float32), count)
        # sorted by name, so that neither the order of documents nor of words matters
        usual = np.array(sorted(usual, key=lambda i: terms.vocabulary[i]), dtype=np.int64)
        inverse = np.log1p((count - frequency[usual] + 0.5) / (frequency[usual] + 0.5))
        weighted = csr_array(counts[:, usual])
        weighted.data = np.log1p(weighted.data)
        weighted = weighted @ diags_array(inverse)
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        weighted = diags_array(1 / np.maximum(lengths, 1e-12)) @ weighted
        directions = _right_singular_vectors(csr_array(weighted), DIMENSIONS)
        matrix = np.ascontiguousarray(directions * inverse[:, None], dtype=np.float32)
        names = {terms.vocabulary[i]: row for row, i in enumerate(usual)}
        return Latent(self.analyzer, names, matrix, count)

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        save_file({"matrix": np.ascontiguousarray(self.matrix)}, folder / "latent.safetensors")
        described = {
            "kind": "latent",
            "analyzer": self.analyzer.settings(),
            "terms": list(self.terms),
            "fitted": self.fitted,
        }
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> Latent:
        """Read what `save` wrote. Raises ModelError if it is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            matrix = load_file(folder / "latent.safetensors")["matrix"]
        except (OSError, SafetensorError, KeyError) as error:
            raise ModelError(
                f"The latent encoder in {folder} is missing or damaged ({error}).",
                "Run `everygrain reencode INDEX --encoder latent` to learn it again.",
            ) from error
        terms = {term: row for row, term in enumerate(described["terms"])}
        if matrix.ndim != 2 or len(matrix) != len(terms):
            raise ValueError(f"{len(matrix)} vectors for {len(terms)} terms")
        return cls(Analyzer(**described["analyzer"]), terms, matrix, described["fitted"])


def _right_singular_vectors(matrix: Any, wanted: int) -> npt.NDArray[np.float64]:
    """Return (columns, min(wanted, rank)) orthonormal directions, largest first.

    Beyond the rank (documents that repeat each other) directions would be rounding errors, of full
    length, and other ones for another order of documents.
    """
    size = min(wanted + _OVERSAMPLING, *matrix.shape)
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(matrix @ generator.standard_normal((matrix.shape[1], size)))[0]
    for _ in range(_POWER_ITERATIONS):
        basis = np.linalg.qr(matrix.T @ basis)[0]
        basis = np.linalg.qr(matrix @ basis)[0]
    _, strengths, directions = np.linalg.svd((matrix.T @ basis).T, full_matrices=False)
    rank = int((strengths > _NEGLIGIBLE * strengths[0]).sum())
    return np.asarray(directions[: max(1, min(wanted, rank))].T)
