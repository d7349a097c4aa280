"""One vector for a long text, read whole: no chunks, no attention, n log n in its words.

The words' vectors of a static table, weighed by inverse document frequency, go in their order
through a few layers that mix along the text by gated long convolutions and across channels by
Monarch matrices (`long_modules`). Untrained, the vector is that of the static encoder.
`everygrain.learn.train.long` trains it, one document at a time if need be.

The paper's encoder has 80 million weights and was pretrained on 32,000 tokens at once; this one has
some 50,000 above the table, and learns in minutes on one core.

Source: Benchmarking and Building Long-Context Retrieval Models with LoCo and M2-BERT
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Words, split
from everygrain.encode.base import Kind, Vectors, unit
from everygrain.encode.static import Static
from everygrain.errors import InputError, ModelError

Weights = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Lengths:
    """How large the layers over the words are.

    width     of their states, a square number >= 4
    layers    >= 1
    modes     of each filter, >= 1
    longest   words of a text that are read, >= 1; what follows them adds its words' vectors alone

    Raises InputError for a size that no encoder can have.
    """

    width: int = 64
    layers: int = 2
    modes: int = 8
    longest: int = 65_536

    def __post_init__(self) -> None:
        fine = min(self.layers, self.modes, self.longest) >= 1 and self.width >= 4
        if not fine or math.isqrt(self.width) ** 2 != self.width:
            raise InputError(
                f"No long encoder can have {self}.",
                "Use 1 layer, mode and word or more, and a square number as width, such as 64.",
            )


@dataclass(frozen=True, eq=False)
class Long:
    """A static encoder whose words hear each other over the whole text.

    static    gives the words' vectors
    weights   of the layers over them, by name
    lengths   of the layers

    Each text goes through the network alone, so that its vector has nothing of its neighbours.
    Source: Benchmarking and Building Long-Context Retrieval Models with LoCo and M2-BERT
    Raises ModelError where torch is missing or the weights do not fit.
    """

    static: Static
    weights: Weights
    lengths: Lengths = field(default_factory=Lengths)

    @classmethod
    def untrained(cls, static: Static, lengths: Lengths | None = None, seed: int = 0) -> Long:
        """Return an encoder whose vectors are those of the static one, but for rounding."""
        lengths = lengths or Lengths()
        torch = _torch()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = _module(static.dimensions, lengths)
        return cls(static, weights_of(module), lengths)

    @property
    def dimensions(self) -> int:
        return self.static.dimensions

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.blake2b(self.static.fingerprint.encode(), digest_size=6)
        digest.update(json.dumps(asdict(self.lengths), sort_keys=True).encode())
        for name in sorted(self.weights):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.weights[name]).tobytes())
        return f"long-{self.dimensions}-{digest.hexdigest()}"

    @cached_property
    def module(self) -> Any:
        """The layers over the words, ready to encode."""
        torch = _torch()
        module = _module(self.dimensions, self.lengths)
        try:
            module.load_state_dict(
                {name: torch.from_numpy(array.copy()) for name, array in self.weights.items()}
            )
        except RuntimeError as error:
            raise ModelError(
                f"The weights over the words do not fit the encoder ({error}).",
                "Train them again with the same table and sizes.",
            ) from error
        return module.eval()

    @cached_property
    def _size(self) -> float:
        """Root mean square of the table: the layers see words of that size as 1."""
        matrix = self.static.table.matrix.astype(np.float32)
        return max(float(np.sqrt(np.square(matrix, dtype=np.float64).mean())), 1e-9)

    def sequences(self, words: Words) -> list[Vectors]:
        """Return (words, d) of each text: its known words' vectors, in order, in units of the
        table's size."""
        vectors = word_vectors(self.static, words.vocabulary) / np.float32(self._size)
        known: npt.NDArray[np.bool_] = np.any(vectors, axis=1)
        found = []
        for start, end in zip(words.offsets[:-1], words.offsets[1:], strict=True):
            ids = words.ids[start:end]
            found.append(vectors[ids[known[ids]]])
        return found

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        return self.encode_words(split(texts), kind)

    def encode_words(self, words: Words, kind: Kind = "document") -> Vectors:
        torch = _torch()
        found = np.zeros((len(words), self.dimensions), dtype=np.float32)
        longest = self.lengths.longest
        with torch.inference_mode():
            for i, sequence in enumerate(self.sequences(words)):
                if len(sequence):
                    told = torch.from_numpy(np.ascontiguousarray(sequence[:longest])).unsqueeze(0)
                    present = torch.ones(told.shape[:2], dtype=torch.bool)
                    found[i] = self.module(told, present)[0].numpy()
                    found[i] += sequence[longest:].sum(axis=0, dtype=np.float32)
        return unit(found)

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        inner = folder / "static"
        inner.mkdir()
        self.static.save(inner)
        arrays = {name: np.ascontiguousarray(array) for name, array in self.weights.items()}
        save_file(arrays, folder / "over_words.safetensors")
        described = {"kind": "long", "lengths": asdict(self.lengths)}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> Long:
        """Read what `save` wrote. Raises ModelError if a file is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            inner = json.loads((folder / "static" / "encoder.json").read_text(encoding="utf-8"))
            lengths = Lengths(**described["lengths"])
            arrays = load_file(folder / "over_words.safetensors")
            return cls(Static.load(folder / "static", inner), arrays, lengths)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, InputError) as error:
            raise ModelError(
                f"The long encoder in {folder} is missing or damaged ({error}).",
                "Train it again, or run `everygrain reencode INDEX --encoder NAME`.",
            ) from error


def word_vectors(static: Static, vocabulary: Sequence[str]) -> Vectors:
    """Return (words, d): the sum of each word's pieces times its inverse document frequency; zero
    for a word without a known piece."""
    from scipy.sparse import csr_array

    pieces, offsets = static.table.pieces(vocabulary)
    weights = np.array(
        [static.idf.get(word, static.unseen) for word in vocabulary], dtype=np.float32
    )
    values = np.repeat(weights, np.diff(offsets))
    # the whole table in float32 would be 30 MB, for a few words of it
    used, places = np.unique(pieces, return_inverse=True)
    rows = static.table.matrix[used].astype(np.float32)
    counts = csr_array((values, places, offsets), shape=(len(vocabulary), len(used)))
    return np.asarray(counts @ rows, dtype=np.float32)


def weights_of(module: Any) -> dict[str, npt.NDArray[np.float32]]:
    """Return a module's weights as arrays by name."""
    return {name: each.detach().numpy().copy() for name, each in module.state_dict().items()}


def _module(dimensions: int, lengths: Lengths) -> Any:
    from everygrain.encode.long_modules import OverWords

    return OverWords(dimensions, lengths.width, lengths.layers, lengths.modes)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ModelError(
            "A long encoder needs torch.",
            'Install it with `pip install "everygrain[models]"`, or use --encoder latent.',
        ) from error
    return torch
