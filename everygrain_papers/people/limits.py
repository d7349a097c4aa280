"""How often one address may do one thing: a token bucket each, in bounded memory.

A bucket holds at most `burst` tokens, gains one every `seconds / burst`, and an act takes one. Kept
is not the number of tokens but one time, the moment `full` at which the bucket will be full again:

    step    = seconds / burst
    tokens  = burst - max(0, full - now) / step
    act     if tokens >= 1:  full = max(full, now) + step
    wait    otherwise        (full - now) - (burst - 1) step

A bucket that is full again is as good as none and is dropped.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from everygrain.errors import InputError

MOST_ADDRESSES = 20_000  # remembered for each purpose, some 3 MB
_ROUNDING = 1e-6  # seconds: an error of the arithmetic sends nobody away who waited as long as told


@dataclass(frozen=True, slots=True)
class Rate:
    """So many acts at once, and as many in every period of so many seconds.

    Raises InputError unless both are above 0.
    """

    burst: int
    seconds: float

    def __post_init__(self) -> None:
        if self.burst < 1 or not self.seconds > 0:
            raise InputError(f"The rate {self} lets nobody in.", "Give numbers above 0.")

    def __str__(self) -> str:
        return f"{self.burst} in {self.seconds:g} s"


class Limits:
    """Counts the acts of addresses, for many threads of one process.

    rates    purpose -> Rate
    clock    seconds, never going back
    most     addresses remembered for each purpose; beyond, the one not heard of for longest is
             forgotten, which gives it a full bucket: whoever commands more addresses than this is
             not held by a limit on each
    """

    def __init__(
        self, rates: Mapping[str, Rate], *, clock: Callable[[], float] = time.monotonic,
        most: int = MOST_ADDRESSES,
    ) -> None:  # fmt: skip
        self.rates = dict(rates)
        self._clock = clock
        self._most = most
        self._full: dict[str, OrderedDict[bytes, float]] = {name: OrderedDict() for name in rates}
        self._lock = threading.Lock()

    def take(self, purpose: str, address: str) -> float:
        """Return 0 and count the act, or the seconds (> 0) to wait before it is allowed.

        An act that is refused counts nothing: who waits as long as told is let in.
        address   of the network, or any text that stands for who acts, such as a user's name

        Raises InputError for a purpose without a rate.
        """
        if purpose not in self.rates:
            raise InputError(f"There is no rate for '{purpose}'.", "Give it one.")
        rate, buckets, key = self.rates[purpose], self._full[purpose], _key(address)
        step = rate.seconds / rate.burst
        with self._lock:
            now = self._clock()
            full = max(buckets.pop(key, now), now)
            wait = full - now - (rate.burst - 1) * step
            allowed = wait <= _ROUNDING
            buckets[key] = full + step if allowed else full  # last: heard of just now
            self._forget(buckets, now)
        return 0.0 if allowed else wait

    def forgive(self, purpose: str, address: str) -> None:
        """Take the last act of an address back: it turned out to be none to hold against it."""
        rate, buckets, key = self.rates[purpose], self._full[purpose], _key(address)
        with self._lock:
            if key in buckets:
                buckets[key] -= rate.seconds / rate.burst

    def _forget(self, buckets: OrderedDict[bytes, float], now: float) -> None:
        """Drop buckets that are full again, from the longest unheard of, and those too many."""
        while buckets:
            key, full = next(iter(buckets.items()))
            if full > now and len(buckets) <= self._most:
                return
            del buckets[key]

    def __len__(self) -> int:
        """Return how many buckets are remembered."""
        with self._lock:
            return sum(map(len, self._full.values()))


def _key(address: str) -> bytes:
    """Return 16 bytes for an address, so that a long one takes no more room.

    One line of a household or of a server gets a /64 of IPv6, which counts as one address; an IPv4
    address counts as itself also where it is written as IPv6.
    """
    name = address[:1024]
    try:
        parsed = ipaddress.ip_address(name)
    except ValueError:
        return hashlib.blake2b(name.encode(errors="replace"), digest_size=16).digest()
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        else:
            name = str(ipaddress.ip_network((int(parsed), 64), strict=False))
            return hashlib.blake2b(name.encode(), digest_size=16).digest()
    return hashlib.blake2b(str(parsed).encode(), digest_size=16).digest()
