"""A small encoder of the tests' own: words hashed into a few dimensions."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from everygrain.analyze.words import of_text
from everygrain.encode.base import unit


@dataclass(frozen=True)
class WordHash:
    """Each word is a direction of 1 and -1 in `dimensions` dimensions; a text is their sum."""

    seed: int = 0
    dimensions: int = 16

    @property
    def fingerprint(self):
        return f"word-hash-{self.dimensions}-{self.seed}"

    def encode(self, texts, kind="document"):
        sums = np.zeros((len(texts), self.dimensions))
        for row, text in enumerate(texts):
            for word in of_text(text):
                sums[row] += direction(word, self.seed, self.dimensions)
        return unit(sums)

    def save(self, folder):
        (folder / "encoder.json").write_text(json.dumps({"kind": "word-hash"}), encoding="utf-8")


@lru_cache(1000)
def direction(word, seed, dimensions):
    told = hashlib.blake2b(f"{seed} {word}".encode(), digest_size=dimensions).digest()
    return np.where(np.frombuffer(told, np.uint8) & 1, 1.0, -1.0)
