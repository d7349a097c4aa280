"""Fields of records from outside: of the kind that is wanted, or empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from everygrain.errors import InputError
from everygrain_papers.sources.markup import one_line

Record = Mapping[str, Any]


def text(record: Record, name: str) -> str:
    """Return a field as text, "" where it is missing. Raises InputError for another kind."""
    value = record.get(name)
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise InputError(f"The field '{name}' is {type(value).__name__}, no text.", "Mend it.")
    return value


def map_of(record: Record, name: str) -> Record:
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def list_of(record: Record, name: str) -> list[Any]:
    value = record.get(name)
    return value if isinstance(value, list) else []


def first_of(record: Record, name: str) -> str:
    value = record.get(name)
    if isinstance(value, str):
        return value
    return next((each for each in list_of(record, name) if isinstance(each, str)), "")


def names_of(values: Iterable[Any], name: str) -> list[str]:
    """Return the names of objects, or texts as they are."""
    named = (v.get(name) if isinstance(v, Mapping) else v for v in values)
    return [one_line(each) for each in named if isinstance(each, str) and each.strip()]


def are_texts(value: Any, count: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= count
        and all(isinstance(each, str) for each in value[:count])
    )


def count_of(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def kept(record: Record, *names: str) -> dict[str, Any]:
    return {name: record[name] for name in names if record.get(name) not in (None, "", False)}
