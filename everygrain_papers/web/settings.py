"""How the pages are served: to whom, under which address, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from everygrain.errors import InputError
from everygrain_papers.people.limits import Rate

if TYPE_CHECKING:
    from everygrain_papers.digest.settings import Settings as MailSettings

READS, CHANGES, LOGINS = Rate(2000, 10.0), Rate(300, 60.0), Rate(10, 300.0)
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Settings:
    """Values of one server of pages.

    accounts            whether readers log in; without it all pages belong to one reader
    address             where readers find the pages, such as "https://papers.example.org"; needed
                        wherever the server is not on loopback, and by the links in mails
    page_size           papers on a page of results, 1 to 100
    largest_body        bytes of what a form may send
    reads               how often one address may ask for anything
    changes             how often it may change something
    logins              how often it may try to log in, and how often a name may be tried
    mail                how digests are sent, if they are
    """

    accounts: bool = False
    address: str = ""
    page_size: int = 20
    largest_body: int = 2**18
    reads: Rate = READS
    changes: Rate = CHANGES
    logins: Rate = LOGINS
    mail: MailSettings | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.address:
            parts = urlsplit(self.address)
            plain = parts.path in ("", "/") and not (
                parts.query or parts.fragment or parts.username
            )
            if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
                raise InputError(
                    f"'{self.address[:80]}' is no address of pages.",
                    "Write https://name or http://name:port, without a path.",
                )
        if not 1 <= self.page_size <= 100:
            raise InputError(
                f"{self.page_size} papers on a page make no sense.", "Choose 1 to 100."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of hosts that are answered, without ports."""
        own = urlsplit(self.address).hostname or ""
        named = (f"[{own}]" if ":" in own else own,) if own else ()
        return (*named, *LOOPBACK)

    @property
    def secure(self) -> bool:
        """Whether readers come over https alone."""
        return self.address.startswith("https://")


def check_binding(host: str, settings: Settings) -> None:
    """Raise InputError where pages without accounts, or without an address, would leave loopback.

    host   what the server listens on: a name or a number
    """
    if _is_loopback(host):
        return
    if not settings.accounts:
        raise InputError(
            f"Without accounts anybody who reaches {host} could read and change everything.",
            "Listen on 127.0.0.1, or turn accounts on and add a user.",
        )
    if not settings.address:
        raise InputError(
            f"The pages on {host} have no address that readers type.",
            "Give it, such as https://papers.example.org: requests to other names are refused.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
