"""What every request passes before a page sees it, and what every answer takes with it.

A Host of another name is refused, so that no foreign name that points here (DNS rebinding) gets
an answer; so is a change that another page sends, one that is too long, and too many requests
from one address.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from everygrain_papers.people.limits import Limits
from everygrain_papers.web.rendering import Refusal, Templates
from everygrain_papers.web.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not "no-referrer": browsers would then send "Origin: null" with our own forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
# the mail reader's own button: it knows no page, so it sends no Origin of ours
FROM_ELSEWHERE = ("/digest/unsubscribe/",)
_SAFE = ("GET", "HEAD")


class Guard:
    """ASGI around the pages."""

    def __init__(self, app: ASGIApp, settings: Settings, templates: Templates) -> None:
        self.app = app
        self.settings = settings
        self.templates = templates
        self.names = frozenset(settings.names)
        self.limits = Limits({"reads": settings.reads, "changes": settings.changes})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = 0

        async def counted() -> Message:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > self.settings.largest_body:
                raise self._too_long()
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self.settings.secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            self._check(scope)
        except Refusal as refusal:
            response: Response = self.templates.refusal(Request(scope), refusal)
            await response(scope, receive, dressed)
            return
        await self.app(scope, counted, dressed)

    def _check(self, scope: Scope) -> None:
        """Raise Refusal for what no page is to see."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name(hosts[0]) not in self.names:
            raise Refusal(
                421, "This room answers to its own name only.", "Use the address that was printed."
            )
        method, path = scope["method"], scope["path"]
        if method not in (*_SAFE, "POST"):
            raise Refusal(405, f"Nothing here does {method[:20]}.", "Go back to the page before.")
        asker = scope["client"][0] if scope.get("client") else ""
        self._slow_down("reads", asker)
        if method in _SAFE:
            return
        self._slow_down("changes", asker)
        declared = headers.get("content-length", "0")
        if not (declared.isascii() and declared.isdigit()):
            raise Refusal(400, "The length of what was sent is no number.", "Send it again.")
        if len(declared) > 12 or int(declared) > self.settings.largest_body:
            raise self._too_long()
        if path.startswith(FROM_ELSEWHERE):
            return
        origin = headers.get("origin")
        foreign = origin is not None and origin.partition("://")[2] != hosts[0]
        if foreign or headers.get("sec-fetch-site") not in (None, "none", "same-origin"):
            raise Refusal(
                403, "Another page may not change anything here.", "Open this room and do it there."
            )
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise Refusal(415, "What was sent is no form.", "Use the forms of the pages.")

    def _slow_down(self, purpose: str, asker: str) -> None:
        if wait := self.limits.take(purpose, asker):
            raise too_often(wait, "Too many requests came from your address.")

    def _too_long(self) -> Refusal:
        return Refusal(
            413,
            "What was sent is too long.",
            f"Send at most {self.settings.largest_body // 1024:,} kB.",
            {"Connection": "close"},
        )


def too_often(wait: float, problem: str) -> Refusal:
    """Return the refusal of what comes too often: after `wait` seconds it is let in."""
    seconds = max(1, math.ceil(wait))
    return Refusal(
        429, problem, f"Wait {seconds} seconds, then load the page again.",
        {"Retry-After": str(seconds)},
    )  # fmt: skip


def _name(host: str) -> str:
    """Return a Host header's name without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()
