"""Which documents of a generation a filter lets through: an expression, ids, or both."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from everygrain.errors import QueryError
from everygrain.index.catalogue import Catalogue
from everygrain.index.filters import parse
from everygrain.index.snapshot import Snapshot

MOST = 16  # masks of one generation that are kept; the one not asked for the longest goes first
_WRITTEN = 10  # ids that are written out where a filter is printed

Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class Among:
    """Some documents by their ids; of these, those that an expression holds for, if there is one.

    An id that is not in the index is passed over, as `Index.fetch` does.
    """

    ids: frozenset[str]
    where: str | None = None

    def __repr__(self) -> str:
        told = sorted(self.ids)
        written = f"{{{', '.join(map(repr, told))}}}"
        if len(told) > _WRITTEN:
            whole = hashlib.blake2b(repr(told).encode("utf-8", "replace"), digest_size=6)
            written = f"<{len(told):,} ids, {whole.hexdigest()}>"
        return f"ids={written}" + (f", where={self.where!r}" if self.where is not None else "")


Filter: TypeAlias = str | Among


def among(ids: Iterable[str] | None, where: str | None) -> Filter | None:
    """Return a filter by ids, by an expression, or by both; None without either.

    Raises QueryError for what is no collection of ids.
    """
    if ids is None:
        return where
    if isinstance(ids, str):
        raise QueryError(f"'{ids}' is one id, not a set of ids.", f"Write ids={{{ids!r}}}.")
    try:
        chosen = frozenset(ids)
        strange = next((kind for kind in set(map(type, chosen)) if not issubclass(kind, str)), None)
    except TypeError:
        strange = type(ids)
    if strange is not None:
        raise QueryError(
            f"ids is, or holds, a value of type {strange.__name__}.",
            'Give a set of texts: ids={"a", "b"}.',
        )
    return Among(chosen, where)


class Masks:
    """The masks of one generation; those of the last few filters are kept."""

    def __init__(self, catalogue: Catalogue, snapshot: Snapshot) -> None:
        self._catalogue = catalogue
        self._snapshot = snapshot
        self._kept: OrderedDict[str | frozenset[str], Mask] = OrderedDict()

    def of(self, filter: Filter | None) -> Mask | None:
        """Return (snapshot.size,) which documents a filter lets through; None without a filter.

        Raises QueryError for a broken expression or a field that no document has.
        """
        if filter is None:
            return None
        if not isinstance(filter, Among):
            return self._holding(filter)
        if filter.ids not in self._kept:
            self._keep(filter.ids, self._snapshot.having(filter.ids))
        self._kept.move_to_end(filter.ids)
        mask = self._kept[filter.ids]
        return mask if filter.where is None else mask & self._holding(filter.where)

    def _holding(self, expression: str) -> Mask:
        condition = parse(expression)
        key = str(condition)
        if key not in self._kept:
            for name in sorted(condition.fields()):
                if self._snapshot.count and not self._catalogue.any_matching(
                    parse(f"exists {name}")
                ):
                    raise QueryError(
                        f"No document has the field '{name}'.",
                        "See the fields with `everygrain info INDEX`.",
                    )
            mask = np.zeros(self._snapshot.size, dtype=bool)
            for _, segment, place in self._catalogue.matching(condition):
                number = self._snapshot.number_at(segment, place)
                if number is not None:
                    mask[number] = True
            self._keep(key, mask)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _keep(self, key: str | frozenset[str], mask: Mask) -> None:
        self._kept[key] = mask
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
