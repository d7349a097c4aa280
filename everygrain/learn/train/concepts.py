"""Trains named concepts on texts that people gave concepts to, and on pairs of texts.

    tagging   - mean_{c in y} log softmax_c(scale z)               z of the text, y its concepts
    ranking   multiple negatives over the vectors in concept space: of pairs of texts, and of the
              text and its concepts' own indicator vector y / |y|
    loss      tagging + ranking_weight * ranking

Tagging says which concepts a text has; ranking says how much of each there must be so that their
products find what belongs together, and drives the other concepts to zero. The encoder of texts
stays as it is, so its vectors are made once.

Source: SESA: Supervised Explicit Semantic Analysis
(its texts are read by a recurrent network; ours by any encoder, with one linear layer above.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.base import Vectors
from everygrain.encode.concepts import Concepts
from everygrain.errors import InputError
from everygrain.learn.installed import need_torch
from everygrain.learn.losses.base import Batch, Loss
from everygrain.learn.losses.contrastive import MultipleNegatives

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Annotated:
    """A text with its concepts, and perhaps another text that should find it.

    text       what people gave concepts to
    concepts   names; those that the encoder does not have are passed over
    asked      a text to rank it by, such as its title; none if empty
    """

    text: str
    concepts: tuple[str, ...]
    asked: str = ""


@dataclass(frozen=True)
class ConceptTraining:
    """How long and how fast.

    steps            >= 0
    batch            texts in a step, >= 2
    rate             the highest of Adam, > 0; it rises for a tenth and falls to zero
    scale            of z in tagging, > 0
    tagging_weight   >= 0
    ranking_weight   >= 0, not both of them 0
    decay            towards the start, each step, as a share of the rate, >= 0: concepts with few
                     examples stay near their names
    seed             of the order

    Raises InputError for a value out of its range.
    """

    steps: int = 400
    batch: int = 256
    rate: float = 3e-3
    scale: float = 20.0
    tagging_weight: float = 1.0
    ranking_weight: float = 1.0
    decay: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        fine = self.steps >= 0 and self.batch >= 2 and self.rate > 0 and self.scale > 0
        fine = fine and min(self.tagging_weight, self.ranking_weight, self.decay) >= 0
        if not fine or not self.tagging_weight + self.ranking_weight:
            raise InputError(
                f"No concepts can be trained by {self}.",
                "Use 0 steps and 2 texts or more, a rate and a scale above 0, and weights of 0 or "
                "more that are not both 0.",
            )


@dataclass(frozen=True, eq=False)
class TrainedConcepts:
    """What came of a training: `curve` has the loss of each step, in nats."""

    encoder: Concepts
    curve: list[float] = field(default_factory=list)


def vocabulary(annotated: Sequence[Annotated], least: int = 5) -> tuple[str, ...]:
    """Return the concepts that so many texts have at least, by name."""
    counts = Counter(name for each in annotated for name in set(each.concepts))
    return tuple(sorted(name for name, count in counts.items() if count >= least))


def train_concepts(
    start: Concepts,
    annotated: Sequence[Annotated],
    settings: ConceptTraining | None = None,
    loss: Loss | None = None,
) -> TrainedConcepts:
    """Train the concepts' rows and biases.

    loss   of the rankings; multiple negatives if None

    Texts that share a concept are never each other's negatives by that concept's indicator.
    Raises InputError without two texts that hold something known and have a concept, ModelError
    without torch.
    """
    need_torch("Training concepts")
    import torch

    chosen, measure = settings or ConceptTraining(), loss or MultipleNegatives()
    vectors = start.inner.encode([each.text for each in annotated])
    asked = start.inner.encode([each.asked for each in annotated], "query")
    labels = indicators(start.names, annotated)
    fit = np.flatnonzero(vectors.any(axis=1) & labels.any(axis=1))
    if len(fit) < 2:
        raise InputError(
            f"{len(fit)} texts have one of the {len(start.names)} concepts.", "Give two or more."
        )
    texts, queries, truth = (torch.from_numpy(each[fit]) for each in (vectors, asked, labels))
    matrix = torch.tensor(start.matrix, requires_grad=True)
    biases = torch.tensor(start.biases, requires_grad=True)
    first = matrix.detach().clone()
    optimiser: Any = torch.optim.Adam([matrix, biases], betas=(0.9, 0.99))
    generator = torch.Generator().manual_seed(chosen.seed)
    order, curve = torch.empty(0, dtype=torch.int64), []
    for step in range(chosen.steps):
        if len(order) < min(chosen.batch, len(fit)):
            order = torch.randperm(len(fit), generator=generator)
        rows, order = order[: chosen.batch], order[chosen.batch :]
        share = (step + 0.5) / chosen.steps
        rate = chosen.rate * min(10 * share, (1 - share) / 0.9)
        for group in optimiser.param_groups:
            group["lr"] = rate
        z = texts[rows] @ matrix.T + biases
        told = truth[rows]
        value = chosen.tagging_weight * tagging(chosen.scale * z, told).mean()
        if chosen.ranking_weight:
            space = activations(z, start.most)
            own = told / told.norm(dim=1, keepdim=True)
            apart = (told @ told.T == 0) | torch.eye(len(rows), dtype=torch.bool)
            ranked = _ranked(measure, space, own, apart, rows, share)
            with_query = queries[rows].any(dim=1)
            if int(with_query.sum()) > 1:
                mine = rows[with_query]
                titles = activations(queries[mine] @ matrix.T + biases, start.most)
                other = torch.ones(len(mine), len(mine), dtype=torch.bool)
                ranked = ranked + _ranked(measure, titles, space[with_query], other, mine, share)
            value = value + chosen.ranking_weight * ranked
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
        with torch.no_grad():
            matrix.lerp_(first, min(rate * chosen.decay, 1.0))
        curve.append(float(value.detach()))
    arrays = {"matrix": matrix.detach().numpy().copy(), "biases": biases.detach().numpy().copy()}
    return TrainedConcepts(replace(start, **arrays), curve)


def indicators(names: Sequence[str], annotated: Sequence[Annotated]) -> Vectors:
    """Return (n, k): 1 where a text has a concept."""
    places = {name: place for place, name in enumerate(names)}
    found: npt.NDArray[np.float32] = np.zeros((len(annotated), len(names)), dtype=np.float32)
    for i, each in enumerate(annotated):
        found[i, [places[name] for name in each.concepts if name in places]] = 1
    return found


def tagging(logits: Tensor, told: Tensor) -> Tensor:
    """Return (n,) cross entropies of the concepts told, alike in weight, and a softmax."""
    found: Tensor = -(logits.log_softmax(dim=1) * told).sum(dim=1) / told.sum(dim=1)
    return found


def activations(z: Tensor, most: int) -> Tensor:
    """Return (n, k) rows of length 1 or zero: what `Concepts.over` makes, with gradients."""
    import torch

    kept = z.relu()
    if most < z.shape[1]:
        places = kept.topk(most, dim=1).indices
        kept = torch.zeros_like(kept).scatter(1, places, kept.gather(1, places))
    return torch.nn.functional.normalize(kept, dim=1)


def _ranked(
    loss: Loss, queries: Tensor, documents: Tensor, counted: Tensor, rows: Tensor, share: float
) -> Tensor:
    import torch

    batch = Batch(queries, documents, torch.eye(len(rows)), counted, rows, None, share)
    return loss(batch).mean()
