"""`everygrain papers labels`: your own labels, learned from a few examples each."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from everygrain.cli.plugin import counted, output, print_json, remark
from everygrain_papers.cli.options import AsJson, Room, opened
from everygrain_papers.outlook import outlook_of
from everygrain_papers.tags import add_label, labels_of, remove_label


def labels(
    add: Annotated[
        str | None, typer.Option(metavar="LABEL", help="Make one, or add examples to it.")
    ] = None,
    example: Annotated[
        list[str] | None, typer.Option(metavar="PAPER", help="A paper that has it; repeatable.")
    ] = None,
    remove: Annotated[str | None, typer.Option(metavar="LABEL", help="Forget one.")] = None,
    room: Room = None,
    as_json: AsJson = False,
) -> None:
    """List your labels and how many papers they fit, or change them.

    A label's name alone says something already; five examples say much more."""
    with opened(room) as found:
        if add is not None:
            add_label(found, add, example or ())
        elif remove is not None:
            remove_label(found, remove)
        known = labels_of(found)
        outlook = outlook_of(found) if known else None
        sizes = (
            Counter(each for names in outlook.tags.values() for each in names) if outlook else {}
        )
        if as_json:
            print_json(
                {name: {"examples": each, "papers": sizes[name]} for name, each in known.items()}
            )
            return
        for name, examples in known.items():
            told = f"{counted(len(examples), 'example')}, fits {counted(sizes[name], 'paper')}"
            output().print(f"{name}: {told}", markup=False, highlight=False)
        if not known:
            remark("No labels yet: everygrain papers labels --add LABEL --example PAPER.")
