"""The collections: read and encoded once, then handed to every engine's process as files."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np

from everygrain.document import Document
from peers import encoding
from peers.engine import Batch, Queries, static_encoder, text_of

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ADDED, DELETED = 1_000, 100
WARM, ASKED, IN_BATCH = 20, 200, 500
FIT_ON = 10_000


def count_papers() -> int:
    """Return how many papers can be built on: all but those kept for the update."""
    return len(_papers(None)) - ADDED


def _papers(count: int | None) -> list[Document]:
    from everygrain.read import read

    return list(islice(read(SHARED / "papers" / "papers.jsonl.gz"), count))


def prepare(folder: Path, largest: int) -> None:
    """Write the papers, scifact, their vectors and the encoder that made them.

    The encoder is everygrain's static one, fitted once to the first 10,000 papers.
    """
    from everygrain.encode.distil import static_table
    from everygrain.encode.static import Static
    from everygrain.index.vectors import joined_words, split_fields
    from everygrain.measure import load

    papers = _papers(largest + ADDED)
    if len(papers) < largest + ADDED:
        raise SystemExit(f"There are {len(papers):,} papers, too few for {largest:,} and updates.")
    fitted = Static(static_table(), {}).fit(joined_words(*split_fields(papers[:FIT_ON])))
    (folder / "models").mkdir(parents=True)
    fitted.save(folder / "models")
    encoding.prepare(folder / "encoding", papers[: encoding.STATIC])
    scifact = load(SHARED / "scifact", "train")
    _write(folder / "papers", papers, [], folder / "models")
    queries = list(scifact.scored_queries.items())
    _write(folder / "scifact", list(scifact.documents()), [t for _, t in queries],
           folder / "models")  # fmt: skip
    judged = {"queries": [name for name, _ in queries], "judgements": dict(scifact.judgements)}
    (folder / "scifact" / "judged.json").write_text(json.dumps(judged, default=dict))


def _write(folder: Path, documents: list[Document], queries: list[str], models: Path) -> None:
    folder.mkdir()
    encoder = static_encoder(models)
    with (folder / "documents.jsonl").open("w") as file:
        file.writelines(json.dumps([d.id, d.title, d.text]) + "\n" for d in documents)
    np.save(folder / "vectors.npy", encoder.encode([text_of(d) for d in documents]))
    if not queries:
        queries = [" ".join(d.title.split()[:5]) for d in documents]
    (folder / "queries.json").write_text(json.dumps(queries))
    np.save(folder / "query_vectors.npy", encoder.encode(queries, "query"))


def documents(folder: Path, start: int, end: int | None) -> Batch:
    """Return the documents from start to end, with copies of their vectors."""
    with (folder / "documents.jsonl").open() as file:
        rows = [json.loads(line) for line in islice(file, start, end)]
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")[start:end]
    made = [Document(id=identity, title=title, text=text) for identity, title, text in rows]
    return Batch(made, np.array(vectors))


def queries(folder: Path, places: list[int] | None = None) -> Queries:
    """Return the queries at some places: of papers, the first five words of a title."""
    texts = json.loads((folder / "queries.json").read_text())
    vectors = np.load(folder / "query_vectors.npy", mmap_mode="r")
    chosen = list(range(len(texts))) if places is None else places
    return Queries([texts[i] for i in chosen], np.array(vectors[chosen]))


def spread(size: int, count: int, shift: int) -> list[int]:
    """Return `count` places, evenly over `size`; another shift gives other places."""
    step = size / count
    return [int(i * step + shift) % size for i in range(count)]
