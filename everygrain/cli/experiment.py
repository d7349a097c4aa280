"""`everygrain experiment`: an experiment that a file describes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from everygrain.cli.options import AsJson

if TYPE_CHECKING:
    from everygrain.document import Document
    from everygrain.engine import Index
    from everygrain.measure import Collection
    from everygrain.measure.experiment import Prepared
    from everygrain.measure.plan import Plan, System
    from everygrain.measure.results import Results
    from everygrain.rank.base import Retriever

NONE = "none"  # the encoder of an index without vectors


def experiment(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.toml", help="Names collections, systems and measures.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write tables, plots and every query's values here."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the indexes here, and use them again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare systems on collections, with intervals and tests.

    The file is TOML. Keys: collections (folders) and systems (such as "lexical", "dense",
    "hybrid % 50", "fuse(lexical, dense)", "hybrid >> late"); and, if you like, encoder, words,
    measures, baseline, seed, k, split."""
    from everygrain.cli.progress import progress
    from everygrain.cli.terminal import clean, print_json, remark
    from everygrain.measure import load
    from everygrain.measure.experiment import Experiment
    from everygrain.measure.plan import read_plan

    plan = read_plan(file)
    collections = [load(name, plan.split) for name in plan.collections]
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as temporary:
        place = keep or Path(temporary)
        described = Experiment(
            preparing(plan.systems, place), collections, plan.measures, plan.baseline,
            plan.seed, plan.k,
        )  # fmt: skip
        with progress("Running", len(collections) * len(plan.systems)) as advance:
            results = described.run(on_system=lambda collection, system: advance(1))
    if output is not None:
        command = clean(shlex.join(["everygrain", "experiment", str(file)]))
        remark(f"{output} holds {', '.join(_write(results, plan, command, output))}.")
    if as_json:
        print_json(_told(results, plan))
    else:
        options = [("--output", output), ("--keep", keep)]
        told = [word for name, value in options if value for word in (name, str(value))]
        _print(results, [str(file), *told])


def preparing(
    systems: Mapping[str, System], place: Path
) -> Callable[[Collection], AbstractContextManager[Prepared]]:
    """Return what makes a collection's indexes in a folder, one for every encoder and word encoder
    together, and the systems on them.

    Lexical legs run on an index without vectors, if there is one, so that a system of words alone
    has a cost of its own, and is run once for all encoders.
    """

    @contextmanager
    def prepared(collection: Collection) -> Iterator[Prepared]:
        from everygrain.cli.terminal import remark
        from everygrain.measure.experiment import Prepared

        kinds = list(dict.fromkeys((each.encoder, each.words) for each in systems.values()))
        ids: set[str] = set()
        with ExitStack() as stack:
            built = {}
            for encoder, words in kinds:
                parts = [collection.name, encoder, *([] if words == NONE else [words])]
                folder = place / "-".join(quote(part, safe="") for part in parts)
                built[encoder, words] = _built(stack, collection, folder, encoder, words, ids)
            for message in collection.validate(ids).messages():
                remark(f"{collection.name}: {message}")
            indexes = {kind: index for kind, (index, _) in built.items()}
            yield Prepared(
                {name: _retriever(system, indexes) for name, system in systems.items()},
                {
                    name: seconds
                    for name, system in systems.items()
                    if (seconds := built[system.encoder, system.words][1]) is not None
                },
                {
                    name: _bytes(indexes[system.encoder, system.words])
                    for name, system in systems.items()
                },
            )

    return prepared


def _built(
    stack: ExitStack,
    collection: Collection,
    folder: Path,
    encoder: str,
    words: str,
    ids: set[str],
) -> tuple[Index, float | None]:
    """Return a collection's index, and the seconds that building it took; None if it was there.

    ids gets those of the collection's documents.
    """
    from everygrain.cli.progress import progress
    from everygrain.cli.terminal import counted, remark
    from everygrain.engine import Index
    from everygrain.errors import InputError

    def noted() -> Iterator[Document]:
        for document in collection.documents():
            ids.add(document.id)
            yield document

    begun = perf_counter()
    index = stack.enter_context(Index(folder, encoder, words=None if words == NONE else words))
    was_there = len(index) > 0
    with progress(f"Indexing {collection.name} ({encoder})") as advance:
        report = index.add(noted(), on_progress=advance)
    seconds = perf_counter() - begun
    if report.rejected:
        rejected = counted(len(report.rejected), "document")
        remark(f"{collection.name}: {rejected} could not be indexed.")
    if len(index) > len(ids):
        raise InputError(
            f"The index '{folder}' holds documents that '{collection.name}' lacks.",
            "Remove it, or name another folder with --keep.",
        )
    return index, None if was_there else seconds


def _retriever(system: System, indexes: dict[tuple[str, str], Index]) -> Retriever:
    from everygrain.rank.compose.making import Making

    plain = indexes.get((NONE, NONE))
    own = indexes[system.encoder, system.words].views
    return system.composition.build(Making(own, plain=None if plain is None else plain.views))


def _bytes(index: Index) -> int:
    sizes: dict[str, int] = index.info()["bytes"]
    return sum(sizes.values())


def _told(results: Results, plan: Plan) -> dict[str, Any]:
    encoders = {name: system.encoder for name, system in plan.systems.items()}
    return {"encoders": encoders, **results.to_json()}


def _write(results: Results, plan: Plan, command: str, folder: Path) -> list[str]:
    """Write everything into a folder. Returns the names of the files."""
    from everygrain.cli.terminal import remark
    from everygrain.errors import MeasureError
    from everygrain.measure.plots import write_plots
    from everygrain.measure.tables import latex, markdown, to_csv

    texts = {
        "results.json": json.dumps(_told(results, plan), indent=2, ensure_ascii=False) + "\n",
        "results.md": f"# Results\n\nMade by `{command}`.\n\n{markdown(results)}",
        "results.csv": to_csv(results),
        "results.tex": latex(results),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", errors="replace")
    results.write_parquet(folder / "queries.parquet")
    try:
        plots = [path.name for path in write_plots(results, folder)]
    except MeasureError as error:
        remark(f"There are no plots: {error}")
        plots = []
    return [*texts, "queries.parquet", *plots]


def _print(results: Results, arguments: list[str]) -> None:
    from everygrain.cli.terminal import clean, counted, output, print_command
    from everygrain.measure.tables import terminal

    console = output()
    for collection in results.collections:
        judged = results.of(collection, results.measures[0])[0].n
        queries = counted(judged, "judged query", "judged queries")
        console.print(clean(f"{collection}: {queries}, baseline {results.baseline}"), style="bold")
        console.print()
        for table in terminal(results, collection):
            console.print(table)
            console.print()
    if any(figure.compared for figure in results.figures):
        console.print("* p < .05 after Holm's correction for all systems of a table.")
    print_command(console, "Again:", ["everygrain", "experiment", *arguments])
