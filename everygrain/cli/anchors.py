"""`everygrain anchors`: what a cross-encoder says of every document, for searches with `cur`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from everygrain.cli.options import IndexFolder


def anchors(
    index: IndexFolder,
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="The cross-encoder, or its name on the hub.")
    ],
    queries: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Each costs as many readings as documents there are."
        ),
    ] = 50,
    tokens: Annotated[
        int, typer.Option(min=0, metavar="N", help="Of query and text; 0 for the model's limit.")
    ] = 0,
) -> None:
    """Let a cross-encoder score every document for some queries made of the documents.

    Searches with `cur` then rank the whole collection by it, and ask it about some. Called again,
    it reads only what came or changed."""
    from everygrain.calibration import score_anchors
    from everygrain.cli.progress import progress
    from everygrain.cli.terminal import clean, output, print_command, print_wrapped
    from everygrain.engine import Index
    from everygrain.rank.cross import CrossEncoderScorer

    with Index.open(index) as opened:
        scorer = CrossEncoderScorer(str(Path(folder)) if Path(folder).is_dir() else folder, tokens)
        with progress("Scoring pairs", queries * len(opened)) as advance:
            made = score_anchors(opened, scorer, queries, advance)
    told = f"{index} holds {len(made.queries):,} anchors of {len(made.ids):,} documents."
    print_wrapped(output(), clean(told), 0, 0)
    set_tokens = f", tokens={tokens}" if tokens else ""
    stage = f'cur(hybrid, model="{folder}"{set_tokens})'
    words = ["everygrain", "search", str(index), "QUERY", "--system", stage]
    print_command(output(), "Now:", words)
