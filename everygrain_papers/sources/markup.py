"""Text as sources write it -> the characters that are meant: HTML, JATS, LaTeX accents."""

from __future__ import annotations

import html
import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# Only what is surely markup: "p < 0.05 and q > 1" is text, and so is a script.
_INLINE = "i|b|u|em|strong|sub|sup|span|a|tt|code|small|font|sc|scp|inf|italic|bold|monospace"
_BLOCK = "p|br|div|li|ul|ol|title|sec|h[1-6]|abstract|section|blockquote|tr|td|hr|list|list-item"
_PREFIXED = r"(?:jats|mml):[A-Za-z0-9-]+"
_TAG = re.compile(
    rf"</?(?:(?P<inline>{_INLINE}|ext-link|xref|img)|(?P<block>{_BLOCK})|(?P<jats>{_PREFIXED}))"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_PARTS = re.compile(r"jats:(?:p|title|sec|list|list-item|break)\b", re.IGNORECASE)
_ACCENTS = dict(
    zip(
        "`'^~=u.\"rHvdcbk",
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0331\u0328",
        strict=True,
    )
)
_ACCENT = re.compile(r"""\\(?:([`'^~=."])\s*\{?|([uHvrdcbk])(?:\s+|\s*\{))\\?([A-Za-z])\}?""")
_LETTERS = {
    "aa": "å", "AA": "Å", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø",
    "l": "ł", "L": "Ł", "ss": "ß", "i": "i", "j": "j",
}  # fmt: skip
_LETTER = re.compile(r"\\(aa|AA|ae|AE|oe|OE|ss|o|O|l|L|i|j)(?![A-Za-z])(?:\{\}|\s)?")


def clean(text: str) -> str:
    """Replace what no text holds by spaces: control characters and lone surrogates.

    Line breaks and tabs stay.
    """
    return _CONTROL.sub(" ", text)


def one_line(text: str) -> str:
    """Return clean text with every run of white space as one space."""
    return " ".join(clean(text).split())


def plain(text: str) -> str:
    """Return the text of HTML or JATS on one line.

    Known tags of formatting are taken away; every other tag stays as the text that it is, since
    a title may speak of <script>. Whoever shows it escapes it.

    >>> plain("<jats:p>At <i>k</i>&lt;3, p < 0.05 &amp; <script>alert(1)</script></jats:p>")
    'At k<3, p < 0.05 & <script>alert(1)</script>'
    """

    def instead(tag: re.Match[str]) -> str:
        parts = tag["block"] or (tag["jats"] and _PARTS.match(tag["jats"]))
        return " " if parts else ""

    return one_line(html.unescape(_TAG.sub(instead, text)))


def accents(text: str) -> str:
    r"""Return names without LaTeX's accents.

    >>> accents(r"Bal\'azs, G{\"o}del, {\L}ukasz, \v{C}ech")
    'Balázs, Gödel, Łukasz, Čech'
    """
    if "\\" not in text:
        return text.replace("{", "").replace("}", "")
    text = _ACCENT.sub(_accented, text)
    text = _LETTER.sub(lambda letter: _LETTERS[letter[1]], text)
    return text.replace("{", "").replace("}", "")


def _accented(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[3] + _ACCENTS[match[1] or match[2]])
