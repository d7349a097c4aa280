"""Methods of compression by what they print as, and by how many bytes a vector may take."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from everygrain.errors import InputError
from everygrain.index.compress.base import Method
from everygrain.index.compress.binary import Binary
from everygrain.index.compress.float16 import Float16
from everygrain.index.compress.hashing import Hashed
from everygrain.index.compress.low_rank import LowRank
from everygrain.index.compress.product import Product
from everygrain.index.compress.scalar import Int4, Int8

WRITTEN = (
    "float16, int8, int4, low_rank(RANK, float16 or int8), product(PARTS), product(PARTS, STAGES), "
    "hashed(WIDTH), binary(BITS), binary(BITS, turned)"
)
_CALL = re.compile(r"(\w+)(?:\(([^()]*)\))?")


def parse_method(written: str) -> Method:
    """Return the method that prints so. Raises InputError for one that there is not."""
    match = _CALL.fullmatch(written.strip())
    name = match[1] if match else ""
    inside = match[2].split(",") if match and match[2] else []
    values: list[Any] = [_value(part.strip()) for part in inside]
    makers: dict[str, Callable[..., Method]] = {
        "float16": Float16, "int8": Int8, "int4": Int4, "low_rank": LowRank, "product": Product,
        "hashed": Hashed, "binary": Binary,
    }  # fmt: skip
    try:
        if values.count("turned"):
            values[values.index("turned")] = True
        return makers[name](*values)
    except (KeyError, TypeError) as error:
        raise InputError(
            f"There is no compression '{written}'.", f"Use one of: {WRITTEN}."
        ) from error


def _value(written: str) -> int | str:
    return int(written) if re.fullmatch(r"-?\d+", written) else written


def within(budget: int, dimensions: int) -> list[Method]:
    """Return each method at its best within a budget, for vectors of so many dimensions.

    budget   bytes per vector; a method that cannot take as few or use as many is left out
    """
    methods: list[Method] = []
    if 2 * dimensions <= budget:
        methods.append(Float16())
    if dimensions == budget:
        methods.append(Int8())
    if dimensions == 2 * budget:
        methods.append(Int4())
    if budget // 2 <= dimensions:
        methods.append(LowRank(budget // 2, "float16"))
    if budget <= dimensions:
        methods += [LowRank(budget, "int8"), Product(budget)]
        if budget % 4 == 0:
            methods.append(Product(budget // 4, 4))
        methods.append(Hashed(budget))
    methods.append(Binary(8 * budget))
    if 8 * budget <= dimensions:
        methods.append(Binary(8 * budget, turned=True))
    return methods
