"""`everygrain demo`: the bundled collection, indexed and searched."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from everygrain.cli.options import text

if TYPE_CHECKING:
    from everygrain.engine import Index

QUERY = "How can I train a dense retriever when nobody has labelled any query?"
SHOWN = 5


def demo(
    query: Annotated[
        str, typer.Argument(metavar="[QUERY]", callback=text, help="What to look for.")
    ] = QUERY,
) -> None:
    """Search the bundled collection of 318 papers; it is indexed on the first call."""
    from everygrain.cli.hits import print_hits
    from everygrain.cli.nothing import reason
    from everygrain.cli.terminal import clean, output
    from everygrain.encode.cache import cache_folder
    from everygrain.engine import Index

    folder = cache_folder() / "demo"
    console = output()
    with Index(folder) as index:
        _fill(index, folder)
        console.print(clean(f"Query: {query}\n"), style="bold")
        hits = index.search(query, SHOWN)
        if hits:
            print_hits(index, query, hits)
        else:
            console.print(clean(f"Nothing was found. {reason(index, query, None, None)}"))
    console.print("\nWhat to type next:")
    for command in (
        'everygrain demo "your own question"',
        f'everygrain search {shlex.quote(str(folder))} "your own question" --explain',
        "everygrain add my-index FOLDER-OR-FILE",
    ):
        console.print(clean(f"  {command}"), style="dim", soft_wrap=True)


def _fill(index: Index, folder: Path) -> None:
    from everygrain.cli.progress import progress
    from everygrain.cli.terminal import remark
    from everygrain.data import bundled
    from everygrain.read import read

    documents = list(read(bundled()))
    if len(index) == len(documents):
        return
    remark(f"Indexing the {len(documents)} cards of the bundled collection in {folder}.")
    with progress("Indexing", len(documents)) as advance:
        index.add(documents, on_progress=advance)
