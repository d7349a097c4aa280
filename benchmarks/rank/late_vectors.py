"""Word and token vectors of collections, read once and kept in a folder: hours would go otherwise.

The transformer runs in bfloat16, in half the time; the cosine of a token's vector with the one in
float32 is above .999. Long papers are read to the end of their third window, some 750 tokens.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from everygrain.analyze import Analyzer
from everygrain.document import Document
from everygrain.encode.base import Kind
from everygrain.encode.transformer import Transformer
from everygrain.encode.words.base import Bags
from everygrain.encode.words.tokens import Merged, TokenReader
from everygrain.encode.words.whole import WholeWords
from everygrain.learn.pairs.parts import body
from everygrain.learn.train.words import ReadPairs
from everygrain.measure import load

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SETS = {"scifact": "train", "scisumm": "dev"}
WINDOWS = {"scifact": None, "scisumm": 3}
PAPERS = 1500
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Texts:
    """The vectors of texts, in a folder: merged to words, and as tokens where they were kept."""

    folder: Path

    @cached_property
    def merged(self) -> list[Merged]:
        """Return the words of each text, with vectors (m, 384) float16."""
        words = np.fromfile(self.folder / "words.bin", np.uint32)
        rarity = np.fromfile(self.folder / "rarity.bin", np.float32)
        vectors = np.fromfile(self.folder / "vectors.bin", np.float16).reshape(len(words), -1)
        return [
            Merged(words[start:end], rarity[start:end], vectors[start:end])
            for start, end in self._spans("offsets")
        ]

    def tokens(self, text: int, scaled: bool = True) -> npt.NDArray[np.float32]:
        """Return the vectors (t, 384) of a text's tokens, scaled to length 1 on wish."""
        start, end = self._token_spans[text]
        rows = self._tokens[start:end].astype(np.float32)
        if not scaled:
            return rows
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    @cached_property
    def token_count(self) -> int:
        return int(self._token_spans[-1][1])

    @cached_property
    def _tokens(self) -> npt.NDArray[np.float16]:
        found: npt.NDArray[np.float16] = np.memmap(self.folder / "tokens.bin", np.float16, "r")
        return found.reshape(self.token_count, -1)

    @cached_property
    def _token_spans(self) -> list[tuple[int, int]]:
        return self._spans("toffsets")

    def _spans(self, name: str) -> list[tuple[int, int]]:
        offsets = np.load(self.folder / f"{name}.npy").tolist()
        return list(pairwise(offsets))

    def bags(self, encoder: WholeWords, kind: Kind = "document") -> Bags:
        """Return what the encoder makes of the texts."""
        columns = np.column_stack([encoder.projection, encoder.gate.weights])
        return encoder.reduce(
            [replace(m, vectors=m.vectors.astype(np.float32) @ columns) for m in self.merged], kind
        )


def read(folder: Path) -> None:
    """Read both collections and some papers; what is there already is left."""
    reader = TokenReader(Transformer(), Analyzer())
    reader.transformer.model[0].bfloat16()
    titles, abstracts = papers()
    _store(reader, folder / "papers" / "titles", titles)
    _store(reader, folder / "papers" / "texts", abstracts)
    for name, split in SETS.items():
        collection = load(DATA / name, split)
        documents = list(collection.documents())
        _store(reader, folder / name / "queries", list(collection.scored_queries.values()), "query")
        texts = [f"{d.title} {d.text}" if d.title.strip() else d.text for d in documents]
        _store(reader, folder / name / "docs", texts, windows=WINDOWS[name])


def papers() -> tuple[list[str], list[str]]:
    """Return titles and abstracts to train on; none is of a collection that is measured on."""
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    random.Random(0).shuffle(rows)
    long = [r for r in rows if len(r["abstract"].split()) > 40 and len(r["title"].split()) > 2]
    chosen = long[:PAPERS]
    texts = [body(Document(r["id"], r["abstract"], r["title"])) for r in chosen]
    return [row["title"] for row in chosen], texts


def pairs(folder: Path) -> ReadPairs:
    """Return titles and abstracts as training pairs."""
    titles, texts = (Texts(folder / "papers" / name).merged for name in ("titles", "texts"))
    ids = [str(i) for i in range(len(texts))]
    return ReadPairs(titles, texts, ["title"] * len(texts), ids)


def _store(
    reader: TokenReader,
    folder: Path,
    texts: Sequence[str],
    kind: Kind = "document",
    windows: int | None = None,
) -> None:
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    counts, token_counts = [0], [0]
    names = ("words", "rarity", "vectors", "tokens")
    files = {name: (folder / f"{name}.bin").open("wb") for name in names}
    for first in range(0, len(texts), _AT_ONCE):
        plans = reader.plans(texts[first : first + _AT_ONCE], kind)
        for plan in plans:
            plan.windows[windows if windows is not None else len(plan.windows) :] = []
        sums = [np.zeros((len(plan.words), reader.width), np.float32) for plan in plans]
        shares = [np.zeros(len(plan.words), np.float32) for plan in plans]
        tokens: list[dict[int, npt.NDArray[np.float16]]] = [{} for _ in plans]
        for text, start, end, states in reader.states(plans, kind):
            term, share = plans[text].term[start:end], plans[text].share[start:end]
            inside = np.flatnonzero(term >= 0)
            np.add.at(sums[text], term[inside], states[inside] * share[inside, None])
            np.add.at(shares[text], term[inside], share[inside])
            tokens[text][start] = states.astype(np.float16)
        for i, plan in enumerate(plans):
            held = shares[i] > 0  # of the windows that were read
            vectors = (sums[i][held] / shares[i][held, None]).astype(np.float16)
            rows = [tokens[i][start] for start in sorted(tokens[i])]
            for name, array in zip(
                names, (plan.words[held], plan.rarity[held], vectors, *rows), strict=False
            ):
                files[name].write(array.tobytes())
            for array in rows[1:]:
                files["tokens"].write(array.tobytes())
            counts.append(len(vectors))
            token_counts.append(sum(len(array) for array in rows))
    for file in files.values():
        file.close()
    np.save(folder / "offsets.npy", np.cumsum(counts))
    np.save(folder / "toffsets.npy", np.cumsum(token_counts))
    (folder / "done").touch()
