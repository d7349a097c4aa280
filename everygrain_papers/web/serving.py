"""The pages on a port of this machine."""

from __future__ import annotations

import asyncio
import socket
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from everygrain.errors import InputError, ModelError
from everygrain_papers.people import People
from everygrain_papers.web.settings import Settings, check_binding

if TYPE_CHECKING:
    from everygrain_papers.room import ReadingRoom

KEEP_ALIVE = 15  # seconds that an idle connection stays
MOST_CONNECTIONS = 500  # what comes beyond is told to come again
LONGEST_HEAD = 64 * 1024  # bytes of a request's line and headers


def needed() -> None:
    """Raise ModelError where the packages of the pages are missing."""
    missing = [name for name in ("starlette", "uvicorn", "jinja2") if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"The pages need {', '.join(missing)}.", 'Install "everygrain[papers,server]".'
        )


def serve(
    room: ReadingRoom,
    people: People,
    host: str = "127.0.0.1",
    port: int = 8420,
    settings: Settings | None = None,
    *,
    browser: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the pages until Ctrl-C.

    port       0 for any that is free
    browser    open the first page in it
    on_ready   called with the address once the pages answer; without it the address is printed

    Raises InputError for a host that needs accounts or an address, and for a port that is taken.
    """
    needed()
    import uvicorn

    from everygrain_papers.web.app import create_app

    chosen = settings or Settings()
    check_binding(host, chosen)
    if chosen.accounts and not people.users():
        raise InputError(
            "Accounts are on, and nobody has one.", "Make one: everygrain papers users --add NAME."
        )
    listening = _listen(host, port)
    port = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    address = chosen.address.rstrip("/") or f"http://{shown}:{port}"

    class Told(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _tell(address, browser, on_ready)

    config = uvicorn.Config(
        create_app(room, people, chosen, address=address), log_level="warning", access_log=False,
        server_header=False, proxy_headers=bool(chosen.address), timeout_keep_alive=KEEP_ALIVE,
        limit_concurrency=MOST_CONNECTIONS, h11_max_incomplete_event_size=LONGEST_HEAD,
        ws="none", loop="asyncio",
    )  # fmt: skip
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        Told(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; asked for here, so that a port that is taken is told early."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, where = found[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(where)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise InputError(
            f"Nothing can listen on {host}:{port} ({error.strerror or error}).",
            "Choose another with --port, or 0 for any that is free.",
        ) from None
    return listening


def _tell(address: str, browser: bool, on_ready: Callable[[str], None] | None) -> None:
    if on_ready is not None:
        on_ready(address)
    else:
        print(f"The reading room is at {address} (Ctrl-C ends it).", flush=True)
    if browser:
        with suppress(webbrowser.Error):
            webbrowser.open(address)
