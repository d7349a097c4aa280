"""Speed beside bm25s, model2vec and tantivy, both sides interleaved in one run.

    python benchmarks/speed.py [--documents 87000] [--repeats 3]

Indexing is timed in a process for each side and repeat: ours is `Index.add` with the encoder
`static` (lexical and dense legs, texts and metadata, durable and searchable); theirs is bm25s
(tokenise with the same stemmer and stop words, index, save) and then model2vec (its own
distillation of the same transformer, encode, save). Queries are the first five words of titles,
asked of every engine in turn. Absolute times are this machine's; the ratios are the result.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from everygrain.document import Document

PAPERS = Path(__file__).resolve().parents[2] / "shared" / "data" / "papers" / "papers.jsonl.gz"
RESULTS = Path(__file__).parent / "results"
ADDED = 1_000


def papers(count: int, skip: int = 0) -> list[Document]:
    """Return papers of the shared collection."""
    from everygrain.read import read

    return list(islice(read(PAPERS), skip, skip + count))


def peak() -> int:
    """Return the most memory this process has held, in MiB.

    Linux tells it in /proc; `getrusage` would give a child what its parent held.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def build_ours(folder: Path, documents: list[Document]) -> dict[str, float]:
    from everygrain.engine import Index

    before = peak()
    begun = perf_counter()
    with Index(folder / "index", encoder="static") as index:
        index.add(documents)
        seconds = perf_counter() - begun
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"seconds": seconds, "peak": peak(), "read": before, "bytes": size}


def build_theirs(folder: Path, documents: list[Document]) -> dict[str, float]:
    import bm25s
    import numpy as np
    import Stemmer
    from model2vec import StaticModel

    from everygrain.analyze.stopwords import stop_words

    model = StaticModel.from_pretrained(folder.parent / "model2vec")
    before = peak()
    begun = perf_counter()
    texts = [f"{d.title} {d.text}" for d in documents]
    tokens = bm25s.tokenize(
        texts,
        stopwords=sorted(stop_words("en")),
        stemmer=Stemmer.Stemmer("english"),
        show_progress=False,
    )
    index = bm25s.BM25(k1=1.5, b=0.6)
    index.index(tokens, show_progress=False)
    index.save(folder / "bm25s")
    lexical = perf_counter() - begun
    np.save(folder / "vectors.npy", model.encode(texts))
    seconds = perf_counter() - begun
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"seconds": seconds, "lexical": lexical, "peak": peak(), "read": before, "bytes": size}


def update(folder: Path, count: int) -> dict[str, Any]:
    """Add a thousand documents to the full index five times; open it; search it once."""
    from everygrain.engine import Index

    more = papers(5 * ADDED, skip=count)
    seconds, opened = [], []
    with Index.open(folder / "index") as index:
        for i in range(0, len(more), ADDED):
            begun = perf_counter()
            index.add(more[i : i + ADDED])
            wanted = more[i].id
            assert index.get(wanted).id == wanted
            seconds.append(perf_counter() - begun)
    for _ in range(5):
        begun = perf_counter()
        index = Index.open(folder / "index")
        len(index)
        opened.append(perf_counter() - begun)
        index.close()
    return {"add": seconds, "open": opened}


def side(name: str, folder: Path, told: int) -> dict[str, Any]:
    """Run one side in a process of its own."""
    command = [sys.executable, __file__, "--side", name, "--folder", str(folder)]
    command += ["--documents", str(told)]
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def engines(folder: Path, documents: list[Document]) -> dict[str, Callable[[str], Any]]:
    """Return each engine's search, ready to be asked."""
    import bm25s
    import Stemmer
    import tantivy

    from everygrain.analyze.stopwords import stop_words
    from everygrain.engine import Index

    index = Index.open(folder / "ours" / "index")
    ours = index.retriever("lexical")
    hybrid, dense = index.retriever("hybrid"), index.retriever("dense")
    theirs = bm25s.BM25.load(folder / "theirs" / "bm25s")
    theirs.backend = "numba"
    theirs.activate_numba_scorer()
    stops, stemmer = sorted(stop_words("en")), Stemmer.Stemmer("english")

    def ask_bm25s(query: str) -> Any:
        tokens = bm25s.tokenize(query, stopwords=stops, stemmer=stemmer, show_progress=False)
        return theirs.retrieve(tokens, k=10, show_progress=False, backend_selection="numba")

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("text", stored=False, tokenizer_name="en_stem")
    schema = builder.build()
    store = tantivy.Index(schema)
    writer = store.writer(200_000_000, num_threads=1)
    for document in documents:
        content = {"id": [document.id], "text": [f"{document.title} {document.text}"]}
        writer.add_document(tantivy.Document.from_dict(content, schema))
    writer.commit()
    writer.wait_merging_threads()
    store.reload()
    searcher = store.searcher()

    def ask_tantivy(query: str) -> Any:
        words = "".join(c if c.isalnum() else " " for c in query)
        found = searcher.search(store.parse_query(words, ["text"]), 10)
        return [searcher.doc(address)["id"] for _, address in found.hits]

    return {
        "everygrain lexical": lambda query: ours.retrieve([query], 10),
        "bm25s numba": ask_bm25s,
        "tantivy": ask_tantivy,
        "everygrain dense": lambda query: dense.retrieve([query], 10),
        "everygrain hybrid": lambda query: hybrid.retrieve([query], 10),
    }


