"""`everygrain search`: a query, and what is found for it."""

from __future__ import annotations

from math import isfinite
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from everygrain.cli.options import (
    AsJson,
    Context,
    Grain,
    IndexFolder,
    Instruction,
    System,
    Where,
    text,
)

if TYPE_CHECKING:
    from everygrain.document import Hit


def search(
    index: IndexFolder,
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY", callback=text, help='Words; a "phrase" in quotes must occur.'
        ),
    ],
    k: Annotated[int, typer.Option("-k", min=1, metavar="N", help="How many hits.")] = 10,
    grain: Annotated[Grain, typer.Option(help="What a hit is.")] = Grain.document,
    system: System = None,
    where: Where = None,
    instruction: Instruction = None,
    context: Context = None,
    cutoff: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=text,
            help="Where the list ends: adapted, adapted:PROBABILITY or conformal:ALPHA; after "
            "`everygrain calibrate`.",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say for each hit why it is where it is.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search an index."""
    from everygrain.cli.asked import ask_with
    from everygrain.cli.hits import print_hits
    from everygrain.cli.nothing import reason
    from everygrain.cli.terminal import clean, output, print_json, print_wrapped
    from everygrain.engine import Index

    with Index.open(index) as opened:
        ask_with(opened, instruction, context, system, cutoff)
        begun = perf_counter()
        hits = opened.search(query, k, grain=grain.value, system=system, where=where, cutoff=cutoff)
        took = 1000 * (perf_counter() - begun)
        fusion = opened.info()["fusion"] if explain else None
        if as_json:
            told = hits_json(query, took, hits)
            asked = {"instruction": instruction, "context": context}
            told |= {name: each for name, each in asked.items() if each}
            if hits.verdict is not None:
                told["cutoff"] = {
                    "no_good_answer": hits.verdict.is_empty,
                    "verdict": str(hits.verdict),
                    "kept": hits.verdict.kept,
                    "candidates": hits.verdict.found,
                    "best": hits.verdict.best,
                    "threshold": finite(hits.verdict.threshold),
                    "unit": hits.verdict.unit,
                }
            if hits.spent is not None:
                told["spent"] = hits.spent.figures()
            print_json(told | {"fusion": fusion} if explain else told)
            return
        if hits:
            print_hits(opened, query, hits, explain, system)
        if hits.verdict is not None and hits.verdict.best is not None:
            print_wrapped(output(), str(hits.verdict))
        elif not hits:
            output().print(clean(f"Nothing was found. {reason(opened, query, system, where)}"))
        if hits.spent is not None:
            print_wrapped(output(), f"Language model: {hits.spent}.")


def finite(number: float) -> float | None:
    """Return a number as JSON can hold it: None for an infinity."""
    return number if isfinite(number) else None


def hits_json(query: str, took: float, hits: list[Hit]) -> dict[str, Any]:
    """Return what `search --json` prints; took in milliseconds."""
    return {
        "query": query,
        "took_ms": round(took, 2),
        "hits": [
            {
                "id": hit.id,
                "title": hit.title,
                "score": hit.score,
                "spans": [
                    {
                        "start": evidence.span.start,
                        "end": evidence.span.end,
                        "grain": evidence.span.grain,
                        "text": evidence.text,
                        "score": evidence.score,
                    }
                    for evidence in hit.spans
                ],
                "legs": {
                    # 0 says that the hit is not among the leg's best
                    name: {"rank": leg.rank or None, "score": leg.score}
                    for name, leg in hit.legs.items()
                },
            }
            for hit in hits
        ],
    }
