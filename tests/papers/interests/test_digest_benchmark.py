"""The page of the digest benchmark shows what was measured."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "digest-benchmark.md"


def tables(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]


def test_the_page_shows_the_tables_of_the_results():
    assert tables(PAGE) == tables(RESULTS / "papers_digest.md") != []


def test_the_tables_show_the_figures_that_were_kept():
    told = json.loads((RESULTS / "papers_digest.json").read_text(encoding="utf-8"))
    shown = "\n".join(tables(PAGE))
    for rows in told["tasks"].values():
        for row in rows:
            mean, low, high = row["nDCG@10"]
            assert f"| {row['system']} | {mean:.3f} [{low:.3f}, {high:.3f}] |" in shown
