"""`everygrain delete`: documents out of an index."""

from __future__ import annotations

from typing import Annotated

import typer

from everygrain.cli.options import AsJson, IndexFolder, Where


def delete(
    index: IndexFolder,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids.")] = None,
    where: Where = None,
    as_json: AsJson = False,
) -> None:
    """Delete documents by their ids, or all that a filter holds for."""
    from everygrain.cli.terminal import clean, counted, output, print_json, remark
    from everygrain.engine import Index

    if bool(ids) == (where is not None):
        raise typer.BadParameter("name ids, or give --where, and not both.")
    with Index.open(index) as opened:
        report = opened.delete(ids or [], where=where)
        holds = len(opened)
    if as_json:
        print_json({"deleted": report.deleted, "notes": report.notes})
    else:
        for note in report.notes:
            remark(note)
        told = f"{index} holds {counted(holds, 'document')}."
        output().print(clean(f"Deleted {counted(report.deleted, 'document')}. {told}"))
    if ids and not report.deleted:
        raise typer.Exit(1)
