"""Trains one static table with N experts: each step reaches the shared part and one expert a text.

In-batch negatives over bags of word pieces. A batch holds pairs of one domain (which makes its
negatives the hard ones of that domain), or of all domains, each text in its own expert.

Source: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from everygrain.encode.experts.centroids import NO_DOMAIN, Centroids
from everygrain.encode.experts.static import StaticExperts
from everygrain.encode.static import Static
from everygrain.errors import InputError
from everygrain.learn.losses.base import Batch, Loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.bags import Bags

if TYPE_CHECKING:
    from torch import Tensor

Places = npt.NDArray[np.int64]
Told = Callable[[int, int, float], None]
_CLASSIFIED = 10_000


@dataclass(frozen=True)
class ExpertTraining:
    """How long and how fast experts are trained.

    steps         optimiser steps, each of one batch
    batch         pairs in a batch; a domain with fewer gives batches of all it has
    rate          first step size of Adam, in root mean squares of the table; falls to 0
    expert_rate   the same for the experts; 0 leaves them as they are
    mixed         whether a batch mixes the domains, so that the experts' spaces stay comparable
    documents     whether documents pass through the experts too, not queries alone
    outside       share of a domain's own texts that its floor leaves to the shared table
    seed          of the order of the pairs
    """

    steps: int = 200
    batch: int = 1024
    rate: float = 0.05
    expert_rate: float = 0.05
    mixed: bool = False
    documents: bool = True
    outside: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 0 or self.batch < 2 or self.rate < 0 or self.expert_rate < 0:
            raise InputError(
                f"{self} cannot be trained.",
                "Use 0 steps or more, 2 pairs or more in a batch, and rates of 0 or more.",
            )


class ExpertTables:
    """The tables while they are trained: one shared, one per expert, which starts at zero.

    shared   a `torch.nn.EmbeddingBag`
    """

    def __init__(self, shared: Any, experts: int) -> None:
        import torch

        self.shared = shared
        zeros = torch.zeros_like(shared.weight.detach())
        self.experts: list[Any] = [_bag(zeros.clone()) for _ in range(experts)]

    @classmethod
    def of(cls, matrix: npt.NDArray[np.float16], experts: int) -> ExpertTables:
        import torch

        return cls(_bag(torch.from_numpy(matrix.astype(np.float32))), experts)

    def encode(self, bags: Bags, rows: Places, places: Places) -> Tensor:
        """Return (rows, d) vectors of length 1; place -1 takes the shared table alone."""
        import torch

        found = _embedded(self.shared, bags, rows)
        for place in np.unique(places[places != NO_DOMAIN]):
            own = np.flatnonzero(places == place)
            added = _embedded(self.experts[place], bags, rows[own])
            found = found.index_add(0, torch.from_numpy(own), added)
        return torch.nn.functional.normalize(found, dim=1)

    def arrays(self) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]:
        """Return the shared matrix (pieces, d) and the experts' (experts, pieces, d)."""
        shared = self.shared.weight.detach().numpy()
        deltas = np.zeros((len(self.experts), *shared.shape), dtype=np.float16)
        for place, expert in enumerate(self.experts):
            deltas[place] = expert.weight.detach().numpy()
        return shared.astype(np.float16), deltas


def _bag(weights: Tensor) -> Any:
    import torch

    return torch.nn.EmbeddingBag.from_pretrained(weights, freeze=False, mode="sum", sparse=True)


def _embedded(table: Any, bags: Bags, rows: Places) -> Tensor:
    pieces, offsets, weights = bags.tensors(rows)
    found: Tensor = table(pieces, offsets, per_sample_weights=weights)
    return found


def train_static_experts(
    base: Static,
    pairs: Sequence[Pair],
    domains: Sequence[str | None],
    settings: ExpertTraining | None = None,
    loss: Loss | None = None,
    told: Told | None = None,
) -> StaticExperts:
    """Train a static encoder with one expert per domain.

    base      the encoder to start from, fitted or not
    domains   the domain of each pair; None trains the shared table alone
    loss      default: multiple negatives ranking
    told      called after each step with the step, their number and the mean loss

    The experts stand in the order of their names; without a domain there is none, which makes a
    dense model. Without steps the result encodes as `base` does, to the last bit.
    Raises InputError for no pairs, or another number of domains.
    """
    settings = settings or ExpertTraining()
    names, places = by_name(pairs, domains)
    queries = Bags.of(base, [pair.query for pair in pairs])
    documents = Bags.of(base, [pair.positive for pair in pairs])
    tables = train_tables(base, queries, documents, places, len(names), settings, loss, told)
    matrix, deltas = tables.arrays()
    table = replace(base.table, matrix=matrix)
    shared = Static(table, base.idf, base.unseen, base.fitted)
    centroids = middles(shared, pairs, names, places, settings.outside, settings.seed)
    return StaticExperts(shared, centroids, deltas, settings.documents)


