"""Polite requests to one source: one at a time, with pauses, repeated when it is busy."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property

import httpx

from everygrain import __version__
from everygrain.errors import InputError

AGENT = f"everygrain/{__version__} (a reading room; harvests one request at a time)"
LONGEST_WAIT = 1800.0  # seconds; a server that asks for more is better visited another day
MOST_REDIRECTS = 5
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# One request at a time holds for the whole process, also where two sources are one host.
_TURNS: dict[str, threading.Lock] = {}
_LAST: dict[str, float] = {}


@dataclass(frozen=True)
class Reply:
    """What a server answered.

    status    200, or 304 where nothing changed since the validators that were sent
    content   the body; empty for 304
    headers   with names in lower case
    """

    status: int
    content: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Visitor:
    """Asks for pages.

    delay     seconds between the end of one request to a host and the start of the next
    retries   how often a request is repeated after status 408, 429 or 5xx, a broken connection
              or a reply that is cut off, after waits that double, or as Retry-After says
    timeout   seconds to connect, and between two pieces of a reply
    longest   seconds for one whole reply, and
    largest   bytes of one: a reply that never ends is given up
    sleep     waits; another function in tests

    Requests go to the host that was asked for and to no other, wherever a redirect points; while
    EVERYGRAIN_OFFLINE is set they go to this machine only.
    """

    delay: float = 3.0
    retries: int = 5
    timeout: float = 60.0
    longest: float = 600.0
    largest: int = 64 * 2**20
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False, compare=False)

    @cached_property
    def _afar(self) -> httpx.Client:
        return httpx.Client(timeout=self.timeout, headers={"User-Agent": AGENT})

    @cached_property
    def _near(self) -> httpx.Client:
        # a proxy would carry a request to this machine away from it
        return httpx.Client(timeout=self.timeout, headers={"User-Agent": AGENT}, trust_env=False)

    def get(
        self,
        url: str,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        check: Callable[[Reply], object] | None = None,
    ) -> Reply:
        """Ask for a page, as often as it takes.

        check   raises InputError for a reply that is worth asking for again, such as one that is
                cut off

        Raises InputError, naming the address, if it cannot be had.
        """
        address = _address(url, parameters)
        for attempt in range(self.retries + 1):
            asked = None
            try:
                reply = self._once(address, headers or {})
            except _BusyError as error:
                problem, asked = str(error), error.wait
            except httpx.RequestError as error:
                problem = f"it cannot be reached ({error or type(error).__name__})"
            else:
                if check is None:
                    return reply
                try:
                    check(reply)
                    return reply
                except InputError as error:
                    problem = error.problem
            if attempt == self.retries or (asked is not None and asked > LONGEST_WAIT):
                break
            self.sleep(back_off(attempt, self.delay) if asked is None else asked)
        raise InputError(
            f"{address} was given up: {problem.rstrip('.')}.",
            "Come again later; what was read is kept, and the next run goes on from there.",
        )

    def _once(self, address: httpx.URL, headers: Mapping[str, str]) -> Reply:
        host = address.host
        with _TURNS.setdefault(host, threading.Lock()):
            for _ in range(MOST_REDIRECTS + 1):
                self._wait(host)
                try:
                    reply = self._fetched(address, headers)
                finally:
                    _LAST[host] = time.monotonic()
                if reply.status not in (301, 302, 303, 307, 308):
                    return reply
                following = _joined(address, reply.headers.get("location", ""))
                if following.host != host or following.scheme not in (address.scheme, "https"):
                    raise InputError(
                        f"{address} sends on to {following}, another host.",
                        "Configure that address as the source, if you trust it.",
                    )
                address = following
        raise InputError(f"{address} sends on without end.", "Check the source's address.")

    def _wait(self, host: str) -> None:
        if host in _LAST:
            rest = self.delay - (time.monotonic() - _LAST[host])
            if rest > 0:
                self.sleep(rest)

    def _fetched(self, address: httpx.URL, headers: Mapping[str, str]) -> Reply:
        offline = os.environ.get("EVERYGRAIN_OFFLINE", "").strip().lower()
        if offline not in ("", "0", "false", "no", "off") and address.host not in _LOOPBACK:
            raise InputError(
                f"--offline is on, and a request to {address.host} would leave this machine.",
                "Leave --offline out, or unset EVERYGRAIN_OFFLINE.",
            )
        began, pieces, size = time.monotonic(), [], 0
        client = self._near if address.host in _LOOPBACK else self._afar
        with client.stream("GET", address, headers=dict(headers)) as response:
            told = {name.lower(): value for name, value in response.headers.items()}
            status = response.status_code
            if status in (408, 429) or status >= 500:
                raise _BusyError(f"it answers with status {status}", asked_wait(told))
            if status >= 400:
                raise InputError(
                    f"{address} answers with status {status}.", "Check the source's address."
                )
            for piece in response.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > self.largest or time.monotonic() - began > self.longest:
                    raise InputError(
                        f"{address} sends a reply that does not end ({size:,} bytes).",
                        "Check the source's address.",
                    )
        return Reply(status, b"".join(pieces), told)


class _BusyError(Exception):
    """The server asks to come again, after `wait` seconds where it says so."""

    def __init__(self, problem: str, wait: float | None) -> None:
        super().__init__(problem)
        self.wait = wait


def back_off(attempt: int, first: float) -> float:
    """Return seconds to wait after a failed attempt (from 0): doubling, partly by chance."""
    return min(max(first, 1.0) * 2.0 ** min(attempt, 20), 300.0) * random.uniform(0.5, 1.0)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of Retry-After, given as seconds or as a date; None without one."""
    told = headers.get("retry-after", "").strip()
    if told.isdigit():
        return float(told[:9])
    moments: list[float | None] = []
    for date in (told, headers.get("date", "")):
        try:
            moment = parsedate_to_datetime(date)
        except (TypeError, ValueError, IndexError):
            moments.append(None)
        else:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            moments.append(aware.timestamp())
    until, now = moments
    return None if until is None else max(until - (time.time() if now is None else now), 0.0)


def _joined(address: httpx.URL, location: str) -> httpx.URL:
    try:
        return address.join(location)
    except httpx.InvalidURL:
        raise InputError(f"{address} sends on to no address.", "Check the source.") from None


def _address(url: str, parameters: Mapping[str, str] | None) -> httpx.URL:
    try:
        address = httpx.URL(url)
        address = address.copy_merge_params(parameters) if parameters else address
    except (httpx.InvalidURL, TypeError) as error:
        raise InputError(f"'{url}' is no address: {error}.", "Give an http(s) URL.") from None
    port = address.port is None or 0 < address.port < 2**16
    if address.scheme not in ("http", "https") or not address.host or not port:
        raise InputError(f"'{url}' is no http or https address.", "Give an http(s) URL.")
    return address
