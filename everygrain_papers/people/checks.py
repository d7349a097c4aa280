"""What text may enter people.db: short, of one line, nothing that a page or a mail trips over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from everygrain.errors import InputError

LONGEST_ID = 2048  # characters, as of papers
LONGEST_QUERY = 1000
LONGEST_TERM = 200
LONGEST_ADDRESS = 254  # RFC 5321, as corrected

# control characters, separators of lines, what turns the direction of writing, lone surrogates
_FORBIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_IN_NO_ID = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # of a paper
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def line(value: object, what: str, longest: int) -> str:
    """Return a text without white space around it.

    Raises InputError, naming it by `what`, if it is no text, is empty, is longer than `longest`
    characters, or holds control characters.
    """
    if not isinstance(value, str):
        raise InputError(f"{what} is no text.", "Give it as a string.")
    if len(value) > longest:
        raise InputError(f"{what} is longer than {longest:,} characters.", "Shorten it.")
    if _FORBIDDEN.search(value):
        raise InputError(f"{what} holds a line break or a control character.", "Take it out.")
    if not value.strip():
        raise InputError(f"{what} is empty.", "Write something.")
    return value.strip()


def paper_id(value: object) -> str:
    """Return the id of a paper as it is. Raises InputError for what no paper has for an id."""
    if not isinstance(value, str) or not value.strip():
        raise InputError("The id of a paper is empty, or no text.", "Give the id of a paper.")
    if len(value) > LONGEST_ID or _IN_NO_ID.search(value):
        raise InputError(
            f"The id {value[:40]!r} is too long, or holds a tab or a line break.",
            "Give the id of a paper.",
        )
    return value


def paper_ids(values: Iterable[object], what: str, most: int) -> tuple[str, ...]:
    """Return ids of papers, each once, in order. Raises InputError, also for more than `most`."""
    return _each_once(values, paper_id, what, most)


def terms(values: Iterable[object], what: str, most: int) -> tuple[str, ...]:
    """Return words or phrases, each once, in order. Raises InputError, as `paper_ids` does."""
    return _each_once(values, lambda value: line(value, what, LONGEST_TERM), what, most)


def _each_once(
    values: Iterable[object], check: Callable[[object], str], what: str, most: int
) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError(f"{what}: this is no list.", "Give a list of texts.")
    kept: dict[str, None] = {}
    for value in values:
        kept[check(value)] = None
        if len(kept) > most:
            raise InputError(f"{what}: there are more than {most:,}.", "Give fewer.")
    return tuple(kept)


def email(value: object) -> str:
    """Return an address for mail, or "". Raises InputError for what no mail can be sent to."""
    if value == "":
        return ""
    address = line(value, "The address for mail", LONGEST_ADDRESS)
    if not _ADDRESS.fullmatch(address):
        raise InputError(
            f"'{address}' is no address for mail.",
            "Write it as name@example.org, a domain in other letters as xn--....",
        )
    return address
