"""A record of named fields -> a Document: which field is the id, the title, the text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

from everygrain.document import Document
from everygrain.errors import InputError

ID_FIELDS = ("_id", "id", "docid", "doc_id", "docno")
TEXT_FIELDS = ("text", "abstract", "contents", "content", "body")
KNOWN_FIELDS = frozenset((*ID_FIELDS, *TEXT_FIELDS, "title", "metadata"))


_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")


def typed(cell: str) -> str | int | float:
    """Return a cell as the number that it writes in the usual way; "007" and "1e5" stay text.

    A filter such as `year >= 2020` compares numbers with numbers.
    """
    if not _NUMBER.fullmatch(cell):
        return cell
    return float(cell) if "." in cell else int(cell)


def document_of(record: dict[str, Any], *, text_needed: bool = True) -> Document:
    """Make a Document of a record, which is used up.

    The first id field and the first text field that are not null count, in the order of
    ID_FIELDS and TEXT_FIELDS. `metadata` is taken over, and every other field is added to it; a
    field that is in both keeps the value that stands in `metadata`. A whole number is an id.
    A record without text but with a title is a Document with empty text; so is one without
    either, if no text is needed.
    Raises InputError, naming the field, for a missing id or text and for a wrong type.
    """
    identifier = _first(record, ID_FIELDS)
    if identifier is None:
        raise InputError(
            "The record has no id.", f"Name it in one of the fields {', '.join(ID_FIELDS)}."
        )
    if type(identifier) is int:
        identifier = str(identifier)
    text = _first(record, TEXT_FIELDS)
    title = record.pop("title", None)
    if text is None:
        if title is None and text_needed:
            raise InputError(
                "The record has no text.", f"Name it in one of the fields {', '.join(TEXT_FIELDS)}."
            )
        text = ""
    metadata = record.pop("metadata", None)
    if metadata is not None:
        if not isinstance(metadata, dict):
            raise InputError(
                f"The field 'metadata' is {type(metadata).__name__}, not an object.",
                'Give metadata as {"field": value, ...}.',
            )
        record = {**record, **metadata}
    return Document(identifier, text, "" if title is None else title, record)


def parse_json(text: str) -> Any:
    """Parse one JSON value. Raises InputError for what JSON does not allow, NaN included."""
    return _explained(lambda: DECODER.decode(text))


def parse_json_at(text: str, place: int) -> tuple[Any, int]:
    """Parse the JSON value that starts at `place`: the value, and where it ends."""
    value, end = _explained(lambda: DECODER.raw_decode(text, place))
    return value, end


def refuse_surrogates(value: Any) -> None:
    """Raise InputError if a string anywhere in a JSON value holds a lone surrogate."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(
            "The metadata hold a lone surrogate, which no UTF-8 file can hold.",
            "Mend the escape \\ud800...\\udfff that has no partner.",
        ) from None


def _first(record: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        value = record.pop(name, None)
        if value is not None:
            return value
    return None


def _explained(parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except json.JSONDecodeError as error:
        raise InputError(
            f"Not JSON: {error.msg} (line {error.lineno}, column {error.colno}).",
            "Mend or remove the record.",
        ) from None
    except RecursionError:
        raise InputError("The JSON is nested too deeply.", "Flatten the record.") from None
    except ValueError as error:
        raise InputError(f"Not JSON: {error}.", "Mend or remove the record.") from None


def _refuse_constant(name: str) -> NoReturn:
    raise InputError(f"{name} is not JSON.", "Use null, or leave the field out.")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InputError(f"The number {digits[:40]} is too large.", "Give it as a string.")
    return number


DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
