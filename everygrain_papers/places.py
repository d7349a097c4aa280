"""Where a reading room lies on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HOME = "EVERYGRAIN_PAPERS_HOME"


def home() -> Path:
    """Return EVERYGRAIN_PAPERS_HOME, or `everygrain/papers` in the user's data directory."""
    told = os.environ.get(HOME)
    if told:
        return Path(told).expanduser()
    if sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return data / "everygrain" / "papers"
