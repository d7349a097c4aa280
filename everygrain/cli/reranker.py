"""`everygrain reranker`: a small cross-encoder, trained on an index's own text."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from everygrain.cli.options import AsJson, IndexFolder

if TYPE_CHECKING:
    from everygrain.learn.train.fine_tuning import Progress

_STAGES = {"words": "Training on sets of words", "texts": "Training on titles and sentences"}


def reranker(
    index: IndexFolder,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the model shall be.")],
    budget: Annotated[
        float, typer.Option(min=0.01, metavar="MINUTES", help="For training, roughly.")
    ] = 10.0,
    contests: Annotated[
        int, typer.Option(min=20, metavar="N", help="Titles and sentences to train on.")
    ] = 4000,
    as_json: AsJson = False,
) -> None:
    """Train a small cross-encoder on an index's own text, for searches that rerank with it.

    Nothing of the index changes. No judgement is used; measure what it adds with `everygrain
    experiment` where you have some."""
    from everygrain.cli.progress import progress
    from everygrain.cli.terminal import clean, output, print_command, print_json, print_wrapped
    from everygrain.engine import Index
    from everygrain.learn.installed import need_torch
    from everygrain.learn.train.cross_own import TOKENS, train_own

    need_torch("Training a cross-encoder")
    with Index.open(index) as opened, ExitStack() as bars:
        documents = list(opened.documents())
        system = "hybrid" if opened.info()["encoder"]["fingerprint"] else "lexical"
        shown: dict[str, int] = {}

        def told(stage: str, done: Progress) -> None:
            if stage not in shown:
                bars.close()
                advances[0] = bars.enter_context(progress(_STAGES[stage], done.steps))
            advances[0](done.step - shown.get(stage, 0))
            shown[stage] = done.step

        advances = [lambda done: None]
        made = train_own(
            documents, opened.retriever(system), folder, contests=contests, budget=60 * budget,
            progress=told,
        )  # fmt: skip
    if as_json:
        print_json(
            {
                "folder": str(folder), "contests": made.contests, "tested": made.tested,
                "won": made.won, "chance": made.chance,
            }
        )  # fmt: skip
        return
    print_wrapped(
        output(),
        clean(
            f"{folder} was trained on {made.contests:,} titles and sentences of {index}. Of "
            f"{made.tested:,} others it finds the text {made.won:.0%} of the time among texts "
            f"that look like it; a guess does, {made.chance:.0%}."
        ),
        0,
        0,
    )
    stage = f'{system} % 50 >> cross(model="{folder}", weight=0.2, tokens={TOKENS})'
    print_command(
        output(), "Now:", ["everygrain", "search", str(index), "QUERY", "--system", stage]
    )
