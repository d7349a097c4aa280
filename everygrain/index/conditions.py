"""Conditions on documents: values that print as an expression, compile to SQL, and evaluate."""

from __future__ import annotations

import json
import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from everygrain.document import Document

Value: TypeAlias = str | int | float | bool | None
Clause: TypeAlias = tuple[str, list[object]]

KEYWORDS = frozenset(("and", "or", "not", "in", "exists", "true", "false", "null"))
OWN = {"id": "d.id", "title": "t.title"}
_MISSING = object()
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Condition(ABC):
    """What a document must be like; two conditions are equal if they print the same."""

    @abstractmethod
    def sql(self) -> Clause:
        """Return a clause for WHERE, and its parameters.

        The clause is over `documents d` (id TEXT, metadata TEXT in JSON) joined with `texts t`
        (title TEXT), is 0 or 1 and never NULL, and holds nothing that the user wrote: values and
        field names are parameters.
        """

    @abstractmethod
    def matches(self, document: Document) -> bool:
        """Tell in Python what `sql` tells in the database."""

    @abstractmethod
    def fields(self) -> set[str]:
        """Return the metadata fields that are named, as an expression writes them."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


@dataclass(frozen=True)
class Field:
    """A field of the metadata, by the names on the way to it; or the document's own id or title.

    path   one name, or several for objects in objects
    own    True for the columns `id` and `title`
    """

    path: tuple[str, ...]
    own: bool = False

    def __str__(self) -> str:
        if self.own:
            return self.path[0]
        return ".".join(_name(name, first=i == 0) for i, name in enumerate(self.path))

    def of(self, document: Document) -> Any:
        """Return the document's value, or _MISSING."""
        if self.own:
            return document.id if self.path == ("id",) else document.title
        found: Any = document.metadata
        for name in self.path:
            if not isinstance(found, Mapping) or name not in found:
                return _MISSING
            found = found[name]
        return found

    def where(self, test: str) -> Clause:
        """Return a clause: the field is there, and its row of json_each, named v, passes a test.

        Keys are compared by json_each, not by a path of json_extract: a path cannot hold a
        quotation mark, and in older SQLite misses keys that are stored with escapes.
        """
        tables = ["json_each(d.metadata) f0"]
        for i in range(1, len(self.path)):
            inner = f"CASE f{i - 1}.type WHEN 'object' THEN f{i - 1}.value ELSE '{{}}' END"
            tables.append(f"json_each({inner}) f{i}")
        last = len(self.path) - 1
        tables[last] = tables[last].removesuffix(f"f{last}") + "v"
        keys = [f"f{i}.key = ?" for i in range(last)] + ["v.key = ?", test]
        return f"EXISTS (SELECT 1 FROM {', '.join(tables)} WHERE {' AND '.join(keys)})", [
            *self.path
        ]


def _name(name: str, first: bool) -> str:
    plain = re.fullmatch(r"[^\W\d]\w*", name) and name.lower() not in KEYWORDS
    if plain and not (first and name in OWN):
        return name
    return "`" + json.dumps(name, ensure_ascii=False)[1:-1].replace("`", "\\`") + "`"


