"""`everygrain papers demo`: a reading room over the bundled cards, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from everygrain.cli.plugin import progress, remark
from everygrain_papers.cli.serve import PORT, NoBrowser, Port, serve_room
from everygrain_papers.places import home
from everygrain_papers.room import ReadingRoom


def demo(
    port: Port = PORT,
    no_browser: NoBrowser = False,
    fill_only: Annotated[
        bool, typer.Option("--fill-only", help="Make the room and stop; `serve` shows it.")
    ] = False,
) -> None:
    """Try it: the bundled cards of 318 papers as a reading room, in the browser.

    They are indexed on the first call. The room is apart from your own."""
    from everygrain_papers.bundled import first_interests
    from everygrain_papers.cli.readers import people_of
    from everygrain_papers.sources.cards import Cards

    folder = demo_folder()
    with ReadingRoom(folder) as room:
        if room.papers.get_value("demo") is None:
            remark(f"Making a room of the bundled cards in {folder}.")
            with progress("Indexing") as advance:
                room.ingest(Cards(), on_progress=advance)
            with people_of(room) as people:
                first_interests(room, people)
            room.papers.set_value("demo", 1)
    if fill_only:
        remark(f"Ready: everygrain papers serve --room {folder}")
        return
    serve_room(folder, "127.0.0.1", port, browser=not no_browser)


def demo_folder() -> Path:
    """Return where the demo's room lies: beside the user's own."""
    return home().with_name(f"{home().name}-demo")
