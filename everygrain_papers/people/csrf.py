"""Tokens in forms: a page of another site cannot send a form in the name of a reader.

    token = base64(nonce) + "." + base64(HMAC-SHA256(key, nonce + session token))
    key   = HMAC-SHA256(secret, "everygrain form")

with 16 random bytes for a nonce: no two pages hold the same token, so that a page's compressed size
tells nothing about it. Nothing is stored; a token is good for as long as its session.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

_TOKEN = re.compile(r"([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})")


def make(secret: bytes, session_token: str) -> str:
    """Return a token for the forms of one session."""
    nonce = _base64(secrets.token_bytes(16))
    return f"{nonce}.{_signature(secret, session_token, nonce)}"


def check(secret: bytes, session_token: str | None, token: str | None) -> bool:
    """Return whether a form's token was made for this session; without a session never."""
    found = _TOKEN.fullmatch(token) if isinstance(token, str) else None
    if found is None or not session_token:
        return False
    return hmac.compare_digest(found[2], _signature(secret, session_token, found[1]))


def _signature(secret: bytes, session_token: str, nonce: str) -> str:
    key = hmac.digest(secret, b"everygrain form", hashlib.sha256)
    content = f"{nonce}.{session_token}".encode(errors="surrogatepass")
    return _base64(hmac.digest(key, content, hashlib.sha256))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
