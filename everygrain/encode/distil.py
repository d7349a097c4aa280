"""The static table: distilled once from the pretrained transformer, kept in the user's cache.

Source: Model2Vec (van Dongen and Tulkens), which passes every piece of the vocabulary through the
transformer by itself; its dimension reduction and weighting are left to `Static.fit`. Words of
several pieces can be given vectors of their own in the same way: dense nDCG@10 on scifact rises
from .560 to .585, on cranfield from .279 to .301, on cisi it falls from .364 to .358.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np

from everygrain.encode.base import Kind, Vectors, unit
from everygrain.encode.cache import Cached, cache_folder
from everygrain.encode.static import Table
from everygrain.encode.transformer import Transformer, quiet_transformers
from everygrain.errors import ModelError


def static_table(transformer: Transformer | None = None) -> Table:
    """Return the table of a transformer (default: minilm), distilling it on first use.

    The distillation takes about half a minute on two cores and needs the extra `models`.
    Raises ModelError if it is neither cached nor can be made.
    """
    source = transformer or Transformer("minilm")
    folder = cache_folder() / "static" / source.fingerprint
    if not (folder / "table.safetensors").exists():
        _distil(source, folder)
    return Table.load(folder)


def _distil(source: Transformer, folder: Path) -> None:
    try:
        from model2vec.distill import distill
    except ImportError as error:
        raise ModelError(
            "The encoder 'static' is not in the cache yet, and distilling it needs model2vec.",
            'Install it with `pip install "everygrain[models]"`, or use --encoder latent.',
        ) from error
    print("Distilling the static table from the transformer: half a minute, once.", file=sys.stderr)
    quiet_transformers()
    # its progress bar is for a person; a log would fill with it
    muted = nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO())
    with muted:
        model = distill(
            str(source.folder), device="cpu", pca_dims=None, sif_coefficient=None,
            quantize_to="float32",
        )  # fmt: skip
    table = Table(model.tokenizer.to_str(), np.asarray(model.embedding, dtype=np.float16))
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    table.save(made)
    try:
        os.replace(made, folder)
    except OSError:  # another process was first; its table is the same
        shutil.rmtree(made, ignore_errors=True)


@dataclass(frozen=True)
class _Whole:
    """A transformer's vectors of single words, run many at once, as words are short."""

    transformer: Transformer

    @property
    def fingerprint(self) -> str:
        return f"words-{self.transformer.fingerprint}"

    @property
    def dimensions(self) -> int:
        return self.transformer.dimensions

    def encode(self, texts: Sequence[str], kind: Kind = "document") -> Vectors:
        found = self.transformer.model.encode(
            list(texts), batch_size=256, normalize_embeddings=True, show_progress_bar=False
        )
        return unit(np.asarray(found))

    def save(self, folder: Path) -> None:
        self.transformer.save(folder)


def with_words(table: Table, words: Sequence[str], transformer: Transformer | None = None) -> Table:
    """Return an unfitted table with vectors of their own for words of several pieces.

    words         others than of several pieces are left out
    transformer   the one that the table was distilled from (default: minilm)

    A word gets the transformer's vector, scaled to the mean length of pieces that are words.
    Vectors are cached; new ones take about a second for 500 on two cores.
    """
    source = transformer or Transformer("minilm")
    counts = np.diff(table.pieces(words)[1])
    chosen = [word for word, count in zip(words, counts, strict=True) if count > 1]
    if not chosen:
        return table
    whole = [row for piece, row in table.vocabulary.items() if piece.isalpha()]
    size = float(np.linalg.norm(table.matrix[whole].astype(np.float32), axis=1).mean())
    vectors = Cached(_Whole(source), cache_folder() / "vectors.db").encode(chosen)
    matrix = np.concatenate([table.matrix, (size * vectors).astype(np.float16)])
    return Table(table.tokenizer, matrix, (*table.words, *chosen))
