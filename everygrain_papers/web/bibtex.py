"""A paper as a BibTeX entry that reads back as it was."""

from __future__ import annotations

import re
import unicodedata

from everygrain_papers.latex import LONGEST_FORMULA
from everygrain_papers.paper import Paper

LONGEST_ABSTRACT = 20_000  # characters
_ESCAPES = {
    # no "\{": BibTeX counts it as a brace, and one without its partner would end the field
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}",
    "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
_SPECIAL = re.compile(r"[\\{}$&%#_~^]")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_FORMULA = re.compile(rf"(?<![\\$])\$((?!\s)[^$]{{1,{LONGEST_FORMULA}}}(?<!\s))\$(?!\d)")
_CONFERENCE = re.compile(
    r"proceedings|conference|workshop|symposium|meeting|"
    r"\b(?:ACL|EMNLP|NAACL|EACL|COLING|NeurIPS|NIPS|ICML|ICLR|AAAI|IJCAI|CVPR|ICCV|ECCV|WACV|SIGIR|"
    r"CIKM|WSDM|KDD|WWW|ICRA|IROS|CoRL|RSS|COLM|AISTATS|UAI|COLT|ECIR|CHI|SIGGRAPH)\b",
    re.IGNORECASE,
)
_SMALL = frozenset((
    "a", "an", "the", "on", "of", "for", "in", "to", "and", "with", "by", "from", "at", "is",
    "are", "how", "why", "what",
))  # fmt: skip


def entry(paper: Paper) -> str:
    """Return the paper's entry: @inproceedings, @article, or @misc where no venue is known.

    A formula in a title stays LaTeX; every other letter that LaTeX would take for a command is
    escaped, and no field can close its braces or begin a new entry.
    """
    arxiv = paper.arxiv_id
    journal = bool(paper.venue) and not _CONFERENCE.search(paper.venue)
    kind = "misc" if not paper.venue else "article" if journal else "inproceedings"
    fields = {
        # a second pair of braces keeps its capitals
        "title": f"{{{_text(paper.title) or 'Untitled'}}}",
        "author": " and ".join(map(_name, paper.authors)),
        "journal" if journal else "booktitle": _text(paper.venue),
        "year": str(paper.year or (paper.date or "")[:4]),
        "month": _month(paper.date),
        "doi": _address(paper.doi),
        "eprint": _address(arxiv),
        "archiveprefix": "arXiv" if arxiv else "",
        "url": _address(paper.url),
        "keywords": _text(", ".join(paper.keywords)),
        "abstract": _text(paper.abstract[:LONGEST_ABSTRACT]),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value.strip("{}")]
    return f"@{kind}{{{key(paper)},\n" + ",\n".join(lines) + "\n}\n"


def key(paper: Paper) -> str:
    """Return surname, year and the title's first word of weight, such as "lovelace1843notes"."""
    surname = paper.authors[0].partition(",")[0].split() if paper.authors else []
    words = [w for w in re.findall(r"[a-z0-9]+", _ascii(paper.title)) if w not in _SMALL]
    year = str(paper.year or (paper.date or "")[:4])
    name = _ascii(surname[-1]) if surname else ""
    made = re.sub(r"[^a-z0-9]", "", name) + year + (words[0] if words else "")
    return made or "paper"


def _text(value: str) -> str:
    value = _CONTROL.sub(" ", value).strip()
    parts: list[str] = []
    at = 0
    for match in _FORMULA.finditer(value):
        if _balanced(match[1]):
            parts += (_escaped(value[at : match.start()]), match[0])
            at = match.end()
    return "".join((*parts, _escaped(value[at:])))


def _escaped(value: str) -> str:
    return _SPECIAL.sub(lambda sign: _ESCAPES[sign[0]], value)


def _balanced(formula: str) -> bool:
    """Tell whether braces close in order, escaped ones counted too: BibTeX counts them."""
    depth = 0
    for letter in formula:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            return False
    return depth == 0 and not formula.endswith("\\")


def _name(author: str) -> str:
    told = _text(author)
    return f"{{{told}}}" if re.search(r"\band\b", told, re.IGNORECASE) else told


def _address(value: str) -> str:
    """Return an address or identifier, percent-encoding what would end or change its field."""
    return re.sub(
        r"[{}\\\s\x00-\x1f\"]", lambda c: "".join(f"%{b:02X}" for b in c[0].encode()), value
    )


def _month(date: str | None) -> str:
    return str(int(date[5:7])) if date and len(date) >= 7 else ""


def _ascii(value: str) -> str:
    return unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode().lower()
