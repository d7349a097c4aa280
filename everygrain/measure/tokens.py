"""The text of a composition -> its names, numbers and signs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 1000
NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?|\.[0-9]{1,12}", re.ASCII)

_TOKEN = re.compile(rf"\s*(?:(?P<text>{NUMBER.pattern}|[A-Za-z_]\w*|>>|[(),=%])|$)", re.ASCII)


@dataclass(frozen=True)
class Token:
    """text is "" at the end; start is where it begins, counted from 0."""

    text: str
    start: int


def tokens(text: str, fail: Callable[[str], None]) -> list[Token]:
    """Return all tokens and the end.

    fail is called, to raise, with what is wrong with a text that is too long or has another sign.
    """
    if len(text) > LONGEST:
        fail(f"it is longer than {LONGEST:,} characters")
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            while text[at].isspace():
                at += 1
            fail(f"'{text[at]}' has no meaning, at character {at + 1}")
            break
        if match["text"] is not None:
            found.append(Token(match["text"], match.start("text")))
        at = match.end()
    return [*found, Token("", len(text))]
