"""`everygrain papers functions`: learn from labelled abstracts what sentences do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from everygrain.cli.plugin import output, print_json, progress, remark
from everygrain_papers.cli.options import AsJson, Room, opened

MOST_UNLABELLED = 2000  # abstracts of the room that the views may agree on


def functions(
    labels: Annotated[
        Path | None,
        typer.Argument(
            metavar="[LABELS.jsonl]",
            help="Lines of `sentences` and `labels`: background, problem, method, result, other.",
        ),
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Go back to the rules that need no labels.")
    ] = False,
    room: Room = None,
    as_json: AsJson = False,
) -> None:
    """Tell which labeller the room uses; with LABELS, train one and label the room anew.

    The rules work without any labels; a few hundred labelled abstracts make it better. The
    figures are in benchmarks/results/papers_functions.md."""
    from everygrain_papers.functions import labels as labelled
    from everygrain_papers.functions.labelling import fingerprint, forget_learned
    from everygrain_papers.functions.learned import train
    from everygrain_papers.functions.sentences import split
    from everygrain_papers.functions.stored import save

    with opened(room) as found:
        folder = found.folder / "functions"
        if forget:
            forget_learned(folder)
        elif labels is not None:
            given = labelled.read(labels)
            pool = []
            for paper in found.papers.newest(MOST_UNLABELLED):
                pool.append([paper.abstract[a:b] for a, b in split(paper.abstract)])
            remark(f"Learning from {len(given):,} labelled and {len(pool):,} other abstracts.")
            save(train(given, [each for each in pool if each]), folder)
        if forget or labels is not None:
            found.forget_labeller()
            with progress("Labelling", len(found)) as advance:
                done = found.index_waiting(advance)
            remark(f"{done:,} papers were labelled anew.")
        told = fingerprint(found.labeller)
        if as_json:
            print_json({"labeller": told, "papers": len(found)})
        else:
            output().print(f"Sentences are labelled by {told}.", markup=False, highlight=False)
