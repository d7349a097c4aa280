"""Models by their names on the Hugging Face hub: asked for only where it can answer.

Without this, a name with a typo costs a minute of retries, told one by one on the terminal.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import getproxies

from everygrain.endpoint.offline import is_offline

_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")  # of a model on the hub: NAME or OWNER/NAME
_HOST = "huggingface.co"


def is_nowhere(name: str) -> bool:
    """Tell whether a name is neither a folder nor could be a model's on the hub."""
    if Path(name).is_dir():
        return False
    dots = any(not part.strip(".") for part in name.split("/"))
    return dots or _NAME.fullmatch(name) is None


def is_local(name: str) -> bool:
    """Tell whether a model can only be had from this machine: a folder, --offline, no network."""
    if Path(name).is_dir() or is_offline():
        return True
    if os.environ.get("HF_ENDPOINT") or getproxies().get("https"):
        return False  # somebody else looks the name up
    try:
        socket.getaddrinfo(_HOST, 443)
    except OSError:
        return True
    return False


@contextmanager
def quietly() -> Iterator[None]:
    """Keep the hub's notes on what it tries again off the terminal; its errors still come."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
