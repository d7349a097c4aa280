"""Line ends that were meant, told apart from those that only keep a line short.

A title, a heading, a list item and a paragraph on a line of its own often end without a full
stop; hard-wrapped prose ends its lines anywhere. The next line's first word tells which: where
it would have fitted, nobody broke the line to keep it short.
"""

from __future__ import annotations

import re
from itertools import pairwise

# The width of a PDF's lines in characters is only roughly constant.
SLACK = 0.8

BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
ITEM = re.compile(r"(?:[-*+•‣▪◦·–—]|\(?\d{1,3}[.)])\s")


def meant_line_ends(text: str) -> list[int]:
    """Return, rising, the offsets at which a new line starts that continues no sentence.

    These are lines after a blank line, lines that start with a list mark, and lines whose first
    word starts with anything but a small letter and would have fitted on the line before, within
    the width of the longest line of the paragraph.
    """
    if "\n" not in text:
        return []
    found: list[int] = []
    start = 0
    for blank in BLANK_LINE.finditer(text):
        found += _within_paragraph(text[start : blank.start()], start)
        start = blank.end()
        found.append(start)
    return found + _within_paragraph(text[start:], start)


def _within_paragraph(paragraph: str, offset: int) -> list[int]:
    lines = paragraph.split("\n")
    width = max(len(line.rstrip()) for line in lines)
    found = []
    for line, following in pairwise(lines):
        offset += len(line) + 1
        words = following.split(None, 1)
        if not words:
            continue
        fits = len(line.rstrip()) + 1 + len(words[0]) <= SLACK * width
        if ITEM.match(following.lstrip()) or (fits and not words[0][0].islower()):
            found.append(offset)
    return found
