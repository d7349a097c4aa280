"""The projection of word vectors to few dimensions that needs no training: principal components.

Fitted on the words of the cards that come with the program, and kept in the user's cache, since it
depends on the transformer alone.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from everygrain.analyze import Analyzer
from everygrain.data import bundled
from everygrain.encode.base import Vectors
from everygrain.encode.cache import cache_folder
from everygrain.encode.transformer import Transformer
from everygrain.encode.words.tokens import TokenReader
from everygrain.encode.words.whole import MOST_DIMENSIONS, Gate, WholeWords, check_settings

# rare words count more, but frequent ones stay: with 32 dimensions, on half of SciFact's queries
# and two thirds of its documents, late interaction alone has nDCG@10 .636 so, .623 with rarity
# alone and .623 with all words alike
_RARITY = 0.5


def unlearned(
    dimensions: int = 32, kept: float = 1.0, transformer: str = "minilm", language: str = "en"
) -> WholeWords:
    """Return a word encoder with principal components as projection and rarity as gate.

    Raises ModelError if the transformer's files or libraries are missing.
    """
    check_settings(dimensions, kept)
    source = Transformer(transformer)
    folder = cache_folder() / "words" / source.fingerprint
    if not (folder / "words.safetensors").exists():
        _store(fitted(source, _cards()), folder)
    described = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    whole = WholeWords.load(folder, described)
    return replace(
        cut(whole, dimensions), transformer=source, analyzer=Analyzer(language), kept=kept
    )


def fitted(transformer: Transformer, texts: Sequence[str]) -> WholeWords:
    """Return an encoder of as many dimensions as may be, its projection fitted to texts' words."""
    reader = TokenReader(transformer, Analyzer())
    merged = reader.read(texts)
    vectors = np.concatenate([each.vectors for each in merged])
    centre, directions = principal(vectors)
    directions = directions[:, :MOST_DIMENSIONS]
    return WholeWords(
        transformer,
        reader.analyzer,
        np.ascontiguousarray(directions, dtype=np.float32),
        (-centre @ directions).astype(np.float32),
        Gate(np.zeros(reader.width, dtype=np.float32), _RARITY, 1 - _RARITY),
    )


def principal(vectors: Vectors) -> tuple[Vectors, Vectors]:
    """Return the mean of vectors (n, width), and their principal directions (width, width), the
    strongest first."""
    centre = vectors.astype(np.float64).mean(axis=0)
    centred = vectors - centre
    values, directions = np.linalg.eigh(centred.T @ centred)
    order = np.argsort(-values)
    return centre.astype(np.float32), directions[:, order].astype(np.float32)


def cut(encoder: WholeWords, dimensions: int) -> WholeWords:
    """Return the encoder with the first so many dimensions alone."""
    return replace(
        encoder,
        projection=np.ascontiguousarray(encoder.projection[:, :dimensions]),
        shift=encoder.shift[:dimensions],
    )


def _cards() -> list[str]:
    """Return the texts that come with the program."""
    lines = (bundled() / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    cards = [json.loads(line) for line in lines if line.strip()]
    return [f"{card['title']}\n\n{card['text']}" for card in cards]


def _store(encoder: WholeWords, folder: Path) -> None:
    """Write an encoder into the cache in one step, as other processes may do the same."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    encoder.save(made)
    try:
        os.replace(made, folder)
    except OSError:  # another process was first; its files are the same
        shutil.rmtree(made, ignore_errors=True)