@dataclass(frozen=True, eq=False)
class Comparison(Condition):
    """A field against a value, or against several for `in` and `not in`.

    operator   =, !=, <, <=, >, >=, in, not in

    A list holds what any of its elements holds. `!=` and `not in` hold where the field is there
    and `=` and `in` do not. Values of different kinds (number, text, boolean, null) are not
    equal and have no order; whole numbers beyond 64 bits are compared as doubles.
    """

    field: Field
    operator: str
    values: tuple[Value, ...]

    def __str__(self) -> str:
        told = [json.dumps(value, ensure_ascii=False) for value in self.values]
        right = f"({', '.join(told)})" if self.operator.endswith("in") else told[0]
        return f"{self.field} {self.operator} {right}"

    def fields(self) -> set[str]:
        return set() if self.field.own else {str(self.field)}

    @property
    def _negative(self) -> bool:
        return self.operator in ("!=", "not in")

    def sql(self) -> Clause:
        if self.field.own:
            parts, parameters = self._tests(OWN[self.field.path[0]], own=True)
            test = f"({' OR '.join(parts) or '0'})"
            return (f"NOT {test}" if self._negative else test), parameters
        parts, once = self._tests("v.value")
        inner, _ = self._tests("e.value")
        # the CASE keeps json_each from being given what is not JSON, whatever the planner does
        elements = "json_each(CASE v.type WHEN 'array' THEN v.value ELSE '[]' END) e"
        test = (
            f"({' OR '.join(parts)} OR v.type = 'array' AND "
            f"EXISTS (SELECT 1 FROM {elements} WHERE {' OR '.join(inner)}))"
        )
        clause, path = self.field.where(f"NOT {test}" if self._negative else test)
        return clause, [*path, *once, *once]

    def _tests(self, column: str, own: bool = False) -> tuple[list[str], list[object]]:
        """Return the tests, one for each kind among the values, any of which may hold."""
        kind = column.replace(".value", ".type")
        texts = [value for value in self.values if isinstance(value, str)]
        parts: list[str] = []
        parameters: list[object] = []
        if texts:
            guard = "" if own else f"{kind} = 'text' AND "
            parts.append(f"{guard}{column} {self._against(texts, '?')}")
            parameters.append(texts[0] if len(texts) == 1 else json.dumps(texts))
        if own:
            return parts, parameters
        numbers = [v for v in self.values if isinstance(v, int | float) and not isinstance(v, bool)]
        if numbers:
            # read by SQLite's own reader, as the document's numbers are: it may round another way
            against = self._against(numbers, "json_extract(?, '$')")
            parts.append(f"{kind} IN ('integer', 'real') AND {column} {against}")
            parameters.append(json.dumps(numbers[0] if len(numbers) == 1 else numbers))
        for value, word in ((True, "true"), (False, "false"), (None, "null")):
            if any(each is value for each in self.values):
                parts.append(f"{kind} = '{word}'")
        return parts, parameters

    def _against(self, values: Sequence[Value], single: str) -> str:
        if len(values) > 1:
            return "IN (SELECT value FROM json_each(?))"
        return f"{self.operator if self.operator in _ORDERS else '='} {single}"

    def matches(self, document: Document) -> bool:
        found = self.field.of(document)
        if found is _MISSING:
            return False
        candidates = found if isinstance(found, list | tuple) else (found,)
        holds = any(self._holds(each, value) for each in candidates for value in self.values)
        return holds != self._negative

    def _holds(self, found: Any, value: Value) -> bool:
        kind, left = _comparable(found)
        wanted, right = _comparable(value)
        if kind != wanted:
            return False
        order = _ORDERS.get(self.operator)
        return bool(order(left, right) if order else left == right)


def _comparable(value: Any) -> tuple[str, Any]:
    """Return a value's kind, and what to compare within the kind."""
    if isinstance(value, str):
        return "text", value
    if value is None or isinstance(value, bool):
        return "constant", str(value)
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return "number", value
        try:
            return "number", float(value)
        except OverflowError:
            return "number", float("inf") if value > 0 else float("-inf")
    return ("number", value) if isinstance(value, float) else ("other", _MISSING)


@dataclass(frozen=True, eq=False)
class Exists(Condition):
    """The field is there, be it null."""

    field: Field

    def __str__(self) -> str:
        return f"exists {self.field}"

    def fields(self) -> set[str]:
        return set() if self.field.own else {str(self.field)}

    def sql(self) -> Clause:
        return ("1", []) if self.field.own else self.field.where("1")

    def matches(self, document: Document) -> bool:
        return self.field.of(document) is not _MISSING


@dataclass(frozen=True, eq=False)
class Not(Condition):
    """The part does not hold."""

    part: Condition

    def __str__(self) -> str:
        return f"not ({self.part})" if isinstance(self.part, And | Or) else f"not {self.part}"

    def fields(self) -> set[str]:
        return self.part.fields()

    def sql(self) -> Clause:
        clause, parameters = self.part.sql()
        return f"NOT {clause}", parameters

    def matches(self, document: Document) -> bool:
        return not self.part.matches(document)


@dataclass(frozen=True, eq=False)
class And(Condition):
    """Every part holds."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " and ".join(f"({p})" if isinstance(p, Or) else str(p) for p in self.parts)

    def fields(self) -> set[str]:
        return set().union(*(part.fields() for part in self.parts))

    def sql(self) -> Clause:
        return _joined(" AND ", self.parts)

    def matches(self, document: Document) -> bool:
        return all(part.matches(document) for part in self.parts)


@dataclass(frozen=True, eq=False)
class Or(Condition):
    """Some part holds."""

    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return " or ".join(str(part) for part in self.parts)

    def fields(self) -> set[str]:
        return set().union(*(part.fields() for part in self.parts))

    def sql(self) -> Clause:
        return _joined(" OR ", self.parts)

    def matches(self, document: Document) -> bool:
        return any(part.matches(document) for part in self.parts)


def _joined(word: str, parts: Sequence[Condition]) -> Clause:
    # the longest first: SQLite's parser then has little to remember while it goes down into it
    clauses = sorted((part.sql() for part in parts), key=lambda clause: -len(clause[0]))
    return f"({word.join(clause for clause, _ in clauses)})", [
        parameter for _, parameters in clauses for parameter in parameters
    ]
