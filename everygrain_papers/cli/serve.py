"""`everygrain papers serve`: the pages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from everygrain_papers.cli.options import Room, opened
from everygrain_papers.cli.readers import people_of

PORT = 8420

Host = Annotated[str, typer.Option(metavar="HOST", help="What to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0: any free one.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Open no page in the browser.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = PORT,
    address: Annotated[
        str,
        typer.Option(metavar="URL", help="Where readers find the pages, if not on this machine."),
    ] = "",
    accounts: Annotated[
        bool, typer.Option("--accounts", help="Readers log in; see `everygrain papers users`.")
    ] = False,
    mail: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings of the mail server.")
    ] = None,
    no_browser: NoBrowser = True,
    room: Room = None,
) -> None:
    """Serve the pages, until Ctrl-C. On this machine alone, if not told otherwise."""
    serve_room(room, host, port, address, accounts, mail, browser=not no_browser)


def serve_room(
    room: Path | None,
    host: str,
    port: int,
    address: str = "",
    accounts: bool = False,
    mail: Path | None = None,
    *,
    browser: bool,
) -> None:
    """Open a room and serve it; `browser` opens the first page."""
    from everygrain_papers.digest import read_settings
    from everygrain_papers.web import Settings, needed
    from everygrain_papers.web import serve as listen

    needed()
    given = mail is not None or any(name.startswith("EVERYGRAIN_MAIL_") for name in os.environ)
    settings = Settings(
        accounts=accounts, address=address, mail=read_settings(mail) if given else None
    )
    with opened(room) as found, people_of(found) as people:
        listen(found, people, host, port, settings, browser=browser)
