"""`everygrain run`: many queries into a TREC run file."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from everygrain.cli.options import IndexFolder, System

if TYPE_CHECKING:
    from everygrain.cli.progress import OnProgress
    from everygrain.document import Ranking
    from everygrain.engine import Index
    from everygrain.rank.base import Retriever

AT_ONCE = 64


def run(
    index: IndexFolder,
    queries: Annotated[
        Path, typer.Argument(metavar="QUERIES.jsonl", help="Lines of `_id` (or `id`) and `text`.")
    ],
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The run file.")],
    system: System = None,
    k: Annotated[int, typer.Option("-k", min=1, metavar="N", help="Hits for each query.")] = 100,
) -> None:
    """Run a file of queries and write a TREC run file.

    Its columns are query, Q0, document, rank, score and system."""
    from everygrain.cli import terminal
    from everygrain.cli.progress import progress
    from everygrain.cli.written import refuse_overwriting
    from everygrain.engine import Index
    from everygrain.measure.beir import read_queries

    refuse_overwriting(output, "--output", [queries])
    asked = read_queries(queries)
    with Index.open(index) as opened:
        chosen = "lexical" if opened.store.fingerprint is None else "hybrid"
        chosen = system or chosen
        with progress("Searching", len(asked)) as advance:
            ranking = ranked(opened, opened.retriever(chosen), asked, k, advance)
    ranking.write_trec(output, tag="".join(chosen.split()))
    empty = sum(1 for rows in ranking.by_query().values() if not rows)
    told = f"{terminal.counted(len(asked), 'query', 'queries')}, "
    told += f"{terminal.counted(len(ranking), 'row')} in {output}."
    if empty:
        told += f" Nothing was found for {empty:,} of them."
    terminal.remark(told)


def ranked(
    index: Index,
    retriever: Retriever,
    queries: Mapping[str, str],
    k: int,
    on_progress: OnProgress,
) -> Ranking:
    """Retrieve for all queries from one generation of the index, telling how far it is."""
    from everygrain.document import Ranking

    rows: list[tuple[str, str, float]] = []
    left = iter(queries.items())
    with index.views.newest():
        while part := dict(islice(left, AT_ONCE)):
            rows += retriever.retrieve(part, k).rows()
            on_progress(len(part))
    return Ranking.of(list(queries), rows)
