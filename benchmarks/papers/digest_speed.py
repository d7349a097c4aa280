"""How long a digest takes, and how much memory, by candidates and by liked papers.

    python benchmarks/papers/digest_speed.py

Papers of ../shared/data/papers. Each case runs in a process of its own; time is processor time of
`recommend`, reading the texts included, encoding not (vectors are in the index already); memory is
the peak of the process, which holds the papers and 256-dimensional vectors too.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from everygrain_papers.interests import Interest, recommend
from everygrain_papers.paper import of_record

PAPERS = Path(__file__).resolve().parents[3] / "shared" / "data" / "papers" / "papers.jsonl.gz"
RESULTS = Path(__file__).resolve().parents[1] / "results"
CASES = ((500, 5, 20), (2_000, 5, 20), (2_000, 5, 200), (10_000, 5, 200), (87_233, 5, 200))


def one(candidates: int, interests: int, liked: int) -> dict[str, float]:
    """Run one case. Liked papers are neighbours in the file, so of one venue and year."""
    with gzip.open(PAPERS, "rt", encoding="utf-8") as lines:
        step = 87_233 // candidates
        papers = [of_record(json.loads(line)) for line in islice(lines, 0, None, step)]
    papers = papers[:candidates]
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(len(papers), 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with gzip.open(PAPERS, "rt", encoding="utf-8") as lines:
        own = [of_record(json.loads(line)) for line in islice(lines, 1, interests * liked + 1)]
    library = {f"liked:{each.id}": replace(each, id=f"liked:{each.id}") for each in own}
    told = [
        Interest(str(i), f"interest {i}", liked=tuple(library)[i * liked : (i + 1) * liked])
        for i in range(interests)
    ]
    near = {each: vectors[i % len(vectors)] for i, each in enumerate(library)}
    start = time.process_time()
    found = recommend(told, papers, vectors, library, near)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "candidates": len(papers), "interests": interests, "liked": liked, "shown": len(found),
        "seconds": round(seconds, 2), "MiB": round(peak),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", type=int, nargs=3)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(one(*options.case)))
        return
    rows = []
    for case in CASES:
        command = [sys.executable, __file__, "--case", *map(str, case)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
    (RESULTS / "papers_digest_speed.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    lines = [
        "# How long a digest takes",
        "",
        "    python benchmarks/papers/digest_speed.py",
        "",
        "| candidates | interests | liked papers each | processor seconds | peak MiB |",
        "|--:|--:|--:|--:|--:|",
        *(
            f"| {r['candidates']:,} | {r['interests']} | {r['liked']} | {r['seconds']:.2f} "
            f"| {r['MiB']:,} |"
            for r in rows
        ),
    ]
    (RESULTS / "papers_digest_speed.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
