"""Trains a localiser: queries, the sentences of a document, and which of them answer.

    loss = mean over sentences of binary cross entropy
         + mean over queries of - log of the softmax's share that falls on sentences that answer

The first makes the logits odds; the second puts the best on top. The margin is then set where the
mean F1 of what is within it is best on the same examples. The encoders stay as they are, so their
vectors are made once.

Source: GeAR: Generation Augmented Retrieval
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.encode.evidence import Localiser
from everygrain.errors import InputError
from everygrain.learn.pairs.parts import sentences
from everygrain.learn.pairs.written import chance

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 4
_MARGINS = 201  # quantiles of all distances from the best that are tried


@dataclass(frozen=True, eq=False)
class Answered:
    """A query, a document's sentences in order, and which of them answer.

    relevant   places of the sentences that answer, at least one, not all
    prior      (n,) the fallback's scores in [0, 1]; None for the localiser's own
    """

    query: str
    texts: Sequence[str]
    relevant: frozenset[int]
    prior: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        places = set(range(len(self.texts)))
        if not self.relevant or not self.relevant <= places or self.relevant == places:
            raise InputError(
                f"{len(self.relevant)} of the {len(self.texts)} sentences answer '{self.query}'.",
                "Name some of them by their places, and leave one that does not answer.",
            )


@dataclass(frozen=True)
class EvidenceTraining:
    """How long and how fast: all examples in every step.

    steps   >= 0
    rate    of Adam, > 0; it falls to zero
    decay   of what the network learns, towards its start, >= 0; it counts less with every example

    Raises InputError for a value out of its range.
    """

    steps: int = 200
    rate: float = 1e-2
    decay: float = 10.0

    def __post_init__(self) -> None:
        if self.steps < 0 or self.rate <= 0 or self.decay < 0:
            raise InputError(
                f"No localiser can be trained by {self}.",
                "Use 0 steps or more, a rate above 0 and a decay of 0 or more.",
            )


@dataclass(frozen=True, eq=False)
class TrainedLocaliser:
    """What came of a training: `curve` has the loss of each step."""

    localiser: Localiser
    curve: list[float] = field(default_factory=list)


def cloze_answers(
    documents: Sequence[Document], keep: float = 0.5, seed: int = 0
) -> list[tuple[str, list[tuple[int, int]], int, Document]]:
    """Draw a sentence of each document and return some of its words as a query for it.

    keep   share of the sentence's words that the query has, in (0, 1], drawn by chance, in order

    Returns (query, offsets of the document's sentences, place of the one that answers, document).
    Documents of one sentence, or of short ones only, give nothing. Raises InputError for a share
    out of range.
    """
    if not 0 < keep <= 1:
        raise InputError(f"The share of words kept is {keep}.", "Use a number in (0, 1].")
    found = []
    for document in documents:
        spans = sentences(document.text)
        words = [of_text(document.text[start:end]) for start, end in spans]
        fit = [place for place, each in enumerate(words) if len(each) >= 2 * _LEAST]
        if len(spans) < 2 or not fit:
            continue
        drawn = chance(seed, "evidence", document.id)
        place = drawn.choice(fit)
        count = max(_LEAST, round(keep * len(words[place])))
        chosen = sorted(drawn.sample(range(len(words[place])), count))
        found.append((" ".join(words[place][i] for i in chosen), spans, place, document))
    return found


def train_localiser(
    start: Localiser, examples: Sequence[Answered], settings: EvidenceTraining | None = None
) -> TrainedLocaliser:
    """Train on examples. Raises InputError without any."""
    import torch

    chosen = settings or EvidenceTraining()
    if not examples:
        raise InputError("There is no example of an answer.", "Give one at least.")
    seen = [start.fused(e.query, e.texts, prior_of(start, e)) for e in examples]
    counts = [len(each[0]) for each in seen]
    features = np.concatenate([each[0] for each in seen])
    weights = {name: torch.from_numpy(array.copy()) for name, array in start.weights.items()}
    if chosen.steps:
        weights["mean"] = torch.from_numpy(features.mean(axis=0))
        weights["spread"] = torch.from_numpy(features.std(axis=0) + np.float32(1e-3))
    begun = {name: weights[name].clone() for name in ("w", "U", "V", "W")}
    learned = [weights[name].requires_grad_() for name in ("U", "V", "W", "c", "w", "a", "b")]
    optimiser = torch.optim.Adam(learned, lr=chosen.rate)
    told = torch.from_numpy(features)
    asked = torch.from_numpy(np.repeat([each[1] for each in seen], counts, axis=0))
    vectors = torch.from_numpy(np.concatenate([each[2] for each in seen]))
    owners = torch.repeat_interleave(torch.tensor(counts))
    answers = torch.cat([torch.tensor([i in e.relevant for i in range(n)])
                         for e, n in zip(examples, counts, strict=True)])  # fmt: skip
    curve = []
    for step in range(chosen.steps):
        for group in optimiser.param_groups:
            group["lr"] = chosen.rate * (1 - step / chosen.steps)
        logits = network(weights, told, asked, vectors)
        value = answer_loss(logits, answers, owners, len(examples))
        # the fallback's own part is free; what is learned beside it has to earn its place
        held = sum((weights[name] - begun[name]).square().sum() for name in begun)
        optimiser.zero_grad(set_to_none=True)
        (value + chosen.decay / len(examples) * held).backward()
        optimiser.step()
        curve.append(float(value.detach()))
    made = {name: each.detach().numpy() for name, each in weights.items()}
    if chosen.steps:
        with torch.no_grad():
            final = network(weights, told, asked, vectors).numpy()
        made["margin"] = np.array([best_margin(final, answers.numpy(), counts)], dtype=np.float32)
    return TrainedLocaliser(replace(start, weights=made), curve)


def best_margin(
    logits: npt.NDArray[np.float32], answers: npt.NDArray[np.bool_], counts: Sequence[int]
) -> float:
    """Return the margin below the best logit at which the mean F1 over queries is best; the
    smallest of equals.

    logits, answers   (n,) of all sentences, query after query
    counts            sentences of each query
    """
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64)
    wanted = np.add.reduceat(answers.astype(np.int64), starts)
    behind = np.repeat(np.maximum.reduceat(logits, starts), counts) - logits
    best = (-1.0, 0.0)
    for margin in np.unique(np.quantile(behind, np.linspace(0, 1, _MARGINS), method="higher")):
        found = behind <= margin
        right = np.add.reduceat((found & answers).astype(np.int64), starts)
        f1 = float((2 * right / (np.add.reduceat(found.astype(np.int64), starts) + wanted)).mean())
        if f1 > best[0]:
            best = (f1, float(margin))
    return best[1]


def prior_of(localiser: Localiser, example: Answered) -> npt.NDArray[np.float32]:
    """Return an example's prior, or the localiser's own."""
    if example.prior is not None:
        return np.asarray(example.prior, dtype=np.float32)
    return localiser.fallback(example.query, example.texts)


def network(
    weights: dict[str, Tensor], features: Tensor, asked: Tensor, vectors: Tensor
) -> Tensor:  # fmt: skip
    """Return the logits that `Localiser.logits` gives, with gradients, of rows of any queries."""
    import torch

    seen = (features - weights["mean"]) / weights["spread"]
    z = torch.cat([seen, (asked @ weights["U"]) * (vectors @ weights["V"])], dim=1)
    hidden = torch.tanh(z @ weights["W"].T + weights["c"])
    return weights["a"] * features[:, 0] + weights["b"] + hidden @ weights["w"]


def answer_loss(logits: Tensor, answers: Tensor, owners: Tensor, count: int) -> Tensor:
    """Return the loss of the module's description.

    logits, answers, owners   (n,) of all sentences; owners rise from 0 to count - 1
    """
    import torch

    odds = torch.nn.functional.binary_cross_entropy_with_logits(logits, answers.to(logits))
    raised = torch.exp(logits - logits.detach().max())
    zeros = logits.new_zeros(count)
    right = zeros.index_add(0, owners, raised * answers)
    whole = zeros.index_add(0, owners, raised)
    return odds - torch.log(right / whole).mean()
