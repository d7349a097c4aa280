"""A text -> the same text with slips of the hand on a keyboard."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import Literal

from everygrain.analyze.words import locate
from everygrain.errors import MeasureError

Kind = Literal["substitution", "deletion", "transposition", "insertion"]
KINDS: tuple[Kind, ...] = ("substitution", "deletion", "transposition", "insertion")

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """Return key -> the keys that touch it; every row starts half a key right of the one above."""
    found: dict[str, str] = {}
    for r, row in enumerate(_ROWS):
        for c, key in enumerate(row):
            near = [(r, c - 1), (r, c + 1), (r - 1, c), (r - 1, c + 1), (r + 1, c - 1), (r + 1, c)]
            found[key] = "".join(
                _ROWS[i][j] for i, j in near if 0 <= i < len(_ROWS) and 0 <= j < len(_ROWS[i])
            )
    return found


NEIGHBOURS = _neighbours()


@dataclass(frozen=True)
class Typos:
    """Slips of the hand on a QWERTY keyboard: one per word that is hit.

    rate       chance that a word is hit, in [0, 1]
    seed       another seed, other slips; a query's slips depend on nothing but seed and text
    kinds      what may happen: a key beside the right one, a letter left out, two letters swapped,
               a key beside the right one hit as well; all are equally likely
    shortest   words of fewer characters are left alone

    Raises MeasureError for a rate or a kind that makes no sense.
    """

    rate: float = 0.1
    seed: int = 0
    kinds: tuple[Kind, ...] = KINDS
    shortest: int = 3

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise MeasureError(f"The rate is {self.rate}.", "Use a share of words such as 0.1.")
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise MeasureError(f"The kinds are {self.kinds}.", f"Use some of {', '.join(KINDS)}.")
        if self.shortest < 2:
            raise MeasureError(f"Words of {self.shortest} would be hit.", "Use 2 or more.")

    def __call__(self, text: str) -> str:
        """Return the text with slips; every other character stays as it is."""
        told = f"{self.seed}\n{text}".encode("utf-8", "surrogatepass")
        chance = random.Random(hashlib.blake2b(told, digest_size=16).digest())
        pieces, end = [], 0
        for start, stop, _ in locate(text):
            word = text[start:stop]
            if start < end or len(word) < self.shortest or chance.random() >= self.rate:
                continue
            pieces += [text[end:start], self._slip(word, chance)]
            end = stop
        return "".join([*pieces, text[end:]])

    def _slip(self, word: str, chance: random.Random) -> str:
        """Return the word with one slip; as it is where no kind is possible."""
        near = [i for i, c in enumerate(word) if c.lower() in NEIGHBOURS]
        unlike = [i for i in range(len(word) - 1) if word[i] != word[i + 1]]
        places = {"substitution": near, "insertion": near, "transposition": unlike,
                  "deletion": list(range(len(word)))}  # fmt: skip
        possible = [kind for kind in self.kinds if places[kind]]
        if not possible:
            return word
        kind = chance.choice(possible)
        i = chance.choice(places[kind])
        if kind == "deletion":
            return word[:i] + word[i + 1 :]
        if kind == "transposition":
            return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
        key = chance.choice(NEIGHBOURS[word[i].lower()])
        key = key.upper() if word[i].isupper() else key
        return word[:i] + key + word[i + (kind == "substitution") :]