def latency(folder: Path, documents: list[Document], queries: int) -> dict[str, dict[str, float]]:
    """Ask every engine every query in turn; each query is new to it the first time."""
    asked = [" ".join(d.title.split()[:5]) for d in documents[:: len(documents) // queries]]
    ready = engines(folder, documents)
    for ask in ready.values():
        for query in ("warming up the compiler first", "second query to be sure now"):
            ask(query)
    times: dict[str, list[float]] = {name: [] for name in ready}
    again: dict[str, list[float]] = {name: [] for name in ready}
    for column in (times, again):
        for query in asked:
            for name, ask in ready.items():
                begun = perf_counter()
                ask(query)
                column[name].append((perf_counter() - begun) * 1000)
    return {
        name: {"first p50 ms": median(times[name]), "again p50 ms": median(again[name])}
        for name in ready
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--documents", type=int, default=80_000)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--queries", type=int, default=300)
    options.add_argument("--side", choices=("ours", "theirs", "update"))
    options.add_argument("--folder", type=Path)
    told = options.parse_args()
    if told.side == "update":
        print(json.dumps(update(told.folder, told.documents)))
        return
    if told.side:
        build = build_ours if told.side == "ours" else build_theirs
        print(json.dumps(build(told.folder, papers(told.documents))))
        return
    with tempfile.TemporaryDirectory() as name:
        results = run(Path(name), told.documents, told.repeats, told.queries)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "speed.md").write_text(markdown(results))
    print(markdown(results))


def run(folder: Path, count: int, repeats: int, queries: int) -> dict[str, Any]:
    from model2vec.distill import distill

    from everygrain.encode.distil import static_table
    from everygrain.encode.transformer import minilm_folder

    static_table()
    if not (folder / "model2vec").exists():
        distill(str(minilm_folder()), device="cpu").save_pretrained(folder / "model2vec")
    ours, theirs = [], []
    for i in range(repeats):
        last = i == repeats - 1
        for name, column in (("ours", ours), ("theirs", theirs)):
            column.append(side(name, folder / (name if last else f"{name}{i}"), count))
            print(name, column[-1], file=sys.stderr, flush=True)
    documents = papers(count)
    before = latency(folder, documents, queries)
    updated = side("update", folder / "ours", count)
    print(updated, file=sys.stderr, flush=True)
    return {
        "documents": count,
        "ours": ours,
        "theirs": theirs,
        "update": updated,
        "latency": before,
        "latency after updates": latency(folder, documents, queries),
    }


def markdown(results: dict[str, Any]) -> str:
    """Return the table, each line with its bar."""
    count = results["documents"]
    ours = median(row["seconds"] for row in results["ours"])
    theirs = median(row["seconds"] for row in results["theirs"])
    lexical = median(row["lexical"] for row in results["theirs"])
    ratios = [b["seconds"] / a["seconds"]
              for a, b in zip(results["ours"], results["theirs"], strict=True)]  # fmt: skip
    added = median(results["update"]["add"])
    latencies, updated = results["latency"], results["latency after updates"]
    after, numba_after = (updated[n]["first p50 ms"] for n in ("everygrain lexical", "bm25s numba"))
    first = {name: row["first p50 ms"] for name, row in latencies.items()}
    again = {name: row["again p50 ms"] for name, row in latencies.items()}
    mine, numba, tantivy = (first[n] for n in ("everygrain lexical", "bm25s numba", "tantivy"))
    peak_mib = max(row["peak"] for row in results["ours"])
    size = results["ours"][-1]["bytes"] / 2**20
    their_size = results["theirs"][-1]["bytes"] / 2**20
    lines = [
        "# Speed",
        "",
        f"{count:,} papers (titles and abstracts), two cores; medians of "
        f"{len(results['ours'])} interleaved runs. Made by `python benchmarks/speed.py`.",
        "",
        "| what | everygrain | peer | ratio | bar | met |",
        "|---|---|---|---|---|---|",
        f"| documents a second, lexical and static | {count / ours:,.0f} | bm25s and model2vec "
        f"{count / theirs:,.0f} (bm25s alone {count / lexical:,.0f}) | {median(ratios):.2f} | "
        f"at least 1 | {'yes' if median(ratios) >= 1 else 'NO'} |",
        f"| lexical query, p50, ms, each query new | {mine:.2f} | bm25s with numba {numba:.2f} | "
        f"{mine / numba:.2f} | at most 1.5 | {'yes' if mine <= 1.5 * numba else 'NO'} |",
        f"| the same, asked again | {again['everygrain lexical']:.2f} | bm25s with numba "
        f"{again['bm25s numba']:.2f} | {again['everygrain lexical'] / again['bm25s numba']:.2f} "
        "| | |",
        f"| each query new, after five additions | {after:.2f} | bm25s with numba, without them "
        f"{numba_after:.2f} | {after / numba_after:.2f} | | |",
        f"| lexical query, p50, ms | {mine:.2f} | tantivy {tantivy:.2f} | {mine / tantivy:.2f} | "
        f"below 1 | {'yes' if mine < tantivy else 'NO'} |",
        f"| adding {ADDED:,} documents, s | {added:.2f} | full build {ours:.1f} | "
        f"{added / ours:.2%} | at most 2 % | {'yes' if added <= 0.02 * ours else 'NO'} |",
        f"| opening, s | {median(results['update']['open']):.3f} | | | under 0.2 | "
        f"{'yes' if median(results['update']['open']) < 0.2 else 'NO'} |",
        f"| peak memory of a build, MiB (documents in memory included) | {peak_mib:,} | "
        f"{max(r['peak'] for r in results['theirs']):,} | | under 2,048 | "
        f"{'yes' if peak_mib < 2048 else 'NO'} |",
        f"| on disk, MiB | {size:,.0f} (texts included) | {their_size:,.0f} (without texts) "
        "| | | |",
        f"| dense query, p50, ms, exact | {first['everygrain dense']:.1f} | | | | |",
        f"| hybrid query, p50, ms | {first['everygrain hybrid']:.1f} | | | | |",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
