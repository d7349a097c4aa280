"""Small random collections, and an encoder whose vectors can be written down."""

import hashlib

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.encode.base import unit
from everygrain.engine import Index

VOCABULARY = [
    "tree",
    "trees",
    "graph",
    "node",
    "of",
    "the",
    "a",
    "index",
    "searching",
    "search",
    "sentence",
    "in",
    "passage",
    "stone",
    "river",
]


class Hashing:
    """A text's vector is the sum of its words', which follow from their hashes alone."""

    fingerprint = "hashing-16"
    dimensions = 16

    def encode(self, texts, kind="document"):
        rows = np.zeros((len(texts), self.dimensions))
        for i, text in enumerate(texts):
            for word in text.lower().split():
                seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
                rows[i] += np.random.default_rng(seed).integers(-9, 10, self.dimensions)
        return unit(rows)

    def save(self, folder):
        (folder / "encoder.json").write_text('{"kind": "hashing"}')


def random_documents(count, seed=0, longest=14, vocabulary=VOCABULARY):
    generator = np.random.default_rng(seed)

    def words(most):
        return " ".join(generator.choice(vocabulary, generator.integers(0, most + 1)))

    return [
        Document(f"d{i:03}", words(longest), words(4), {"year": 2000 + i % 10})
        for i in range(count)
    ]


def build(folder, documents, encoder="none", parts=3, **settings):
    """Add documents in several segments, then update some and delete some.

    Returns the index and the documents that are left.
    """
    index = Index(folder, encoder=encoder, language="en", **settings)
    left = {document.id: document for document in documents}
    step = max(1, -(-len(documents) // parts))
    for start in range(0, len(documents), step):
        index.add(documents[start : start + step])
    changed = [
        Document(d.id, f"{d.text} stone graph graph", d.title, dict(d.metadata))
        for d in documents[:: max(1, len(documents) // 5)]
    ]
    index.add(changed)
    left |= {document.id: document for document in changed}
    gone = [document.id for document in documents[3 :: max(4, len(documents) // 6)]]
    index.delete(gone)
    for identity in gone:
        del left[identity]
    return index, list(left.values())


@pytest.fixture(scope="session")
def hashing():
    return Hashing()
