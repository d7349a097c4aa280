"""Files that a command writes must not be files that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer


def refuse_overwriting(path: Path, option: str, sources: Sequence[Path]) -> None:
    """Refuse, as wrong usage, to write over a source or into a source folder."""
    written = path.resolve()
    for source in sources:
        read = source.resolve()
        if written == read or (read.is_dir() and read in written.parents):
            raise typer.BadParameter(
                f"{path} is read by this command, and would be overwritten. Name another file.",
                param_hint=option,
            )
