"""Where the time of indexing goes: cProfile over 20,000 papers with the encoder `static`.

    python benchmarks/indexing_profile.py

Prints and writes each part's share of the whole. Profiling slows Python calls, so shares of
parts with many small calls are somewhat overstated.
"""

from __future__ import annotations

import cProfile
import pstats
import tempfile
from itertools import islice
from pathlib import Path
from time import process_time

from everygrain.engine import Index
from everygrain.read import read

PAPERS = Path(__file__).resolve().parents[2] / "shared" / "data" / "papers" / "papers.jsonl.gz"
RESULTS = Path(__file__).parent / "results"
PARTS = {
    "reading JSON Lines": ("read/source.py", "parsed"),
    "telling the language": ("analyze/language.py", "detect"),
    "analysis: text to words": ("analyze/words.py", "split"),
    "analysis: words to stems": ("analyze/analyzer.py", "places"),
    "postings": ("index/postings.py", "build"),
    "static: words to vectors": ("encode/static.py", "encode_words"),
    "static: pieces of distinct words": ("encode/static.py", "pieces"),
    "fit of the encoder": ("encode/static.py", "fit"),
    "pseudo-queries and the fusion weight": ("rank/weigh.py", "fit"),
    "content hashes": ("index/content.py", "content_hash"),
    "writing arrays, with fsync": ("index/segment.py", "write_segment"),
    "writing the catalogue": ("index/catalogue.py", "insert"),
}


def main() -> None:
    documents = list(islice(read(PAPERS), 20_000))
    profile = cProfile.Profile(process_time)  # others on the machine do not count
    with tempfile.TemporaryDirectory() as folder:
        index = Index(Path(folder) / "index", encoder="static")
        profile.enable()
        index.add(documents)
        profile.disable()
        index.close()
    stats = pstats.Stats(profile)
    whole = stats.total_tt  # type: ignore[attr-defined]
    lines = [
        "# Where the time of indexing goes",
        "",
        f"20,000 papers, `static`; {whole:.1f} s of processor time under the profiler. Parts "
        "contain each other where one calls another. "
        "Made by `python benchmarks/indexing_profile.py`.",
        "",
        "| part | share |",
        "|---|---|",
    ]
    for part, (file, function) in PARTS.items():
        spent = sum(
            row[3]
            for (path, _, name), row in stats.stats.items()  # type: ignore[attr-defined]
            if path.endswith(file) and name == function
        )
        if spent:
            lines.append(f"| {part} | {spent / whole:.0%} |")
    print("\n".join(lines))
    (RESULTS / "indexing_profile.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
