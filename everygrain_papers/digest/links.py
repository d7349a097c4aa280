"""The addresses in a digest: each signed, for one reader and one purpose alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote, urlencode

from everygrain.errors import InputError
from everygrain_papers.digest.plain import web_address
from everygrain_papers.paper import Paper
from everygrain_papers.people import People
from everygrain_papers.people.links import read, sign

Mark = Literal["like", "dislike"]
PATHS = {
    "like": "/digest/like/",
    "dislike": "/digest/dislike/",
    "confirm": "/digest/confirm/",
    "unsubscribe": "/digest/unsubscribe/",
    "feed": "/digest/feed/",
    "paper": "/paper/",
}
_LASTS = {  # days that a link is good for
    "like": 180,
    "dislike": 180,
    "confirm": 3,
    "unsubscribe": 3650,  # whoever wants no more mail may say so on any mail ever sent
}


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the addresses of one reader's digest.

    pages    address of the reading room's pages; "" makes every link empty
    secret   that signs
    user     id of the reader
    now      aware; from here the time that links are good for is counted

    Raises InputError for an address of pages that is none.
    """

    pages: str
    secret: bytes = field(repr=False)
    user: str
    now: datetime

    def __post_init__(self) -> None:
        if self.pages and not (self.pages.isascii() and web_address(self.pages)):
            raise InputError(
                f"{self.pages[:80]!r} is no address of a page.", "Write https://host[:port]."
            )

    def mark(self, kind: Mark, paper: str, interest: str) -> str:
        return self.signed(kind, {"user": self.user, "paper": paper, "interest": interest})

    def unsubscribe(self, address: str) -> str:
        return self.signed("unsubscribe", {"user": self.user, "address": address})

    def confirm(self, address: str, nonce: str) -> str:
        told = {"user": self.user, "address": address, "nonce": nonce}
        return self.signed("confirm", told)

    def signed(self, kind: str, payload: dict[str, str]) -> str:
        if not self.pages:
            return ""
        expires = self.now + timedelta(days=_LASTS[kind])
        return self._page(kind) + sign(self.secret, f"digest-{kind}", payload, expires)

    def feed(self, token: str) -> str:
        return self._page("feed") + quote(token, safe="") if self.pages else ""

    def paper(self, paper: Paper) -> str:
        """Return where to read a paper: its own address, or its page in the reading room."""
        own = web_address(paper.url)
        if own or not self.pages:
            return own
        return self._page("paper") + quote(paper.id, safe="")

    def _page(self, kind: str) -> str:
        return self.pages.rstrip("/") + PATHS[kind]


def opened(people: People, kind: str, token: str, now: datetime) -> dict[str, Any]:
    """Return what a link says; InputError for one that is forged, of another purpose or old."""
    return dict(read(people.secret, f"digest-{kind}", token, now))


def mark_by_link(people: People, kind: Mark, token: str, now: datetime) -> tuple[str, str, str]:
    """Like or dislike as a link says, and return (user id, paper id, interest id).

    To be done when the reader asks for it (POST), not when a page is merely fetched: programs
    that look through mails fetch every address in them. A link does again what it did before.

    Raises InputError for a link that is forged, of another purpose or too old, and where the
    reader or the interest is gone.
    """
    told = opened(people, kind, token, now)
    user, paper, interest = (str(told[name]) for name in ("user", "paper", "interest"))
    people.mark(user, paper, interest, kind)
    return user, paper, interest


def mail_address(address: str, subject: str) -> str:
    """Return an address of mail as a link."""
    return f"mailto:{address}?{urlencode({'subject': subject}, quote_via=quote)}"
