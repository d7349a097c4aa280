"""One vector for a long document: blocks of sentences, then a small transformer over them.

    blocks of a text   whole sentences, filled greedily into a budget of words
    block vectors      by any encoder, which stays as it is
    document vector    by a transformer over the block vectors (`hierarchical_modules`)

Untrained it is the mean of the block vectors. Both sides of a match go through the same network: a
short query is a document of one block. `everygrain.learn.train.hierarchical` trains it.

Source: Beyond 512 Tokens: Siamese Multi-depth Transformer-based Hierarchical Encoder for Long-Form
Document Matching
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Encoder, Kind, Vectors, unit
from everygrain.errors import InputError, ModelError
from everygrain.segment.passages import Passages

Weights = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Depths:
    """How a document is cut, and how large the transformer over its blocks is.

    words     of a block, >= 1
    longest   blocks of a text that are read, >= 1; what follows them is left out
    width     of the transformer's states, even, a multiple of heads
    layers    >= 1
    heads     of attention, >= 1

    Raises InputError for a size that no encoder can have.
    """

    words: int = 256
    longest: int = 1024
    width: int = 128
    layers: int = 2
    heads: int = 4

    def __post_init__(self) -> None:
        fine = min(self.words, self.longest, self.layers, self.heads) >= 1 and self.width >= 2
        if not fine or self.width % self.heads or self.width % 2:
            raise InputError(
                f"No hierarchical encoder can have {self}.",
                "Use 1 word, block, layer and head or more, and an even width that the number of "
                "heads divides.",
            )


@dataclass(frozen=True, eq=False)
class Hierarchical:
    """A two-level encoder.

    inner     encodes the blocks
    weights   of the transformer over them, by name
    depths    of the whole

    Each text goes through the network alone, so that its vector has nothing of its neighbours.
    Source: Beyond 512 Tokens: Siamese Multi-depth Transformer-based Hierarchical Encoder for
    Long-Form Document Matching
    Raises ModelError where torch is missing or the weights do not fit.
    """

    inner: Encoder
    weights: Weights
    depths: Depths = field(default_factory=Depths)

    @classmethod
    def untrained(cls, inner: Encoder, depths: Depths | None = None, seed: int = 0) -> Hierarchical:
        """Return an encoder whose vectors are the means of the block vectors."""
        depths = depths or Depths()
        torch = _torch()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = _module(inner.dimensions, depths)
        return cls(inner, weights_of(module), depths)

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    @cached_property
    def fingerprint(self) -> str:
        digest = hashlib.blake2b(self.inner.fingerprint.encode(), digest_size=6)
        digest.update(json.dumps(asdict(self.depths), sort_keys=True).encode())
        for name in sorted(self.weights):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(self.weights[name]).tobytes())
        return f"hierarchical-{self.dimensions}-{digest.hexdigest()}"

    @cached_property
    def module(self) -> Any:
        """The transformer over blocks, ready to encode."""
        torch = _torch()
        module = _module(self.inner.dimensions, self.depths)
        try:
            module.load_state_dict(
                {name: torch.from_numpy(array.copy()) for name, array in self.weights.items()}
            )
        except RuntimeError as error:
            raise ModelError(
                f"The weights over the blocks do not fit the encoder ({error}).",
                "Train them again with the same inner encoder and sizes.",
            ) from error
        return module.eval()

    @cached_property
    def _passages(self) -> Passages:
        return Passages(self.depths.words, overlap=0)

    def blocks(self, text: str) -> list[tuple[int, int]]:
        """Return the offsets of a text's blocks, in order; none for an empty text."""
        return self._passages.spans(text)[: self.depths.longest]

    def block_vectors(self, texts: Sequence[str], kind: Kind = "document") -> list[Vectors]:
        """Return (blocks, d) of each text: those of its blocks that hold something known."""
        spans = [self.blocks(text) for text in texts]
        flat = [text[start:end] for text, each in zip(texts, spans, strict=True)
                for start, end in each]  # fmt: skip
        vectors = self.inner.encode(flat, kind)
        ends = np.cumsum([len(each) for each in spans], dtype=np.int64)
        parts = np.split(vectors, ends[:-1]) if len(spans) else []
        return [part[part.any(axis=1)] for part in parts]

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        return self.over(self.block_vectors(texts, kind))

    def over(self, documents: Sequence[Vectors]) -> Vectors:
        """Return (n, d) vectors of n documents, given the (blocks, d) vectors of each."""
        torch = _torch()
        found = np.zeros((len(documents), self.dimensions), dtype=np.float32)
        with torch.inference_mode():
            for i, blocks in enumerate(documents):
                if len(blocks):
                    told = torch.from_numpy(np.ascontiguousarray(blocks)).unsqueeze(0)
                    present = torch.ones(told.shape[:2], dtype=torch.bool)
                    found[i] = self.module(told, present)[0].numpy()
        return unit(found)

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        inner = folder / "inner"
        inner.mkdir()
        self.inner.save(inner)
        arrays = {name: np.ascontiguousarray(array) for name, array in self.weights.items()}
        save_file(arrays, folder / "over_blocks.safetensors")
        described = {"kind": "hierarchical", "depths": asdict(self.depths)}
        (folder / "encoder.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, described: dict[str, Any]) -> Hierarchical:
        """Read what `save` wrote. Raises ModelError if a file is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from everygrain.encode import registry

        try:
            depths = Depths(**described["depths"])
            arrays = load_file(folder / "over_blocks.safetensors")
            return cls(registry.load(folder / "inner"), arrays, depths)
        except (OSError, SafetensorError, KeyError, TypeError, InputError) as error:
            raise ModelError(
                f"The hierarchical encoder in {folder} is missing or damaged ({error}).",
                "Train it again, or run `everygrain reencode INDEX --encoder NAME`.",
            ) from error


def weights_of(module: Any) -> dict[str, npt.NDArray[np.float32]]:
    """Return a module's weights as arrays by name."""
    return {name: each.detach().numpy().copy() for name, each in module.state_dict().items()}


def _module(dimensions: int, depths: Depths) -> Any:
    from everygrain.encode.hierarchical_modules import OverBlocks

    return OverBlocks(dimensions, depths.width, depths.layers, depths.heads)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ModelError(
            "A hierarchical encoder needs torch.",
            'Install it with `pip install "everygrain[models]"`, or use --encoder latent.',
        ) from error
    return torch
