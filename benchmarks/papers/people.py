"""What a page of the reading room waits for in people.db, alone and while another process writes.

    python benchmarks/papers/people.py [--times 400]

20 readers, each with 5 interests of 200 marks, 5,000 papers seen and a session. Every act is timed
on readers in turn; the other process marks papers without a pause. The median is of processor time,
which other work on the machine changes little, the 95th percentile of the wall clock, which is what
a page waits. Intervals are percentile bootstraps over the acts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from everygrain_papers.people import People, csrf, users
from everygrain_papers.people.limits import Limits, Rate

RESULTS = Path(__file__).resolve().parents[1] / "results"
READERS, INTERESTS, MARKS, SEEN = 20, 5, 200, 5000
PASSWORD = "a few words nobody guesses"
WRITER = """
import itertools, sys
from everygrain_papers.people import People
people = People(sys.argv[1])
for number in itertools.count():
    kind = ("like", "dislike")[number // 50 % 2]
    people.mark(sys.argv[2], f"paper {number % 50}", sys.argv[3], kind)
    if not number:
        print("writing", flush=True)
"""


def fill(people: People) -> list[str]:
    """Store readers with interests, marks and what they saw; return their ids."""
    made = []
    for number in range(READERS):
        with people.database.writing() as connection:
            reader = users.add(connection, f"Reader {number}", "", None, f"2026-01-01 {number:02}")
        for place in range(INTERESTS):
            liked = [f"paper {place} {each}" for each in range(MARKS)]
            people.add_interest(reader.id, f"Interest {place}", liked=liked, keywords=["ranking"])
        people.see(reader.id, [f"paper {each}" for each in range(SEEN)])
        made.append(reader.id)
    return made


def acts(people: People, readers: list[str]) -> dict[str, Callable[[int], object]]:
    """Return what is timed, each given the number of the act."""
    tokens = [people.open_session(reader) for reader in readers]
    first = [people.interests(reader)[0].id for reader in readers]
    limits = Limits({"page": Rate(10**6, 1)})
    people.add_user("Ann", PASSWORD)

    def mark(number: int) -> object:
        who = number % READERS
        kind = ("like", "dislike")[number // READERS % 2]
        return people.mark(readers[who], "paper", first[who], kind)

    def form(number: int) -> object:
        token = tokens[number % READERS]
        return csrf.check(people.secret, token, csrf.make(people.secret, token))

    return {
        "whose session": lambda number: people.session(tokens[number % READERS]),
        "a reader's interests": lambda number: people.interests(readers[number % READERS]),
        "papers seen": lambda number: people.seen(readers[number % READERS]),
        "a form's token, made and checked": form,
        "a rate limit": lambda number: limits.take("page", f"192.0.2.{number % 256}"),
        "a mark": mark,
        "30 papers seen": lambda number: people.see(
            readers[number % READERS], [f"new {number} {each}" for each in range(30)]
        ),
        "a password verified": lambda number: people.authenticate("Ann", PASSWORD),
        "a password of nobody": lambda number: people.authenticate("Nobody", PASSWORD),
    }


def interval(values: np.ndarray, percent: float, draws: np.random.Generator) -> list[float]:
    """Return a percentile with its 95 % interval, in milliseconds."""
    samples = draws.choice(values, (1000, len(values)))
    low, high = np.percentile(np.percentile(samples, percent, axis=1), [2.5, 97.5])
    return [round(float(each) * 1000, 3) for each in (np.percentile(values, percent), low, high)]


def measured(people: People, readers: list[str], times: int) -> dict[str, dict[str, object]]:
    draws, told = np.random.default_rng(0), {}
    for name, act in acts(people, readers).items():
        count = times // 10 if "password" in name else times
        processor, wall = np.empty(count), np.empty(count)
        for number in range(count):
            started, start = time.process_time(), time.perf_counter()
            act(number)
            processor[number] = time.process_time() - started
            wall[number] = time.perf_counter() - start
        told[name] = {
            "n": count,
            "processor_median": interval(processor, 50, draws),
            "wall_p95": interval(wall, 95, draws),
        }
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=400)
    times = parser.parse_args().times
    told = {}
    for state in ("alone", "beside a writer"):
        with (
            tempfile.TemporaryDirectory() as folder,
            People(Path(folder) / "people.db") as people,
        ):
            readers = fill(people)
            if state == "alone":
                told[state] = measured(people, readers, times)
                continue
            interest = people.add_interest(readers[0], "Of the other process")
            writer = subprocess.Popen(
                [sys.executable, "-c", WRITER, str(people.path), readers[0], interest.id],
                stdout=subprocess.PIPE,
            )
            try:
                assert writer.stdout is not None
                writer.stdout.readline()
                told[state] = measured(people, readers, times)
            finally:
                writer.kill()
                writer.wait()
    (RESULTS / "papers_people.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    lines = [
        "# What a page waits for in people.db",
        "",
        "    python benchmarks/papers/people.py",
        "",
        f"{READERS} readers, each with {INTERESTS} interests of {MARKS} marks and {SEEN:,} papers "
        "seen. Milliseconds on two cores that did much other work, too, with 95 % intervals by "
        "bootstrap over the acts. A write is on the disk when the call returns.",
        "",
        "| act | n | processor, median, alone | wall, p95, alone "
        "| processor, median, beside a writer | wall, p95, beside a writer |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, alone in told["alone"].items():
        cells = [
            "{:.2f} [{:.2f}, {:.2f}]".format(*told[state][name][figure])
            for state in told
            for figure in ("processor_median", "wall_p95")
        ]
        lines.append(f"| {name} | {alone['n']} | {' | '.join(cells)} |")
    (RESULTS / "papers_people.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
