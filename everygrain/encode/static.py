"""A table of token vectors: no network at inference, fitted to the collection in a second.

The vector of a text is the sum over its words of inverse document frequency times the sum of the
word's piece vectors, then whitened part of the way and scaled to length 1:

    x(text) = T' sum_w idf(w) sum_{p in pieces(w)} e_p        T = U diag(lambda)^-strength

Table: Model2Vec's distillation of a sentence transformer's tokens, without its own weighting.
Whitening (Su et al., "Whitening Sentence Representations for Better Semantics and Faster
Retrieval") uses the eigenvectors U and shrunken eigenvalues lambda of the second moments of the
collection's own vectors. Sums beat means over pieces, linear term counts beat damped ones, and
strength .35 does best on average over four collections, hardly above .5, which loses more on
the one of short texts: see benchmarks/results/static.md.
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

from everygrain.analyze import Words, split
from everygrain.encode.base import Kind, Vectors, unit
from everygrain.errors import ModelError

STRENGTH = 0.35
DIMENSIONS = 256
_SHRINKAGE = 400  # documents' worth of "all directions alike"
_FLOOR = 1e-3
_REMEMBERED = 50_000  # words whose pieces are kept in memory; more at once are an addition's


@dataclass(frozen=True, eq=False)
class Table:
    """Vectors of word pieces, and of whole words where some were given their own.

    tokenizer   the JSON of a `tokenizers` tokenizer
    matrix      (pieces + words, d) float16; the last rows are those of `words`
    words       words that are not cut into pieces
    """

    tokenizer: str
    matrix: npt.NDArray[np.float16]
    words: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        digest = hashlib.blake2b(self.tokenizer.encode(), digest_size=8)
        digest.update(np.ascontiguousarray(self.matrix).tobytes())
        digest.update("\n".join(self.words).encode())
        return digest.hexdigest()

    @cached_property
    def _rows(self) -> dict[str, int]:
        first = len(self.matrix) - len(self.words)
        return {word: first + i for i, word in enumerate(self.words)}

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        try:
            return Tokenizer.from_str(self.tokenizer)
        except Exception as error:  # the library raises no narrower one
            raise ValueError(f"no tokenizer: {error}") from error

    @property
    def vocabulary(self) -> dict[str, int]:
        """The pieces, with their rows."""
        found: dict[str, int] = self._tokenizer.get_vocab()
        return found

    def pieces(self, words: Sequence[str]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Return the rows of each word, end to end, and (words + 1,) offsets: its own row, or
        those of its known pieces."""
        lists = self._cut(words) if len(words) > _REMEMBERED else self._remembered(words)
        offsets = np.zeros(len(lists) + 1, dtype=np.int64)
        np.cumsum([len(each) for each in lists], out=offsets[1:])
        flat = np.fromiter((p for each in lists for p in each), np.int32, int(offsets[-1]))
        return flat, offsets

    def _cut(self, words: Sequence[str]) -> list[list[int]]:
        unknown = self._tokenizer.token_to_id("[UNK]")
        rows = self._rows
        cut = [word for word in words if word not in rows] if rows else list(words)
        encoded = iter(self._tokenizer.encode_batch_fast(cut, add_special_tokens=False))
        return [
            [rows[word]] if word in rows else [p for p in next(encoded).ids if p != unknown]
            for word in words
        ]

    def _remembered(self, words: Sequence[str]) -> list[list[int]]:
        """Cut words, those of the last searches from memory: evidence repeats them."""
        known = self._memory
        if len(known) + len(words) > _REMEMBERED:
            known = self.__dict__["_memory"] = {}  # threads that use the old one go on with it
        new = [word for word in words if word not in known]
        if new:
            known.update(zip(new, self._cut(new), strict=True))
        return [known[word] for word in words]

    @cached_property
    def _memory(self) -> dict[str, list[int]]:
        return {}

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        (folder / "tokenizer.json").write_text(self.tokenizer, encoding="utf-8")
        save_file({"matrix": np.ascontiguousarray(self.matrix)}, folder / "table.safetensors")
        if self.words:
            (folder / "words.json").write_text(json.dumps(self.words), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Table:
        """Read what `save` wrote. Raises ModelError if it is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            matrix = load_file(folder / "table.safetensors")["matrix"]
            listed = folder / "words.json"
            words = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else ()
            table = cls(
                (folder / "tokenizer.json").read_text(encoding="utf-8"), matrix, tuple(words)
            )
            known = table._tokenizer.get_vocab_size() + len(words)
            if matrix.ndim != 2 or len(matrix) < known:
                raise ValueError(f"{len(matrix)} vectors for {known} pieces")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(
                f"The static table in {folder} is missing or damaged ({error}).",
                "Delete that folder; the table is distilled again when it is next needed.",
            ) from error
        return table


@dataclass(frozen=True, eq=False)
class Static:
    """The encoder `static`: before a fit, idf is 1 and nothing is whitened.

    table      vectors of word pieces, already multiplied by T after a fit
    idf        word -> inverse document frequency among the fitted documents
    unseen     idf of a word that the fitted documents lack
    fitted     number of documents fitted on
    original   the table before the fit, for the next one; not saved: 20 MB that the cache holds
    source     the original table's digest, by which the cache's is known to be the same
    """

    table: Table
    idf: dict[str, float]
    unseen: float = 1.0
    fitted: int = 0
    original: Table | None = None
    strength: float = STRENGTH
    source: str = ""

    @property
    def dimensions(self) -> int:
        return int(self.table.matrix.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.blake2b(self.table.digest.encode(), digest_size=6)
        digest.update(json.dumps([sorted(self.idf.items()), self.unseen, self.fitted]).encode())
        return f"static-{self.dimensions}-{digest.hexdigest()}"

    @cached_property
    def _matrix(self) -> Vectors:
        return self.table.matrix.astype(np.float32)

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        return self.encode_words(split(texts), kind)

    def encode_words(self, words: Words, kind: Kind = "document") -> Vectors:
        """Sum in the order of the text, so that the last bit depends on the text alone."""
        from scipy.sparse import csr_array

        vocabulary = words.vocabulary
        if len(words.ids) < len(vocabulary):  # a few texts of many: only the words they hold
            used, ids = np.unique(words.ids, return_inverse=True)
            vocabulary = [vocabulary[i] for i in used]
            words = Words(vocabulary, ids.astype(np.int32), words.offsets)
        vectors = self._word_vectors(vocabulary)
        ones = np.ones(len(words.ids), dtype=np.float32)
        counts = csr_array((ones, words.ids, words.offsets), shape=(len(words), len(vocabulary)))
        return unit(counts @ vectors)

    def _word_vectors(self, words: Sequence[str]) -> Vectors:
        from scipy.sparse import csr_array

        pieces, offsets = self.table.pieces(words)
        weights = np.array([self.idf.get(w, self.unseen) for w in words], dtype=np.float32)
        values = np.repeat(weights, np.diff(offsets))
        counts = csr_array((values, pieces, offsets), shape=(len(words), len(self._matrix)))
        return np.asarray(counts @ self._matrix, dtype=np.float32)

    def fit(self, words: Words, dimensions: int = DIMENSIONS) -> Static:
        """Learn idf and whitening from documents. Returns a new encoder of so many dimensions at
        most.

        Raises ModelError where this one was loaded, and the table that it was fitted from is
        neither in the cache nor can be made.
        """
        base = self.unfolded()
        count = len(words)
        idf, unseen = inverse_frequencies(words)
        weighed = Static(base, idf, unseen)
        vectors = weighed.encode_words(words).astype(np.float64)
        moments = vectors.T @ vectors / max(count, 1)
        values, directions = np.linalg.eigh(moments)
        values, directions = values[::-1], directions[:, ::-1]
        mean = max(float(values.mean()), 1e-9)
        shrunken = (count * values + _SHRINKAGE * mean) / (count + _SHRINKAGE) / mean
        scale = (shrunken + _FLOOR) ** -self.strength
        transform = (directions * scale)[:, : min(dimensions, len(values))]
        folded = (base.matrix.astype(np.float64) @ transform).astype(np.float16)
        table = Table(base.tokenizer, folded, base.words)
        return Static(table, idf, unseen, count, base, self.strength, base.digest)

    def unfolded(self) -> Table:
        """Return the table as it was before any fit: fitting a folded one would whiten twice."""
        if self.original is not None:
            return self.original
        if not self.source:
            return self.table
        from everygrain.encode.distil import static_table

        table = static_table()
        if table.digest != self.source:
            raise ModelError(
                "The static table in the cache is not the one that this encoder was fitted from.",
                "Run `everygrain reencode INDEX --encoder static` to start from the new one.",
            )
        return table

    def save(self, folder: Path) -> None:
        self.table.save(folder)
        described = {"kind": "static", "unseen": self.unseen, "fitted": self.fitted}
        described |= {"strength": self.strength, "idf": self.idf, "source": self.source}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> Static:
        """Read what `save` wrote. The original table is not kept: a refit asks the cache.

        Raises ModelError if a file is missing or damaged.
        """
        try:
            table = Table.load(folder)
        except ModelError as error:
            raise ModelError(
                error.problem, "Run `everygrain reencode INDEX --encoder static` to make it again."
            ) from error
        return cls(
            table,
            described["idf"],
            described["unseen"],
            described["fitted"],
            None,
            described["strength"],
            described["source"],
        )


def document_frequencies(words: Words) -> npt.NDArray[np.int64]:
    """Return (vocabulary,) the number of texts that hold each word."""
    from scipy.sparse import csr_array

    ones = np.ones(len(words.ids), dtype=np.float32)
    shape = (len(words), len(words.vocabulary))
    occurrences = csr_array((ones, words.ids.copy(), words.offsets.copy()), shape=shape)
    occurrences.sum_duplicates()
    return np.bincount(occurrences.indices, minlength=shape[1])


def inverse_frequencies(words: Words) -> tuple[dict[str, float], float]:
    """Return inverse document frequencies by word, and that of a word that no text holds."""
    count = len(words)
    frequency = document_frequencies(words)
    inverse = np.log1p((count - frequency + 0.5) / (frequency + 0.5))
    # words of one document only carry the idf of an unseen word to within rounding
    idf = {
        word: round(float(value), 4)
        for word, value, n in zip(words.vocabulary, inverse, frequency, strict=True)
        if n > 1
    }
    return idf, round(float(np.log1p((count - 0.5) / 1.5)), 4)
