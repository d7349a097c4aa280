"""Passwords: argon2id, and the same work for a user who does not exist."""

from __future__ import annotations

import base64
import secrets
import threading
import unicodedata
from typing import TYPE_CHECKING

from everygrain.errors import InputError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 10, 1024  # characters
_AT_ONCE = threading.BoundedSemaphore(4)  # each takes 19 MiB: a crowd waits, memory does not grow


def default_hasher() -> PasswordHasher:
    """Return argon2id over 19 MiB, 2 passes, 1 lane: the least that OWASP's cheat sheet allows.

    The library's own default (64 MiB, 4 lanes) would let few people who log in at once fill a small
    machine.
    """
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Passwords:
    """Makes and verifies hashes of passwords.

    hasher   its parameters may change: `verify` says which hashes to make anew
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher

    @property
    def hasher(self) -> PasswordHasher:
        if self._hasher is None:
            self._hasher = default_hasher()
        return self._hasher

    def hash(self, password: str) -> str:
        """Return a hash with its parameters and its salt.

        Raises InputError for a password of fewer than 10 or more than 1,024 characters, or one that
        is no text that can be written in UTF-8.
        """
        if not isinstance(password, str) or not SHORTEST <= len(password) <= LONGEST:
            raise InputError(
                f"The password has fewer than {SHORTEST} or more than {LONGEST:,} characters.",
                "A few words that nobody would guess are easy to remember.",
            )
        if len(set(password)) < 3:
            raise InputError(
                "The password repeats one or two characters.",
                "A few words that nobody would guess are easy to remember.",
            )
        content = _content(password)
        if content is None:
            raise InputError("The password holds a lone surrogate.", "Leave it out.")
        with _AT_ONCE:
            return self.hasher.hash(content)

    def verify(self, stored: str | None, password: str) -> bool:
        """Return whether a password is the one that a hash was made of.

        Without a hash (`stored` None: no such user), or with a password that no user can have, the
        answer is False after the same work, so that time does not tell which users there are.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        content = _content(password)
        possible = stored is not None and content is not None
        with _AT_ONCE:
            try:
                matches = self.hasher.verify(
                    stored if stored is not None else self._of_nobody(), content or b""
                )
            except (VerificationError, InvalidHashError):
                return False
        return bool(matches) and possible

    def is_dated(self, stored: str) -> bool:
        """Return whether a hash was made with other parameters than a new one would be."""
        return self.hasher.check_needs_rehash(stored)

    def _of_nobody(self) -> str:
        """Write a hash with today's parameters that no password has, without the work of one."""
        hasher = self.hasher
        salt = _base64(secrets.token_bytes(hasher.salt_len))
        end = _base64(secrets.token_bytes(hasher.hash_len))
        costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
        return f"$argon2id$v=19${costs}${salt}${end}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def _content(password: str) -> bytes | None:
    """Return what is hashed; None for what no user can have for a password.

    One password may be typed in several forms of Unicode, which NFKC makes one.
    """
    if not isinstance(password, str) or len(password) > LONGEST:
        return None
    try:
        return unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:
        return None
