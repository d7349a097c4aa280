"""`everygrain experiment`: an experiment that a file describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    from everygrain.rank.lexical import BM25


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
    "hybrid % 50", "lexical(k1=0.9, b=0.4)", "fuse(lexical, dense)"); and, if you like, encoder,
    measures, baseline, seed, k, split."""
    from everygrain.cli.progress import progress
    from everygrain.cli.terminal import print_json, remark
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
        written = _write(results, plan, output)
        remark(f"Wrote {', '.join(written)} in {output}.")
    if as_json:
        print_json(_told(results, plan))
    else:
        _print(results, [str(file), *(["--output", str(output)] if output else [])])


def preparing(
    systems: dict[str, System], place: Path
) -> Callable[[Collection], AbstractContextManager[Prepared]]:
    """Return what makes a collection's indexes in a folder, one for every encoder, and the systems
    on them.

    Lexical legs run on an index without vectors, if there is one, so that a system of words alone
    has a cost of its own, and is run once for all encoders.
    """

    @contextmanager
    def prepared(collection: Collection) -> Iterator[Prepared]:
        from everygrain.measure.experiment import Prepared

        encoders = list(dict.fromkeys(system.encoder for system in systems.values()))
        with ExitStack() as stack:
            built = {}
            for encoder in encoders:
                folder = place / f"{quote(collection.name, safe='')}-{quote(encoder, safe='')}"
                built[encoder] = _built(stack, collection, folder, encoder)
            indexes = {encoder: index for encoder, (index, _) in built.items()}
            yield Prepared(
                {name: _retriever(system, indexes) for name, system in systems.items()},
                {
                    name: seconds
                    for name, system in systems.items()
                    if (seconds := built[system.encoder][1]) is not None
                },
                {name: _bytes(indexes[system.encoder]) for name, system in systems.items()},
            )

    return prepared
