"""`everygrain judge`: people say how relevant documents are; their judgements become qrels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from everygrain.cli.judged import Pool, agree, export
from everygrain.cli.options import IndexFolder
from everygrain.cli.outcome import guarded


class PageByDefault(TyperGroup):
    """Reads `judge POOL.jsonl ...` as `judge page POOL.jsonl ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0].endswith(".jsonl"):
            args = ["page", *args]
        return super().parse_args(ctx, args)


judge = typer.Typer(
    cls=PageByDefault,
    help="Judge documents by hand: pool, page, agree, export.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@judge.command("pool")
@guarded
def pool(
    index: IndexFolder,
    queries: Annotated[
        Path, typer.Argument(metavar="QUERIES.jsonl", help="Lines of `_id` (or `id`) and `text`.")
    ],
    output: Annotated[Path, typer.Option("--output", metavar="POOL.jsonl", help="The pool.")],
    systems: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Such as lexical,dense,hybrid, which are the default where there are vectors.",
        ),
    ] = None,
    run: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A TREC run to pool too; repeatable.")
    ] = None,
    depth: Annotated[int, typer.Option(min=1, metavar="N", help="First N of each system.")] = 20,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the documents' order.")] = 0,
    evidence: Annotated[
        bool,
        typer.Option(
            "--evidence", help="Mark the sentences that speak for a document, whoever found it."
        ),
    ] = False,
) -> None:
    """Pool what several systems find into a file to judge.

    It does not tell which system found a document, and mixes their order. Evidence is off by
    default: it is chosen by the program, and sways a judge."""
    from everygrain.cli.pooling import evidence_finder, fetcher, rankings_of
    from everygrain.cli.terminal import counted, print_command, remark
    from everygrain.cli.terminal import output as console
    from everygrain.document import Ranking
    from everygrain.engine import Index
    from everygrain.errors import InputError
    from everygrain.measure.beir import read_queries
    from everygrain.measure.ledger import Ledger
    from everygrain.measure.pool import make_pool, write_pool

    if Ledger.beside(output).path.exists():
        raise InputError(
            f"{output} has judgements beside it, in {Ledger.beside(output).path.name}.",
            "Name another file; a copy of the judgements beside that keeps them.",
        )
    asked = read_queries(queries)
    with Index.open(index) as opened:
        runs = [Ranking.read_trec(path) for path in run or []]
        rankings = [*rankings_of(opened, asked, systems, depth), *runs]
        items = list(
            make_pool(
                asked, rankings, fetcher(opened), depth=depth, seed=seed,
                find_evidence=evidence_finder(opened) if evidence else None,
            )
        )  # fmt: skip
    count = write_pool(output, items)
    pooled = len({item.query_id for item in items})
    told = f"{counted(count, 'document')} to judge for {counted(pooled, 'query', 'queries')}"
    remark(f"{told}, in {output}.")
    if pooled < len(asked):
        remark(f"Nothing was found for {len(asked) - pooled:,} of the queries.")
    print_command(
        console(), "Next:", ["everygrain", "judge", "page", str(output), "--judge", "NAME"]
    )


@judge.command("page")
@guarded
def page(
    pool: Pool,
    name: Annotated[str, typer.Option("--judge", metavar="NAME", help="Who judges.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 0,
    browse: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Judge on a page that only this machine can reach. Ctrl-C ends it.

    Every judgement is kept beside the pool at once; start again to go on."""
    import webbrowser

    from everygrain.cli.terminal import clean, remark
    from everygrain.measure.desk import Desk
    from everygrain.measure.judge_page import JudgingServer
    from everygrain.measure.ledger import Ledger
    from everygrain.measure.pool import read_pool

    desk = Desk(read_pool(pool), Ledger.beside(pool), name)
    desk.counts()  # a broken file of judgements is told here, not on the page
    with JudgingServer(desk, port) as server:
        typer.echo(server.url)
        remark(f"{_progress(desk.counts())} Open the address above; Ctrl-C ends.")
        if browse:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            remark(clean(f"{_progress(desk.counts())} All is in {desk.ledger.path}."))


judge.command("agree")(guarded(agree))
judge.command("export")(guarded(export))


def _progress(counts: dict[str, int]) -> str:
    told = f"{counts['graded']:,} of {counts['all']:,} graded"
    return f"{told}, {counts['skipped']:,} skipped." if counts["skipped"] else f"{told}."
