"""The static table: distilled once from the pretrained transformer, kept in the user's cache.

Source: Model2Vec (van Dongen and Tulkens), which passes every piece of the vocabulary through the
transformer by itself; its dimension reduction and weighting are left to `Static.fit`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np

from everygrain.encode.cache import cache_folder
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
