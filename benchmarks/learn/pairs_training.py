"""Trains a static table on pairs, or on definitions towards entries: NumPy alone, by Adam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from everygrain.analyze import split
from everygrain.document import Document
from everygrain.encode.static import Static, Table
from everygrain.learn.negatives import counted
from everygrain.learn.pairs import Pair
from everygrain.learn.pairs.definitions import (
    Definition,
    EntrySpace,
)

BATCH, EPOCHS, LEAST, MOST, RATE, SCALE = 256, 3, 60, 120, 0.01, 20.0


def bags(encoder: Static, texts: Sequence[str]) -> Any:
    """Return (texts, pieces) weights of word pieces: a text's vector before it is scaled."""
    words = split(texts)
    pieces, offsets = encoder.table.pieces(words.vocabulary)
    idf = np.array([encoder.idf.get(w, encoder.unseen) for w in words.vocabulary], np.float32)
    shape = (len(words.vocabulary), len(encoder.table.matrix))
    of_words = csr_array((np.repeat(idf, np.diff(offsets)), pieces, offsets), shape=shape)
    ones = np.ones(len(words.ids), np.float32)
    counts = csr_array((ones, words.ids, words.offsets), shape=(len(words), shape[0]))
    return (counts @ of_words).tocsr()


class Trainer:
    """The table of a fitted static encoder, trained by Adam on the rows that a batch touches."""

    def __init__(self, encoder: Static) -> None:
        self.encoder = encoder
        table = encoder.table.matrix.astype(np.float32)
        self.table = table / np.sqrt(np.square(table).mean())
        self.first, self.second = np.zeros_like(self.table), np.zeros_like(self.table)
        self.steps = 0

    def vectors(self, bag: Any) -> tuple[Any, Any]:
        """Return unit rows, and the lengths that they had; a zero row stays zero."""
        summed = bag @ self.table
        lengths = np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-9)
        return summed / lengths, lengths

    def step(self, parts: Sequence[tuple[Any, Any, Any, Any]], rate: float) -> None:
        """Take one step of Adam.

        parts   (bag, unit vectors, lengths, gradient by unit vectors) of queries and documents
        """
        bag = vstack([part[0] for part in parts]).tocsr()
        slopes = np.concatenate(
            [
                (slope - unit * (unit * slope).sum(axis=1, keepdims=True)) / lengths
                for _, unit, lengths, slope in parts
            ]
        )
        rows = np.unique(bag.indices)
        slope = (bag[:, rows].T @ slopes).astype(np.float32)
        self.steps += 1
        first = self.first[rows] = 0.9 * self.first[rows] + 0.1 * slope
        second = self.second[rows] = 0.999 * self.second[rows] + 0.001 * slope**2
        size = rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        self.table[rows] -= size * first / (np.sqrt(second) + 1e-8)

    def run(self, size: int, parts_of: Callable[[Any], Any]) -> Static:
        """Train on `size` pairs; `parts_of` gives what `step` needs for places of one batch."""
        drawn = np.random.default_rng(0)
        batch = min(BATCH, size)
        steps = int(np.clip(EPOCHS * (size // batch), LEAST, MOST))
        left = np.zeros(0, dtype=np.int64)
        for step in range(steps):
            if len(left) < batch:
                left = drawn.permutation(size)
            rows, left = left[:batch], left[batch:]
            rate = RATE * min(1, (step + 1) / 20) * (1 - step / steps)
            self.step(parts_of(rows), rate)
        matrix = self.table.astype(np.float16)
        return replace(self.encoder, table=Table(self.encoder.table.tokenizer, matrix))


def entropy_slopes(scores: Any, right: Any) -> Any:
    """Return the gradient of the mean cross-entropy of rows by their scores."""
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    shares[np.arange(len(right)), right] -= 1
    return shares / len(right)


def train(
    encoder: Static,
    pairs: Sequence[Pair],
    same: dict[str, str] | None = None,
    negatives: tuple[Sequence[Sequence[str]], Sequence[Document]] | None = None,
) -> Static:
    """Train on pairs with in-batch negatives, and mined ones where they are given."""
    trainer = Trainer(encoder)
    queries = bags(encoder, [pair.query for pair in pairs])
    answers = bags(encoder, [pair.positive for pair in pairs])
    ids, pool = negatives or ([()] * len(pairs), [])
    places = {each.id: place for place, each in enumerate(pool)}
    others = bags(encoder, [f"{each.title} {each.text}" for each in pool]) if pool else None

    def parts_of(rows: Any) -> Any:
        batch = [pairs[row] for row in rows]
        n = len(batch)
        more = list(dict.fromkeys(identity for row in rows for identity in ids[row]))
        documents = answers[rows]
        if more and others is not None:
            documents = vstack([documents, others[[places[each] for each in more]]]).tocsr()
        seen = counted(batch, [pair.positive_id for pair in batch] + more, same)
        asked, asked_lengths = trainer.vectors(queries[rows])
        found, found_lengths = trainer.vectors(documents)
        scores = np.where(seen, SCALE * asked @ found.T, -1e9)
        right = np.arange(n)
        slopes = entropy_slopes(scores, right)
        slopes[:, :n] += entropy_slopes(scores[:, :n].T, right).T
        slopes *= SCALE / 2
        return [
            (queries[rows], asked, asked_lengths, slopes @ found),
            (documents, found, found_lengths, slopes.T @ asked),
        ]

    return trainer.run(len(pairs), parts_of)


def train_towards(encoder: Static, definitions: Sequence[Definition], space: EntrySpace) -> Static:
    """Train definitions to find their entries among those of the batch, which stay fixed."""
    trainer = Trainer(encoder)
    places = {entry: place for place, entry in enumerate(space.entries)}
    mine = [each for each in definitions if each.entry in places]
    texts = bags(encoder, [each.text for each in mine])
    wanted = np.array([places[each.entry] for each in mine])

    def parts_of(rows: Any) -> Any:
        held, right = np.unique(wanted[rows], return_inverse=True)
        targets = space.vectors[held]
        unit, lengths = trainer.vectors(texts[rows])
        slopes = SCALE * entropy_slopes(SCALE * unit @ targets.T, right)
        return [(texts[rows], unit, lengths, slopes @ targets)]

    return trainer.run(len(mine), parts_of)
