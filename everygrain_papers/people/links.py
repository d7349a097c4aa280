"""Links that do one thing for one user until they expire, without logging in.

A token is `body.signature`, both in URL-safe base64 without padding:

    body      = base64(JSON {"expires": seconds since 1970, "payload": {...}})
    key       = HMAC-SHA256(secret, "everygrain link:" + purpose)
    signature = base64(HMAC-SHA256(key, body))

The purpose is in the key, so that a token for one purpose is as good as forged for another. All
else that the link is about (user, paper, interest) stands in the payload; whoever reads it acts on
what stands there, never on what else a request says. A token is not secret in itself: its payload
can be read, not changed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from everygrain.errors import InputError

LONGEST = 8192  # characters of a token
LONGEST_PURPOSE = 64
_SHORTEST_SECRET = 16  # bytes


def sign(secret: bytes, purpose: str, payload: Mapping[str, Any], expires: datetime) -> str:
    """Return a token of at most 8,192 characters from A-Z, a-z, 0-9, "-", "_" and ".".

    payload   names to JSON values; `read` returns the same
    expires   aware of its zone; counts to the second

    Raises InputError for a payload that is no JSON or too long, and for a time without a zone.
    """
    told = {"expires": int(_aware(expires).timestamp()), "payload": dict(payload)}
    try:
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)
        same = json.loads(text) == told
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise InputError(
            "A link cannot carry this payload.", "Give names with texts, numbers or lists of them."
        )
    body = _base64(text.encode())
    token = f"{body}.{_signature(secret, purpose, body)}"
    if len(token) > LONGEST:
        raise InputError(
            f"A link of {len(token):,} characters is too long for mail.",
            f"Say less in it; {LONGEST:,} is the most.",
        )
    return token


def read(secret: bytes, purpose: str, token: str, now: datetime) -> dict[str, Any]:
    """Return the payload that was signed for this purpose.

    Raises InputError for a token that is forged, changed, cut off, or made for another purpose or
    by another room (all alike, so that nobody learns which), and for one that has expired.
    """
    body, separator, signature = token.partition(".") if isinstance(token, str) else ("", "", "")
    if not separator or len(token) > LONGEST or not token.isascii():
        raise _invalid()
    if not hmac.compare_digest(signature, _signature(secret, purpose, body)):
        raise _invalid()
    try:
        told = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        payload, expires = dict(told["payload"]), int(told["expires"])
    except (ValueError, KeyError, TypeError, OverflowError):
        raise _invalid() from None
    if _aware(now).timestamp() >= expires:
        raise InputError("This link has expired.", "Log in, or use the link of a newer message.")
    return payload


def _signature(secret: bytes, purpose: str, body: str) -> str:
    if len(secret) < _SHORTEST_SECRET:
        raise InputError("The secret for links is too short.", "Use the secret of people.db.")
    if not purpose or len(purpose) > LONGEST_PURPOSE:
        raise InputError("A link has no purpose.", "Name it in a word.")
    key = hmac.digest(secret, b"everygrain link:" + purpose.encode(), hashlib.sha256)
    return _base64(hmac.digest(key, body.encode(), hashlib.sha256))


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _aware(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise InputError(f"The time {time} has no zone.", "Give one with its zone, such as UTC.")
    return time


def _invalid() -> InputError:
    return InputError("This link is not valid.", "Open it as it stands in the message, whole.")
