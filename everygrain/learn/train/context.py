"""Trains the fusion of queries and events, in two stages, over vectors that stay as they are.

    loss = L(fused queries, documents) + event_weight L(events as queries see them, documents)

with L any loss over pairs. The second term is the second task: what is left of the event must find
the document too. In the second half each query's batch also has negatives that the fusion of the
first half ranked high. Examples need no labels: a query cut short, and an event beside it.

Source: Event-driven Real-time Retrieval in Web Search
(its data come from several models and a language model's judgements; ours from the texts.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.encode.base import Vectors
from everygrain.encode.context import Asked, Context
from everygrain.errors import InputError
from everygrain.learn.installed import need_torch
from everygrain.learn.losses.base import Batch, Loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.parts import sentences
from everygrain.learn.pairs.written import chance

if TYPE_CHECKING:
    from torch import Tensor

_BAND = (3, 40)  # ranks that hard negatives come from; the first hold most unknown answers
_LEAST = 4
_AT_ONCE = 256


@dataclass(frozen=True)
class Occasion:
    """A query that was asked when something was going on, and what should be found.

    query        what is asked
    event        the text of what is going on
    positive     the text that should be found
    positive_id  id of its document
    """

    query: str
    event: str
    positive: str
    positive_id: str


@dataclass(frozen=True)
class ContextTraining:
    """How long and how fast.

    steps         >= 0, half of them before there are hard negatives
    batch         occasions in a step, >= 2
    rate          the highest of Adam, > 0; it rises for a tenth and falls to zero
    event_weight  of the second task, >= 0
    hard          negatives of an occasion in the second half, >= 0
    decay         of what attention and event learn, towards zero, as AdamW has it, >= 0
    seed          of the order

    Raises InputError for a value out of its range.
    """

    steps: int = 300
    batch: int = 64
    rate: float = 3e-3
    event_weight: float = 0.3
    hard: int = 1
    decay: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        fine = self.steps >= 0 and self.batch >= 2 and self.rate > 0
        if not fine or min(self.event_weight, self.hard, self.decay) < 0:
            raise InputError(
                f"No fusion can be trained by {self}.",
                "Use 0 steps and 2 occasions or more, a rate above 0, and a weight, a decay and "
                "negatives of 0 or more.",
            )


@dataclass(frozen=True, eq=False)
class TrainedContext:
    """What came of a training: `curve` has the loss of each step, in nats."""

    encoder: Context
    curve: list[float] = field(default_factory=list)


def cut_short(
    documents: Sequence[Document],
    related: Mapping[str, str] | None = None,
    words: int = 3,
    seed: int = 0,
) -> list[Occasion]:
    """Make occasions: some words of a sentence, or of the title, with a sentence beside it.

    related   id of a document -> text of a related one, from which the event is taken; without
              one it is the document's own next sentence
    words     of a query, drawn by chance in their order, >= 1

    The sentences that query and event were taken from are no part of what should be found.
    Documents with too few sentences give nothing.
    """
    if words < 1:
        raise InputError(f"A query of {words} words.", "Use 1 word or more.")
    found = []
    for document in documents:
        drawn = chance(seed, "context", document.id)
        text = document.text
        spans = [(s, e) for s, e in sentences(text) if len(of_text(text[s:e])) >= _LEAST]
        if len(spans) < 3:
            continue
        place = drawn.randrange(len(spans) - 1)
        asked = document.title or text[slice(*spans[place])]
        taken = {place}
        if related is None:
            event, taken = text[slice(*spans[place + 1])], {place, place + 1}
        else:
            other = related.get(document.id, "")
            theirs = [other[s:e] for s, e in sentences(other) if len(of_text(other[s:e])) >= _LEAST]
            if not theirs:
                continue
            event = drawn.choice(theirs)
        every = of_text(asked)
        chosen = sorted(drawn.sample(range(len(every)), min(words, len(every))))
        if not chosen:
            continue
        rest = " ".join(text[s:e] for i, (s, e) in enumerate(spans) if i not in taken)
        found.append(Occasion(" ".join(every[i] for i in chosen), event, rest, document.id))
    return found


def train_context(
    start: Context,
    occasions: Sequence[Occasion],
    loss: Loss | None = None,
    settings: ContextTraining | None = None,
) -> TrainedContext:
    """Train the fusion. Raises InputError without two occasions whose query, event and positive
    hold something known, ModelError without torch."""
    need_torch("Training a fusion of queries and events")
    import torch

    chosen, measure = settings or ContextTraining(), loss or MultipleNegatives()
    seen = start.asked([o.query for o in occasions], [o.event for o in occasions])
    vectors = start.inner.encode([o.positive for o in occasions])
    fit = [i for i, each in enumerate(seen) if each is not None and vectors[i].any()]
    if len(fit) < 2:
        raise InputError(f"There are {len(fit)} occasions to train on.", "Give at least two.")
    told = [each for i in fit if (each := seen[i]) is not None]
    vectors, kept = vectors[fit], [occasions[i] for i in fit]
    numbers = {text: n for n, text in enumerate(dict.fromkeys(o.positive_id for o in kept))}
    owners = np.array([numbers[o.positive_id] for o in kept])
    weights = {n: torch.tensor(array, requires_grad=True) for n, array in start.weights.items()}
    held = [each for name, each in weights.items() if name != "u"]
    optimiser: Any = torch.optim.AdamW(
        [{"params": held, "weight_decay": chosen.decay},
         {"params": [weights["u"]], "weight_decay": 0.0}]
    )  # fmt: skip
    generator = torch.Generator().manual_seed(chosen.seed)
    hard: npt.NDArray[np.int64] | None = None
    order, curve = torch.empty(0, dtype=torch.int64), []
    for step in range(chosen.steps):
        if chosen.hard and step == chosen.steps // 2:
            half = replace(start, weights=_arrays(weights))
            hard = hard_negatives(half, told, vectors, owners, chosen.hard)
        if len(order) < min(chosen.batch, len(kept)):
            order = torch.randperm(len(kept), generator=generator)
        rows, order = order[: chosen.batch].numpy(), order[chosen.batch :]
        share = (step + 0.5) / chosen.steps
        for group in optimiser.param_groups:
            group["lr"] = chosen.rate * min(10 * share, (1 - share) / 0.9)
        columns = rows if hard is None else np.concatenate([rows, hard[rows].ravel()])
        own = owners[rows][:, None] == owners[columns][None, :]
        own[np.arange(len(rows)), np.arange(len(rows))] = False
        documents = torch.from_numpy(vectors[columns])
        fused, events = network(weights, [told[i] for i in rows])
        value = torch.zeros(())
        for queries, weight in ((fused, 1.0), (events, chosen.event_weight)):
            if weight:
                batch = Batch(
                    queries,
                    documents,
                    torch.eye(len(rows), len(columns)),
                    torch.from_numpy(~own),
                    torch.from_numpy(rows),
                    None,
                    share,
                )
                value = value + weight * measure(batch).mean()
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
        curve.append(float(value.detach()))
    return TrainedContext(replace(start, weights=_arrays(weights)), curve)


def hard_negatives(
    encoder: Context,
    told: Sequence[Asked],
    vectors: Vectors,
    owners: npt.NDArray[np.int64],
    count: int,
) -> npt.NDArray[np.int64]:
    """Return (n, count) places of other documents that the fusion ranks from 4 to 40."""
    found = np.empty((len(told), count), dtype=np.int64)
    for start in range(0, len(told), _AT_ONCE):
        fused = np.stack([encoder.fused(each) for each in told[start : start + _AT_ONCE]])
        for i, scores in enumerate(fused @ vectors.T, start):
            scores[owners == owners[i]] = -np.inf
            best = np.argpartition(-scores, min(_BAND[1], len(scores) - 1))[: _BAND[1]]
            band = best[np.argsort(-scores[best], kind="stable")][_BAND[0] :]
            band = band[np.isfinite(scores[band])]
            # a collection too small for the band gives the place itself, which is never a negative
            found[i] = np.random.default_rng(i).choice(band, count) if len(band) else i
    return found


def network(weights: Mapping[str, Tensor], told: Sequence[Asked]) -> tuple[Tensor, Tensor]:
    """Return (n, d) fused queries and (n, d) events: the formula of `Context`, with gradients."""
    import torch
    from torch.nn.functional import normalize

    w = weights
    words, shares, _ = _padded([(each.query_words, each.query_shares) for each in told])
    theirs, mass, present = _padded([(each.event_words, each.event_shares) for each in told])
    logits = w["a"] * (words @ theirs.mT) + (words @ w["P"]) @ (theirs @ w["R"]).mT
    logits = logits + torch.where(present, mass, 1.0).log()[:, None, :]
    attention = logits.masked_fill(~present[:, None, :], -torch.inf).softmax(-1)
    x = (shares[:, None, :] @ (attention @ theirs))[:, 0]
    e = torch.from_numpy(np.stack([each.event for each in told]))
    h = normalize(e + w["b"] * x + (x @ w["U"]) @ w["V"], dim=1)
    features = torch.from_numpy(np.stack([each.features for each in told]))
    gate = 2 * torch.sigmoid(features @ w["u"])
    q = torch.from_numpy(np.stack([each.query for each in told]))
    return normalize(q + gate[:, None] * h, dim=1), h


def _padded(parts: Sequence[tuple[Vectors, Vectors]]) -> tuple[Tensor, Tensor, Tensor]:
    """Return (n, w, d) vectors, (n, w) shares and which are no padding."""
    import torch

    most = max(len(vectors) for vectors, _ in parts)
    vectors = np.zeros((len(parts), most, parts[0][0].shape[1]), dtype=np.float32)
    shares = np.zeros((len(parts), most), dtype=np.float32)
    present = np.zeros((len(parts), most), dtype=bool)
    for i, (each, own) in enumerate(parts):
        vectors[i, : len(each)], shares[i, : len(each)] = each, own
        present[i, : len(each)] = True
    return torch.from_numpy(vectors), torch.from_numpy(shares), torch.from_numpy(present)


def _arrays(weights: Mapping[str, Tensor]) -> dict[str, npt.NDArray[np.float32]]:
    return {name: each.detach().numpy().copy() for name, each in weights.items()}
