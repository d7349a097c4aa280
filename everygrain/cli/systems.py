"""`everygrain systems`: which published systems the program implements."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from everygrain.cli.options import AsJson


class Status(StrEnum):
    """Whether a system is implemented and shown by a test."""

    works = "works"
    planned = "planned"


def systems(
    status: Annotated[Status | None, typer.Option(help="Only those of one status.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the published systems that are implemented or planned."""
    from everygrain.cli.terminal import print_json
    from everygrain.systems import load

    every = load()
    rows = [row for row in every if status is None or row.status == status.value]
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    from rich.table import Table
    from rich.text import Text

    from everygrain.cli.terminal import clean, output

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("id", "status", "system"):
        table.add_column(name, overflow="fold")
    for row in rows:
        told = Text(clean(row.title))
        told.append(f"\n{row.component}: {clean(row.detail)}", style="dim")
        if row.measured:
            told.append(f"\n{clean(row.measured)}")
        table.add_row(row.id, row.status, told)
    console = output()
    if rows:
        console.print(table)
    works = sum(row.status == "works" for row in every)
    console.print(f"Of {len(every)} systems {works} work, {len(every) - works} are planned.")
