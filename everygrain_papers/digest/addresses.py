"""Addresses of mail: checked before anything is written to them."""

from __future__ import annotations

import re
from email.headerregistry import Address

from everygrain.errors import InputError
from everygrain_papers.digest.plain import one_line

LONGEST_NAME = 100  # characters of a name in front of an address
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def checked(address: str) -> str:
    """Return an address as it goes over the wire: ASCII, its domain in lower case.

    A domain in other letters is written in its ASCII form.

    Raises InputError for what is no address of one person: line breaks, spaces, quotes, several.

    >>> checked("Ada@BÜCHER.example")
    'Ada@xn--bcher-kva.example'
    """
    local, at, domain = address.rpartition("@") if isinstance(address, str) else ("", "", "")
    try:
        plain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        plain = ""
    fits = at and len(local) <= 64 and len(plain) <= 253
    if not (fits and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(plain)):
        raise InputError(
            f"{str(address)[:80]!r} is no address of mail.", "Write one such as ada@example.org."
        )
    return f"{local}@{plain}"


def named(name: str, address: str) -> Address:
    """Return what stands in a header: a name on one line, and a checked address."""
    local, _, domain = checked(address).rpartition("@")
    return Address(one_line(name, LONGEST_NAME), local, domain)
