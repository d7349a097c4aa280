"""A BEIR folder -> a Collection: corpus.jsonl, queries.jsonl and qrels/<split>.tsv.

Source: BEIR, A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from everygrain.errors import InputError
from everygrain.measure.collections import Collection
from everygrain.measure.judgements import read_judgements
from everygrain.measure.rows import only_file
from everygrain.read import Reject, read
from everygrain.read.beir import corpus_of

PREFERRED = ("test", "dev", "train")


def load_beir(folder: str | Path, split: str | None = None) -> Collection:
    """Load a folder; every file of it may be gzipped.

    split   the name of a file in qrels/; without it the only one, or else the first of test, dev
            and train that is there

    The collection is named after the folder, and after the split where the folder has several.
    Raises InputError, naming what there is, for a folder without corpus, queries or judgements and
    for a split that is missing or cannot be chosen; with file and line for a broken line.
    """
    folder = Path(folder)
    corpus = corpus_of(folder)
    if corpus is None:
        raise InputError(
            f"The folder '{folder}' has no corpus.jsonl[.gz].", "Name the folder that holds it."
        )
    queries = only_file(folder, "queries.jsonl", "queries.jsonl.gz")
    splits = {
        path.name.removesuffix(".gz").removesuffix(".tsv"): path
        for path in sorted((folder / "qrels").glob("*.tsv*"))
        if path.name.endswith((".tsv", ".tsv.gz"))
    }
    chosen = _choose(folder, list(splits), split)
    name = folder.resolve().name
    return Collection(
        name if len(splits) == 1 else f"{name}/{chosen}",
        read_queries(queries),
        read_judgements(splits[chosen], columns=3),
        partial(read, corpus, format="beir"),
    )


def read_queries(path: Path) -> dict[str, str]:
    """Read JSON lines of `_id` and `text`: query id -> text.

    Raises InputError with file and line for a broken line, and for an id with two texts.
    """
    queries: dict[str, str] = {}

    rejects: list[Reject] = []
    for document in read(path, format="jsonl", on_reject=rejects.append):
        if queries.setdefault(document.id, document.text) != document.text:
            raise InputError(
                f"{path}: the query '{document.id}' has two texts.", "Give each query its own id."
            )
    for reject in rejects:
        place = "" if reject.line_or_record is None else f", line {reject.line_or_record}"
        raise InputError(f"{path}{place}: {reject.reason}", "")
    return queries


def _choose(folder: Path, splits: list[str], split: str | None) -> str:
    there = f"It has {', '.join(splits)}." if splits else "It has none."
    if split is not None:
        if split not in splits:
            raise InputError(f"'{folder}' has no judgements '{split}'. {there}", "Name another.")
        return split
    if len(splits) == 1:
        return splits[0]
    for name in PREFERRED:
        if name in splits:
            return name
    raise InputError(f"'{folder}' has no judgements to prefer. {there}", "Name the split.")
