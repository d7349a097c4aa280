"""What every source shares: it prints as it is written, and draws by chance without an order.

    Cloze(seed=1)   prints, and is named, "cloze(seed=1)"

Chance comes from a hash of the document's id and the seed. A document therefore gives the same
pairs whatever stands before it, and whatever else the collection holds.
"""

from __future__ import annotations

import random
from dataclasses import fields
from hashlib import blake2b
from typing import Any, ClassVar

from everygrain.errors import InputError


class Written:
    """Names a source by its kind and those settings that are not the default.

    kind   the name in the registry
    """

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        settings: list[Any] = list(fields(self))  # type: ignore[arg-type]
        changed = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in settings
            if getattr(self, each.name) != each.default
        ]
        return f"{self.kind}({', '.join(changed)})" if changed else self.kind

    def __repr__(self) -> str:
        return self.name


def chance(seed: int, *keys: str) -> random.Random:
    """Return a generator that follows from the seed and the keys alone."""
    digest = blake2b(repr((seed, *keys)).encode("utf-8", "surrogatepass"), digest_size=8)
    return random.Random(int.from_bytes(digest.digest(), "big"))


def check_at_least(source: Written, minimum: int, /, **settings: int) -> None:
    """Raise InputError for a setting that is no whole number of `minimum` or more."""
    for name, value in settings.items():
        if type(value) is not int or value < minimum:
            raise InputError(
                f"{source.kind}: {name} = {value!r}.", f"Use a whole number of {minimum} or more."
            )


def check_share(source: Written, **settings: float) -> None:
    """Raise InputError for a setting that is no number from 0 to 1."""
    for name, value in settings.items():
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise InputError(f"{source.kind}: {name} = {value!r}.", "Use a number from 0 to 1.")
