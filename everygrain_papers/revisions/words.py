"""Word by word, what changed within sentences that belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "insert", "delete", "replace"]

# words with their hyphens, numbers with their points, white space, and any other character
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]\w*(?:[-'’]\w+)*|\s+|.", re.DOTALL)
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]\w*(?:[-'’]\w+)*")
_ISLAND = 3  # letters: shorter words between two changes are read with them


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of both texts.

    kind                 "same", "insert", "delete" or "replace"
    old_start, old_end   offsets into the old text: old[old_start:old_end]; equal for "insert"
    new_start, new_end   offsets into the new text; equal for "delete"
    inserted             what stands there in the new text, for "insert" and "replace"
    """

    kind: Kind
    old_start: int
    old_end: int
    new_start: int
    new_end: int
    inserted: str = ""


def words_of(text: str) -> list[str]:
    """Return the words and numbers of a text, in order."""
    return _WORD.findall(text)


def parts(old: str, new: str, old_start: int, old_end: int, new_start: int, new_end: int) -> list[
    Part
]:  # fmt: skip
    """Return the parts of old[old_start:old_end] and new[new_start:new_end], in order.

    They hold every character of both stretches once. A word or two of up to three letters
    between changes belong to the change, which is easier to read.
    """
    one = _tokens(old, old_start, old_end)
    other = _tokens(new, new_start, new_end)
    texts = [old[a:b] for a, b in one], [new[a:b] for a, b in other]
    codes = SequenceMatcher(None, *texts, autojunk=False).get_opcodes()
    blocks = _joined(codes, texts[0])
    ends = [*(a for a, _ in one), old_end], [*(a for a, _ in other), new_end]
    found: list[Part] = []
    for same, a, b, c, d in blocks:
        begin, stop, start, end = ends[0][a], ends[0][b], ends[1][c], ends[1][d]
        if same or old[begin:stop] == new[start:end]:
            found.append(Part("same", begin, stop, start, end))
        else:
            kind: Kind = "insert" if begin == stop else "delete" if start == end else "replace"
            found.append(Part(kind, begin, stop, start, end, new[start:end]))
    return found


def _tokens(text: str, start: int, end: int) -> list[tuple[int, int]]:
    return [
        (match.start() + start, match.end() + start) for match in _TOKEN.finditer(text[start:end])
    ]


def _joined(
    codes: Sequence[tuple[str, int, int, int, int]], old: Sequence[str]
) -> list[tuple[bool, int, int, int, int]]:
    """Return (same, old tokens from, to, new tokens from, to) without islands between changes."""
    blocks: list[tuple[bool, int, int, int, int]] = []
    for number, (tag, a, b, c, d) in enumerate(codes):
        same = tag == "equal"
        if same and 0 < number < len(codes) - 1:
            words = [token for token in old[a:b] if token[0].isalnum()]
            same = any(len(word) > _ISLAND for word in words) or len(words) > 2
        if blocks and not same and not blocks[-1][0]:
            _, first, _, start, _ = blocks[-1]
            blocks[-1] = (False, first, b, start, d)
        else:
            blocks.append((same, a, b, c, d))
    return blocks
