"""What a search in one view of an index finds, before ids become documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Found:
    """One query's results, best first: numbers in the snapshot, ids, scores, and per leg the
    (rank, score) of each."""

    numbers: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    ids: list[str]
    legs: Mapping[str, list[tuple[int, float]]] = field(default_factory=dict)


NOTHING = Found(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32), [])


def of_one_leg(name: str, found: Found) -> Found:
    """Return results with the leg that gave them."""
    rows = [(i, float(s)) for i, s in enumerate(found.scores, 1)]
    return Found(found.numbers, found.scores, found.ids, {name: rows})
