"""Sentences of an abstract, as offsets into it."""

from __future__ import annotations

import re

# a sentence's end: its mark, closing brackets and quotes, then a space and a likely beginning
_END = re.compile(r"[.!?][)\]\"'”’]*(?=\s+[\"'“‘(\[$\\]*[A-Z0-9])|\n\s*\n")
_WORD_BEFORE = re.compile(r"[^\s(\[]+$")
_NO_END = {
    "e.g.", "i.e.", "cf.", "vs.", "etc.", "al.", "fig.", "figs.", "eq.", "eqs.", "sec.", "no.",
    "dr.", "prof.", "mr.", "mrs.", "ms.", "st.", "resp.", "approx.", "ca.", "viz.", "w.r.t.",
    "i.i.d.", "u.s.", "u.k.", "ph.d.", "inc.", "ltd.", "co.", "vol.", "pp.", "ref.", "refs.",
}  # fmt: skip
_LONGEST = 2000  # characters: what runs on longer is cut at a space, so that nothing is dropped


def split(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence in order, without the space between them.

    A mark after a known abbreviation or a single capital letter ends no sentence. Whatever is
    not white space lies in exactly one sentence.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        before = _WORD_BEFORE.search(text[max(0, match.end() - 24) : match.end()])
        word = before.group().lower() if before else ""
        if word in _NO_END or re.fullmatch(r"[a-z]\.", word):
            continue
        _add(text, start, match.end(), found)
        start = match.end()
    _add(text, start, len(text), found)
    return found


def _add(text: str, start: int, end: int, found: list[tuple[int, int]]) -> None:
    while start < end:
        while start < end and text[start].isspace():
            start += 1
        stop = end
        if end - start > _LONGEST:
            space = text.rfind(" ", start + 1, start + _LONGEST)
            stop = space if space > start else start + _LONGEST
        last = stop
        while last > start and text[last - 1].isspace():
            last -= 1
        if last > start:
            found.append((start, last))
        start = stop
