"""A pair with texts that look like its positive and are not."""

from __future__ import annotations

from dataclasses import dataclass

from everygrain.learn.pairs.base import Pair


@dataclass(frozen=True, slots=True)
class Contrasted:
    """A pair and its hard negatives, each a text made or found for this very query."""

    pair: Pair
    negatives: tuple[str, ...]
