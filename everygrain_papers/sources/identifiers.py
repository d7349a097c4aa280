"""DOIs, arXiv ids, dates and years, as sources write them -> as a Paper holds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

from everygrain_papers.paper import EARLIEST, LATEST

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>{}]+", re.IGNORECASE)
_ARXIV = r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[a-z]{2})?/\d{7})(?:v\d+)?"
_ARXIV_ALONE = re.compile(rf"(?:arxiv:)?\s*{_ARXIV}", re.IGNORECASE)
_ARXIV_WITHIN = re.compile(
    rf"(?:arxiv\.org/(?:abs|pdf|html)/|arxiv:\s*|10\.48550/arxiv\.){_ARXIV}", re.IGNORECASE
)
_ISO = re.compile(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?(?![\d])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def doi_of(text: Any) -> str:
    """Return the first DOI in a text, in lower case and without an address; "" for none.

    >>> doi_of("https://doi.org/10.1000/XYZ.1.")
    '10.1000/xyz.1'
    """
    found = _DOI.search(text) if isinstance(text, str) else None
    if found is None:
        return ""
    doi = found[0].lower().rstrip(".,;:")
    # a bracket belongs to the DOI only where its partner does
    while doi.endswith(")") and doi.count("(") < doi.count(")"):
        doi = doi[:-1].rstrip(".,;:")
    return doi


def arxiv_of(text: Any) -> str:
    """Return the arXiv id that a text is or names, without its version; "" for none.

    >>> arxiv_of("https://arxiv.org/abs/2101.00001v2"), arxiv_of("arXiv:math.GT/0309136")
    ('2101.00001', 'math.GT/0309136')
    """
    if not isinstance(text, str):
        return ""
    found = _ARXIV_ALONE.fullmatch(text.strip()) or _ARXIV_WITHIN.search(text)
    return found[1] if found else ""


def date_of(text: Any) -> str | None:
    """Return YYYY-MM-DD or YYYY-MM of an ISO date, a date of mail, or a year and a month's name.

    None for what is no date, and for a year alone.
    """
    if not isinstance(text, str):
        return None
    text = text.strip()
    if found := _ISO.match(text):
        month = found[2]
        if month is None:
            words = re.findall(r"[a-z]+|\d+", text.lower())
            named = [w[:3] for w in words if w[:3] in _MONTHS]
            days = [w for w in words[1:] if w.isdigit()]
            return dated(found[1], _MONTHS.index(named[0]) + 1, *days[:1]) if named else None
        return dated(found[1], month, found[3])
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def dated(year: Any, month: Any = None, day: Any = None) -> str | None:
    """Return the date of numbers or digits, as exact as it is valid; None without a month."""
    try:
        numbers = [int(part) for part in (year, month, day) if part is not None]
    except (TypeError, ValueError):
        return None
    if len(numbers) < 2 or not EARLIEST <= numbers[0] <= LATEST or not 1 <= numbers[1] <= 12:
        return None
    try:
        return date(*numbers).isoformat()
    except (TypeError, ValueError):
        return f"{numbers[0]:04}-{numbers[1]:02}"


def year_of(*stated: Any) -> int | None:
    """Return the first of the values that begins with a year, in the range that a Paper takes."""
    for value in stated:
        found = re.match(r"\s*(\d{4})(?!\d)", str(value)) if value is not None else None
        if found and EARLIEST <= int(found[1]) <= LATEST:
            return int(found[1])
    return None


def date_and_year(parts: Sequence[Any]) -> tuple[str | None, int | None]:
    """Return date and year of [year, month, day] whose end may be missing."""
    return dated(*parts[:3]) if parts else None, year_of(*parts[:1])
