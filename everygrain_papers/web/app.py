"""All pages at their addresses, behind the guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from everygrain_papers.people import People
from everygrain_papers.web import (
    accounts,
    digests,
    feeds,
    following,
    judging,
    labelling,
    links,
    marking,
    reading,
    searching,
    showing,
    subjects,
)
from everygrain_papers.web.guard import Guard
from everygrain_papers.web.rendering import Refusal, Templates, static_files
from everygrain_papers.web.settings import Settings
from everygrain_papers.web.visit import House, Page, endpoint

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

# path, page, whether it takes forms
_PAGES: tuple[tuple[str, Page, bool], ...] = (
    ("/", reading.home, False),
    ("/help", reading.help_page, False),
    ("/search", searching.search, False),
    ("/alike", searching.alike, False),
    ("/trending", subjects.trending_page, False),
    ("/topics", labelling.topics_page, False),
    ("/interests", following.interests, True),
    ("/interest/{id}", following.interest, True),
    ("/digest", digests.digest, True),
    ("/judge", judging.judge, True),
    ("/judge/qrels", judging.qrels, False),
    ("/judge/queries", judging.queries, False),
    ("/account", accounts.account, True),
    ("/feed.atom", feeds.papers_feed, False),
    ("/paper", showing.paper_page, False),
    ("/paper/{id:path}", showing.paper_page, False),
    ("/bibtex", showing.bibtex_entry, False),
    ("/bibtex/{id:path}", showing.bibtex_entry, False),
    ("/abstract", showing.abstract, False),
    ("/abstract/{id:path}", showing.abstract, False),
)
_FORMS: tuple[tuple[str, Page], ...] = (
    ("/mark", marking.mark),
    ("/seen", marking.seen),
    ("/labels", labelling.change),
    ("/merge", showing.merge),
    ("/logout", accounts.logout),
)
_LINKS: tuple[tuple[str, Page], ...] = (
    ("/digest/like/{token}", links.like),
    ("/digest/dislike/{token}", links.dislike),
    ("/digest/confirm/{token}", links.confirm_link),
    ("/digest/unsubscribe/{token}", links.unsubscribe_link),
)
_STATIC_FOR = "public, max-age=31536000, immutable"


def create_app(
    room: ReadingRoom, people: People, settings: Settings | None = None, *, address: str = ""
) -> Starlette:
    """Return the pages of a room as an ASGI application.

    address   where it is served, such as "http://127.0.0.1:8420", if the settings do not say it
    """
    house = House(room, people, settings or Settings(), address=address)
    routes = [
        Route(path, endpoint(house, page), methods=["GET", "POST"] if forms else ["GET"])
        for path, page, forms in _PAGES
    ]
    routes += [Route(path, endpoint(house, page), methods=["POST"]) for path, page in _FORMS]
    routes += [
        Route(path, endpoint(house, page, open_to_all=True, signed=True), methods=["GET", "POST"])
        for path, page in _LINKS
    ]
    routes += [
        Route("/login", endpoint(house, accounts.login, open_to_all=True), methods=["GET", "POST"]),
        Route(
            "/digest/feed/{token}", endpoint(house, digests.reader_feed, open_to_all=True),
            methods=["GET"],
        ),
        Route("/static/{name}", _static, methods=["GET"]),
        Route("/favicon.ico", _icon, methods=["GET"]),
    ]  # fmt: skip

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        subjects.warm(house)
        yield

    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, settings=house.settings, templates=house.templates)],
        exception_handlers={404: _not_found(house.templates), 405: _no_method(house.templates)},
        lifespan=lifespan,
    )


async def _static(request: Request) -> Response:
    found = static_files().get(request.path_params["name"])
    if found is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    content, kind, version = found
    same = request.query_params.get("v") == version
    headers = {"Cache-Control": _STATIC_FOR if same else "no-cache", "ETag": f'"{version}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, headers={**headers, "Content-Type": kind})


async def _icon(request: Request) -> Response:
    content, kind, _ = static_files()["icon.svg"]
    return Response(content, headers={"Content-Type": kind, "Cache-Control": "max-age=86400"})


def _not_found(templates: Templates):  # type: ignore[no-untyped-def]
    async def answer(request: Request, error: Exception) -> Response:
        return templates.refusal(
            request, Refusal(404, "There is no such page.", "Go on from the first page.")
        )

    return answer


def _no_method(templates: Templates):  # type: ignore[no-untyped-def]
    async def answer(request: Request, error: Exception) -> Response:
        return templates.refusal(
            request, Refusal(405, "This page takes no forms.", "Go back to the page before.")
        )

    return answer
