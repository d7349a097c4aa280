"""The language of `--where`: expressions on metadata, read into conditions.

    year >= 2020 and venue = "ACL"
    keywords in ("graph", 'tree') and not author.name = "Ada"
    exists doi or `publication year` != null

`=` or `==`, `!=`, `<`, `<=`, `>`, `>=`, `in (...)`, `not in (...)`, `exists`, `not`, `and`, `or`,
parentheses. Dots lead into objects. A name that is no identifier stands in backquotes; `id` and
`title` without them are the document's own. Keywords may be upper case.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from everygrain.errors import QueryError
from everygrain.index.conditions import (
    KEYWORDS,
    OWN,
    And,
    Comparison,
    Condition,
    Exists,
    Field,
    Not,
    Or,
    Value,
)

__all__ = ["Condition", "parse"]

DEEPEST = 20  # SQLite's parser holds 100 symbols at a time
MOST_COMPARISONS = 500  # SQLite's expressions are at most 1,000 deep, and `or` adds a level each
MOST_NAMES = 10  # a join has at most 64 tables
_EXAMPLE = 'An example: year >= 2020 and venue = "ACL".'

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |   (?P<quoted>`(?:[^`\\]|\\.)*`)
    |   (?P<number>[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![\w.]))
    |   (?P<word>[^\W\d]\w*)
    |   (?P<sign><=|>=|!=|==|[=<>(),.])
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"} | {c: c for c in "\\/\"'`"}
_COMPARISONS = {"=": "=", "==": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CONSTANTS: dict[str, Value] = {"true": True, "false": False, "null": None}


def parse(expression: str) -> Condition:
    """Read an expression.

    Raises QueryError, which says where it stops making sense and what was expected there.
    """
    if not isinstance(expression, str):
        raise QueryError(f"The filter is {expression!r:.80}, not a text.", "Write 'year >= 2020'.")
    tokens = _tokens(expression)
    reader = _Reader(expression, tokens)
    condition = reader.either()
    if reader.token.kind != "end":
        raise reader.expected("`and`, `or` or the end")
    return condition


@dataclass(frozen=True)
class _Token:
    """kind is text, quoted, number, word, keyword, sign or end; `content` without quotes."""

    kind: str
    content: str
    position: int


def _error(expression: str, position: int, what: str, remedy: str = "") -> QueryError:
    shown = expression
    if len(expression) > 80:
        shown = f"...{expression[max(position - 30, 0) : position + 40]}..."
    return QueryError(
        f"The filter {shown!r} makes no sense at character {position + 1}: {what}.",
        f"{remedy} {_EXAMPLE}".strip(),
    )


def _tokens(expression: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while True:
        position = _SPACE.match(expression, position).end()  # type: ignore[union-attr]
        if position == len(expression):
            return [*tokens, _Token("end", "", position)]
        match = _TOKEN.match(expression, position)
        if match is None:
            raise _unreadable(expression, position)
        kind, content = str(match.lastgroup), match.group()
        if kind in ("text", "quoted"):
            content = _unescaped(expression, position, content[1:-1])
        elif kind == "word" and content.lower() in KEYWORDS:
            kind = "keyword"
        tokens.append(_Token(kind, content, position))
        position = match.end()


def _unreadable(expression: str, position: int) -> QueryError:
    character = expression[position]
    if character in "\"'`":
        return _error(expression, position, f"the {character} has no end", f"Add a {character}.")
    if character.isdigit():
        return _error(expression, position, "expected a number", "Put text in quotes.")
    return _error(
        expression,
        position,
        f"{character!r} means nothing here",
        "Put text in quotes, and names with unusual characters in backquotes.",
    )


def _unescaped(expression: str, position: int, content: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            at = position + 1 + match.start()
            what = f"the escape {match[0]!r} means nothing"
            raise _error(expression, at, what, "Write a backslash as two.")
        return _ESCAPES[code]

    text = _ESCAPE.sub(replaced, content)
    try:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        what = "NUL and lone surrogates occur in no text"
        raise _error(expression, position, what, "Leave the character out.")
    return text


class _Reader:
    """Reads tokens from left to right; one method for each level of precedence."""

    def __init__(self, expression: str, tokens: list[_Token]) -> None:
        self.expression = expression
        self.tokens = tokens
        self.place = 0
        self.depth = 0
        self.comparisons = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def expected(self, what: str, remedy: str = "") -> QueryError:
        token = self.token
        found = "the end" if token.kind == "end" else json.dumps(token.content, ensure_ascii=False)
        told = f"expected {what}, found {found}"
        return _error(self.expression, token.position, told, remedy)

    def take(self, *contents: str) -> str | None:
        """Pass a keyword or sign if it is one of these, and return it in lower case."""
        token = self.token
        if token.kind in ("keyword", "sign") and token.content.lower() in contents:
            self.place += 1
            return token.content.lower()
        return None

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            what = f"parentheses and `not` are nested more than {DEEPEST} deep"
            raise _error(
                self.expression, self.token.position, what, "Leave out what is not needed."
            )

    def either(self) -> Condition:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        # what stands in parentheses for nothing is merged, so that it prints one way
        flat = [p for part in parts for p in (part.parts if isinstance(part, Or) else (part,))]
        return Or(tuple(flat)) if len(flat) > 1 else flat[0]

    def both(self) -> Condition:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        flat = [p for part in parts for p in (part.parts if isinstance(part, And) else (part,))]
        return And(tuple(flat)) if len(flat) > 1 else flat[0]

    def one(self) -> Condition:
        if self.take("not"):
            self.deeper()
            condition: Condition = Not(self.one())
        elif self.take("("):
            self.deeper()
            condition = self.either()
            if not self.take(")"):
                raise self.expected("`)`, `and` or `or`")
        else:
            return self.comparison()
        self.depth -= 1
        return condition

    def comparison(self) -> Condition:
        self.comparisons += 1
        if self.comparisons > MOST_COMPARISONS:
            what = f"there are more than {MOST_COMPARISONS} comparisons"
            remedy = "Write those on one field as `field in (...)`, which may be of any length."
            raise _error(self.expression, self.token.position, what, remedy)
        if self.take("exists"):
            return Exists(self.field())
        field = self.field()
        if sign := self.take(*_COMPARISONS):
            position = self.token.position
            value = self.value()
            operator = _COMPARISONS[sign]
            if operator[0] in "<>" and (value is None or isinstance(value, bool)):
                what = f"{json.dumps(value)} has no order"
                raise _error(self.expression, position, what, "Compare it by = or !=.")
            return Comparison(field, operator, (value,))
        negative = self.take("not")
        if self.take("in"):
            return Comparison(field, "not in" if negative else "in", self.values())
        wanted = "`in`" if negative else "=, !=, <, <=, >, >=, `in` or `not in`"
        raise self.expected(wanted, "Put names with spaces or hyphens in backquotes.")

    def field(self) -> Field:
        first = self.token
        path = [self.name()]
        while self.take("."):
            path.append(self.name(after_dot=True))
        own = first.kind == "word" and first.content in OWN
        if own and len(path) > 1:
            what = f"`{first.content}` is the document's own and has no fields"
            remedy = "Put the name in backquotes for a field of the metadata."
            raise _error(self.expression, first.position, what, remedy)
        if len(path) > MOST_NAMES:
            what = f"the path has more than {MOST_NAMES} names"
            raise _error(self.expression, first.position, what, "Compare a field nearer the top.")
        return Field(tuple(path), own)

    def name(self, after_dot: bool = False) -> str:
        token = self.token
        if token.kind in ("word", "quoted") or (after_dot and token.kind == "keyword"):
            self.place += 1
            return token.content
        remedy = "A field stands on the left, a value on the right; names in backquotes if unusual."
        raise self.expected("a field's name", remedy)

    def values(self) -> tuple[Value, ...]:
        if not self.take("("):
            raise self.expected("`(`", 'Write `in` as in: venue in ("ACL", "EMNLP").')
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        if not self.take(")"):
            raise self.expected("`,` or `)`")
        return tuple(values)

    def value(self) -> Value:
        token = self.token
        constant = token.content.lower()
        if token.kind == "keyword" and constant in _CONSTANTS:
            self.place += 1
            return _CONSTANTS[constant]
        if token.kind == "text":
            self.place += 1
            return token.content
        if token.kind != "number":
            raise self.expected("a value", "Put text in quotes.")
        if not math.isfinite(float(token.content)):
            what = "the number is larger than any that is stored"
            raise _error(self.expression, token.position, what, "Give a smaller one.")
        self.place += 1
        whole = token.content.lstrip("+-").isdigit() and len(token.content) < 1000
        return int(token.content) if whole else float(token.content)