def middles(
    shared: Static,
    pairs: Sequence[Pair],
    names: Sequence[str],
    places: Places,
    outside: float = ExpertTraining.outside,
    seed: int = 0,
) -> Centroids:
    """Return the middles of domains by both sides of up to 10,000 pairs; places[i] is of pair i."""
    chosen = _sample(places, seed)
    texts = [pairs[i].query for i in chosen] + [pairs[i].positive for i in chosen]
    return Centroids.of(names, shared.encode(texts), np.tile(places[chosen], 2), outside)


def by_name(pairs: Sequence[Pair], domains: Sequence[str | None]) -> tuple[list[str], Places]:
    """Return the names of the domains, in order, and the place of each pair's, -1 for None.

    Raises InputError for no pairs, or another number of domains.
    """
    if not pairs or len(domains) != len(pairs):
        raise InputError(
            f"{len(pairs)} pairs and {len(domains)} domains.",
            "Give pairs, and the domain of each (None where it has none).",
        )
    names = sorted({domain for domain in domains if domain is not None})
    place: dict[str | None, int] = {name: i for i, name in enumerate(names)}
    return names, np.array([place.get(domain, NO_DOMAIN) for domain in domains], dtype=np.int64)


def train_tables(
    base: Static,
    queries: Bags,
    documents: Bags,
    places: Places,
    experts: int,
    settings: ExpertTraining,
    loss: Loss | None = None,
    told: Told | None = None,
) -> ExpertTables:
    """Train the shared table and the experts on pairs (queries[i], documents[i]) of places[i]."""
    import torch

    tables = ExpertTables.of(base.table.matrix, experts)
    size = float(tables.shared.weight.detach().pow(2).mean().sqrt())
    rates = {"shared": settings.rate * size, "experts": settings.expert_rate * size}
    groups = [{"params": [tables.shared.weight], "name": "shared"}]
    if experts:
        groups.append({"params": [each.weight for each in tables.experts], "name": "experts"})
    optimiser: Any = torch.optim.SparseAdam(groups, lr=1.0)
    measure = loss or MultipleNegatives()
    warm = max(1, min(20, settings.steps // 10))
    for step, rows in enumerate(batches(places, settings)):
        progress = step / settings.steps
        for group in optimiser.param_groups:
            group["lr"] = rates[group["name"]] * min(1.0, (step + 1) / warm) * (1 - progress)
        optimiser.zero_grad(set_to_none=True)
        own = places[rows]
        theirs = own if settings.documents else np.full_like(own, NO_DOMAIN)
        asked = tables.encode(queries, rows, own)
        batch = in_batch(asked, tables.encode(documents, rows, theirs), rows, progress)
        value = measure(batch).mean()
        value.backward()
        optimiser.step()
        if told is not None:
            told(step + 1, settings.steps, float(value.detach()))
    return tables


def batches(places: Places, settings: ExpertTraining) -> Iterator[Places]:
    """Yield the pairs of each step: of one domain, each in proportion to its pairs, or of all.

    A domain's pairs come in a new order each time they have all been seen.
    """
    generator = np.random.default_rng(settings.seed)
    groups = [np.arange(len(places))] if settings.mixed else _groups(places)
    sizes = np.array([len(group) for group in groups], dtype=np.float64)
    if not len(groups) or sizes.max() < 2:
        raise InputError("No domain has two pairs.", "Give more pairs, or fewer domains.")
    # the number of steps of each group is fixed; chance decides their order alone
    shares = np.floor(np.cumsum(sizes) / sizes.sum() * settings.steps + 0.5).astype(int)
    turns = np.repeat(np.arange(len(groups)), np.diff(shares, prepend=0))
    waiting: list[Places] = [group[:0] for group in groups]
    for turn in generator.permutation(turns):
        count = min(settings.batch, len(groups[turn]))
        if len(waiting[turn]) < count:
            waiting[turn] = generator.permutation(groups[turn])
        rows, waiting[turn] = waiting[turn][:count], waiting[turn][count:]
        yield rows


def _groups(places: Places) -> list[Places]:
    groups = [np.flatnonzero(places == place) for place in np.unique(places)]
    return [group for group in groups if len(group) > 1]


def in_batch(queries: Tensor, documents: Tensor, rows: Places, progress: float) -> Batch:
    """Return a batch in which document i answers query i, and no other one."""
    import torch

    count = len(rows)
    everywhere = torch.ones(count, count, dtype=torch.bool)
    anchors = torch.from_numpy(rows)
    return Batch(queries, documents, torch.eye(count), everywhere, anchors, None, progress)


def _sample(places: Places, seed: int) -> Places:
    """Choose pairs to learn the centroids from, every domain in its share."""
    order = np.random.default_rng(seed).permutation(len(places))
    chosen = order[:_CLASSIFIED]
    missing = np.setdiff1d(np.unique(places), np.unique(places[chosen]))
    rare = [np.flatnonzero(places == place)[:10] for place in missing]
    return np.sort(np.concatenate([chosen, *rare]))
