"""What pages compute once for many readers, until the papers change."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any, TypeVar

MOST = 500  # results that are kept; the one not asked for the longest goes first
LONGEST = 6 * 3600.0  # seconds that a result of the same papers is kept: days and weeks go on

_log = logging.getLogger("everygrain_papers.web")
T = TypeVar("T")


@dataclass
class _Kept:
    generation: int
    made: float
    value: Any
    busy: bool = False
    lock: Lock = field(default_factory=Lock)


class Cache:
    """Results by key, for many threads. Nobody computes what another is computing already.

    generation   returns a number that grows with every change of the papers
    clock        seconds, rising
    """

    def __init__(
        self, generation: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._generation = generation
        self._clock = clock
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._lock = Lock()

    def get(
        self, key: Hashable, make: Callable[[], T], *, seconds: float = 60.0, late: bool = False
    ) -> T:
        """Return what `make` returned for this key and these papers at most `seconds` ago.

        late   for what takes long and matters little if it is old: papers that came within
               `seconds` do not count, and what is older is answered at once and made anew behind
               the page
        """
        generation = self._generation()
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = _Kept(-1, 0.0, None)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
            old = kept.generation >= 0
            if old and self._is_fresh(kept, generation, seconds, late):
                return kept.value  # type: ignore[no-any-return]
            value = kept.value
            if old and late:
                self._begin(kept, make, generation)
                return value  # type: ignore[no-any-return]
        with kept.lock:
            if not self._is_fresh(kept, generation, seconds, late):
                self._fill(kept, make, generation)
            return kept.value  # type: ignore[no-any-return]

    def soon(self, key: Hashable, make: Callable[[], T], default: T, *, seconds: float) -> T:
        """Return as `get` does with `late`, but never wait: the default until it was made once."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = _Kept(-1, 0.0, None)
            if kept.generation < 0:
                self._begin(kept, make, self._generation())
                return default
        return self.get(key, make, seconds=seconds, late=True)

    def renew(self, key: Hashable, make: Callable[[], Any]) -> None:
        """Make anew behind the page what is kept under a key, unless that is under way."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._begin(kept, make, self._generation())

    def _is_fresh(self, kept: _Kept, generation: int, seconds: float, late: bool) -> bool:
        age = self._clock() - kept.made
        same = kept.generation >= generation
        if late:
            return kept.generation >= 0 and age < (LONGEST if same else seconds)
        return same and age < seconds

    def _begin(self, kept: _Kept, make: Callable[[], Any], generation: int) -> None:
        if not kept.busy:
            kept.busy = True
            Thread(target=self._renew, args=(kept, make, generation), daemon=True).start()

    def _renew(self, kept: _Kept, make: Callable[[], Any], generation: int) -> None:
        try:
            with kept.lock:
                self._fill(kept, make, generation)
        except Exception:
            # The old value stays, and the next reader tries again.
            _log.exception("Something behind the pages failed.")
        finally:
            kept.busy = False

    def _fill(self, kept: _Kept, make: Callable[[], Any], generation: int) -> None:
        value = make()
        kept.value, kept.made, kept.generation = value, self._clock(), generation
