"""Which weights of a transformer a training moves: its own, or low-rank ones added to them.

Low-rank adapters (Hu et al., LoRA: Low-Rank Adaptation of Large Language Models): a linear layer's
weight W becomes W + scale * up @ down with up (out, rank) and down (rank, in). `up` starts at zero,
so that training starts at the model itself; after it the product is added to W, and what is saved
is a plain model.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from everygrain.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

_LAYER = re.compile(r"(?:^|\.)layers?\.(\d+)\.")
_SCALE = 2.0


class Weights(Protocol):
    """What is trained of a model.

    tensors   name -> leaf that the optimiser moves
    """

    @property
    def tensors(self) -> dict[str, Tensor]: ...

    def encode(self, features: dict[str, Any]) -> Tensor:
        """Return (n, d) vectors of a padded batch, with gradients."""

    def write(self) -> None:
        """Put what was learned into the model's own weights."""


@dataclass(frozen=True, eq=False)
class OwnWeights:
    """The model's own weights, all of them or those of its top layers."""

    model: Any
    tensors: dict[str, Tensor]

    @classmethod
    def of(cls, model: Any, layers: int | None) -> OwnWeights:
        """Take all weights, or those of the top layers and of what comes after them.

        Raises InputError if the model has no such number of layers.
        """
        lowest = _lowest(model, layers)
        tensors = {}
        for name, weight in model.named_parameters():
            weight.requires_grad_(_trained(name, lowest))
            if weight.requires_grad:
                tensors[name] = weight
        return cls(model, tensors)

    def encode(self, features: dict[str, Any]) -> Tensor:
        return self.model(features)["sentence_embedding"]

    def write(self) -> None:
        pass


@dataclass(frozen=True, eq=False)
class LowRank:
    """Low-rank additions to the attention's linear layers; the model's weights stay.

    bases   name of a weight -> the weight (out, in)
    """

    model: Any
    bases: dict[str, Tensor]
    tensors: dict[str, Tensor]

    @classmethod
    def of(cls, model: Any, rank: int, layers: int | None, seed: int) -> LowRank:
        """Start at the model itself. Raises InputError if it has no attention to adapt."""
        import torch

        model.requires_grad_(False)
        lowest = _lowest(model, layers)
        bases, tensors = {}, {}
        generator = torch.Generator().manual_seed(seed)
        for path, module in model.named_modules():
            attends = "attention" in path.lower() or "attn" in path.lower()
            if not isinstance(module, torch.nn.Linear) or not attends:
                continue
            name = f"{path}.weight"
            if not _trained(name, lowest):
                continue
            bases[name] = module.weight
            wide, high = module.weight.shape[1], module.weight.shape[0]
            down = torch.randn(rank, wide, generator=generator) / wide**0.5
            tensors[f"{name}.down"] = down.requires_grad_()
            tensors[f"{name}.up"] = torch.zeros(high, rank).requires_grad_()
        if not bases:
            raise InputError(
                "The model has no linear layers of attention, to which adapters could be added.",
                "Train its own weights: rank 0.",
            )
        return cls(model, bases, tensors)

    def _weights(self) -> dict[str, Tensor]:
        return {
            name: base + _SCALE * self.tensors[f"{name}.up"] @ self.tensors[f"{name}.down"]
            for name, base in self.bases.items()
        }

    def encode(self, features: dict[str, Any]) -> Tensor:
        from torch.func import functional_call

        return functional_call(self.model, self._weights(), (features,))["sentence_embedding"]

    def write(self) -> None:
        import torch

        with torch.no_grad():
            for name, weight in self._weights().items():
                self.bases[name].copy_(weight)


def _trained(name: str, lowest: int) -> bool:
    """Tell whether a weight belongs to a trained layer, or to what comes after all layers."""
    found = _LAYER.search(name)
    if found:
        return int(found[1]) >= lowest
    return lowest == -1 or "embed" not in name.lower()


def _lowest(model: Any, layers: int | None) -> int:
    """Return the number of the lowest layer that is trained; -1 if the embeddings are, too."""
    if layers is None:
        return -1
    found = [int(m[1]) for name, _ in model.named_parameters() if (m := _LAYER.search(name))]
    count = max(found, default=-1) + 1
    if not 1 <= layers <= count:
        raise InputError(
            f"{layers} top layers are to be trained, and the model has {count}.",
            f"Use 1 to {count}, or leave the number out to train all." if count
            else "Leave the number out to train all weights.",
        )  # fmt: skip
    return count - layers
