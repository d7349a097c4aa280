"""Templates -> answers. Every value is escaped, and a name that is missing is an error."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from everygrain_papers import latex

LONGEST_TITLE = 600  # characters that a page shows of one title
STATIC = {
    "room.css": "text/css; charset=utf-8",
    "room.js": "text/javascript; charset=utf-8",
    "keys.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class Refusal(Exception):
    """What cannot be answered: a status, what is wrong, what to do, and headers."""

    def __init__(
        self, status: int, problem: str, remedy: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(problem)
        self.status, self.problem, self.remedy = status, problem, remedy
        self.headers = dict(headers or {})


@lru_cache(maxsize=1)
def static_files() -> dict[str, tuple[bytes, str, str]]:
    """Return name -> (content, media type, version) of the files that pages refer to."""
    folder = files("everygrain_papers.web").joinpath("static")
    found = {}
    for name, kind in STATIC.items():
        content = folder.joinpath(name).read_bytes()
        found[name] = (content, kind, hashlib.blake2b(content, digest_size=6).hexdigest())
    return found


class Templates:
    """The pages' templates."""

    def __init__(self) -> None:
        self.environment = Environment(
            loader=PackageLoader("everygrain_papers.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(
            latex=title_html, plain=latex.plain, day=day, number=number, people=people_line
        )
        self.environment.globals.update(
            static=static_address, paper_address=paper_address, address=address, web=web_address
        )

    def text(self, name: str, values: Mapping[str, Any]) -> str:
        return self.environment.get_template(name).render(values)

    def page(
        self, request: Request, name: str, values: Mapping[str, Any], status: int = 200
    ) -> Response:
        """Return a page, or 304 where the reader's copy is the same."""
        body = self.text(name, values).encode()
        if status != 200:
            return HTMLResponse(body, status)
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return HTMLResponse(body, headers=headers)

    def refusal(self, request: Request, refusal: Refusal) -> Response:
        """Return an error as a page, or as JSON where a script asked."""
        if request.headers.get("accept") == "application/json":
            from starlette.responses import JSONResponse

            told = {"problem": refusal.problem, "remedy": refusal.remedy}
            return JSONResponse(told, refusal.status, refusal.headers)
        values = {
            "status": refusal.status, "problem": refusal.problem, "remedy": refusal.remedy,
            "visit": None, "place": "",
        }  # fmt: skip
        body = self.text("error.html", values)
        return HTMLResponse(body, refusal.status, refusal.headers)


def title_html(text: str) -> Markup:
    """Return a title with its LaTeX, cut where no reader would read on."""
    if len(text) > LONGEST_TITLE:
        text = text[:LONGEST_TITLE].rsplit(" ", 1)[0] + " …"
    return latex.html(text)


def static_address(name: str) -> str:
    return f"/static/{name}?v={static_files()[name][2]}"


def paper_address(id: str, part: str = "paper") -> str:
    """Return the path of a paper's page, or of its "bibtex", "abstract" or "history".

    >>> paper_address("doi:10.1/a b")
    '/paper/doi%3A10.1%2Fa%20b'
    """
    if id in (".", ".."):  # browsers walk up at these, even encoded
        return f"/{part}?{urlencode({'id': id})}"
    return f"/{part}/{quote(id, safe='')}"


def address(path: str, **values: Any) -> str:
    """Return a path with values as its query; empty ones are left out, lists repeat the name."""
    told = [
        (name, str(each))
        for name, value in values.items()
        for each in (value if isinstance(value, list | tuple) else (value,))
        if each not in ("", None)
    ]
    return f"{path}?{urlencode(told)}" if told else path


def web_address(value: str) -> str:
    """Return an address if a link may lead there: of the web alone; else an empty text."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("http", "https") and parts.netloc else ""


def day(value: str | date | datetime | None) -> str:
    """Return a date as people write it: 4 March 2021, or March 2021, or 2021.

    >>> day("2021-03-04"), day("2021-03"), day(None)
    ('4 March 2021', 'March 2021', '')
    """
    if not value:
        return ""
    text = value if isinstance(value, str) else value.strftime("%Y-%m-%d")
    year, _, rest = text.partition("-")
    month, _, number = rest.partition("-")
    if not month:
        return year
    name = date(2000, int(month), 1).strftime("%B")
    return f"{int(number)} {name} {year}" if number else f"{name} {year}"


def number(value: float) -> str:
    """Return a number with separators, or with two digits where it is small."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2g}"


def people_line(names: tuple[str, ...], most: int = 6) -> str:
    """Return authors in one line.

    >>> people_line(("Ada", "Bea", "Cy"), 2)
    'Ada, Bea and 1 more'
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return ", ".join(names)
