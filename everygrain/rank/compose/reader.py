"""The text of a composition -> its value; see `everygrain.rank.compose` for the grammar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches

from everygrain.errors import QueryError
from everygrain.rank.compose.forms import AROUND, STAGES, Form
from everygrain.rank.compose.learned import Fitted, Sinkhorn
from everygrain.rank.compose.parts import (
    METHODS,
    Around,
    Composition,
    CutAt,
    FuseOf,
    LegNamed,
    Method,
    Settings,
    Then,
    Value,
    written,
)
from everygrain.rank.compose.tokens import NUMBER, QUOTED, WORD, Token, tokens
from everygrain.rank.fuse import ReciprocalRank, Weighted
from everygrain.rank.legs import SYSTEMS
from everygrain.rank.lexical import BM25

DEEPEST = 20
MOST_PARTS = 500
HOW = ("constant", "method", "weights")
ASKING = {"pairwise", "listwise", "setwise", "reasoned", "rewritten"}
BM25_SETTINGS = tuple(each.name for each in fields(BM25))
FORMS = (
    f"{', '.join(SYSTEMS)}, lexical(k1=0.9, b=0.4), fuse(lexical, dense), hybrid % 50 and "
    "hybrid % 100 >> late % 20"
)


class CompositionError(QueryError):
    """A composition cannot be read.

    text   the composition
    at     the character at fault, counted from 0
    """

    def __init__(self, problem: str, remedy: str, text: str = "", at: int = 0) -> None:
        super().__init__(problem, remedy)
        self.text = text
        self.at = at

    def __reduce__(self) -> tuple[type[CompositionError], tuple[str, str, str, int]]:  # type: ignore[override]
        return type(self), (self.problem, self.remedy, self.text, self.at)

    def pointer(self, width: int = 76) -> str:
        """Return two lines: the composition about the place, and a mark below the place."""
        first = max(0, min(self.at - width // 2, len(self.text) - width))
        shown = "".join(c if c.isprintable() else " " for c in self.text[first : first + width])
        return f"{shown}\n{' ' * (self.at - first)}^"


def parse(text: str, defined: Mapping[str, str] | None = None) -> Composition:
    """Read a composition; it prints in one way however it was written.

    defined   name -> composition, for names that the text may use as systems

    `legs()` names the legs that it needs, `stages()` its stages, `build(parts)` makes the
    retriever. Raises CompositionError, with the character at fault and the nearest name, for what
    the grammar lacks, and for a system that is made of itself.
    """
    return _Reader(text, defined or {}, (), [MOST_PARTS]).whole()


def _is_dense(part: Composition) -> bool:
    while isinstance(part, CutAt):
        part = part.part
    return isinstance(part, LegNamed) and part.name == "dense"


class _Reader:
    """Goes through the tokens of one text from left to right.

    within   the names whose definitions led here
    left     how many parts may still be read, in one place for the text and all definitions
    """

    def __init__(
        self, text: str, defined: Mapping[str, str], within: tuple[str, ...], left: list[int]
    ) -> None:
        self.text = text
        self.defined = defined
        self.within = within
        self.left = left
        self._at = 0
        self._tokens = [Token("", 0)]
        self._tokens = tokens(text, lambda told, at: self.fail(told, at=at))

    @property
    def here(self) -> Token:
        return self._tokens[self._at]

    def fail(
        self, told: str, remedy: str = f"Write it as in {FORMS}.", at: int | None = None
    ) -> None:
        place = self.here.start if at is None else at
        raise CompositionError(
            f"The system '{self.text}', at character {place + 1}: {told}.",
            remedy,
            self.text,
            place,
        )

    def take(self, wanted: str = "") -> Token:
        token = self.here
        if wanted and token.text != wanted:
            found = f"'{token.text}' stands" if token.text else "it ends"
            self.fail(f"{found} where '{wanted}' should")
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def whole(self) -> Composition:
        found = self.system(0)
        if self.here.text:
            self.fail(f"'{self.here.text}' is too much")
        return found

    def system(self, depth: int) -> Composition:
        if depth > DEEPEST:
            self.fail(f"it is nested deeper than {DEEPEST}")
        part = self.part(depth)
        while self.here.text in ("%", ">>"):
            if self.take().text == ">>":
                part = self.stage(part)
                continue
            place = self.here
            k = self.number()
            if k < 1 or k != int(k):
                self.fail(f"'% {written(k)}' cuts at no number of results", at=place.start)
            part = CutAt(part, int(k))
        return part

    def part(self, depth: int) -> Composition:
        self.left[0] -= 1
        if self.left[0] < 0:
            self.fail(f"it has more than {MOST_PARTS} parts")
        token = self.take()
        if token.text == "(":
            inner = self.system(depth + 1)
            self.take(")")
            return inner
        if token.text == "fuse":
            return self.fused(depth)
        if token.text in AROUND:
            return self.around(token, depth)
        if token.text in SYSTEMS:
            return LegNamed(token.text, self.bm25(token.text))
        if token.text in self.defined:
            return self.definition(token)
        if not token.text:
            self.fail("it ends where a system should stand", at=token.start)
        if token.text in (")", ",", "%", ">>", "="):
            self.fail(f"'{token.text}' stands where a system should", at=token.start)
        if token.text in STAGES:
            self.fail(
                f"'{token.text}' reranks what a system found",
                f"Write it behind one: hybrid >> {token.text}.",
                at=token.start,
            )
        self.unknown(token, "system", [*SYSTEMS, "fuse", *AROUND, *self.defined])
        raise AssertionError  # unknown has raised

    def unknown(self, token: Token, what: str, names: list[str]) -> None:
        close = get_close_matches(token.text, names, 1, 0.5)
        meant = f"; perhaps '{close[0]}' is meant" if close else ""
        self.fail(f"there is no {what} '{token.text}'{meant}", at=token.start)

    def definition(self, token: Token) -> Composition:
        if token.text in self.within:
            chain = " -> ".join([*self.within[self.within.index(token.text) :], token.text])
            self.fail(
                f"the system is made of itself: {chain}",
                "Write one of these without the other.",
                at=token.start,
            )
        within = (*self.within, token.text)
        if len(within) > DEEPEST:
            self.fail(f"names stand for names more than {DEEPEST} deep", at=token.start)
        return _Reader(self.defined[token.text], self.defined, within, self.left).whole()

    def bm25(self, leg: str) -> tuple[tuple[str, float], ...]:
        settings: dict[str, float] = {}
        if self.here.text != "(":
            return ()
        place = self.take()
        if leg != "lexical":
            self.fail(f"'{leg}' takes no settings", "Only lexical does.")
        self.check_told(leg, BM25_SETTINGS)
        while self.here.text != ")" or not settings:
            token = self.here
            self.setting_name(leg, BM25_SETTINGS, settings)
            settings[token.text] = self.number()
            if self.here.text != ")":
                self.take(",")
        self.take(")")
        try:
            BM25(**settings)
        except QueryError as error:
            self.fail(error.problem.removesuffix("."), error.remedy, at=place.start)
        return tuple((name, settings[name]) for name in BM25_SETTINGS if name in settings)

    def setting_name(self, of: str, names: tuple[str, ...], before: Mapping[str, Value]) -> str:
        token = self.take()
        if token.text in (")", ""):
            self.fail(
                f"'{token.text}' stands where a setting should" if token.text
                else "it ends where a setting should stand",
                f"Leave the comma out, or set {', '.join(names)}.",
                at=token.start,
            )  # fmt: skip
        if token.text not in names or token.text in before:
            what = "is given twice" if token.text in before else f"is no setting of {of}"
            there = f"There are {', '.join(names)}." if names else f"'{of}' takes none."
            self.fail(f"'{token.text}' {what}", there, at=token.start)
        self.take("=")
        return token.text

    def check_told(self, of: str, names: tuple[str, ...], needed: tuple[str, ...] = ()) -> None:
        """Refuse parentheses with nothing in them."""
        if self.here.text == ")":
            first = needed[0] if needed else names[0] if names else ""
            form = f"{of}({first}=...)" if first else of
            self.fail(
                "nothing stands in the parentheses",
                f"Write {form}." if needed or not first else f"Write {of}, or {form}.",
            )

    def settings(self, name: str, form: Form) -> Settings:
        """Read settings up to the closing parenthesis, and put them in the order of the form."""
        found: dict[str, Value] = {}
        while self.here.text != ")" or not found:
            key = self.setting_name(name, tuple(form.settings), found)
            found[key] = self.value(key, form.settings[key])
            if self.here.text != ")":
                self.take(",")
        return tuple((key, found[key]) for key in form.settings if key in found)

    def check_needed(self, token: Token, form: Form, settings: Settings) -> None:
        missing = [key for key in form.needed if key not in dict(settings)]
        if missing:
            self.fail(
                f"'{token.text}' needs {missing[0]}",
                f"Write {token.text}({missing[0]}=...).",
                at=token.start,
            )

    def value(self, key: str, kind: type) -> Value:
        if kind in (float, int):
            place, number = self.here, self.number()
            if kind is int and number != int(number):
                self.fail(f"'{key}' is a whole number", at=place.start)
            return int(number) if kind is int else number
        token = self.take()
        if kind is bool:
            if token.text not in ("true", "false"):
                self.fail(f"'{key}' is either true or false", at=token.start)
            return token.text == "true"
        if QUOTED.fullmatch(token.text):
            return token.text[1:-1]
        if not WORD.fullmatch(token.text):
            self.fail(f"no text stands after '{key}='", at=token.start)
        return token.text

    def stage(self, part: Composition) -> Then:
        token = self.take()
        if token.text not in STAGES:
            if not token.text:
                self.fail("it ends where a stage should stand", at=token.start)
            self.unknown(token, "stage", list(STAGES))
        settings: Settings = ()
        if self.here.text == "(":
            self.take()
            form = STAGES[token.text]
            self.check_told(token.text, tuple(form.settings), form.needed)
            settings = self.settings(token.text, form)
            self.take(")")
        self.check_needed(token, STAGES[token.text], settings)
        if STAGES[token.text].of_dense and not _is_dense(part):
            self.fail(
                f"'{token.text}' reads scores of the dense leg alone",
                f"Write dense % 100 >> {token.text}.",
                at=token.start,
            )
        return Then(part, token.text, settings)

    def around(self, token: Token, depth: int) -> Around:
        self.take("(")
        part = self.system(depth + 1)
        settings: Settings = ()
        if self.here.text == ",":
            self.take()
            settings = self.settings(token.text, AROUND[token.text])
        self.take(")")
        self.check_needed(token, AROUND[token.text], settings)
        return Around(token.text, part, settings)

    def fused(self, depth: int) -> FuseOf:
        place = self.take("(")
        parts: list[Composition] = []
        if self.here.text == ")":
            self.fail("there is nothing to fuse", "Name two systems or more.", at=place.start)
        while self.here.text not in HOW:
            parts.append(self.system(depth + 1))
            if self.here.text == ")":
                break
            self.take(",")
        how = self.how(len(parts), place)
        if isinstance(how, Sinkhorn | Fitted) and ASKING & {s for p in parts for s in p.stages()}:
            self.fail(
                "a language model would be asked about every query that this method learns from",
                "Fuse with method=min_max.",
                at=place.start,
            )
        self.take(")")
        if len(parts) < 2:
            self.fail("there is nothing to fuse", "Name two systems or more.", at=place.start)
        return FuseOf(tuple(parts), how)

    def how(self, systems: int, place: Token) -> Method:
        """Read what stands behind the systems of `fuse`: a constant, or a method and weights."""
        constant: float | None = None
        method, weights = "", tuple[float, ...]()
        told: set[str] = set()
        while self.here.text in HOW:
            name = self.here.text
            if name in told:
                self.fail(f"'{name}' is given twice")
            told.add(name)
            self.take()
            self.take("=")
            if name == "constant":
                constant = self.number()
            elif name == "weights":
                weights = self.numbers()
            else:
                token = self.take()
                if token.text not in METHODS:
                    self.unknown(token, "method of fusing", list(METHODS))
                method = token.text
            if self.here.text != ")":
                self.take(",")
        if weights and not any(weights):
            self.fail("weights of zero alone leave nothing", at=place.start)
        if weights and len(weights) != systems:
            self.fail(f"{len(weights)} weights for {systems} systems", at=place.start)
        if constant is not None:
            if method or weights:
                both = "a constant is for reciprocal ranks, which take no method and no weights"
                self.fail(both, "Leave the constant or the rest out.", at=place.start)
            return ReciprocalRank(constant)
        if method == "fitted" and weights:
            learned = "fitted weights are those that the index learned"
            self.fail(learned, "Leave the weights or the method out.", at=place.start)
        if method:
            return METHODS[method](weights)
        return Weighted(weights) if weights else ReciprocalRank()

    def numbers(self) -> tuple[float, ...]:
        self.take("(")
        found = [self.number()]
        while self.here.text == ",":
            self.take()
            found.append(self.number())
        self.take(")")
        return tuple(found)

    def number(self) -> float:
        token = self.take()
        if not NUMBER.fullmatch(token.text):
            self.fail("no number stands here", at=token.start)
        return float(token.text)
