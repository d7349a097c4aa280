"""`everygrain adapt`: train the encoder on the collection itself, behind a gate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from everygrain.cli.options import AsJson, IndexFolder

if TYPE_CHECKING:
    from everygrain.learn.gate import Decision


def adapt(
    index: IndexFolder,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML: sources, loss, teacher, domains, seed."),
    ] = None,
    budget: Annotated[
        float, typer.Option(metavar="MINUTES", help="For teaching and training, roughly.")
    ] = 10.0,
    encoder: Annotated[
        str, typer.Option(metavar="NAME", help="static, minilm or transformer:FOLDER.")
    ] = "static",
    judged: Annotated[
        list[str] | None,
        typer.Option(metavar="BEIR_FOLDER", help="Judged queries, used for testing only."),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Return to the encoder before the last promotion.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train an encoder on an index's own text; keep it only if tests say that it helps.

    The index serves as before until then, and keeps the former encoder for --rollback."""
    import json

    from everygrain.adaptation import adapt as adapt_index
    from everygrain.adaptation import rollback as roll_back
    from everygrain.cli.terminal import clean, output, print_command, print_json
    from everygrain.engine import Index
    from everygrain.learn.recipe import Recipe
    from everygrain.measure import load

    with Index.open(index) as opened:
        if rollback:
            serving = roll_back(opened)
            if as_json:
                print_json({"encoder": serving})
            else:
                output().print(clean(f"{index} has its former encoder again: {serving}."))
            return
        chosen = Recipe.read(recipe) if recipe else None
        collections = [load(folder) for folder in judged or ()]
        with ExitStack() as bars:
            done = adapt_index(
                opened, chosen, encoder=encoder, budget=60 * budget, judged=collections,
                told=_shown(bars),
            )  # fmt: skip
    report = done.report / "report.json"
    told = json.loads(report.read_text(encoding="utf-8"))
    if as_json:
        print_json(told)
        return
    _print_decision(done.decision)
    sizes = told["domains"]["sizes"]
    if len(sizes) > 1:
        named = ", ".join(f"{name} ({count:,})" for name, count in sizes.items())
        output().print(clean(f"Domains of the documents that trained: {named}."))
    output().print(clean(f"Report: {report.with_suffix('.html')}"))
    if done.promoted:
        command = ["everygrain", "adapt", str(index), "--rollback"]
        print_command(output(), "To return to the former encoder:", command)


def _shown(bars: ExitStack) -> Callable[[str, int, int], None]:
    """Return what shows each stage as a bar of its own."""
    from everygrain.cli.progress import progress

    shown: dict[str, tuple[Callable[[int], None], int]] = {}

    def told(stage: str, done: int, total: int) -> None:
        if stage not in shown:
            bars.close()
            shown[stage] = bars.enter_context(progress(stage, total)), 0
        advance, before = shown[stage]
        advance(done - before)
        shown[stage] = advance, done

    return told


def _print_decision(decision: Decision) -> None:
    from rich.table import Table

    from everygrain.cli.terminal import clean, output, print_wrapped

    console = output()
    if decision.verdicts:
        table = Table(box=None, pad_edge=False)
        table.add_column("nDCG@10 on", overflow="fold")
        for name in ("queries", "old", "new", "difference [95 %]", "p (Holm)"):
            table.add_column(name, justify="right", no_wrap=True)
        for each in decision.verdicts:
            table.add_row(
                clean(f"{each.source}, {each.leg}"), f"{each.queries}",
                f"{each.old:.3f}", f"{each.new:.3f}",
                f"{each.difference:+.3f} [{each.low:+.3f}, {each.high:+.3f}]",
                f"{each.p_corrected:.3g}",
            )  # fmt: skip
        console.print(table)
    print_wrapped(console, clean(decision.reason))
