"""The papers that `losses.py` trains on, with their teacher, their generator and their keywords."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from everygrain.analyze import split
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.learn.curriculum import ease_by_rank
from everygrain.learn.train.bags import Bags

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PAIRS = 16_384


@dataclass(frozen=True, eq=False)
class Papers:
    """The training set: papers drawn by lot, as bags of rows of one fitted table."""

    rows: list[dict[str, Any]]
    encoder: Static
    titles_file: str | None
    chosen: np.ndarray
    kept: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def draw(cls, titles_file: str | None) -> Papers:
        with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:PAIRS])
        drawn = [rows[i] for i in chosen]
        texts = [f"{row['title']} {row['abstract']}" for row in drawn]
        encoder = Static(static_table(), {}).fit(split(texts))
        return cls(drawn, encoder, titles_file, chosen)

    @cached_property
    def titles(self) -> Bags:
        return Bags.of(self.encoder, [row["title"] for row in self.rows])

    @cached_property
    def abstracts(self) -> Bags:
        return Bags.of(self.encoder, [row["abstract"] for row in self.rows])

    @cached_property
    def lengths(self) -> list[int]:
        return [len(row["abstract"].split()) for row in self.rows]

    @cached_property
    def before(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors of titles and abstracts before training."""
        table = torch.from_numpy(self.encoder.table.matrix.astype(np.float32))
        made = (
            torch.from_numpy(bags.matrix @ table.numpy()) for bags in (self.titles, self.abstracts)
        )
        titles, abstracts = (torch.nn.functional.normalize(each, dim=1) for each in made)
        return titles, abstracts

    @cached_property
    def teacher(self) -> torch.Tensor:
        """(papers, 384) MiniLM's vectors of the titles."""
        if self.titles_file:
            return torch.from_numpy(np.load(self.titles_file)[self.chosen].astype(np.float32))
        from sentence_transformers import SentenceTransformer

        from everygrain.encode.transformer import minilm_folder

        model = SentenceTransformer(str(minilm_folder()), device="cpu")
        made = model.encode([row["title"] for row in self.rows], normalize_embeddings=True)
        return torch.from_numpy(np.asarray(made, dtype=np.float32))

    @cached_property
    def generator(self) -> tuple[Any, Any]:
        """Words of titles; log(1 + tf / (mu p)) and log(length + mu) of abstracts."""
        from scipy.sparse import csr_array

        words = split([row["abstract"] for row in self.rows] + [row["title"] for row in self.rows])
        ones = np.ones(len(words.ids), dtype=np.float64)
        shape = (len(words), len(words.vocabulary))
        both = csr_array((ones, words.ids.copy(), words.offsets.copy()), shape=shape)
        both.sum_duplicates()
        abstracts, titles = both[: len(self.rows)].tocsr(), both[len(self.rows) :].tocsr()
        counts = np.asarray(both.sum(axis=0)).ravel() / both.sum()
        mass = 500.0
        gains = abstracts.copy()
        gains.data = np.log1p(gains.data / (mass * counts[gains.indices]))
        lengths = np.log(np.asarray(abstracts.sum(axis=1)).ravel() + mass)
        return (titles, np.asarray(titles.sum(axis=1)).ravel()), (gains, lengths)

    def likelihood(self, rows: np.ndarray) -> torch.Tensor:
        """(n, n) log P(title | abstract), but for what is the same for all abstracts."""
        (titles, sizes), (gains, lengths) = self.generator
        found = (titles[rows] @ gains[rows].T).toarray()
        found -= sizes[rows][:, None] * lengths[rows][None]
        return torch.from_numpy(found.astype(np.float32))

    @cached_property
    def ease(self) -> np.ndarray:
        """Of each pair, by the rank of the abstract before training."""
        titles, abstracts = self.before
        ranks = np.empty(len(self.rows))
        for start in range(0, len(ranks), 1024):
            scores = titles[start : start + 1024] @ abstracts.T
            own = scores.gather(1, torch.arange(start, start + len(scores))[:, None])
            ranks[start : start + 1024] = (scores > own).sum(dim=1).numpy() + 1
        return ease_by_rank(ranks)

    @cached_property
    def keywords(self) -> tuple[list[str], list[list[int]]]:
        """Keywords of 2 to 20 papers, and the papers' numbers; of all papers that have any."""
        return self._keyworded[1], self._keyworded[2]

    @cached_property
    def keyword_bags(self) -> tuple[Bags, Bags]:
        rows, words, _ = self._keyworded
        texts = [f"{row['title']} {row['abstract']}" for row in rows]
        return Bags.of(self.encoder, words), Bags.of(self.encoder, texts)

    @cached_property
    def _keyworded(self) -> tuple[list[dict[str, Any]], list[str], list[list[int]]]:
        with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [row for row in map(json.loads, lines) if row.get("keywords")]
        holders: dict[str, list[int]] = {}
        for i, row in enumerate(rows):
            for word in {each.strip().lower() for each in row["keywords"]}:
                holders.setdefault(word, []).append(i)
        kept = {word: found for word, found in sorted(holders.items()) if 2 <= len(found) <= 20}
        return rows, list(kept), list(kept.values())
