"""The client to an OpenAI-compatible service: two requests, retried where that can help."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar

import httpx

from everygrain.endpoint.offline import check_allowed, is_loopback
from everygrain.endpoint.replies import (
    Completion,
    MalformedReplyError,
    read_completion,
    read_vectors,
)
from everygrain.endpoint.retries import asked_wait, back_off, is_passing
from everygrain.errors import ModelError

Answer = TypeVar("Answer")

LONGEST_WAIT = 300.0  # seconds; a service that asks for more is better asked another day
_PIECE = 200  # characters of a service's own message that are shown


@dataclass(frozen=True)
class Endpoint:
    """A model behind an address.

    url            up to the version, as in http://127.0.0.1:8080/v1
    model          the name that the service knows it by
    key_variable   name of the environment variable that holds the key; never the key itself. It
                   is read at each request; without it, none is sent
    timeout        seconds to connect, and between two pieces of a reply
    retries        how often a request is repeated after status 408, 409, 429 or 5xx, or when the
                   connection fails, after waits that double, or as long as Retry-After says
    sleep          waits; another function in tests

    Redirects are not followed: a key goes to no other address than the one given. Credentials in
    the address are used where there is no key, and shown nowhere; a query is sent as it is, and
    shown by no one but httpx, which logs it at level INFO: put no key there.
    Raises ModelError for an address, a variable's name or a number that cannot be one.
    """

    url: str = field(repr=False)
    model: str
    key_variable: str = "EVERYGRAIN_API_KEY"
    timeout: float = 60.0
    retries: int = 5
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            url = self._parsed
            usable = url.scheme in ("http", "https") and bool(url.host)
            usable = usable and (url.port is None or 0 < url.port < 65536)
        except httpx.InvalidURL:
            usable = False
        if not usable:
            raise ModelError(
                "The address of the endpoint is not an http or https URL.",
                "Give it up to the version, as in http://127.0.0.1:8080/v1.",
            )
        # a key given here by mistake would be printed; what is no name is therefore not shown
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.key_variable):
            raise ModelError(
                "`key_variable` is not the name of an environment variable.",
                "Put the key in a variable, and give the variable's name, never the key itself.",
            )
        if self.retries < 0 or self.timeout <= 0:
            raise ModelError(
                f"{self.retries} retries and a timeout of {self.timeout} s make no sense.",
                "Give 0 retries or more, and a timeout above 0.",
            )

    def __repr__(self) -> str:
        return (
            f"Endpoint(url={self.address!r}, model={self.model!r}, "
            f"key_variable={self.key_variable!r}, timeout={self.timeout}, retries={self.retries})"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def _parsed(self) -> httpx.URL:
        return httpx.URL(self.url)

    @property
    def address(self) -> str:
        """The URL without credentials and query."""
        return _bare(self._parsed)

    @property
    def is_bare(self) -> bool:
        """Whether the URL holds neither credentials nor a query, so that it may be kept."""
        return not self._parsed.userinfo and not self._parsed.query

    @cached_property
    def _client(self) -> httpx.Client:
        # a proxy would carry a request to this machine away from it
        trusted = not is_loopback(self._parsed.host)
        return httpx.Client(timeout=self.timeout, follow_redirects=False, trust_env=trusted)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text, in order: POST {url}/embeddings.

        Raises ModelError if the service cannot be reached, refuses, or answers what is malformed.
        """
        if not texts:
            return []
        body = {"model": self.model, "input": list(texts)}
        return self._asked("embeddings", body, lambda reply: read_vectors(reply, len(texts)))

    def complete(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Completion:
        """Return the model's answer: POST {url}/chat/completions.

        messages   {"role": ..., "content": ...}, in the order of the conversation
        options    as the protocol names them: temperature, max_tokens, seed, logprobs, ...

        Raises ModelError as `embed` does, and for `stream`, which is not spoken here.
        """
        if options.get("stream"):
            raise ModelError("Replies are not streamed.", "Leave the option `stream` out.")
        body = {**options, "model": self.model, "messages": [dict(each) for each in messages]}
        return self._asked("chat/completions", body, read_completion)

    def _asked(self, path: str, body: Mapping[str, Any], read: Callable[[Any], Answer]) -> Answer:
        response = self._post(path, json.dumps(body).encode())
        try:
            reply = json.loads(response.content)
        except (ValueError, RecursionError):
            what = "it is not JSON"
        else:
            try:
                return read(reply)
            except MalformedReplyError as error:
                what = str(error)
        raise ModelError(
            f"{self.address}/{path} answered with status {response.status_code}, but the reply "
            f"cannot be used: {what}. It begins: {self._said(response)}",
            "Check that the address is that of an OpenAI-compatible service, with its version, as "
            "in http://127.0.0.1:8080/v1, and that the model serves this kind of request.",
        )

    def _post(self, path: str, content: bytes) -> httpx.Response:
        check_allowed(self._parsed.host)
        address, _, query = self._parsed.raw_path.partition(b"?")
        whole = address.rstrip(b"/") + b"/" + path.encode() + (b"?" + query if query else b"")
        url = self._parsed.copy_with(raw_path=whole, userinfo=b"", fragment=None)
        headers = {"Content-Type": "application/json", **self._authorization()}
        for attempt in range(self.retries + 1):
            last = attempt == self.retries
            try:
                response = self._client.post(url, content=content, headers=headers)
            except httpx.RequestError as error:
                if last or not isinstance(error, httpx.TransportError):
                    raise self._unreachable(path, error) from None
                wait = back_off(attempt)
            else:
                if response.is_success:
                    return response
                asked = asked_wait(response.headers)
                too_long = asked is not None and asked > LONGEST_WAIT
                if last or too_long or not is_passing(response.status_code):
                    raise self._refused(path, response, asked)
                wait = back_off(attempt) if asked is None else asked
            self.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _key(self) -> str:
        key = os.environ.get(self.key_variable, "").strip()
        if not re.fullmatch(r"[!-~]*", key):
            # the client's own error would quote the header, key and all
            raise ModelError(
                f"The key in {self.key_variable} holds spaces or characters beyond ASCII.",
                "Set the variable to the key alone.",
            )
        return key

    def _authorization(self) -> dict[str, str]:
        if key := self._key():
            return {"Authorization": f"Bearer {key}"}
        if self._parsed.userinfo:
            told = f"{self._parsed.username}:{self._parsed.password}".encode()
            return {"Authorization": f"Basic {base64.b64encode(told).decode()}"}
        return {}

    def _said(self, response: httpx.Response) -> str:
        """Return a short piece of what the service says, on one line, without the key."""
        text = response.text
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            error = found.get("error", found.get("message", found.get("detail")))
            inner = error.get("message") if isinstance(error, dict) else error
            text = inner if isinstance(inner, str) else text
        for secret in (self._key(), self._parsed.password):
            text = text.replace(secret, "***") if secret else text
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return f"'{line[:_PIECE]}{'...' if len(line) > _PIECE else ''}'"

    def _unreachable(self, path: str, error: httpx.RequestError) -> ModelError:
        if isinstance(error, httpx.TimeoutException):
            what, remedy = f"no answer within {self.timeout:g} s", "Give it more time, or"
        else:
            what, remedy = str(error) or type(error).__name__, "Start the service, or"
        return ModelError(
            f"{self.address}/{path} cannot be reached ({what}; attempts: {self.retries + 1}).",
            f"{remedy} check the address and the network; then run the command again.",
        )

    def _refused(self, path: str, response: httpx.Response, asked: float | None) -> ModelError:
        status = response.status_code
        if response.is_redirect:
            remedy = "Redirects are not followed: give the address that the service now has."
        elif status in (401, 403):
            remedy = f"Set the environment variable {self.key_variable} to a key that is accepted."
        elif status == 404:
            remedy = (
                f"Check the model's name, '{self.model}', and that the address holds the version, "
                "as in http://127.0.0.1:8080/v1."
            )
        elif is_passing(status):
            wait = f"{asked:.0f} seconds, as it asks," if asked else "a while"
            remedy = f"Wait {wait} and run the command again."
        else:
            remedy = f"Check the model's name, '{self.model}', and the length of the texts."
        return ModelError(
            f"{self.address}/{path} refused with status {status}: {self._said(response)}.", remedy
        )


def _bare(url: httpx.URL) -> str:
    return str(url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")
