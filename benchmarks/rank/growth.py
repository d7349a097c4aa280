"""How the time of a query grows with the collection, leg by leg.

    python benchmarks/rank/growth.py [--sizes 10000,30000,100000,300000,1000000] [--only xtr]

Documents are resampled: the title of one paper and sentences of three others, some sixty words, so
that terms are as frequent as in the papers and every document is another. Queries are the first
five words of titles, 100 for a leg and a size (30 for `xtr`), each asked once, after one that warms
up. `late` reranks the first 100 of `lexical` by hashed words of 16 dimensions, as many bytes as
`words:16` has: without the transformer that encodes a query, which does not grow; `xtr` searches
all documents by the same words. Times are of one thread, in seconds of the processor, so that other
programs count as little as may be. With `--only` the rows of the other legs stay as they were
measured before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from everygrain import Document, Index, read_documents
from everygrain.analyze.words import of_text
from everygrain.encode.words.base import Bags
from everygrain.segment.sentences import Sentences

BENCHMARKS = Path(__file__).resolve().parents[1]
PAPERS = BENCHMARKS.parents[1] / "shared" / "data" / "papers" / "papers.jsonl.gz"
RESULTS = BENCHMARKS / "results"
LEGS = ("lexical", "dense", "dense, binary", "hybrid", "late", "xtr")
QUERIES = {leg: 30 if leg == "xtr" else 100 for leg in LEGS}  # it takes seconds at a million
SENTENCES = 3


@dataclass(frozen=True)
class HashedWords:
    """Bags whose vectors are drawn by hash: the bytes of `words:16` without its transformer."""

    dimensions: int = 16
    fingerprint: str = "hashed-words-16"

    def encode_bags(self, texts: Any, kind: str = "document") -> Bags:
        words, offsets = [], [0]
        for text in texts:
            words += sorted({_hash(word) for word in of_text(text)})
            offsets.append(len(words))
        held = np.array(words, dtype=np.uint32)
        spread = (
            held[:, None].astype(np.uint64) * np.arange(1, 17, dtype=np.uint64) * 2654435761
        ) >> 13
        vectors = (spread % 64).astype(np.int8) - 32
        return Bags(held, vectors, np.array(offsets, dtype=np.int64))

    def save(self, folder: Path) -> None:
        (folder / "words.json").write_text(json.dumps({"kind": "hashed"}))


_HASHES: dict[str, int] = {}


def _hash(word: str) -> int:
    if word not in _HASHES:
        digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
        _HASHES[word] = int.from_bytes(digest, "little")
    return _HASHES[word]


def resampled(seed: int = 0) -> Iterator[Document]:
    """Yield documents without end."""
    papers = list(read_documents(PAPERS))[:20_000]
    splitter = Sentences("en")
    cut = [[p.text[a:b] for a, b in splitter.spans(p.text)] for p in papers]
    cut = [each for each in cut if each]
    draw = random.Random(seed)
    number = 0
    while True:
        said = [draw.choice(draw.choice(cut)) for _ in range(SENTENCES)]
        yield Document(f"d{number:07}", " ".join(said), draw.choice(papers).title)
        number += 1


def timed(index: Index, leg: str, queries: list[str]) -> dict[str, float]:
    """Return the milliseconds of the processor that a query takes."""
    if leg == "late":
        retriever = index.retriever("lexical % 100 >> late")
    else:
        retriever = index.retriever(leg.split(",")[0])
    retriever.retrieve(["a warm welcome"], 10)
    taken = []
    for query in queries:
        begun = process_time()
        retriever.retrieve([query], 10)
        taken.append(1000 * (process_time() - begun))
    return {"p50": float(np.percentile(taken, 50)), "p95": float(np.percentile(taken, 95))}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--sizes", default="10000,30000,100000,300000,1000000")
    options.add_argument("--only", default="", help="legs, parted by semicolons")
    told = options.parse_args()
    legs = [each.strip() for each in told.only.split(";") if each.strip()] or list(LEGS)
    if unknown := set(legs) - set(LEGS):
        options.error(f"there is no leg {', '.join(sorted(unknown))}; there are {'; '.join(LEGS)}")
    source = resampled()
    titles = [d.title for d in read_documents(PAPERS)][-4000:]
    queries = [" ".join(t.split()[:5]) for t in titles]
    rows = measured_before(legs)
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "index", "static", words=HashedWords())
        size = asked = 0
        for wanted in map(int, told.sizes.split(",")):
            begun = perf_counter()
            index.add(next(source) for _ in range(wanted - size))
            seconds = perf_counter() - begun
            for leg in legs:
                kind = "binary" if leg.endswith("binary") else "none"
                index.configure(approximate=kind, above=0)
                # other queries for each: what was asked before may be remembered
                start = asked % (len(queries) - QUERIES[leg])
                asked += QUERIES[leg]
                row: dict[str, Any] = {"size": wanted, "leg": leg, "added_seconds": seconds}
                row |= timed(index, leg, queries[start : start + QUERIES[leg]])
                rows.append(row)
                print(row, file=sys.stderr, flush=True)
            size = wanted
            write(rows)
        index.close()


def measured_before(legs: list[str]) -> list[dict[str, Any]]:
    """Return the rows of the legs that are not measured anew."""
    stored = RESULTS / "rank_growth.json"
    before: list[dict[str, Any]] = json.loads(stored.read_text()) if stored.exists() else []
    return [row for row in before if row["leg"] in LEGS and row["leg"] not in legs]


def write(rows: list[dict[str, Any]]) -> None:
    sizes = sorted({row["size"] for row in rows})
    lines = ["# Milliseconds of a query by collection size, p50 (p95)", ""]
    lines += ["Made by `python benchmarks/rank/growth.py`.", ""]
    lines += [
        f"| leg | {' | '.join(f'{size:,}' for size in sizes)} |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    for leg in LEGS:
        of = {row["size"]: row for row in rows if row["leg"] == leg}
        cells = [f"{of[s]['p50']:.2f} ({of[s]['p95']:.2f})" if s in of else "-" for s in sizes]
        lines.append(f"| {leg} | {' | '.join(cells)} |")
    lines += ["", *(__doc__ or "").split("\n\n", 2)[2].strip().splitlines(), ""]
    (RESULTS / "rank_growth.md").write_text("\n".join(lines))
    (RESULTS / "rank_growth.json").write_text(json.dumps(rows, indent=1) + "\n")
    draw(rows, sizes)


def draw(rows: list[dict[str, Any]], sizes: list[int]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    for leg in LEGS:
        of = {row["size"]: row for row in rows if row["leg"] == leg}
        held = [size for size in sizes if size in of]
        line = axes.plot(held, [of[s]["p50"] for s in held], marker="o", label=leg)[0]
        axes.fill_between(
            held, [of[s]["p50"] for s in held], [of[s]["p95"] for s in held],
            color=line.get_color(), alpha=0.12, linewidth=0,
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="documents", ylabel="ms of a query, p50 to p95")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(RESULTS / "rank_growth.png", dpi=130)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
