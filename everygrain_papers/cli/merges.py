"""`everygrain papers merges`: which papers were found to be one, and why; undone and redone."""

from __future__ import annotations

from typing import Annotated

import typer

from everygrain.cli.plugin import output, print_json, print_wrapped, remark
from everygrain.errors import InputError
from everygrain_papers.cli.options import AsJson, Room, opened


def merges(
    undo: Annotated[
        str | None, typer.Option(metavar="MERGE", help="Keep the two papers of a merge apart.")
    ] = None,
    redo: Annotated[
        str | None, typer.Option(metavar="MERGE", help="Take a merge back into force.")
    ] = None,
    paper: Annotated[
        str | None, typer.Option(metavar="PAPER", help="Only those of one paper's work.")
    ] = None,
    room: Room = None,
    as_json: AsJson = False,
) -> None:
    """List the papers that are versions of one work, with the reason of each merge."""
    with opened(room) as found:
        if undo is not None and undo == redo:
            raise InputError("The same merge is to be undone and redone.", "Say one of them.")
        if undo is not None:
            found.papers.undo(undo)
            remark(f"Undone. To take it back: everygrain papers merges --redo {undo}")
        if redo is not None:
            found.papers.redo(redo)
            remark(f"In force again. To undo it: everygrain papers merges --undo {redo}")
        if undo is not None or redo is not None:
            return
        decisions = found.papers.decisions(paper)
        if as_json:
            print_json([{"id": each.id} | each.record() for each in decisions])
            return
        for each in decisions:
            print_wrapped(output(), f"{each.id}  {each}", 0, 2)
        if not decisions:
            remark("No papers were merged.")
