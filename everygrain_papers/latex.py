r"""The LaTeX of titles and abstracts -> safe HTML, or plain letters where no markup can stand.

Every letter that comes out is escaped, and no markup comes out but <i>, <b>, <em>, <sub>, <sup>,
<code> and <span class="math">. A formula with anything that is not known stays as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup, escape

from everygrain_papers.latex_formula import UnknownCommand, formula

LONGEST_FORMULA = 400  # characters
_MATH = (
    r"\\\((?P<round>.{1,%d}?)\\\)"
    r"|\\\[(?P<square>.{1,%d}?)\\\]"
    r"|\$\$(?P<two>[^$]{1,%d})\$\$"
    # as in pandoc: no space inside the dollars, no digit behind them, so that "$5 to $10" is money
    r"|(?<![\\$])\$(?P<one>(?!\s)(?:[^$\\]|\\.){1,%d}?)(?<!\s)\$(?!\d)"
).replace("%d", str(LONGEST_FORMULA))
_TEXT = (
    r"|\\(?P<style>emph|textit|textsl|textbf|texttt|textsc|textrm|text|url)\{(?P<styled>[^{}\\$]{0,400})\}"
    r"|\\(?P<sign>[%&#_{}$])"
    r"|(?P<quotes>``|'')"
    r"|(?P<dash>(?<=[\w\s])---?(?=[\w\s]))"
    r"|(?P<tie>(?<=[\w.])~(?=[\w\\$]))"
    r"|(?P<cite>\s?~?\\(?:cite[a-z]{0,2}|ref|footnote)\{[^{}\\$]{0,200}\})"
    r"|(?P<address>https?://[^\s<>\"'`{}\\]{1,300})"
)
_MAY_HOLD = re.compile(r"[\\$`~]|''|--")  # most texts hold none of it
_ATOM = re.compile(_MATH + _TEXT, re.DOTALL)
_STYLES = {
    "emph": "em", "textit": "em", "textsl": "em", "textbf": "b", "texttt": "code", "url": "code",
}  # fmt: skip
_SCRIPT = re.compile(r"<(su[bp])>((?:(?!</?su[bp]>).)*)</\1>", re.DOTALL)  # an innermost one
# those that nearly every font has; "^" and "_" stand for all others
_RAISED = str.maketrans("0123456789+−-=()ni∘⊤", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ°ᵀ")
_LOWERED = str.maketrans("0123456789+−-=()ijkmnt", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ᵢⱼₖₘₙₜ")
_SIGNS = {"``": "“", "''": "”", "--": "–", "---": "—"}


@dataclass(frozen=True, slots=True)
class Atom:
    """A stretch of a text that is shown as something else, whole or not at all."""

    start: int
    end: int
    html: Markup


def atoms(text: str) -> Iterator[Atom]:
    """Yield what is LaTeX in a text, in order, none over another; the rest is plain text."""
    if not _MAY_HOLD.search(text):
        return
    for match in _ATOM.finditer(text):
        shown = _shown(match)
        if shown is not None:
            yield Atom(match.start(), match.end(), shown)


@lru_cache(maxsize=4096)
def html(text: str) -> Markup:
    r"""Return a text with its LaTeX as HTML.

    >>> str(html(r"$O(n^2)$ is <b>slow</b>"))
    '<span class="math"><i>O</i>(<i>n</i><sup>2</sup>)</span> is &lt;b&gt;slow&lt;/b&gt;'
    """
    return between(text, 0, len(text), list(atoms(text)))


def between(text: str, start: int, end: int, found: list[Atom]) -> Markup:
    """Return the HTML of `text[start:end]`; an atom belongs to where it begins."""
    parts: list[Markup] = []
    at = start
    for atom in found:
        if atom.end <= start or atom.start >= end:
            continue
        if atom.start >= at:
            parts += (escape(text[at : atom.start]), atom.html)
        at = atom.end
    if at < end:
        parts.append(escape(text[at:end]))
    return Markup("").join(parts)


def plain(text: str) -> str:
    r"""Return a text with its LaTeX as letters on one line, for where no markup can stand.

    >>> plain(r"An $\alpha$-divergence of order $n^2$ in $\mathbb{R}^{d_k}$")
    'An α-divergence of order n² in ℝ^(dₖ)'
    """
    if not _MAY_HOLD.search(text) or not _ATOM.search(text):
        return text
    shown, found = str(html(text)), 1
    while found:
        shown, found = _SCRIPT.subn(_script, shown)
    return Markup(shown).striptags()


def _script(match: re.Match[str]) -> str:
    inner = "".join(Markup(match[2]).striptags().split())
    table = _RAISED if match[1] == "sup" else _LOWERED
    if all(ord(letter) in table for letter in inner):
        return str(escape(inner.translate(table)))
    if match[1] == "sup" and not inner.strip("*∗′†‡"):
        return str(escape(inner))
    sign = "^" if match[1] == "sup" else "_"
    simple = all(unicodedata.category(letter) in ("Lu", "Ll", "Nd") for letter in inner)
    return str(escape(f"{sign}{inner}" if simple else f"{sign}({inner})"))


def _shown(match: re.Match[str]) -> Markup | None:
    for name in ("round", "square", "two", "one"):
        if match[name] is not None:
            try:
                return Markup('<span class="math">{}</span>').format(formula(match[name]))
            except UnknownCommand:
                return Markup('<span class="math">{}</span>').format(match[0])
    if match["style"]:
        tag = _STYLES.get(match["style"])
        inner = escape(match["styled"])
        return Markup("<{0}>{1}</{0}>").format(Markup(tag), inner) if tag else inner
    if match["sign"]:
        return escape(match["sign"])
    if match["tie"]:
        return Markup("\N{NO-BREAK SPACE}")
    if match["cite"]:
        return Markup("")
    if match["address"]:
        return None  # its "~" and "--" are its own
    return Markup(_SIGNS[match["quotes"] or match["dash"]])
