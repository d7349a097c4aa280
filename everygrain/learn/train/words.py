"""Trains the few dimensions of a word encoder and its gate, on token vectors that stay as they are.

Texts are read once; a step then costs two small matrix products, and minutes on two cores are
enough. The similarity of a query and a document is that of late interaction,

    s(q, d) = 1/|q| sum_{i in q} max_{j in d} v_i . v_j

over vectors v that the gate has scaled, or over the batch's k nearest words alone:

    s(q, d) = 1/z sum_{i in q} max_{j in d, j in R_i} v_i . v_j

with R_i the k words nearest to query word i among all documents of the batch, and z the number of
query words of which R_i holds a word of d; 0 where none does. Any loss of the learning room
is minimised that looks at similarities alone, plus `sparsity` times the mean gate of documents'
words, which shuts it for words that do not help.

Source: Introducing Neural Bag of Whole-Words with ColBERTer: Contextualized Late Interactions using
Enhanced Reduction, for gate and whole words; Rethinking the Role of Token Retrieval in Multi-Vector
Retrieval, for the objective over retrieved words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.words.tokens import Merged
from everygrain.encode.words.whole import Gate, WholeWords
from everygrain.errors import InputError
from everygrain.learn.batches import Homogeneous
from everygrain.learn.losses.base import Batch, LearnedLoss, Loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.fine_tuning import Progress

if TYPE_CHECKING:
    from torch import Tensor

Rows = npt.NDArray[np.int64]
_WARM = 20
_READ = 256  # texts read at once


@dataclass(frozen=True)
class WordTraining:
    """How a word encoder is trained.

    epochs         passes over the pairs, >= 1
    batch          pairs in a step, >= 2: the others' documents are the negatives
    learning_rate  the highest, > 0; it rises over 20 steps and falls to zero
    sparsity       weight of the documents' mean gate in what is minimised, >= 0
    retrieved      k of the objective over retrieved words, >= 1; None for all words
    taught         whether late interaction over vectors of full width is the teacher of the batch,
                   for losses that ask for one
    seed           of the order of the pairs
    budget         seconds of training at most, > 0, reading not counted; None for no limit

    Raises InputError for a value out of its range.
    """

    epochs: int = 4
    batch: int = 48
    learning_rate: float = 0.003
    sparsity: float = 0.0
    retrieved: int | None = None
    taught: bool = False
    seed: int = 0
    budget: float | None = None

    def __post_init__(self) -> None:
        fine = {
            "epochs": self.epochs >= 1,
            "batch": self.batch >= 2,
            "learning_rate": self.learning_rate > 0,
            "sparsity": self.sparsity >= 0,
            "retrieved": self.retrieved is None or self.retrieved >= 1,
            "budget": self.budget is None or self.budget > 0,
        }
        for name, holds in fine.items():
            if not holds:
                raise InputError(
                    f"The setting '{name}' of a training is {getattr(self, name)}.",
                    "Give a value in the range that WordTraining's description tells.",
                )


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained word encoder.

    curve   the loss of every step done, without the sparsity
    """

    encoder: WholeWords
    curve: list[float] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class ReadPairs:
    """The words of pairs, read once by a word encoder's transformer and analyzer.

    queries, positives   of each pair, with token vectors of full width
    sources, documents   of each pair: the name of its source; the id of the positive, "" for none
    """

    queries: Sequence[Merged]
    positives: Sequence[Merged]
    sources: Sequence[str]
    documents: Sequence[str]

    @classmethod
    def of(cls, encoder: WholeWords, pairs: Sequence[Pair]) -> ReadPairs:
        """Read pairs: about 5 abstracts a second on one core. Kept in 16 bits."""
        return cls(
            _read(encoder, [pair.query for pair in pairs]),
            _read(encoder, [pair.positive for pair in pairs]),
            [pair.source for pair in pairs],
            [pair.positive_id for pair in pairs],
        )


