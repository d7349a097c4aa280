"""Binary codes of texts, learned from the texts alone by predicting their words.

A text's code is a layer of bits in front of a softmax over terms, as in the Binary Paragraph
Vector (its PV-DBOW form): what bits keep is what tells a text's words. With x the text's weighed
terms, scaled to length 1, n its counts of terms, and s = sigmoid(A'x),

    b = round(s),   loss = - sum_w n_w / |n| log softmax(U'b + c)_w

and the gradient passes through the rounding as if it were not there (Krizhevsky and Hinton).
The paper keeps free bits for each text it learns from and finds those of a new text by descent.
Here one linear layer A gives both: a code then depends on its text alone, to the bit, and costs
one sparse sum.

Source: Vector representations of text data in deep learning.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Analyzer, Words, split
from everygrain.encode.base import Kind, Vectors
from everygrain.errors import InputError, ModelError

Wide = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

BITS = 128
_MOST_TERMS = 4096  # the most frequent: a softmax over all would take most of the time
_EPOCHS = 15
_BATCH = 256
_RATE = 0.02
_START = 0.2  # spread of A: larger ones learn less, on cranfield
_MOMENTUM, _SECOND, _TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True, eq=False)
class BinaryParagraphs:
    """The encoder: before a fit it knows no term, and every text is zero.

    terms       term -> row of `inverse` and of `layer`
    inverse     (terms,) float32, log(1 + (N - n + 0.5) / (n + 0.5)) with n of N texts
    layer       (terms, bits) float32, A
    fitted      number of texts fitted on
    epochs      passes over the texts when fitting
    """

    analyzer: Analyzer
    terms: dict[str, int]
    inverse: Vectors
    layer: Vectors
    fitted: int = 0
    epochs: int = _EPOCHS

    @classmethod
    def unfitted(
        cls, language: str = "en", bits: int = BITS, epochs: int = _EPOCHS
    ) -> BinaryParagraphs:
        """Raises InputError for bits that do not fill bytes, and for no epoch."""
        if bits < 8 or bits % 8:
            raise InputError(f"{bits} bits do not fill bytes.", "Use a multiple of 8.")
        if epochs < 1:
            raise InputError(f"{epochs} epochs learn nothing.", "Use 1 or more.")
        nothing = np.zeros(0, dtype=np.float32)
        return cls(
            Analyzer(language), {}, nothing, np.zeros((0, bits), dtype=np.float32), 0, epochs
        )

    def __repr__(self) -> str:
        return f"binary_paragraphs({self.dimensions})"

    @property
    def dimensions(self) -> int:
        return int(self.layer.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.blake2b(self.layer.tobytes(), digest_size=6)
        digest.update(self.inverse.tobytes())
        digest.update(json.dumps([list(self.terms), str(self.analyzer)]).encode())
        return f"binary-paragraphs-{self.dimensions}-{digest.hexdigest()}"

    def codes(self, words: Words) -> tuple[Codes, npt.NDArray[np.bool_]]:
        """Return packed bits (texts, bits / 8), and which texts (texts,) hold a known term.

        The code of one that holds none is all zeros.
        """
        rows = self._weighed(self._counts(words))
        known = np.diff(rows.indptr) > 0
        # sums of rows in the order of the terms: the last bit depends on the text alone
        return np.packbits((rows @ self.layer) > 0, axis=1), known

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        return self.encode_words(split(texts), kind)

    def encode_words(self, words: Words, kind: Kind = "document") -> Vectors:
        """Return bits as 1 and -1, scaled to length 1: a dot product is 1 - 2 h / bits, h the
        number of bits that differ."""
        codes, known = self.codes(words)
        signs = np.unpackbits(codes, axis=1).astype(np.float32) * 2 - 1
        scaled: Vectors = signs * known[:, None] / np.float32(np.sqrt(self.dimensions))
        return scaled

    def fit(self, words: Words) -> BinaryParagraphs:
        """Learn from texts given as words. Returns a new encoder; seeds are fixed."""
        found = self.analyzer.terms(words)
        frequency = _frequencies(found)
        usual = np.flatnonzero(frequency > 1) if len(words) > 4 else np.arange(len(frequency))
        most = np.argsort(-frequency[usual], kind="stable")[:_MOST_TERMS]
        names = sorted(found.vocabulary[i] for i in usual[most])
        if not names:
            return BinaryParagraphs.unfitted(self.analyzer.language, self.dimensions, self.epochs)
        by_name = dict(zip(found.vocabulary, frequency, strict=True))
        held = np.array([by_name[name] for name in names])
        inverse = np.log1p((len(words) - held + 0.5) / (held + 0.5)).astype(np.float32)
        terms = {name: row for row, name in enumerate(names)}
        blank = np.zeros((len(names), self.dimensions), dtype=np.float32)
        begun = BinaryParagraphs(self.analyzer, terms, inverse, blank, len(words), self.epochs)
        counts = begun._counts(words)
        layer = train(begun._weighed(counts), counts, self.dimensions, self.epochs)
        return BinaryParagraphs(self.analyzer, terms, inverse, layer, len(words), self.epochs)

    def _counts(self, words: Words) -> Any:
        """Return (texts, terms) sparse float32 counts, sorted by term."""
        from scipy.sparse import csr_array

        found = self.analyzer.terms(words)
        rows = np.array([self.terms.get(term, -1) for term in found.vocabulary], dtype=np.int64)
        ids = rows[found.ids] if len(rows) else found.ids.astype(np.int64)
        kept = ids >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        ones = np.ones(int(before[-1]), dtype=np.float32)
        shape = (len(words), len(self.layer))
        counts = csr_array((ones, ids[kept], before[found.offsets]), shape=shape)
        counts.sum_duplicates()
        return counts

    def _weighed(self, counts: Any) -> Any:
        """Return x of each text: log(1 + count) * inverse, scaled to length 1."""
        weighed = counts.copy()
        weighed.data = np.log1p(counts.data) * self.inverse[counts.indices]
        squares = np.square(weighed.data, dtype=np.float64)
        texts = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
        lengths = np.sqrt(np.bincount(texts, weights=squares, minlength=counts.shape[0]))
        weighed.data = (weighed.data / np.maximum(lengths, 1e-12)[texts]).astype(np.float32)
        return weighed

    def save(self, folder: Path) -> None:
        """Write what `load` needs into an empty folder."""
        from safetensors.numpy import save_file

        arrays = {"inverse": self.inverse, "layer": np.ascontiguousarray(self.layer)}
        save_file(arrays, folder / "binary.safetensors")
        described = {
            "kind": "binary-paragraphs",
            "analyzer": self.analyzer.settings(),
            "terms": list(self.terms),
            "fitted": self.fitted,
            "epochs": self.epochs,
        }
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> BinaryParagraphs:
        """Read what `save` wrote. Raises ModelError if it is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(folder / "binary.safetensors")
            inverse, layer = arrays["inverse"], arrays["layer"]
            terms = {term: row for row, term in enumerate(described["terms"])}
            if layer.ndim != 2 or not len(layer) == len(inverse) == len(terms):
                raise ValueError(f"{len(layer)} rows for {len(terms)} terms")
            analyzer = Analyzer(**described["analyzer"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelError(
                f"The binary encoder in {folder} is missing or damaged ({error}).",
                "Fit it to the collection again.",
            ) from error
        return cls(analyzer, terms, inverse, layer, described["fitted"], described["epochs"])


class Model(NamedTuple):
    """What is trained, or the gradients of it.

    layer   A (terms, bits)      words   U (bits, terms)      bias   c (terms,)
    """

    layer: npt.NDArray[Any]
    words: npt.NDArray[Any]
    bias: npt.NDArray[Any]


def rounded(shares: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return bits of sigmoids: 1 above a half."""
    bits: npt.NDArray[Any] = (shares > 0.5).astype(shares.dtype)
    return bits


def loss_and_gradients(
    model: Model, inputs: Any, shares: npt.NDArray[Any], bits_of: Callable[..., Any] = rounded
) -> tuple[float, Model]:
    """Return the mean loss of some texts and its gradients.

    inputs    (texts, terms) sparse, x
    shares    (texts, terms), n / |n|; rows of zeros lose nothing
    bits_of   makes bits of sigmoids; its own slope is taken to be 1
    """
    sigmoid = 1 / (1 + np.exp(-np.clip(inputs @ model.layer, -30, 30)))
    bits = bits_of(sigmoid)
    logits = bits @ model.words + model.bias
    logits -= logits.max(axis=1, keepdims=True)
    chances = np.exp(logits)
    totals = chances.sum(axis=1, keepdims=True)
    mass = shares.sum(axis=1, keepdims=True)
    count = len(shares)
    loss = float((mass * np.log(totals)).sum() - (shares * logits).sum()) / count
    wrong = (chances / totals * mass - shares) / count
    passed = (wrong @ model.words.T) * sigmoid * (1 - sigmoid)
    return loss, Model(inputs.T @ passed, bits.T @ wrong, wrong.sum(axis=0))


def train(inputs: Any, counts: Any, bits: int, epochs: int) -> Vectors:
    """Return the layer A (terms, bits) after Adam over batches of texts, its rate falling to 0."""
    generator = np.random.default_rng(0)
    terms = counts.shape[1]
    sizes = np.asarray(counts.sum(axis=1)).ravel()
    total = np.asarray(counts.sum(axis=0)).ravel()
    model = Model(
        generator.normal(0, _START, (terms, bits)).astype(np.float32),
        np.zeros((bits, terms), dtype=np.float32),
        np.log((total + 1) / (total.sum() + terms)).astype(np.float32),
    )
    moments = [(np.zeros_like(each), np.zeros_like(each)) for each in model]
    known = np.flatnonzero(sizes > 0)
    steps = epochs * -(-len(known) // _BATCH)
    step = 0
    for _ in range(epochs):
        order = generator.permutation(known)
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            shares = counts[rows].toarray() / sizes[rows, None]
            _, gradients = loss_and_gradients(model, inputs[rows], shares)
            step += 1
            rate = _RATE * (1 - (step - 1) / steps)
            for each, gradient, (mean, square) in zip(model, gradients, moments, strict=True):
                mean += (1 - _MOMENTUM) * (gradient - mean)
                square += (1 - _SECOND) * (np.square(gradient) - square)
                size = np.sqrt(square / (1 - _SECOND**step)) + _TINY
                each -= rate / (1 - _MOMENTUM**step) * mean / size
    return np.ascontiguousarray(model.layer, dtype=np.float32)


def _frequencies(terms: Words) -> npt.NDArray[np.int64]:
    """Return (vocabulary,) the number of texts that hold each term."""
    texts = np.repeat(np.arange(len(terms)), np.diff(terms.offsets))
    pairs = np.unique(texts * max(len(terms.vocabulary), 1) + terms.ids)
    return np.bincount(pairs % max(len(terms.vocabulary), 1), minlength=len(terms.vocabulary))
