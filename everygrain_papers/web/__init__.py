"""The pages of a reading room: `create_app` for ASGI servers, `serve` for this machine.

They need the extras `papers` and `server`; `needed` says what is missing. No page needs a script,
takes anything from elsewhere, or shows a text that is not escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from everygrain_papers.web.serving import needed, serve
from everygrain_papers.web.settings import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from everygrain_papers.people import People
    from everygrain_papers.room import ReadingRoom

__all__ = ["Settings", "create_app", "needed", "serve"]


def create_app(
    room: ReadingRoom, people: People, settings: Settings | None = None, *, address: str = ""
) -> Starlette:
    """Return the pages as an ASGI application; see web.app."""
    from everygrain_papers.web import app

    return app.create_app(room, people, settings, address=address)
