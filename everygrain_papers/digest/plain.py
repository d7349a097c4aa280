"""Text from outside, made fit for a mail: no control characters, no turned directions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from everygrain_papers import latex

# Characters that no XML and no terminal takes, and those that turn the direction of what follows.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BREAKS = re.compile("[\\s\u2028\u2029\u0085]+")
_ADDRESS = re.compile(
    r"https?://[^\s/?#<>\"'`\\^{|}\x00-\x20\x7f-\x9f][^\s<>\"'`\\^{|}\x00-\x20\x7f-\x9f]*",
    re.IGNORECASE,
)


def one_line(text: str, longest: int | None = None) -> str:
    """Return text on one line, of at most so many characters, cut at a word.

    Control characters are spaces; marks that turn the direction of reading are taken away, since
    a title could make what stands behind it look like something else.

    >>> one_line("Graphs\\r\\nBcc: all@example.org")
    'Graphs Bcc: all@example.org'
    """
    if longest is not None:
        text = text[: 4 * longest + 1000]  # an abstract may hold a megabyte
    line = _BREAKS.sub(" ", _CONTROL.sub(" ", _TURNS.sub("", text))).strip()
    if longest is None or len(line) <= longest:
        return line
    cut = line[: longest - 1]
    head, _, tail = cut.rpartition(" ")
    return (head if len(tail) < longest // 4 and head else cut).rstrip(" ,;:") + "…"


def letters(text: str, longest: int) -> str:
    r"""Return what `one_line` does of a title or an abstract, its LaTeX as letters.

    >>> letters(r"Heavy tails:\n$\alpha$-stable \emph{Mills}", 40)
    'Heavy tails: α-stable Mills'
    """
    return one_line(latex.plain(one_line(text, 3 * longest)), longest)


def web_address(text: str) -> str:
    """Return an address of http or https as it is, and nothing for any other.

    >>> web_address("javascript:alert(1)")
    ''
    """
    return text if len(text) <= 2000 and _ADDRESS.fullmatch(text) else ""


def columns(text: str) -> int:
    """Return how many columns of a terminal a text fills: wide characters fill two, marks none.

    >>> columns("図書館"), columns("cafe\u0301")
    (6, 4)
    """
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(text: str, width: int, first: str = "", then: str | None = None) -> list[str]:
    """Return a text in lines of at most `width` columns; a longer word is broken.

    first, then   what the first line and the others begin with
    """
    then = first if then is None else then
    lines: list[str] = []
    line, filled = first, ""
    for word in _pieces(text.split(), width - max(columns(first), columns(then))):
        longer = f"{filled} {word}" if filled else word
        if filled and columns(line) + columns(longer) > width:
            lines.append(line + filled)
            line, longer = then, word
        filled = longer
    return [*lines, line + filled]


def _pieces(words: list[str], width: int) -> Iterator[str]:
    for word in words:
        while columns(word) > width:
            end, used = 0, 0
            while end < len(word) and used + _width(word[end]) <= max(2, width):
                used += _width(word[end])
                end += 1
            yield word[:end]
            word = word[end:]
        if word:
            yield word
