"""Abbreviations and their long forms in a text, as offsets.

An abbreviation stands in brackets after its long form, or before it: "support vector machine
(SVM)", "SVM (support vector machine)". The long form is the shortest run of whole words whose
initials are the abbreviation's letters, small words passed over; else the shortest in which the
letters occur in order, the first at a word's beginning, searched from the end (Schwartz and
Hearst).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Stretch = tuple[int, int]

_BRACKETS = re.compile(r"\(([^()]{2,120})\)")
_SHORT = re.compile(r"[A-Za-z][\w&/+.-]{0,11}(?: [A-Z0-9][\w-]{0,5})?")
_BEFORE = re.compile(r"([A-Za-z][\w&/+.-]{1,11})\s*$")
_WORD = re.compile(r"[^\W_]+")
_PASSED_OVER = {"of", "for", "the", "and", "in", "on", "to", "with", "a", "an", "by", "from", "as"}


def is_short(text: str) -> bool:
    """Tell whether a text can be an abbreviation: at least two capitals or digits, one letter."""
    marks = sum(c.isupper() or c.isdigit() for c in text)
    return bool(_SHORT.fullmatch(text)) and marks >= 2 and any(c.isupper() for c in text)


def abbreviations(text: str) -> Iterator[tuple[Stretch, Stretch]]:
    """Yield (abbreviation, long form) in order, each as (start, end) offsets."""
    for match in _BRACKETS.finditer(text):
        inner = match.group(1)
        # what follows a semicolon or comma in brackets is a remark: "(SVM, see below)"
        short = re.split(r"[;,:]", inner, maxsplit=1)[0].strip()
        start = match.start(1) + inner.index(short) if short else match.start(1)
        if is_short(short):
            window = _window(text, match.start(), short)
            if (begin := long_form(_core(short), text, *window)) is not None:
                yield (start, start + len(short)), (begin, window[1])
        elif (before := _BEFORE.search(text, max(0, match.start() - 14), match.start())) and (
            is_short(before.group(1)) and len(_WORD.findall(inner)) > 1
        ):
            begin = long_form(_core(before.group(1)), text, match.start(1), match.end(1))
            if begin == match.start(1):  # all that stands in the brackets, or nothing
                yield before.span(1), (begin, match.end(1))


def _core(short: str) -> str:
    """Return an abbreviation without the s of its plural."""
    return short[:-1] if len(short) > 2 and short[-1] == "s" and short[-2].isupper() else short


def _window(text: str, end: int, short: str) -> Stretch:
    """Return where a long form can stand: at most min(letters + 5, 2 * letters) words before."""
    while end and text[end - 1].isspace():
        end -= 1
    letters = sum(c.isalnum() for c in short)
    first = max(0, end - 200)
    stop = max(text.rfind(mark, first, end) for mark in ".;:()[]")
    words = [m.start() for m in _WORD.finditer(text, max(first, stop + 1), end)]
    return (words[-min(letters + 5, 2 * letters) :][0] if words else end), end


def long_form(short: str, text: str, start: int, end: int) -> int | None:
    """Return where the long form begins that ends at `end`, or None; never before `start`."""
    letters = [c for c in short.casefold() if c.isalnum()]
    begin = _by_initials(letters, text, start, end)
    if begin is None:
        begin = _by_letters(letters, text, start, end)
    if begin is None or end - begin <= len(short) or short in text[begin:end]:
        return None
    return begin


def _by_initials(letters: list[str], text: str, start: int, end: int) -> int | None:
    words = list(_WORD.finditer(text, start, end))
    left = len(letters)
    for word in reversed(words):
        if not left:
            break
        small = word.group().casefold() in _PASSED_OVER
        if word.group()[0].casefold() == letters[left - 1] and not (small and left == 1):
            left -= 1
            if not left:
                return word.start()
        elif not small or left == len(letters):
            return None
    return None


def _by_letters(letters: list[str], text: str, start: int, end: int) -> int | None:
    place = end
    for number in range(len(letters) - 1, -1, -1):
        place -= 1
        while place >= start and not (
            text[place].casefold() == letters[number]
            and (number or place == start or not text[place - 1].isalnum())
        ):
            place -= 1
        if place < start:
            return None
    return place
