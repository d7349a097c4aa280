"""One request as the pages see it: who asks, what the form says, and how to answer.

A page is a function of a Visit that returns a Response; it runs in a thread of its own, so that
a search keeps no other reader waiting. Whatever changes something comes by POST with a token
that only our own forms hold.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from everygrain.errors import EverygrainError, InputError, LockedError, ModelError, QueryError
from everygrain_papers.people import People, User, csrf
from everygrain_papers.people.limits import Limits
from everygrain_papers.web.caches import Cache
from everygrain_papers.web.forms import read_form
from everygrain_papers.web.rendering import Refusal, Templates, address
from everygrain_papers.web.settings import Settings

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

THREADS = 3  # pages that are made at a time; more would only wait for each other
YEAR = 365 * 24 * 3600
_log = logging.getLogger("everygrain_papers.web")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")

SAID = {
    "liked": "Liked. The next papers will be more like it.",
    "disliked": "Disliked. The next papers will be less like it.",
    "unmarked": "Taken back.",
    "saved": "Saved.",
    "added": "Added.",
    "deleted": "Deleted.",
    "seen": "Done for today: these papers will not come back.",
    "apart": "These two are kept apart from now on.",
    "together": "These two are one work again.",
    "graded": "Grade kept.",
    "labelled": "Kept. What the label fits is being learned.",
    "unlabelled": "Taken back. What the label fits is being learned anew.",
    "forgotten": "The label is gone; its papers stay.",
    "out": "You are logged out.",
    "in": "You are logged in.",
    "password": "Your password is changed; other sessions are ended.",
}


@dataclass
class House:
    """What all pages of one server share.

    address   where readers find them, without a slash at its end
    """

    room: ReadingRoom
    people: People
    settings: Settings
    address: str = ""
    templates: Templates = field(default_factory=Templates)
    cache: Cache = field(init=False)
    logins: Limits = field(init=False)
    workers: anyio.CapacityLimiter | None = None

    def __post_init__(self) -> None:
        self.address = (self.settings.address or self.address).rstrip("/")
        self.cache = Cache(self.room.papers.generation)
        self.logins = Limits({"login": self.settings.logins})

    @property
    def cookies(self) -> tuple[str, str]:
        """The names of the cookies of a visitor and of a session."""
        prefix = "__Host-" if self.settings.secure else ""
        return f"{prefix}room_visitor", f"{prefix}room_session"


@dataclass
class Visit:
    """One request of one reader.

    reader    whose pages these are; None for somebody who is not logged in
    visitor   what the tokens in this reader's forms are bound to
    is_new    whether the visitor has no cookie yet
    form      what was posted, the last value of each name
    """

    house: House
    request: Request
    reader: User | None
    visitor: str
    is_new: bool = False
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def room(self) -> ReadingRoom:
        return self.house.room

    @property
    def people(self) -> People:
        return self.house.people

    @property
    def user(self) -> User:
        """The reader. Only pages that are open to all may meet nobody."""
        assert self.reader is not None
        return self.reader

    @property
    def token(self) -> str:
        """What each form of this visitor's pages holds."""
        return _token(self.people.secret, self.visitor)

    @property
    def accounts(self) -> bool:
        return self.house.settings.accounts

    @property
    def keeps(self) -> bool:
        """Whether this reader may change what all see; without accounts, nobody else reads."""
        return not self.accounts or self.people.is_keeper(self.user.id)

    @property
    def here(self) -> str:
        """This page's own path and query, to come back to."""
        query = self.request.url.query
        return self.request.url.path + (f"?{query}" if query else "")

    @property
    def said(self) -> str:
        return SAID.get(self.asked("said"), "")

    @property
    def wants_json(self) -> bool:
        return self.request.headers.get("accept") == "application/json"

    def asked(self, name: str) -> str:
        """Return a value of the address' query, or an empty text."""
        return str(self.request.query_params.get(name, "")).replace("\x00", " ").strip()

    def asked_all(self, name: str) -> list[str]:
        found = (value.strip() for value in self.request.query_params.getlist(name))
        return list(dict.fromkeys(value for value in found if value))[:50]

    def asked_number(self, name: str, low: int, high: int) -> int | None:
        """Return a whole number of the query; None for none. Raises Refusal out of bounds."""
        value = self.asked(name)
        if not value:
            return None
        if not re.fullmatch(r"\d{1,9}", value, re.ASCII) or not low <= int(value) <= high:
            raise Refusal(
                400, f"'{name}' is {value[:40]!r}.", f"Give a whole number from {low} to {high}."
            )
        return int(value)

    def field(self, name: str) -> str:
        return self.form.get(name, "").replace("\x00", " ").strip()

    def paper_id(self) -> str:
        """Return the id in the path, or that of ids that no path can hold."""
        return str(self.request.path_params.get("id", "")) or self.asked("id")

    def page(self, name: str, status: int = 200, /, **values: Any) -> Response:
        return self.house.templates.page(
            self.request, name, {"visit": self, **values}, status=status
        )

    def go(self, path: str, said: str = "") -> Response:
        """Lead on to a page of ours after a change, saying what was done."""
        target, sharp, anchor = local(path).partition("#")
        if said:
            base, _, query = target.partition("?")
            kept = [(n, v) for n, v in parse_qsl(query) if n != "said"]
            target = address(base, **_grouped([*kept, ("said", said)]))
        return RedirectResponse(target + sharp + anchor, 303)

    def done(self, said: str, **values: Any) -> Response:
        """Answer a change: to a script as JSON, to a form by leading back."""
        if self.wants_json:
            return JSONResponse({"said": SAID[said], **values})
        return self.go(self.field("back") or "/", said)


