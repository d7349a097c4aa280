"""Encoders tuned from one base, put together again by weights: one model for all their tasks.

    merged = base + sum_k a_k (expert_k - base)        expert_k - base is a task vector

The coefficients a are found by stochastic gradient descent on a small set of probes of all tasks;
nothing else is trained. Computed as (1 - sum a) base + sum a_k expert_k, so that a one-hot a gives
the expert and a = 0 the base, bit for bit. A state is any mapping of names to tensors: a
transformer's, or {"matrix": ...} of a static table.

Source: Improving General Text Embedding Model: Tackling Task Conflict and Data Imbalance through
Model Merging
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

from everygrain.encode.transformer import Transformer
from everygrain.errors import InputError
from everygrain.learn.losses.base import Batch, Loss
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.checkpoint import replaced
from everygrain.learn.train.transformer import counted, open_model, order

if TYPE_CHECKING:
    from torch import Tensor

State = Mapping[str, Any]
ProbeLoss = Callable[[Mapping[str, "Tensor"], int], "Tensor"]


@dataclass(frozen=True)
class Merging:
    """How coefficients are searched.

    steps           of descent, >= 0; none gives the uniform average of the experts
    learning_rate   of the coefficients, > 0
    momentum        in [0, 1)
    batch           probes in a step, >= 2
    tokens          longer probes are cut, >= 3
    seed            of the order of the probes

    Raises InputError for a value out of its range.
    """

    steps: int = 40
    learning_rate: float = 0.1
    momentum: float = 0.8
    batch: int = 32
    tokens: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        fine = self.steps >= 0 and self.learning_rate > 0 and 0 <= self.momentum < 1
        if not fine or self.batch < 2 or self.tokens < 3:
            raise InputError(
                f"No merging can follow {self}.",
                "Use 0 steps or more, a rate above 0, a momentum below 1, 2 probes or more in a "
                "step, and 3 tokens or more.",
            )


def merged(base: State, experts: Sequence[State], coefficients: Sequence[float]) -> dict[str, Any]:
    """Return the state of the merged model, in the types of the base's tensors.

    Tensors that hold no fractions (positions) are the base's.
    Raises InputError if an expert's tensors are not those of the base, or if there is not one
    coefficient for each.
    """
    _check(base, experts, len(coefficients))
    parts = [(1 - sum(coefficients), base), *zip(coefficients, experts, strict=True)]
    # a term of weight zero is left out: it could change the sign of a zero
    return _blend(base, [(a, state) for a, state in parts if a != 0] or parts[:1])


def uniform(experts: Sequence[State]) -> list[float]:
    """Return the coefficients of the plain average."""
    return [1 / len(experts)] * len(experts)


def learned_coefficients(
    base: State, experts: Sequence[State], loss: ProbeLoss, settings: Merging | None = None
) -> list[float]:
    """Find coefficients by descent, from the uniform average on.

    loss   called with a merged state, through which gradients pass, and the number of the step;
           returns a scalar

    Raises what `merged` raises.
    """
    import torch

    settings = settings or Merging()
    _check(base, experts, len(experts))
    found = torch.tensor(uniform(experts), requires_grad=True)
    optimiser = torch.optim.SGD([found], lr=settings.learning_rate, momentum=settings.momentum)
    for step in range(settings.steps):
        optimiser.zero_grad()
        loss(differentiable(base, experts, found), step).backward()
        optimiser.step()
    return [float(a) for a in found.detach()]


def differentiable(base: State, experts: Sequence[State], coefficients: Tensor) -> dict[str, Any]:
    """Return the merged state as float32 tensors, with gradients to the coefficients (k,)."""
    weights = [1 - coefficients.sum(), *coefficients]
    return _blend(base, list(zip(weights, [base, *experts], strict=True)), narrow=False)


def merge_transformers(
    base: Transformer,
    experts: Sequence[Transformer],
    probes: Sequence[Pair],
    loss: Loss,
    folder: Path,
    settings: Merging | None = None,
) -> tuple[Transformer, list[float]]:
    """Merge sentence-transformers models of one base; return the saved one and its coefficients.

    probes   pairs of all tasks, a few hundred; each step takes a batch of them

    A folder that is there already is replaced when the new model is written whole.
    Raises InputError for experts of another shape than the base and for fewer than two probes,
    ModelError if a model cannot be loaded, StorageError if the disk refuses.
    """
    if len(probes) < 2:
        raise InputError(f"{len(probes)} probes.", "Give at least 2; a few hundred are usual.")
    import torch
    from torch.func import functional_call

    settings = settings or Merging()
    model = open_model(base.folder).eval().requires_grad_(False)
    start = {name: weight.clone() for name, weight in model.state_dict().items()}
    states = [open_model(expert.folder).state_dict() for expert in experts]

    def encoded(state: Mapping[str, Tensor], texts: list[str]) -> Tensor:
        features = model.tokenizer(texts, padding=True, truncation=True,
                                   max_length=settings.tokens, return_tensors="pt")  # fmt: skip
        found = functional_call(model, dict(state), (dict(features),))["sentence_embedding"]
        return torch.nn.functional.normalize(found, dim=-1)

    def probe_loss(state: Mapping[str, Tensor], step: int) -> Tensor:
        chosen, numbers = _probes(probes, settings, step)
        vectors = encoded(state, [p.query for p in chosen] + [p.positive for p in chosen])
        seen = Batch(
            vectors[: len(chosen)], vectors[len(chosen) :], torch.eye(len(chosen)),
            torch.tensor(counted(chosen)), torch.tensor(numbers), None,
            step / max(1, settings.steps),
        )  # fmt: skip
        return loss(seen).mean()

    coefficients = learned_coefficients(start, states, probe_loss, settings)
    model.load_state_dict(merged(start, states, coefficients))
    with replaced(folder) as made:
        model.save(str(made), create_model_card=False)
    return Transformer(str(folder)), coefficients


def _probes(probes: Sequence[Pair], settings: Merging, step: int) -> tuple[list[Pair], list[int]]:
    """Return the probes of a step: passes over all of them, each in an order of its own."""
    size = min(settings.batch, len(probes))
    epoch, place = divmod(step, len(probes) // size)
    numbers = order(len(probes), settings.seed, epoch)[place * size :][:size]
    return [probes[i] for i in numbers], numbers


def _blend(
    base: State, parts: Sequence[tuple[Any, State]], *, narrow: bool = True
) -> dict[str, Any]:
    import torch

    found = {}
    for name, weight in base.items():
        start = torch.as_tensor(weight)
        if not start.is_floating_point():
            found[name] = start
            continue
        # no sum(): it starts from 0, and 0 + -0.0 would change a bit
        blended = reduce(add, (a * torch.as_tensor(state[name]).float() for a, state in parts))
        found[name] = blended.to(start.dtype) if narrow else blended
    return found


def _check(base: State, experts: Sequence[State], coefficients: int) -> None:
    if not experts or len(experts) != coefficients:
        raise InputError(
            f"{coefficients} coefficients for {len(experts)} experts.",
            "Give at least one expert, and one coefficient for each.",
        )
    shapes = {name: tuple(weight.shape) for name, weight in base.items()}
    for number, expert in enumerate(experts):
        own = {name: tuple(weight.shape) for name, weight in expert.items()}
        if own != shapes:
            odd = min(name for name in shapes | own if shapes.get(name) != own.get(name))
            raise InputError(
                f"Expert {number} was not tuned from this base: '{odd}' is "
                f"{own.get(odd)} there and {shapes.get(odd)} in the base.",
                "Merge models that were tuned from one and the same base.",
            )
