"""What a composition is made of, as values; each prints as it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from everygrain.rank.base import Cut, Reranked, Reranker, Retriever
from everygrain.rank.compose.forms import STAGES
from everygrain.rank.compose.learned import Fitted, Sinkhorn
from everygrain.rank.fuse import MinMax, ReciprocalRank, Sum, Weighted, ZScore, fuse
from everygrain.rank.lexical import BM25

Value: TypeAlias = float | int | str | bool
Method: TypeAlias = ReciprocalRank | Weighted | MinMax | ZScore | Sum | Sinkhorn | Fitted
METHODS: Mapping[str, type[MinMax | ZScore | Sum | Sinkhorn | Fitted]] = {
    "min_max": MinMax, "z_score": ZScore, "sum": Sum, "sinkhorn": Sinkhorn, "fitted": Fitted,
}  # fmt: skip
Settings: TypeAlias = tuple[tuple[str, Value], ...]


class Parts(Protocol):
    """Makes what a composition names, for one index."""

    def leg(self, name: str, bm25: BM25 | None) -> Retriever: ...

    def stage(self, name: str, settings: Mapping[str, Value]) -> Reranker: ...

    def around(
        self, name: str, retriever: Retriever, settings: Mapping[str, Value]
    ) -> Retriever: ...

    def learned(
        self, method: Sinkhorn | Fitted, retrievers: Sequence[Retriever], parts: Sequence[str]
    ) -> Retriever: ...


@dataclass(frozen=True)
class LegNamed:
    """`lexical`, `dense`, `hybrid`, ..., with the settings of BM25 that were given."""

    name: str
    settings: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        return _called(self.name, self.settings)

    def legs(self) -> set[str]:
        return {self.name}

    def stages(self) -> set[str]:
        return set()

    def build(self, parts: Parts) -> Retriever:
        return parts.leg(self.name, BM25(**dict(self.settings)) if self.settings else None)


@dataclass(frozen=True)
class FuseOf:
    """`fuse(a, b)`."""

    parts: tuple[Composition, ...]
    method: Method

    def __str__(self) -> str:
        told = [str(part) for part in self.parts]
        if isinstance(self.method, ReciprocalRank):
            if self.method != ReciprocalRank():
                told.append(f"constant={_plain(self.method.constant)}")
        else:
            told += [f"method={n}" for n, kind in METHODS.items() if kind is type(self.method)]
            weights = ", ".join(_plain(weight) for weight in self.method.weights)
            told += [f"weights=({weights})"] if weights else []
        return f"fuse({', '.join(told)})"

    def legs(self) -> set[str]:
        return set().union(*(part.legs() for part in self.parts))

    def stages(self) -> set[str]:
        return set().union(*(part.stages() for part in self.parts))

    def build(self, parts: Parts) -> Retriever:
        built = [part.build(parts) for part in self.parts]
        if isinstance(self.method, Sinkhorn | Fitted):
            return parts.learned(self.method, built, [str(part) for part in self.parts])
        return fuse(*built, method=self.method)


@dataclass(frozen=True)
class CutAt:
    """`a % k`."""

    part: Composition
    k: int

    def __str__(self) -> str:
        return f"{self.part} % {self.k}"

    def legs(self) -> set[str]:
        return self.part.legs()

    def stages(self) -> set[str]:
        return self.part.stages()

    def build(self, parts: Parts) -> Retriever:
        return Cut(self.part.build(parts), self.k)


@dataclass(frozen=True)
class Then:
    """`a >> stage(setting=value)`."""

    part: Composition
    name: str
    settings: Settings = ()

    def __str__(self) -> str:
        return f"{self.part} >> {_called(self.name, self.settings)}"

    def legs(self) -> set[str]:
        return self.part.legs()

    def stages(self) -> set[str]:
        return self.part.stages() | {self.name}

    def build(self, parts: Parts) -> Retriever:
        reranker = parts.stage(self.name, dict(self.settings))
        form = STAGES.get(self.name)
        return Reranked(self.part.build(parts), reranker, form.depth if form else 100)


@dataclass(frozen=True)
class Around:
    """`rm3(a, documents=5)`: what asks a system in another way."""

    name: str
    part: Composition
    settings: Settings = ()

    def __str__(self) -> str:
        return _called(self.name, self.settings, str(self.part))

    def legs(self) -> set[str]:
        return self.part.legs()

    def stages(self) -> set[str]:
        return self.part.stages() | {self.name}

    def build(self, parts: Parts) -> Retriever:
        return parts.around(self.name, self.part.build(parts), dict(self.settings))


def needs_words(composition: Composition) -> bool:
    """Tell whether a composition compares the words that an index holds vectors of."""
    return bool({"late", "xtr"} & (composition.legs() | composition.stages()))


def needs_vectors(composition: Composition) -> bool:
    """Tell whether a composition needs an encoder."""
    return not composition.legs() <= {"lexical", "xtr"}


Composition: TypeAlias = LegNamed | FuseOf | CutAt | Then | Around


def _called(name: str, settings: Settings, *first: str) -> str:
    told = [*first, *(f"{key}={written(value)}" for key, value in settings)]
    return f"{name}({', '.join(told)})" if told else name


def written(value: Value) -> str:
    """Return a setting's value as it is written in a composition."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"' if "'" in value else f"'{value}'"
    return _plain(float(value))


def _plain(number: float) -> str:
    return np.format_float_positional(number, trim="-")
