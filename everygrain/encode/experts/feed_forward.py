"""The feed-forward block of a transformer's layer, with one copy per domain beside the dense one.

Imported only where torch is there.

Source: Contrastive Learning and Mixture of Experts Enables Precise Vector Embeddings
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from everygrain.encode.experts.centroids import NO_DOMAIN
from everygrain.errors import InputError, ModelError


class Switch:
    """Which expert the texts of the next batch pass through.

    places   one place for the whole batch, or (batch,) a place per text; -1 for the dense block
    """

    def __init__(self) -> None:
        self.places: int | Tensor = NO_DOMAIN


class Block(torch.nn.Module):  # type: ignore[misc]
    """One feed-forward block: widen, activate, narrow, add, normalise."""

    def __init__(self, intermediate: torch.nn.Module, output: torch.nn.Module) -> None:
        super().__init__()
        self.intermediate = intermediate
        self.output = output

    def forward(self, hidden: Tensor) -> Tensor:
        found: Tensor = self.output(self.intermediate(hidden), hidden)
        return found


class Experts(torch.nn.Module):  # type: ignore[misc]
    """Stands in a layer for its feed-forward block: hidden states in, hidden states out.

    Every expert starts as a copy of the dense block, which stays for texts of no domain.
    """

    def __init__(self, dense: Block, count: int, switch: Switch) -> None:
        super().__init__()
        self.dense = dense
        self.experts = torch.nn.ModuleList(copy.deepcopy(dense) for _ in range(count))
        self.switch = switch

    def forward(self, hidden: Tensor, _attended: Tensor) -> Tensor:
        places = self.switch.places
        if isinstance(places, int):
            return self._block(places)(hidden)
        found = torch.empty_like(hidden)
        for place in places.unique().tolist():
            rows = torch.nonzero(places == place).flatten()
            found = found.index_copy(0, rows, self._block(place)(hidden[rows]))
        return found

    def _block(self, place: int) -> Any:
        return self.dense if place == NO_DOMAIN else self.experts[place]


def install(model: Any, layers: Sequence[int], count: int) -> Switch:
    """Put experts into layers of a SentenceTransformer, in place; return what routes through them.

    Raises ModelError for a model whose layers have no such block, InputError for layers that are
    not there.
    """
    switch = Switch()
    stack = layer_stack(model)
    for number in layers:
        if not 0 <= number < len(stack):
            raise InputError(
                f"There is no layer {number} among {len(stack)}.", f"Use 0 to {len(stack) - 1}."
            )
        layer = stack[number]
        layer.output = Experts(Block(layer.intermediate, layer.output), count, switch)
        layer.intermediate = torch.nn.Identity()
    return switch


def layer_stack(model: Any) -> Any:
    """Return the layers of a SentenceTransformer of the BERT family.

    Raises ModelError for another one.
    """
    layers = getattr(getattr(model[0].auto_model, "encoder", None), "layer", None)
    if layers is None or not all(
        hasattr(e, "intermediate") and hasattr(e, "output") for e in layers
    ):
        raise ModelError(
            "The model's layers have no feed-forward block of the BERT kind.",
            "Use a model of that family, such as minilm.",
        )
    return layers


def changed(model: Any, lowest: int) -> dict[str, Any]:
    """Return the weights of the layers from one on, experts included, as NumPy arrays by name."""
    stack = layer_stack(model)
    return {
        f"{number}.{name}": tensor.detach().numpy().copy()
        for number in range(lowest, len(stack))
        for name, tensor in stack[number].state_dict().items()
    }


def change(model: Any, weights: Mapping[str, Any]) -> None:
    """Put weights by name back. Raises ModelError where names or shapes do not fit."""
    stack = layer_stack(model)
    for number in sorted({int(name.split(".")[0]) for name in weights}):
        own = {
            name.partition(".")[2]: torch.from_numpy(array.copy())
            for name, array in weights.items()
            if int(name.split(".")[0]) == number
        }
        try:
            stack[number].load_state_dict(own)
        except (RuntimeError, IndexError) as error:
            raise ModelError(
                f"The weights of layer {number} do not fit the model ({error}).",
                "Use the model that they were trained from.",
            ) from error
