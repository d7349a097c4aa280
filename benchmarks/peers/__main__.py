"""Everygrain and its peers, each in a process of its own, interleaved run by run.

    cd benchmarks && python -m peers [--sizes 10000,50000,all] [--runs 5] [--only dense]

Every run asks each engine in turn, in an order turned by one each time, so that a slow minute of
the machine hurts all alike. The first run of every size comes first, then the others of the
smallest size, and so on; with --minutes, a run that would not be done in time is not begun, and
the tables say on how many runs a row rests; --resume adds those that are missing. Engines that
are not installed or fail are named with the reason:

    pip install -c constraints.txt -e ".[models,bench,peers]" hnswlib

(hnswlib comes as source alone and needs a C++ compiler, so it is not in the extra `peers`.)

Absolute figures are this machine's; the ratios within a run are the result.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

from peers import data, encoding, measuring, plots, report
from peers.worker import ENGINES

BENCHMARKS = Path(__file__).resolve().parents[1]
RESULTS = BENCHMARKS / "results"
KINDS = ("lexical", "dense", "hybrid", "encoding", "measuring")
OTHERS = {"encoding": encoding.PACKAGES, "measuring": measuring.PACKAGES}

EVIDENCE = "everygrain, evidence"  # ranks as everygrain does
Row = dict[str, Any]


def ask(row: Row, folder: Path, timeout: float) -> Row:
    """Run one task in a process of its own; return the row with figures, or with `failed`."""
    told = [row["task"], row["kind"], row["name"], str(folder), str(row["size"]), str(row["run"])]
    command = [sys.executable, "-m", "peers.worker", *told]
    try:
        done = subprocess.run(
            command, cwd=BENCHMARKS, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return row | {"failed": f"not done after {timeout:.0f} s"}
    if done.returncode < 0:
        return row | {"failed": f"killed by signal {-done.returncode}"}
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        return row | {"failed": lines[-1][:200] + remedy(row, lines[-1])}
    return row | {"figures": json.loads(done.stdout.splitlines()[-1])}


def remedy(row: Row, message: str) -> str:
    """Return how to install an engine that lacks its packages, or nothing."""
    if not message.startswith(("ModuleNotFoundError", "ImportError")):
        return ""
    packages = {(e.kind, e.name): e.package for e in ENGINES}
    for kind, others in OTHERS.items():
        packages |= {(kind, name): package for name, package in others.items()}
    return f"; pip install -c constraints.txt {packages[row['kind'], row['name']]}"


def rounds(sizes: list[int], runs: int, kinds: list[str]) -> list[list[Row]]:
    """Return all that is to be done, in order: a round is one run of every engine at one size."""
    engines = [(e.kind, e.name) for e in ENGINES if e.kind in kinds]
    keys = ("task", "kind", "name", "size", "run")
    listed = []
    first = [(size, 0) for size in sizes]
    for size, run in first + [(size, run) for size in sizes for run in range(1, runs)]:
        turn = run % max(len(engines), 1)
        here = [("speed", *engine, size, run) for engine in engines[turn:] + engines[:turn]]
        if size == sizes[0]:
            if run == 0:  # the same each time
                ranking = [engine for engine in engines if engine[1] != EVIDENCE]
                here += [("quality", *engine, 0, run) for engine in ranking]
            for kind, others in OTHERS.items():
                if kind in kinds:
                    here += [(kind, kind, name, 0, run) for name in others]
        if here:
            listed.append([dict(zip(keys, values, strict=True)) for values in here])
    return listed


def versions() -> dict[str, str]:
    """Return the version of each peer's packages, or "not installed"."""
    told = {}
    others = [package for each in OTHERS.values() for package in each.values()]
    packages = " ".join([e.package for e in ENGINES] + others)
    for package in sorted({each.split("[")[0] for each in packages.split()}):
        try:
            told[package] = version(package)
        except PackageNotFoundError:
            told[package] = "not installed"
    return told


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--sizes", default="10000,50000,all", help="numbers of papers, or all")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument(
        "--only",
        choices=KINDS,
        action="append",
        help="may be given repeatedly; what --out holds of the others stays",
    )
    options.add_argument("--minutes", type=float, default=float("inf"), help="for all of it")
    options.add_argument("--resume", action="store_true", help="go on from what --out holds")
    options.add_argument("--timeout", type=float, default=1800, help="seconds for one process")
    options.add_argument("--out", type=Path, default=RESULTS)
    told = options.parse_args()
    named = told.sizes.split(",")
    sizes = sorted({data.count_papers() if size == "all" else int(size) for size in named})
    limit = f" --minutes {told.minutes:g}" if told.minutes < float("inf") else ""
    results: Row = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "command": f"python -m peers --sizes {told.sizes} --runs {told.runs}" + limit,
        "sizes": sizes,
        "wanted": told.runs,
        "runs": dict.fromkeys(map(str, sizes), 0),
        "seconds": 0,
        "versions": versions(),
        "rows": [],
    }
    if told.resume:
        results |= json.loads((told.out / "peers.json").read_text()) | {"wanted": told.runs}
    spent, done = results["seconds"], {(row["size"], row["run"]) for row in results["rows"]}
    if told.only and not told.resume and (told.out / "peers.json").is_file():
        known = json.loads((told.out / "peers.json").read_text())
        kept = [row for row in known["rows"] if row["kind"] not in told.only]
        again = {"made": results["made"], "kinds": told.only, "runs": told.runs}
        results = known | {"rows": kept, "again": [*known.get("again", []), again]}
    begun = perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        folder.mkdir()
        data.prepare(folder, max(sizes))
        took: dict[int, float] = {}
        for each in rounds(sizes, told.runs, told.only or list(KINDS)):
            size, started = max(row["size"] for row in each), perf_counter()
            if not told.only and (size, each[0]["run"]) in done:
                continue
            if started - begun + took.get(size, 0.0) > told.minutes * 60:
                continue
            for row in each:
                results["rows"].append(ask(row, folder, told.timeout))
                print(round(perf_counter() - begun), results["rows"][-1], file=sys.stderr)
            took[size] = perf_counter() - started
            if not told.only:
                results["runs"][str(size)] += 1
                results["seconds"] = spent + round(perf_counter() - begun)
            write(results, told.out)  # an interruption loses one round
    print(report.markdown(results))


def write(results: Row, folder: Path) -> None:
    """Write the figures, the page and the pictures."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "peers.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "peers.md").write_text(report.markdown(results))
    plots.draw(results, folder)


if __name__ == "__main__":
    main()
