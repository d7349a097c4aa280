"""A system written as text, such as `fuse(lexical(k1=0.9), dense) % 50` -> a composition.

    system   := part ("%" number)*
    part     := leg | leg "(" setting ("," setting)* ")" | "fuse" "(" system ("," system)+ ")"
              | "(" system ")"
    leg      := "lexical" | "dense" | "hybrid"
    setting  := name "=" number           k1, b, title, text: of BM25, for `lexical`

`fuse` adds reciprocal ranks; after its systems it may take `constant=60`, or one weight a system:
`weights=(0.7, 0.3)`. Nothing of the text is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TypeAlias

import numpy as np

from everygrain.errors import MeasureError, QueryError
from everygrain.measure.tokens import NUMBER, Token, tokens
from everygrain.rank.base import Cut, Retriever
from everygrain.rank.fuse import ReciprocalRank, Weighted, fuse
from everygrain.rank.legs import SYSTEMS
from everygrain.rank.lexical import BM25

DEEPEST = 20
BM25_SETTINGS = tuple(each.name for each in fields(BM25))
FORMS = f"{', '.join(SYSTEMS)}, lexical(k1=0.9, b=0.4), fuse(lexical, dense) and hybrid % 50"

MakeLeg = Callable[[str, BM25 | None], Retriever]


@dataclass(frozen=True)
class LegNamed:
    """`lexical`, `dense` or `hybrid`, with the settings of BM25 that were given."""

    name: str
    settings: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        given = ", ".join(f"{name}={_plain(value)}" for name, value in self.settings)
        return f"{self.name}({given})" if given else self.name

    def legs(self) -> set[str]:
        return {self.name}

    def build(self, leg: MakeLeg) -> Retriever:
        return leg(self.name, BM25(**dict(self.settings)) if self.settings else None)


@dataclass(frozen=True)
class FuseOf:
    """`fuse(a, b)`."""

    parts: tuple[Composition, ...]
    method: ReciprocalRank | Weighted

    def __str__(self) -> str:
        told = [str(part) for part in self.parts]
        if isinstance(self.method, Weighted):
            told.append(f"weights=({', '.join(_plain(w) for w in self.method.weights)})")
        elif self.method != ReciprocalRank():
            told.append(f"constant={_plain(self.method.constant)}")
        return f"fuse({', '.join(told)})"

    def legs(self) -> set[str]:
        return set().union(*(part.legs() for part in self.parts))

    def build(self, leg: MakeLeg) -> Retriever:
        return fuse(*(part.build(leg) for part in self.parts), method=self.method)


@dataclass(frozen=True)
class CutAt:
    """`a % k`."""

    part: Composition
    k: int

    def __str__(self) -> str:
        return f"{self.part} % {self.k}"

    def legs(self) -> set[str]:
        return self.part.legs()

    def build(self, leg: MakeLeg) -> Retriever:
        return Cut(self.part.build(leg), self.k)


Composition: TypeAlias = LegNamed | FuseOf | CutAt


def parse(text: str) -> Composition:
    """Parse a system; it prints in one way however it was written.

    `legs()` names the legs that it needs; `build(leg)` makes the retriever, where leg(name, bm25)
    gives that of a leg.
    Raises MeasureError, with the place or the nearest name, for what the grammar lacks.
    """
    reader = _Reader(text)
    found = reader.system(0)
    if reader.here.text:
        reader.fail(f"'{reader.here.text}' is too much")
    return found


def _plain(number: float) -> str:
    return np.format_float_positional(number, trim="-")


class _Reader:
    """Goes through the tokens of one text from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokens(text, lambda told: self.fail(told))
        self._at = 0

    @property
    def here(self) -> Token:
        return self._tokens[self._at]

    def fail(self, told: str, remedy: str = f"Write it as in {FORMS}.") -> None:
        raise MeasureError(f"The system '{self.text}': {told}.", remedy)

    def take(self, wanted: str = "") -> Token:
        token = self.here
        if wanted and token.text != wanted:
            found = f"'{token.text}' stands" if token.text else "it ends"
            self.fail(f"{found} where '{wanted}' should, at character {token.start + 1}")
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def system(self, depth: int) -> Composition:
        if depth > DEEPEST:
            self.fail(f"it is nested deeper than {DEEPEST}")
        part = self.part(depth)
        while self.here.text in ("%", ">>"):
            if self.take().text == ">>":
                self.fail(
                    "rerankers cannot be named in text",
                    "Compose it in Python, and give it to everygrain.Experiment.",
                )
            k = self.number()
            if k < 1 or k != int(k):
                self.fail(f"'% {_plain(k)}' cuts at no number of results")
            part = CutAt(part, int(k))
        return part

    def part(self, depth: int) -> Composition:
        token = self.take()
        if token.text == "(":
            inner = self.system(depth + 1)
            self.take(")")
            return inner
        if token.text == "fuse":
            return self.fused(depth)
        if token.text not in SYSTEMS:
            if not token.text:
                self.fail("it ends where a system should stand")
            close = get_close_matches(token.text, [*SYSTEMS, "fuse"], 1, 0.5)
            meant = f"; perhaps '{close[0]}' is meant" if close else ""
            self.fail(f"there is no system '{token.text}'{meant}")
        settings: dict[str, float] = {}
        if self.here.text == "(":
            self.take()
            while self.here.text != ")" or not settings:
                settings |= self.bm25_setting(token.text, settings)
                if self.here.text != ")":
                    self.take(",")
            self.take(")")
            try:
                BM25(**settings)
            except QueryError as error:
                self.fail(error.problem.removesuffix("."), error.remedy)
        return LegNamed(token.text, tuple((n, settings[n]) for n in BM25_SETTINGS if n in settings))

    def bm25_setting(self, leg: str, before: Mapping[str, float]) -> dict[str, float]:
        if leg != "lexical":
            self.fail(f"'{leg}' takes no settings", "Only lexical does.")
        name = self.take().text
        if name not in BM25_SETTINGS or name in before:
            what = "is given twice" if name in before else "is no setting of lexical"
            self.fail(f"'{name}' {what}", f"There are {', '.join(BM25_SETTINGS)}.")
        self.take("=")
        return {name: self.number()}

    def fused(self, depth: int) -> FuseOf:
        self.take("(")
        parts: list[Composition] = []
        method: ReciprocalRank | Weighted = ReciprocalRank()
        while True:
            if self.here.text in ("constant", "weights"):
                method = self.method()
                break
            parts.append(self.system(depth + 1))
            if self.here.text == ")":
                break
            self.take(",")
        self.take(")")
        if len(parts) < 2:
            self.fail("there is nothing to fuse", "Name two systems or more.")
        if isinstance(method, Weighted) and len(method.weights) != len(parts):
            self.fail(f"{len(method.weights)} weights for {len(parts)} systems")
        return FuseOf(tuple(parts), method)

    def method(self) -> ReciprocalRank | Weighted:
        name = self.take().text
        self.take("=")
        if name == "constant":
            return ReciprocalRank(self.number())
        self.take("(")
        weights = [self.number()]
        while self.here.text == ",":
            self.take()
            weights.append(self.number())
        self.take(")")
        return Weighted(tuple(weights))

    def number(self) -> float:
        token = self.take()
        if not NUMBER.fullmatch(token.text):
            self.fail(f"no number stands at character {token.start + 1}")
        return float(token.text)
