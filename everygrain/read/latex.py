"""LaTeX in a BibTeX value -> the characters it stands for: accents, letters, escapes, braces."""

from __future__ import annotations

import re
import unicodedata

_ACCENTS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    "u": "\u0306",
    ".": "\u0307",
    '"': "\u0308",
    "r": "\u030a",
    "H": "\u030b",
    "v": "\u030c",
    "d": "\u0323",
    "c": "\u0327",
    "k": "\u0328",
    "b": "\u0331",
}
_LETTERS = {
    "aa": "å",
    "AA": "Å",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "ss": "ß",
    "i": "ı",
    "j": "ȷ",
    "dh": "ð",
    "DH": "Ð",
    "th": "þ",
    "TH": "Þ",
}
# A sign takes the letter after it (\'e, \'{e}); a letter must be set off (\c{c}, \c c).
_ACCENT = re.compile(
    r"""\\(?:([`'^~=."])[ ]?|([uvHcdbkr])(?=[{ ])[ ]?)"""
    r"""(?:\{\\?([A-Za-z])\}|\\([ij])(?![A-Za-z])|([A-Za-z]))"""
)
_LETTER = re.compile(r"\\(aa|AA|ae|AE|oe|OE|ss|dh|DH|th|TH|o|O|l|L|i|j)(?![A-Za-z])(?:\{\}| )?")
_ESCAPE = re.compile(r"\\([&%$#_{}])")
_MATHS = re.compile(r"(?<!\\)(\$[^$]*\$)")


def characters(value: str) -> str:
    """Decode what stands outside $...$; commands that are not characters stay as they are.

    >>> characters(r'{G}{\\"o}del \\& {\\O}re on $x_{1}$')
    'Gödel & Øre on $x_{1}$'
    """
    if "\\" not in value and "{" not in value:
        return value
    # re.split with a group: every second piece is maths.
    pieces = _MATHS.split(value)
    pieces[::2] = [_outside_maths(piece) for piece in pieces[::2]]
    return "".join(pieces)


def _outside_maths(text: str) -> str:
    text = _ACCENT.sub(_accented, text)
    text = _LETTER.sub(lambda letter: _LETTERS[letter[1]], text)
    # Escaped braces are kept, mere grouping goes; a stand-in tells them apart meanwhile.
    text = _ESCAPE.sub(
        lambda escape: {"{": "\ufdd0", "}": "\ufdd1"}.get(escape[1], escape[1]), text
    )
    text = text.replace("{", "").replace("}", "")
    return text.replace("\ufdd0", "{").replace("\ufdd1", "}")


def _accented(match: re.Match[str]) -> str:
    letter = match[3] or match[4] or match[5]
    return unicodedata.normalize("NFC", letter + _ACCENTS[match[1] or match[2]])