def train_words(
    encoder: WholeWords,
    pairs: Sequence[Pair] | ReadPairs,
    *,
    loss: Loss | None = None,
    settings: WordTraining | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train projection, shift and gate, from where the encoder has them.

    loss   multiple negatives ranking if None; one that looks at similarities alone

    A document with the id of a query's own is never its negative. Pairs without a word on either
    side are left out. Raises InputError for fewer than two others.
    """
    chosen = settings or WordTraining()
    read = pairs if isinstance(pairs, ReadPairs) else ReadPairs.of(encoder, pairs)
    told = [
        i
        for i, (query, positive) in enumerate(zip(read.queries, read.positives, strict=True))
        if len(query.words) and len(positive.words)
    ]
    if len(told) < 2:
        raise InputError(
            f"There are {len(told)} pairs with words to train on.", "Give at least two."
        )
    run = _Run(encoder, read, told, loss or MultipleNegatives(), chosen)
    return run.done(on_progress)


def similarities(
    queries: Tensor,
    of_query: Tensor,
    documents: Tensor,
    of_document: Tensor,
    retrieved: int | None = None,
) -> Tensor:
    """Return (n, m) late interaction with gradients, for training.

    queries       (n, q, d) word vectors, padded
    of_query      (n, q) bool, False for padding
    documents     (m, w, d) word vectors, padded
    of_document   (m, w) bool
    retrieved     k of the objective over retrieved words; None for all words
    """
    products = (queries.flatten(0, 1) @ documents.flatten(0, 1).T).masked_fill(
        ~of_document.flatten(), float("-inf")
    )
    shape = (*of_query.shape, *of_document.shape)
    if retrieved is not None:
        count = max(1, min(retrieved, int(of_document.sum())))
        lowest = products.detach().topk(count, dim=1).values[:, -1:]
        products = products.masked_fill(products.detach() < lowest, float("-inf"))
    best = products.view(shape).amax(dim=3)  # (n, q, m)
    found = best.isfinite() & of_query[:, :, None]
    total = best.masked_fill(~found, 0.0).sum(dim=1)
    if retrieved is None:
        return total / of_query.sum(dim=1, keepdim=True).clamp(min=1)
    return total / found.sum(dim=1).clamp(min=1)


class _Run:
    """The weights of a training, and its steps."""

    def __init__(
        self, encoder: WholeWords, read: ReadPairs, told: list[int], loss: Loss,
        settings: WordTraining,
    ) -> None:  # fmt: skip
        import torch

        self.encoder, self.read, self.loss, self.settings = encoder, read, loss, settings
        self.told = np.array(told, dtype=np.int64)
        gate = encoder.gate
        # token vectors are divided by their size, weights multiplied: one rate then fits all
        self.size = _size(read.positives)
        self.centre = torch.from_numpy(_centre(read.positives))
        self.weights: dict[str, Tensor] = {
            "projection": torch.from_numpy(encoder.projection * self.size),
            "shift": torch.from_numpy(encoder.shift.copy()),
            "gate": torch.from_numpy(gate.weights * self.size),
            "rarity": torch.tensor(float(gate.rarity)),
            "bias": torch.tensor(float(gate.bias)),
        }
        for each in self.weights.values():
            each.requires_grad_(True)
        own = loss.parameters if isinstance(loss, LearnedLoss) else []
        self.optimiser: Any = torch.optim.Adam(
            [*self.weights.values(), *own], lr=settings.learning_rate
        )

    def done(self, on_progress: Callable[[Progress], None] | None) -> Trained:
        settings = self.settings
        sources = [self.read.sources[i] for i in self.told]
        steps = [
            self.told[rows]
            for epoch in range(settings.epochs)
            for rows in Homogeneous(settings.batch, settings.seed).epoch(sources, epoch)
            if len(rows) > 1
        ]
        curve: list[float] = []
        begun = monotonic()
        for step, rows in enumerate(steps):
            spent = monotonic() - begun
            share = step / len(steps)
            if settings.budget is not None:
                # where time ends before the steps do, the rate falls to zero by then
                share = max(share, spent / settings.budget)
                if share >= 1:
                    break
            curve.append(self._take(rows, share, step))
            if on_progress:
                left = (monotonic() - begun) / (step + 1) * (len(steps) - step - 1)
                on_progress(Progress(step + 1, len(steps), curve[-1], left))
        return Trained(self._result(), curve)

    def _take(self, rows: Rows, share: float, step: int) -> float:
        import torch

        rate = self.settings.learning_rate * min(1.0, (step + 1) / _WARM) * (1 - share)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        queries, of_query, _ = self._vectors([self.read.queries[i] for i in rows])
        documents, of_document, gates = self._vectors([self.read.positives[i] for i in rows])
        found = similarities(queries, of_query, documents, of_document, self.settings.retrieved)
        ids = np.array([self.read.documents[i] or f"\0{i}" for i in rows])
        same = torch.from_numpy(ids[:, None] == ids[None, :])
        own = torch.eye(len(rows), dtype=torch.bool)
        batch = Batch(
            # similarities times the unit matrix are themselves
            found, torch.eye(len(rows)), own.float(), ~same | own, torch.from_numpy(rows),
            self._teacher(rows) if self.settings.taught else None, share,
        )  # fmt: skip
        value = self.loss(batch).mean()
        sparse = gates.sum() / of_document.sum().clamp(min=1)
        (value + self.settings.sparsity * sparse).backward()
        self.optimiser.step()
        return float(value.detach())

    def _vectors(self, texts: Sequence[Merged]) -> tuple[Tensor, Tensor, Tensor]:
        """Return vectors (n, w, d), which are words and not padding (n, w), and gates (n, w)."""
        padded, rarity, words = _padded(texts)
        weights = self.weights
        given = padded / self.size
        mapped = given @ weights["projection"] + weights["shift"]
        mapped = mapped / mapped.norm(dim=2, keepdim=True).clamp(min=1)
        gates = given @ weights["gate"] + weights["rarity"] * rarity
        gates = (gates + weights["bias"]).clamp(0, 1) * words
        return mapped * gates[:, :, None], words, gates

    def _teacher(self, rows: Rows) -> Tensor:
        """Return (n, n) late interaction over vectors of full width, centred, of length 1."""
        import torch

        sides = []
        for texts in (self.read.queries, self.read.positives):
            padded, _, words = _padded([texts[i] for i in rows])
            centred = padded - self.centre
            sides += [centred / centred.norm(dim=2, keepdim=True).clamp(min=1e-9), words]
        with torch.no_grad():
            return similarities(*sides)

    def _result(self) -> WholeWords:
        found = {name: each.detach().numpy() for name, each in self.weights.items()}
        gate = Gate(
            (found["gate"] / self.size).astype(np.float32),
            float(found["rarity"]),
            float(found["bias"]),
        )
        projection = np.ascontiguousarray(found["projection"] / self.size, dtype=np.float32)
        return replace(self.encoder, projection=projection, shift=found["shift"], gate=gate)


def _read(encoder: WholeWords, texts: Sequence[str]) -> list[Merged]:
    found: list[Merged] = []
    for start in range(0, len(texts), _READ):
        for each in encoder.reader.read(texts[start : start + _READ]):
            # half the memory, and closer to the truth than a byte can tell
            found.append(replace(each, vectors=each.vectors.astype(np.float16)))
    return found


def _padded(texts: Sequence[Merged]) -> tuple[Tensor, Tensor, Tensor]:
    """Return vectors (n, w, width), rarity (n, w), and which are words and not padding (n, w)."""
    import torch

    most = max(len(each.words) for each in texts)
    padded = torch.zeros(len(texts), most, texts[0].vectors.shape[1])
    rarity = torch.zeros(len(texts), most)
    words = torch.zeros(len(texts), most, dtype=torch.bool)
    for i, each in enumerate(texts):
        count = len(each.words)
        padded[i, :count] = torch.from_numpy(each.vectors.astype(np.float32))
        rarity[i, :count] = torch.from_numpy(each.rarity)
        words[i, :count] = True
    return padded, rarity, words


def _centre(texts: Sequence[Merged]) -> npt.NDArray[np.float32]:
    """Return the mean vector of words."""
    total = np.sum([each.vectors.sum(axis=0, dtype=np.float64) for each in texts], axis=0)
    count = sum(len(each.words) for each in texts)
    return np.asarray(total / max(count, 1), dtype=np.float32)


def _size(texts: Sequence[Merged]) -> float:
    """Return the root mean square length of words' vectors."""
    sums = [float(np.square(each.vectors, dtype=np.float64).sum()) for each in texts]
    count = sum(len(each.words) for each in texts)
    return max(float(np.sqrt(sum(sums) / max(count, 1))), 1e-9)
