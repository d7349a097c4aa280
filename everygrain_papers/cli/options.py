"""Arguments and options that several commands of the reading room share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from everygrain_papers.room import ReadingRoom

Room = Annotated[
    Path | None,
    typer.Option(
        "--room",
        metavar="FOLDER",
        help="The room's folder; EVERYGRAIN_PAPERS_HOME or the user's data directory if not given.",
    ),
]
User = Annotated[
    str | None, typer.Option("--user", metavar="NAME", help="Whose; needed with several users.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value instead.")]
Count = Annotated[int, typer.Option("-k", min=1, max=500, metavar="N", help="How many.")]


def opened(folder: Path | None, *, create: bool = False) -> ReadingRoom:
    """Open the room. Raises StoredIndexError where there is none, unless it is to be made."""
    return ReadingRoom(folder, create=create)
