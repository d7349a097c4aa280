"""When a request is worth repeating, and after how long."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

FIRST_WAIT = 0.5
LONGEST_BACK_OFF = 30.0


def is_passing(status: int) -> bool:
    """Tell whether a status is of a trouble that may pass: 408, 409, 429 and 5xx."""
    return status in (408, 409, 429) or status >= 500


def back_off(attempt: int) -> float:
    """Return seconds to wait after a failed attempt (from 0): doubling, the upper half at random.

    Chance keeps clients that failed together from coming back together.
    """
    most: float = min(FIRST_WAIT * 2.0 ** min(attempt, 30), LONGEST_BACK_OFF)
    return most * random.uniform(0.5, 1.0)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that Retry-After asks for, 0 or more; None where it says nothing usable.

    A date is compared with the service's own clock, the header Date, where it gives one.
    """
    told = headers.get("retry-after", "").strip()
    if not told:
        return None
    try:
        seconds = float(told)
    except ValueError:
        until = _seconds(told)
        if until is None:
            return None
        now = _seconds(headers.get("date", ""))
        seconds = until - (time.time() if now is None else now)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _seconds(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    # a date without a zone is in UTC, as every date of HTTP is
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
