"""LaTeX in a BibTeX value -> the characters it stands for: accents, letters, commands of text."""

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
_SYMBOLS = {
    "ldots": "…", "dots": "…", "textellipsis": "…", "textendash": "–", "textemdash": "—",
    "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“",
    "textquotedblright": "”", "guillemotleft": "«", "guillemotright": "»", "textasciitilde": "~",
    "textasciicircum": "^", "textbackslash": "\\", "textbar": "|", "textless": "<",
    "textgreater": ">", "textunderscore": "_", "textdegree": "°", "textmu": "µ",
    "textbullet": "•", "textregistered": "®", "texttrademark": "™", "textcopyright": "©",
    "copyright": "©", "S": "§", "P": "¶", "pounds": "£", "euro": "€", "dag": "†", "ddag": "‡",
    "slash": "/", "TeX": "TeX", "LaTeX": "LaTeX", "BibTeX": "BibTeX", "newline": " ",
}  # fmt: skip
_SPACING = {"\\": " ", ",": " ", ";": " ", ":": " ", " ": " ", "!": "", "-": "", "/": "", "@": ""}
# what only says how the text after it looks
_LOOKS = frozenset((
    "em", "it", "bf", "tt", "sc", "sl", "rm", "sf", "itshape", "slshape", "upshape", "scshape",
    "bfseries", "mdseries", "ttfamily", "rmfamily", "sffamily", "normalfont", "tiny",
    "scriptsize", "footnotesize", "small", "normalsize", "large", "Large", "relax", "protect",
))  # fmt: skip
_PLAIN = (
    "emph", "textbf", "textit", "textsl", "textsc", "texttt", "textrm", "textsf", "textmd",
    "textup", "textnormal", "text", "underline", "uline", "mbox", "hbox", "textsuperscript",
    "textsubscript", "uppercase", "lowercase", "MakeUppercase", "MakeLowercase", "href",
)  # fmt: skip
# command -> what stands around its argument
_AROUND = dict.fromkeys(_PLAIN, ("", "")) | {
    "enquote": ("“", "”"),
    "footnote": (" (", ")"),
    "thanks": (" (", ")"),
}
# Maths and addresses, in which nothing is decoded.
_KEPT = re.compile(
    r"(?<!\\)(?:(?P<maths>\$\$[^$]*\$\$|\$[^$]*\$|\\\(.{,1000}?\\\)|\\\[.{,1000}?\\\])"
    r"|\\ensuremath\s*\{(?P<formula>[^{}]*)\}|\\(?:url|path|nolinkurl)\s*\{(?P<address>[^{}]*)\}"
    r"|(?P<bare>https?://[^\s{}]+))",
    re.DOTALL,
)
_DASHES = (("---", "—"), ("--", "–"))
_TIE = re.compile(r"(?<!/)~")  # but not that of an address, /~name
# Stand for escaped braces, and for what is kept.
_OPEN, _CLOSE, _HELD = "\ufdd0", "\ufdd1", "\ufdd2"
_TOKEN = re.compile(
    rf"\\([A-Za-z]+)\*?[ \t\n]*|\\(.|\Z)|[{{}}{_HELD}]|[^\\{{}}{_HELD}]+", re.DOTALL
)


def characters(value: str) -> str:
    """Decode what stands outside maths; a command that is not of text stays as it is.

    An address in \\url stays as written, that of \\href is left out; \\footnote is put in brackets.

    >>> characters(r'{G}{\\"o}del \\& {\\O}re on $x_{1}$')
    'Gödel & Øre on $x_{1}$'
    """
    if not any(sign in value for sign in ("\\", "{", "~", "--", "``")):
        return value
    if any(sign in value for sign in (_OPEN, _CLOSE, _HELD)):
        return value
    held = [_as_kept(match) for match in _KEPT.finditer(value)]
    text = _ACCENT.sub(_accented, _KEPT.sub(_HELD, value))
    text = _LETTER.sub(lambda letter: _LETTERS[letter[1]], text)
    text = _ESCAPE.sub(lambda escape: {"{": _OPEN, "}": _CLOSE}.get(escape[1], escape[1]), text)
    for written, meant in _DASHES:
        text = text.replace(written, meant)
    if "``" in text:
        text = text.replace("``", "“").replace("''", "”")
    return _unwrapped(text, held).replace(_OPEN, "{").replace(_CLOSE, "}")


def _as_kept(match: re.Match[str]) -> str:
    if match["maths"] is not None:
        return match["maths"]
    if match["formula"] is not None:
        return f"${match['formula']}$"
    return _ESCAPE.sub(r"\1", match["address"] or match["bare"] or "")


def _unwrapped(text: str, held: list[str]) -> str:
    """Take away grouping braces and commands of text; `held` goes where it was."""
    kept = iter(held)
    # for each open brace: what came before it, and what it and its partner become
    outer: list[tuple[list[str], str, tuple[str, str]]] = []
    pieces: list[str] = []
    command, around = "", ("", "")  # of the brace that may come next
    for token in _TOKEN.finditer(text):
        name, sign, whole = token[1], token[2], token[0]
        if whole == "{":
            outer.append((pieces, command, around))
            pieces, command, around = [], "", ("", "")
        elif whole == "}":
            if outer:
                inner = "".join(pieces)
                pieces, command, around = outer.pop()
                if command != "href" or text[token.end() : token.end() + 1] != "{":
                    pieces.append(f"{around[0]}{inner}{around[1]}")
                # a command that is not known may take more than one argument
                if around != ("{", "}"):
                    command, around = "", ("", "")
        else:
            command, around = "", ("", "")
            if whole == _HELD:
                pieces.append(next(kept))
            elif sign is not None:
                pieces.append(_SPACING.get(sign, whole))
            elif name is None:
                pieces.append(_TIE.sub(" ", whole))
            elif name in _SYMBOLS:
                pieces.append(_SYMBOLS[name])
            elif name in _AROUND and text[token.end() : token.end() + 1] == "{":
                command, around = name, _AROUND[name]
            elif name not in _LOOKS:
                pieces.append(whole)
                command, around = name, ("{", "}")
    while outer:
        inner = "".join(pieces)
        pieces = outer.pop()[0]
        pieces.append(inner)
    return "".join(pieces)


def _accented(match: re.Match[str]) -> str:
    letter = match[3] or match[4] or match[5]
    return unicodedata.normalize("NFC", letter + _ACCENTS[match[1] or match[2]])
