"""`everygrain demo`: the bundled collection, indexed and searched."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shutil import which
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
    """Try it: search the bundled cards of 318 papers.

    They are indexed on the first call."""
    from everygrain.cli.hits import print_hits
    from everygrain.cli.nothing import reason
    from everygrain.cli.terminal import clean, output, print_command
    from everygrain.encode.cache import cache_folder
    from everygrain.engine import Index

    folder = cache_folder() / "demo"
    console = output()
    with Index(folder) as index:
        _fill(index, folder)
        console.print(clean(f"Query: {query}"), style="bold")
        console.print()
        hits = index.search(query, SHOWN)
        if hits:
            print_hits(index, query, hits)
        else:
            console.print(clean(f"Nothing was found. {reason(index, query, None, None)}"))
    console.print("\nWhat to type next:")
    for words in (
        ["demo", "your own question"],
        ["search", str(folder), "your own question", "--explain"],
        ["add", "my-index", "FOLDER-OR-FILE"],
    ):
        print_command(console, " ", [_as_typed(), *words])


def _as_typed() -> str:
    """Return the command as this shell would find it: by name, or by the path it was run by."""
    if which("everygrain") or Path(sys.argv[0]).name == "__main__.py":
        return "everygrain"
    return os.path.relpath(sys.argv[0])


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
