"""How fast a reading room is filled and read: 87,233 papers, 500 new ones, 10 readers at once.

    python benchmarks/papers/room.py

Writes benchmarks/results/papers_room.md and .json. Every step runs in processes of its own, as a
user would start them; memory is the peak of a whole process. Readers ask for the first page, for
searches with and without a facet, and for papers, each page once, while another process ingests.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx

ROOT = Path(__file__).resolve().parents[2]
PAPERS = ROOT.parent / "shared" / "data" / "papers" / "papers.jsonl.gz"
RESULTS = ROOT / "benchmarks" / "results"
NEW = 500
DURING = 20_000  # papers that are ingested while readers read
READERS = 10
SECONDS = 60
THINKING = 1.0  # seconds between two pages of one reader

CHILD = """
import json, resource, sys, time
from pathlib import Path
from everygrain_papers.cli.filling import give_way
from everygrain_papers.room import ReadingRoom
from everygrain_papers.sources import JsonLines
give_way()  # as the command does
began = time.perf_counter()
with ReadingRoom(sys.argv[1], encoder="static") as room:
    report = room.ingest(JsonLines(Path(sys.argv[2])))
    took = time.perf_counter() - began
    found = [hit.paper.id for hit in room.search(sys.argv[3], 5).hits] if sys.argv[3] else []
    searched = time.perf_counter() - began
    print(json.dumps({
        "papers": len(room), "added": report.added, "seconds": took, "searchable": searched,
        "found": found, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))
"""


def filled(room: Path, source: Path, query: str = "") -> dict[str, float]:
    """Ingest a file in a process of its own; returns its seconds and peak memory."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(room), str(source), query],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def split(lines: list[str], folder: Path) -> tuple[Path, Path, Path]:
    """Write the first papers, those that come while readers read, and the last few."""
    first, during, last = lines[: -DURING - NEW], lines[-DURING - NEW : -NEW], lines[-NEW:]
    paths = tuple(folder / name for name in ("first.jsonl", "during.jsonl", "last.jsonl"))
    for path, part in zip(paths, (first, during, last), strict=True):
        path.write_text("".join(part), encoding="utf-8")
    return paths  # type: ignore[return-value]


def addresses(lines: list[str], count: int, seed: int) -> list[tuple[str, str]]:
    """Return (kind, path) of pages: every third word of some title is a query."""
    rng = random.Random(seed)
    pages = []
    for _ in range(count):
        paper = json.loads(rng.choice(lines))
        words = re.findall(r"\w{4,}", paper["title"])
        query = " ".join(rng.sample(words, min(3, len(words)))) or "retrieval"
        kind = rng.choices(
            ["first page", "search", "search in a facet", "paper", "trending"], [1, 4, 1, 3, 1]
        )[0]
        facet = rng.choice(["problem", "method", "result"])
        path = {
            "first page": "/",
            "search": f"/search?{urlencode({'q': query})}",
            "search in a facet": f"/search?{urlencode({'q': query, 'facet': facet})}",
            "paper": f"/paper/{quote(paper['id'], safe='')}",
            "trending": "/trending",
        }[kind]
        pages.append((kind, path))
    return pages


def read(base: str, pages: list[tuple[str, str]], thinking: float, seconds: float) -> list[tuple]:
    """Let READERS ask for pages for some time; returns (kind, seconds, status)."""
    told: list[tuple[str, float, int]] = []
    until = time.perf_counter() + seconds

    def reader(number: int) -> None:
        mine = iter(pages[number::READERS])
        with httpx.Client(base_url=base, timeout=60) as client:
            time.sleep(number * thinking / READERS)
            while time.perf_counter() < until:
                kind, path = next(mine)
                began = time.perf_counter()
                status = client.get(path).status_code
                took = time.perf_counter() - began
                told.append((kind, took, status))
                time.sleep(max(0.0, thinking - took))

    threads = [threading.Thread(target=reader, args=(n,)) for n in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def summary(told: list[tuple]) -> dict[str, dict[str, float]]:
    by_kind: dict[str, list[float]] = {"all": []}
    for kind, took, status in told:
        if status not in (200, 304):
            raise SystemExit(f"A page of kind '{kind}' came with status {status}.")
        by_kind["all"].append(took)
        by_kind.setdefault(kind, []).append(took)
    return {
        kind: {
            "pages": len(times),
            "p50": statistics.median(times) * 1000,
            "p95": sorted(times)[max(0, int(0.95 * len(times)) - 1)] * 1000,
        }
        for kind, times in by_kind.items()
    }


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def peak_of(process: int) -> int:
    """Return the peak memory of a process in bytes, where the system tells it."""
    try:
        text = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) * 1024  # type: ignore[index]
    except (OSError, TypeError):
        return 0


def served(room: Path) -> tuple[subprocess.Popen, str]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "everygrain", "papers", "serve", "--room", str(room), "--port",
         str(port), "--no-browser"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            httpx.get(base, timeout=60)
            return process, base
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit("The server did not come up.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("room-benchmark"))
    parser.add_argument("--papers", type=int, default=10**9, help="only the first N")
    asked = parser.parse_args()
    folder: Path = asked.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with gzip.open(PAPERS, "rt", encoding="utf-8") as file:
        lines = [line for _, line in zip(range(asked.papers), file, strict=False)]
    every = folder / "every.jsonl"
    every.write_text("".join(lines), encoding="utf-8")
    told: dict = {"papers": len(lines), "processors": os.cpu_count()}
    print("ingesting all", flush=True)
    told["all"] = filled(folder / "all", every)
    told["bytes"] = {"text": every.stat().st_size, "room": size(folder / "all")}
    shutil.rmtree(folder / "all")
    first, during, last = split(lines, folder)
    print("ingesting the first", flush=True)
    room = folder / "room"
    filled(room, first)
    subprocess.run(
        [sys.executable, "-m", "everygrain", "papers", "trending", "--room", str(room)],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    title = json.loads(last.read_text(encoding="utf-8").splitlines()[0])["title"]
    print("500 new papers", flush=True)
    told["update"] = filled(room, last, title)
    process, base = served(room)
    try:
        known = first.read_text(encoding="utf-8").splitlines(keepends=True)
        read(base, addresses(known, 500, 0), 0.2, 10)  # files into memory, code into caches
        print("readers alone", flush=True)
        told["alone"] = summary(read(base, addresses(known, 20_000, 1), THINKING, SECONDS))
        told["alone, without a pause"] = summary(read(base, addresses(known, 90_000, 2), 0, 20))
        print("readers while papers come", flush=True)
        ingesting: dict = {}
        thread = threading.Thread(target=lambda: ingesting.update(filled(room, during)))
        thread.start()
        time.sleep(2)
        pages = addresses(known, 20_000, 3)
        times: list[tuple] = []
        while thread.is_alive():
            times += read(base, pages[len(times) :], THINKING, 10)
        told["during"] = summary(times)
        told["ingest during"] = ingesting
        told["server peak"] = peak_of(process.pid)
    finally:
        process.terminate()
        process.wait()
    write(told)
    shutil.rmtree(folder)


def write(told: dict) -> None:
    (RESULTS / "papers_room.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    mib = 2**20
    rows = [
        "| readers | page | pages | p50 ms | p95 ms |", "|---|---|--:|--:|--:|",
    ]  # fmt: skip
    for name in ("alone", "during", "alone, without a pause"):
        for kind, each in told[name].items():
            rows.append(
                f"| {name} | {kind} | {each['pages']:,} | {each['p50']:.0f} | {each['p95']:.0f} |"
            )
    whole, update, room = told["all"], told["update"], told["bytes"]
    lines = [
        "# A reading room: filling and reading",
        "",
        "    python benchmarks/papers/room.py",
        "",
        f"{told['processors']} cores; encoder `static`; lexical, dense, functions by rules, three "
        "facets, versions merged. Memory is the peak of a process.",
        "",
        "| what | seconds | papers | peak MiB |",
        "|---|--:|--:|--:|",
        f"| all papers ingested | {whole['seconds']:.0f} | {whole['added']:,} "
        f"| {whole['peak'] / mib:,.0f} |",
        f"| {NEW} new papers, from the start of the process until one is found "
        f"| {update['searchable']:.1f} | {update['added']:,} | {update['peak'] / mib:,.0f} |",
        f"| {DURING:,} papers while {READERS} readers read "
        f"| {told['ingest during']['seconds']:.0f} | {told['ingest during']['added']:,} "
        f"| {told['ingest during']['peak'] / mib:,.0f} |",
        "",
        f"The server's peak is {told['server peak'] / mib:,.0f} MiB. On disk a room of all papers "
        f"takes {room['room'] / mib:,.0f} MiB, {room['room'] / room['text']:.1f} times the file "
        "they came in.",
        "",
        f"{READERS} readers, each asking for a page every {THINKING:.0f} s (or at once, without a "
        "pause), every page for the first time:",
        "",
        *rows,
        "",
    ]
    (RESULTS / "papers_room.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
