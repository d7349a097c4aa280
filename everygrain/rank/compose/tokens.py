"""The text of a composition -> its names, numbers, quoted texts and signs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 1000
NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?|\.[0-9]{1,12}", re.ASCII)
WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")

_TOKEN = re.compile(
    rf"\s*(?:(?P<text>{NUMBER.pattern}|{WORD.pattern}|{QUOTED.pattern}|>>|[(),=%])|$)", re.ASCII
)


@dataclass(frozen=True)
class Token:
    """text is "" at the end; start is where it begins, counted from 0."""

    text: str
    start: int


def tokens(text: str, fail: Callable[[str, int], None]) -> list[Token]:
    """Return all tokens and the end.

    fail is called, to raise, with what is wrong and where, for a text that is too long or holds
    another sign.
    """
    if len(text) > LONGEST:
        fail(f"it is longer than {LONGEST:,} characters", LONGEST)
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            while text[at].isspace():
                at += 1
            unclosed = "the quotation mark has no partner"
            fail(unclosed if text[at] in "'\"" else f"'{text[at]}' has no meaning", at)
            break
        if match["text"] is not None:
            found.append(Token(match["text"], match.start("text")))
        at = match.end()
    return [*found, Token("", len(text))]
