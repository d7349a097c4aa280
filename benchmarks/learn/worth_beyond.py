"""What a teacher can be asked about words that a collection lacks.

bags      twelve thousand words of MiniLM's own vocabulary, each with three of its nearest words in
          the table and two near another word: "searched downwards positioned realized found"
glosses   as many entries of WordNet with what they mean (Debian's wordnet-base)
"""

from __future__ import annotations

import numpy as np

from everygrain.encode.cache import Cached, cache_folder
from everygrain.encode.distil import static_table
from everygrain.encode.transformer import Transformer
from everygrain.learn.pairs.wordnet import folder_of, synsets
from everygrain.learn.train.static import Taught

COUNT = 12_000
NEAREST = 12


def taught_beyond() -> Taught:
    texts = bags(COUNT) + glosses(COUNT)
    encoder = Cached(Transformer("minilm"), cache_folder() / "vectors.db")
    return Taught(texts, encoder.encode(texts))


def bags(count: int, seed: int = 0) -> list[str]:
    table, lot = static_table(), np.random.default_rng(seed)
    places = table.vocabulary
    words = [w for w in places if w.isalpha() and w.isascii() and len(w) > 2]
    rows = table.matrix[[places[word] for word in words]].astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = np.concatenate([
        np.argpartition(-(rows[i : i + 512] @ rows.T), NEAREST + 1, axis=1)[:, : NEAREST + 1]
        for i in range(0, len(rows), 512)
    ])  # fmt: skip
    made = []
    for word in lot.permutation(len(words))[:count]:
        other = int(lot.integers(len(words)))
        chosen = [int(word), *lot.permutation(near[word])[:3], *lot.permutation(near[other])[:2]]
        made.append(" ".join(words[i] for i in lot.permutation(chosen)))
    return made


def glosses(count: int, seed: int = 0) -> list[str]:
    found = [
        f"{', '.join(each.words[:2])}: {each.definition.split(';')[0].strip()}"
        for each in synsets(folder_of(""))
    ]
    return [found[i] for i in np.random.default_rng(seed).permutation(len(found))[:count]]
