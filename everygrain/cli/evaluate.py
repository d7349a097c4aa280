"""`everygrain evaluate`: systems on a test collection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from everygrain.cli.options import ENCODERS, AsJson

if TYPE_CHECKING:
    from everygrain.document import Document, Ranking
    from everygrain.measure import Collection, Scores

SYSTEMS = ("lexical", "dense", "hybrid", "rrf")
MEASURES = "nDCG@10,R@100"
DEEPEST = 1000


def evaluate(
    folder: Annotated[
        str, typer.Argument(metavar="BEIR_FOLDER", help="corpus.jsonl, queries.jsonl, qrels/.")
    ],
    split: Annotated[
        str | None, typer.Option(metavar="S", help="Which judgements, such as test or dev.")
    ] = None,
    systems: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help=f"{', '.join(SYSTEMS)} (all by default), or compositions of them.",
        ),
    ] = None,
    encoder: Annotated[str | None, typer.Option(metavar="NAME", help=f"One of {ENCODERS}.")] = None,
    measures: Annotated[
        str, typer.Option(metavar="M,N", help="Names as ir_measures writes them.")
    ] = MEASURES,
    as_json: AsJson = False,
) -> None:
    """Measure systems on a collection with judgements.

    They run in an index that is made for this alone."""
    from everygrain.cli.figures import print_figures
    from everygrain.cli.terminal import print_json, remark
    from everygrain.encode import registry
    from everygrain.measure import evaluate as measure
    from everygrain.measure import load
    from everygrain.measure.measures import parse_measures

    chosen = _systems(systems, encoder)
    names = split_names(measures)
    cutoffs = [parsed.params.get("cutoff", DEEPEST) for parsed in parse_measures(names)]
    encoder = encoder or registry.default()
    registry.check(encoder)
    collection = load(folder, split)
    ids: set[str] = set()
    rankings = _rankings(collection, chosen, encoder, max(cutoffs), ids)
    for message in collection.validate(ids).messages():
        remark(message)
    scores: dict[str, Scores] = {
        system: measure(ranking, collection.judgements, names)
        for system, ranking in rankings.items()
    }
    if as_json:
        told = {system: each.mean() for system, each in scores.items()}
        queries = len(next(iter(scores.values())).queries)
        print_json({"collection": collection.name, "queries": queries, "systems": told})
    else:
        options = ["--split", split] if split else []
        options += ["--systems", ",".join(chosen), "--encoder", encoder]
        print_figures(collection.name, scores, [folder, *options, "--measures", measures])


def split_names(measures: str) -> list[str]:
    """Split names at the commas between them, not at those within their parentheses."""
    names, depth = [""], 0
    for character in measures:
        depth += (character in "({[") - (character in ")}]")
        if character == "," and depth == 0:
            names.append("")
        else:
            names[-1] += character
    return [name.strip() for name in names]


def _systems(told: str | None, encoder: str | None) -> list[str]:
    from everygrain.rank.compose import parse

    if told is None:
        return list(SYSTEMS[:1] if encoder == "none" else SYSTEMS)
    chosen = [str(parse(name)) for name in split_names(told)]
    for name in chosen:
        if chosen.count(name) > 1:
            raise typer.BadParameter(f"'{name}' is named twice.", param_hint="--systems")
    return chosen


def _rankings(
    collection: Collection, systems: Sequence[str], encoder: str, k: int, ids: set[str]
) -> dict[str, Ranking]:
    """Index a collection somewhere temporary and run its queries. `ids` gets those of its
    documents."""
    from everygrain.cli.progress import progress
    from everygrain.cli.run import ranked
    from everygrain.engine import Index
    from everygrain.rank.base import Retriever
    from everygrain.rank.compose import parse
    from everygrain.rank.compose.parts import needs_words
    from everygrain.rank.fuse import fuse

    def noted() -> Iterator[Document]:
        for document in collection.documents():
            ids.add(document.id)
            yield document

    queries = collection.scored_queries
    words = "words" if any(needs_words(parse(system)) for system in systems) else None
    with TemporaryDirectory() as place, Index(Path(place) / "index", encoder, words=words) as index:
        with progress("Indexing") as advance:
            index.add(noted(), on_progress=advance)
        rankings = {}
        with progress("Searching", len(queries) * len(systems)) as advance:
            for system in systems:
                retriever: Retriever = (
                    fuse(index.retriever("lexical"), index.retriever("dense"))
                    if system == "rrf"
                    else index.retriever(system)
                )
                rankings[system] = ranked(index, retriever, queries, k, advance)
    return rankings
