"""The sources by name, and reading one as it is written: `cloze(seed=1)`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from inspect import signature
from typing import Any

from everygrain.errors import QueryError
from everygrain.learn.pairs.attributes import Attributes
from everygrain.learn.pairs.base import PairSource
from everygrain.learn.pairs.body_first import BodyFirst
from everygrain.learn.pairs.cloze import Cloze
from everygrain.learn.pairs.cocitation import Cocitation
from everygrain.learn.pairs.definitions import Definitions
from everygrain.learn.pairs.duplicates import DuplicateTitles
from everygrain.learn.pairs.glosses import Glosses, Synonyms
from everygrain.learn.pairs.itself import Itself
from everygrain.learn.pairs.links import Links
from everygrain.learn.pairs.title import Title
from everygrain.learn.pairs.words import RepresentativeWords

SOURCES: dict[str, Callable[..., PairSource]] = {
    each.kind: each
    for each in (
        Title, Cloze, BodyFirst, Links, Cocitation, Attributes, RepresentativeWords, Itself,
        Definitions, Synonyms, Glosses, DuplicateTitles,
    )
}  # fmt: skip


def parse_source(written: str) -> PairSource:
    """Return the source that a text names, with its settings: "cloze", "cloze(seed=1)".

    Raises QueryError for an unknown name or setting, naming those that there are, and for what is
    not written so; InputError for a value out of range.
    """
    try:
        read = ast.parse(written.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _unreadable(written) from None
    name, settings = read, dict[str, Any]()
    if isinstance(read, ast.Call):
        name = read.func
        if read.args or any(each.arg is None for each in read.keywords):
            raise _unreadable(written)
        try:
            settings = {str(each.arg): ast.literal_eval(each.value) for each in read.keywords}
        except (ValueError, TypeError, RecursionError, MemoryError):
            raise _unreadable(written) from None
    if not isinstance(name, ast.Name):
        raise _unreadable(written)
    make = SOURCES.get(name.id)
    if make is None:
        raise QueryError(
            f"There is no source of pairs '{name.id}'.", f"Use one of {', '.join(SOURCES)}."
        )
    known = signature(make).parameters
    for each, value in settings.items():
        if each not in known:
            raise QueryError(
                f"The source '{name.id}' has no setting '{each}'.", f"It has {', '.join(known)}."
            )
        wanted = type(known[each].default)
        if type(value) is not wanted and (type(value), wanted) != (int, float):
            raise QueryError(
                f"The source '{name.id}' has {each} = {value!r}.",
                f"Give it as {wanted.__name__}, such as {known[each].default!r}.",
            )
    return make(**settings)


def _unreadable(written: str) -> QueryError:
    return QueryError(
        f"'{written[:80]}' names no source of pairs.",
        f"Write a name, with settings if need be: cloze(seed=1). Names: {', '.join(SOURCES)}.",
    )