Page = Callable[[Visit], Response]


def local(path: str) -> str:
    """Return a path of this server, or "/" for anything that could lead elsewhere."""
    if re.match(r"/(?![/\\])[^\\\x00-\x20\x7f]*$", path):
        return path
    return "/"


def endpoint(
    house: House, page: Page, *, open_to_all: bool = False, signed: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Return what Starlette calls for a page.

    open_to_all   also who is not logged in
    signed        a POST needs no token of a form, because its address is signed
    """

    async def answer(request: Request) -> Response:
        if house.workers is None:
            house.workers = anyio.CapacityLimiter(THREADS)
        try:
            form = await read_form(request) if request.method == "POST" else {}
        except Refusal as refusal:
            return house.templates.refusal(request, refusal)
        return await anyio.to_thread.run_sync(
            _answer, house, page, request, form, open_to_all, signed, limiter=house.workers
        )

    return answer


def _answer(
    house: House,
    page: Page,
    request: Request,
    form: Mapping[str, str],
    open_to_all: bool,
    signed: bool,
) -> Response:
    try:
        visit = _visit(house, request, form)
        if request.method == "POST" and not signed:
            bound = "" if visit.is_new else visit.visitor
            if not csrf.check(house.people.secret, bound, form.get("token")):
                raise Refusal(
                    403,
                    "This form is no longer valid.",
                    "Load the page again and send it once more.",
                )
        if visit.reader is None and not open_to_all:
            return visit.go(address("/login", next=visit.here if request.method == "GET" else "/"))
        response = page(visit)
    except Refusal as refusal:
        return house.templates.refusal(request, refusal)
    except EverygrainError as error:
        return house.templates.refusal(request, _of_error(error))
    except Exception:
        _log.exception("The page %s failed.", request.url.path)
        return house.templates.refusal(
            request,
            Refusal(500, "This page failed.", "Load it again; if it fails again, see the log."),
        )
    if visit.is_new and response.status_code != 304:
        set_cookie(house, response, house.cookies[0], visit.visitor)
    return response


def _of_error(error: EverygrainError) -> Refusal:
    if isinstance(error, InputError | QueryError):
        status = 404 if error.problem.startswith("There is no") else 400
    else:
        status = 503 if isinstance(error, ModelError | LockedError) else 500
    return Refusal(status, error.problem, error.remedy)


def _visit(house: House, request: Request, form: Mapping[str, str]) -> Visit:
    of_visitor, of_session = (request.cookies.get(name, "") for name in house.cookies)
    if house.settings.accounts and of_session:
        reader = house.people.session(of_session)
        if reader is not None:
            return Visit(house, request, reader, of_session, form=form)
    reader = None if house.settings.accounts else _single(house)
    is_new = not _TOKEN.fullmatch(of_visitor)
    visitor = secrets.token_urlsafe(32) if is_new else of_visitor
    return Visit(house, request, reader, visitor, is_new, form)


def _single(house: House) -> User:
    return house.people.single()


def set_cookie(house: House, response: Response, name: str, value: str) -> None:
    response.set_cookie(
        name, value, max_age=YEAR, path="/", secure=house.settings.secure, httponly=True,
        samesite="lax",
    )  # fmt: skip


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


@lru_cache(maxsize=1000)
def _token(secret: bytes, visitor: str) -> str:
    # One for all pages of a visitor, so that an unchanged page is the same to the byte; pages
    # are not compressed, so their size tells nothing about it.
    return csrf.make(secret, visitor)
