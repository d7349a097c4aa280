"""Small encoders of the tests' own: words hashed into a few dimensions."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from everygrain.analyze.words import of_text
from everygrain.encode.base import unit
from everygrain.encode.words.base import Bags


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


@dataclass(frozen=True)
class BagHash:
    """Each word is a direction whose length tells how often its text holds it; a document keeps
    no word that begins with t."""

    seed: int = 0
    dimensions: int = 6

    @property
    def fingerprint(self):
        return f"bag-hash-{self.dimensions}-{self.seed}"

    def encode_bags(self, texts, kind="document"):
        words, vectors, offsets = [], [], [0]
        for text in texts:
            for word, count in sorted(Counter(of_text(text)).items()):
                if kind == "query" or not word.startswith("t"):
                    words.append(word_hash(word))
                    length = min(127, 20 + 30 * count)
                    vectors.append(length * direction(word, self.seed, self.dimensions))
            offsets.append(len(words))
        return Bags(
            np.array(words, dtype=np.uint32),
            np.array(vectors, dtype=np.int8).reshape(-1, self.dimensions),
            np.array(offsets, dtype=np.int64),
        )

    def save(self, folder):
        (folder / "words.json").write_text(json.dumps({"kind": "bag-hash"}), encoding="utf-8")


def word_hash(word):
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest())
