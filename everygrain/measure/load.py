"""One source, a folder or a name -> the Collection in it."""

from __future__ import annotations

from pathlib import Path

from everygrain.errors import InputError
from everygrain.measure.beir import load_beir
from everygrain.measure.collections import Collection
from everygrain.measure.datasets import PREFIX, load_ir_datasets
from everygrain.measure.graded import load_t2ranking
from everygrain.measure.rows import only_file
from everygrain.measure.trec import load_trec
from everygrain.read.beir import corpus_of


def load(source: str | Path, split: str | None = None) -> Collection:
    """Load a collection, telling its kind by the files in the folder.

    corpus.jsonl[.gz]               BEIR
    collection.tsv                  T2Ranking
    topics*, qrels* and text*       TREC: two files, and a file or folder of text
    ir_datasets:NAME, no folder     the package ir_datasets

    split   which judgements of a BEIR or T2Ranking folder; `load_beir` tells what holds without it
    Raises InputError for a source that is none of these, and what the kinds' own loaders raise.
    """
    if str(source).startswith(PREFIX):
        _no_split(source, split)
        return load_ir_datasets(str(source))
    folder = Path(source)
    if not folder.is_dir():
        raise InputError(f"'{source}' is no folder.", "Name a folder, or ir_datasets:NAME.")
    if corpus_of(folder) is not None:
        return load_beir(folder, split)
    if (folder / "collection.tsv").is_file():
        return load_t2ranking(folder, split or "dev")
    if any(folder.glob("topics*")):
        _no_split(source, split)
        return load_trec(
            only_file(folder, "text*"),
            only_file(folder, "topics*"),
            only_file(folder, "qrels*"),
            name=folder.resolve().name,
        )
    raise InputError(
        f"'{source}' is no collection: it has no corpus.jsonl[.gz], collection.tsv or topics*.",
        "Name the folder that holds them.",
    )


def _no_split(source: str | Path, split: str | None) -> None:
    if split is not None:
        raise InputError(f"'{source}' has no splits, so no '{split}'.", "Leave the split out.")
