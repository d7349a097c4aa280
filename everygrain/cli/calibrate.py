"""`everygrain calibrate`: learn where a list of results should end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from everygrain.cli.options import AsJson, IndexFolder, text


def calibrate(
    index: IndexFolder,
    judged: Annotated[
        str | None,
        typer.Option(metavar="BEIR_FOLDER", help="Queries and judgements over these documents."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="S", help="Which judgements, such as train or dev.")
    ] = None,
    at_least: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Results that `adapted` keeps of every query."),
    ] = 0,
    system: Annotated[
        str | None,
        typer.Option(
            metavar="FUSION",
            callback=text,
            help='Fit weights instead, for method=fitted: such as "fuse(lexical, dense, late)".',
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Learn where results end, for `search --cutoff`.

    Without judged queries it asks the index for its own documents by their titles; that is a
    start, but titles are unlike people's questions."""
    from everygrain.calibration import calibrate as calibrate_index
    from everygrain.cli.terminal import clean, output, print_command, print_json, print_wrapped
    from everygrain.engine import Index
    from everygrain.measure import load

    if split is not None and judged is None:
        raise typer.BadParameter("it goes with --judged.", param_hint="--split")
    if system is not None:
        if judged is not None or at_least:
            raise typer.BadParameter("it goes alone.", param_hint="--system")
        _fit_weights(index, system, as_json)
        return
    with Index.open(index) as opened:
        if judged is None:
            found = calibrate_index(opened, at_least=at_least)
        else:
            collection = load(judged, split)
            queries, judgements = collection.scored_queries, collection.judgements
            found = calibrate_index(opened, queries, judgements, at_least=at_least)
    if as_json:
        print_json(
            {"queries": found.queries, "judged": found.judged, "probability": found.threshold}
            | ({"without": found.without} if found.without else {})
        )
        return
    console = output()
    of = "judged queries" if found.judged else "queries made of the index's own documents"
    console.print(clean(f"{index} was calibrated on {found.queries:,} {of}."))
    if found.without:
        print_wrapped(console, f"Only conformal cut-offs, not adapted ones: {found.without}")
    print_command(
        console, "Now:", ["everygrain", "search", str(index), "QUERY", "--cutoff", "conformal:0.1"]
    )


def _fit_weights(index: Path, system: str, as_json: bool) -> None:
    from everygrain.calibration import fit_fusion
    from everygrain.cli.terminal import clean, output, print_json, print_wrapped
    from everygrain.engine import Index

    with Index.open(index) as opened:
        fitted = fit_fusion(opened, system)
    if as_json:
        print_json(fitted.settings())
        return
    weights = ", ".join(f"{weight:.2f}" for weight in fitted.weights)
    gains = ", ".join(f"{gain:.3f}" for gain in fitted.gains)
    told = (
        f"Weights {weights}, fitted on {fitted.queries:,} queries made of the index's own "
        f"documents: mean gain {gains} alone, {fitted.fused:.3f} together. Now add "
        "method=fitted to the systems that are fused."
    )
    print_wrapped(output(), clean(told), 0, 0)
