"""A BEIR folder -> Documents: its corpus.jsonl or corpus.jsonl.gz."""

from __future__ import annotations

from pathlib import Path

from everygrain.read.jsonl import read

__all__ = ["corpus_of", "is_companion", "read"]


def corpus_of(folder: Path) -> Path | None:
    """Return the folder's corpus file, the plain one first; None if it is no BEIR folder.

    A corpus alone makes none: queries or judgements stand beside it, or nothing else at all.
    """
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if not names & {"queries.jsonl", "queries.jsonl.gz", "qrels"} and len(names) > 1:
        return None
    for name in ("corpus.jsonl", "corpus.jsonl.gz"):
        if (folder / name).is_file():
            return folder / name
    return None


def is_companion(name: str) -> bool:
    """Say whether a BEIR folder is expected to hold this beside its corpus: queries, qrels."""
    return name.lower().startswith(("corpus.jsonl", "queries", "qrels", "readme"))
