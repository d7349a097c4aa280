"""`everygrain suite`: reference systems on several collections, and their average."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from everygrain.cli.options import ENCODERS, AsJson

if TYPE_CHECKING:
    from everygrain.measure import Collection
    from everygrain.measure.average import Standing
    from everygrain.measure.experiment import Prepare, Prepared
    from everygrain.measure.plan import System
    from everygrain.measure.results import Results
    from everygrain.measure.suite import Task

# name -> composition, and its encoder; None for the one that was chosen
REFERENCES: dict[str, tuple[str, str | None]] = {
    "lexical": ("lexical", "none"),
    "latent": ("dense", "latent"),
    "static": ("dense", "static"),
    "transformer": ("dense", "minilm"),
    "dense": ("dense", None),
    "hybrid": ("hybrid", None),
    "rrf": ("fuse(lexical, dense)", None),
}
MEASURES = "nDCG@10,R@100"


def suite(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER...", help="BEIR folders, or folders of them.")
    ],
    systems: Annotated[
        str | None,
        typer.Option(metavar="A,B", help=f"Some of {', '.join(REFERENCES)}, or compositions."),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"Of dense, hybrid and rrf: one of {ENCODERS}."),
    ] = None,
    measures: Annotated[
        str, typer.Option(metavar="M,N", help="Names as ir_measures writes them.")
    ] = MEASURES,
    split: Annotated[
        str | None, typer.Option(metavar="S", help="Which judgements, such as test or dev.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep results here; a suite that was stopped goes on."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure reference systems on many collections, and rank them by their average.

    The first system is the baseline. A folder without a corpus whose subfolders are collections,
    such as CQADupStack's, counts as one collection in the average."""
    from everygrain.cli.evaluate import split_names
    from everygrain.cli.progress import progress
    from everygrain.cli.terminal import print_json, remark
    from everygrain.measure.average import standings
    from everygrain.measure.measures import parse_measures
    from everygrain.measure.suite import Suite

    names = split_names(measures)
    deepest = max(parsed.params.get("cutoff", 1000) for parsed in parse_measures(names))
    chosen = reference_systems(split_names(systems) if systems else None, encoder)
    tasks = [task for folder in folders for task in found_in(folder, split)]
    with TemporaryDirectory() as temporary:
        described = Suite(
            tasks,
            making(chosen, (output or Path(temporary)) / "indexes"),
            list(chosen),
            described=json.dumps({name: system.encoder for name, system in chosen.items()}),
            measures=names,
            k=deepest,
        )
        with progress("Running", len(tasks) * len(chosen)) as advance:
            results = described.run(output, on_system=lambda collection, system: advance(1))
    groups = {task.name: task.column for task in tasks}
    boards = {measure: standings(results, measure, groups) for measure in results.measures}
    if output is not None:
        (output / "suite.json").write_text(
            json.dumps(_told(results, boards), indent=2, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
        remark(f"{output} holds suite.json and every query's values.")
    if as_json:
        print_json(_told(results, boards))
        return
    again = [str(folder) for folder in folders]
    again += ["--systems", ",".join(chosen)]
    again += ["--encoder", encoder] if encoder else []
    again += ["--split", split] if split else []
    again += ["--measures", measures] if measures != MEASURES else []
    _print(boards, results, again + (["--output", str(output)] if output else []))


def reference_systems(names: list[str] | None, encoder: str | None) -> dict[str, System]:
    """Return name -> system, of names in REFERENCES or compositions.

    Without names: lexical, dense and hybrid if an encoder is given, else those that can run here
    of lexical, latent or static and transformer, and hybrid.
    """
    from everygrain.encode import registry
    from everygrain.errors import InputError
    from everygrain.measure.plan import System
    from everygrain.rank.compose import parse
    from everygrain.rank.compose.parts import needs_vectors, needs_words

    default = registry.default()
    if names is None:
        pretrained = ["lexical", "static", "transformer", "hybrid"]
        able = pretrained if default == "static" else ["lexical", "latent", "hybrid"]
        names = able if encoder is None else ["lexical", "dense", "hybrid"]
        names = ["lexical"] if encoder == "none" else names
    encoder = encoder or default
    registry.check(encoder)
    found: dict[str, System] = {}
    for name in names:
        written, own = REFERENCES.get(name, (name, None))
        composition = parse(written)
        words_alone = not needs_vectors(composition)
        used = "none" if words_alone else own or encoder
        if used == "none" and not words_alone:
            raise InputError(
                f"The system '{name}' needs an encoder, which is 'none'.", "Name another encoder."
            )
        name = name if name in REFERENCES else str(composition)
        if name in found:
            raise InputError(f"The system '{name}' is named twice.", "Name it once.")
        found[name] = System(composition, used, "words" if needs_words(composition) else "none")
    return found


def found_in(folder: Path, split: str | None) -> Iterator[Task]:
    """Yield the collection of a folder, or the collections in it as one group."""
    from everygrain.measure import load
    from everygrain.measure.suite import Task
    from everygrain.read.beir import corpus_of

    inner = sorted(each for each in folder.glob("*") if each.is_dir() and corpus_of(each))
    if not inner or corpus_of(folder) is not None:
        yield Task(load(folder, split))
        return
    group = folder.resolve().name
    for each in inner:
        collection = load(each, split)
        yield Task(replace(collection, name=f"{group}/{collection.name}"), group)


def making(systems: Mapping[str, System], place: Path) -> Prepare:
    """Return what makes a collection's systems, with indexes in a folder until it is done.

    What was indexed before a suite was stopped is there when it goes on.
    """
    from everygrain.cli.experiment import preparing

    @contextmanager
    def made(collection: Collection) -> Iterator[Prepared]:
        folder = place / quote(collection.name, safe="")
        with preparing(systems, folder)(collection) as prepared:
            yield prepared
        rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # others are still there
            place.rmdir()

    return made


def _told(results: Results, boards: Mapping[str, list[Standing]]) -> dict[str, Any]:
    standings = {name: [each.to_json() for each in board] for name, board in boards.items()}
    return {"standings": standings, **results.to_json()}


def _print(boards: Mapping[str, list[Standing]], results: Results, arguments: list[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    from everygrain.cli.terminal import clean, counted, print_command
    from everygrain.cli.terminal import output as console_on_output

    console = console_on_output()
    for measure, board in boards.items():
        collections = counted(len(board[0].columns), "collection")
        console.print(clean(f"{measure}: {collections}"), style="bold")
        console.print()
        order = [next(each for each in board if each.system == name) for name in results.systems]
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("collection", overflow="fold", min_width=10)
        for each in order:
            table.add_column(Text(clean(each.system)), justify="right", overflow="fold")
        for column in board[0].columns:
            means = [each.columns[column] for each in order]
            table.add_row(Text(clean(column)), *_cells(means))
        table.add_row("average", *_cells([each.average for each in order]), end_section=True)
        console.print(table)
        console.print()
        ranked = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        ranked.add_column("#", justify="right")
        ranked.add_column("system", overflow="fold", min_width=11)
        for heading in ("average", "95 % interval", "difference [interval]", "won", "lost"):
            ranked.add_column(heading, justify="right", no_wrap=True)
        for each in board:
            ranked.add_row(str(each.rank), Text(clean(each.system)), *_standing(each, results))
        console.print(ranked)
        console.print()
    console.print("won, lost: collections with p < .05 against the baseline, after Holm.")
    print_command(console, "Again:", ["everygrain", "suite", *arguments])


def _cells(means: list[float]) -> list[Any]:
    from rich.text import Text

    best = max(f"{mean:.4f}" for mean in means)
    return [
        Text(told, style="bold" if told == best and len(means) > 1 else "")
        for told in (f"{mean:.4f}" for mean in means)
    ]


def _standing(each: Standing, results: Results) -> list[str]:
    interval = f"{each.low:.4f} to {each.high:.4f}"
    if each.system == results.baseline:
        return [f"{each.average:.4f}", interval, "baseline", "", ""]
    gap = f"{each.difference:+.4f} [{each.difference_low:+.4f}, {each.difference_high:+.4f}]"
    return [f"{each.average:.4f}", interval, gap, str(each.wins), str(each.losses)]
