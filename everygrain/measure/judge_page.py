"""The page of one judge, served to this machine alone.

It listens on 127.0.0.1. Every address begins with a random token, so that other users and pages
cannot guess it; a Host header of another name is refused, so that no foreign name that points here
(DNS rebinding) gets an answer; so is what another page sends (Origin). The page takes nothing from
elsewhere and runs no script but its own, whatever a document holds: its scripts set text, never
HTML, and the Content-Security-Policy has the browser enforce both.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from socketserver import ThreadingTCPServer
from typing import Any

from everygrain.errors import EverygrainError, InputError
from everygrain.measure.desk import Desk
from everygrain.read.record import parse_json

ADDRESS = "127.0.0.1"
LARGEST_BODY = 2**18
FOREIGN = ("Another page may not use this one.", "Type or paste the address that was printed.")
SECONDS = 30.0  # that a connection may take
FILES = {
    "": ("page.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "keys.js": ("keys.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class JudgingServer(ThreadingTCPServer):
    """Serves a desk. `url` is the page's address; `serve_forever` runs until `shutdown`.

    port   0 for any that is free

    Raises OSError if the port is taken.
    """

    allow_reuse_address = os.name != "nt"  # there it would let two servers share a port
    daemon_threads = True

    def __init__(self, desk: Desk, port: int = 0) -> None:
        self.desk = desk
        self.token = secrets.token_urlsafe(24)
        self.pages = {
            path: (files("everygrain.measure").joinpath("page", name).read_bytes(), kind)
            for path, (name, kind) in FILES.items()
        }
        super().__init__((ADDRESS, port), _Handler)
        self.port = int(self.server_address[1])
        self.hosts = frozenset((f"{ADDRESS}:{self.port}", f"localhost:{self.port}"))

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that goes away in the middle of an answer is no error."""


class _Refusal(Exception):
    def __init__(self, status: int, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.status, self.problem, self.remedy = status, problem, remedy


class _Handler(BaseHTTPRequestHandler):
    server: JudgingServer
    server_version = "everygrain"
    sys_version = ""
    timeout = SECONDS

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, method: Any) -> None:
        try:
            content, kind = method(self._path())
            status = 200
        except _Refusal as refusal:
            status, kind = refusal.status, "application/json"
            content = _json({"problem": refusal.problem, "remedy": refusal.remedy})
        except EverygrainError as error:
            status, kind = 400 if isinstance(error, InputError) else 500, "application/json"
            content = _json({"problem": error.problem, "remedy": error.remedy})
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _path(self) -> str:
        """Return what follows the token, once the request may be answered at all."""
        if self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            raise _Refusal(421, "This address answers to its own name only.")
        origin = self.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in self.server.hosts:
            raise _Refusal(403, *FOREIGN)
        if self.headers.get("Sec-Fetch-Site") not in (None, "none", "same-origin"):
            raise _Refusal(403, *FOREIGN)
        token, slash, rest = self.path.removeprefix("/").partition("/")
        if not slash or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise _Refusal(404, "There is nothing here.", "Use the address that was printed.")
        return rest

    def _get(self, path: str) -> tuple[bytes, str]:
        if path in self.server.pages:
            return self.server.pages[path]
        if path == "state":
            return _json(self.server.desk.state()), "application/json"
        name, _, number = path.partition("/")
        if name == "item" and number.isascii() and number.isdigit() and len(number) < 10:
            return _json(self.server.desk.item(int(number))), "application/json"
        raise _Refusal(404, "There is nothing here.")

    def _post(self, path: str) -> tuple[bytes, str]:
        body = self._body()
        if path == "undo":
            return _json(self.server.desk.undo()), "application/json"
        if path == "change":
            number = body.pop("number", None)
            return _json(self.server.desk.change(number, body)), "application/json"
        raise _Refusal(404, "There is nothing here.")

    def _body(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/json":
            raise _Refusal(415, "The body is not JSON.")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise _Refusal(411, "The body's length is missing.")
        if len(length) > 9 or int(length) > LARGEST_BODY:
            raise _Refusal(413, "The body is too long.")
        try:
            body = parse_json(self.rfile.read(int(length)).decode())
        except UnicodeDecodeError:
            raise _Refusal(400, "The body is not UTF-8.") from None
        if not isinstance(body, dict):
            raise _Refusal(400, "The body is no JSON object.")
        return body

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal is for the address, and for errors."""


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
