"""How good the recommendations of a digest are: a replay by date, beside the published methods.

    python benchmarks/papers/digest.py [--development] [--liked 1] [--redraw]

Needs the extra `models` (scikit-learn, for the baselines) and ../shared/data/papers. Readers are
made from authors (see digest_readers.py); settings were chosen on `--development`, other authors
and other years, and the report was run once with them. Writes results/papers_digest.md and .json
and the tables of docs/digest-benchmark.md.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from digest_readers import DEVELOPMENT, REPORT, Archive, Reader
from digest_systems import SHOWN, Systems

from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "digest-benchmark.md"
OURS = "ours"
SYSTEMS = {
    "newest first": "newest",
    "BM25 profile of the library": "profile",
    "mean similarity (zotero-arxiv-daily)": "mean",
    "SVM per interest (arxiv-sanity-lite)": "machines",
    "the same SVMs, in rounds": "rounds",
    "ours, linear model alone": "alone",
    OURS: "ours",
}
TASKS = {"one interest": "single", "three interests": "triple"}
COMPARED = ("nDCG@10", "nDCG@10 fresh")
MEASURES = ("nDCG@10", "recall@10", "recall@50", "first hit", "covered@10", "nDCG@10 fresh")
DISCOUNTS = 1 / np.log2(np.arange(2, 12))


def gain(shown: list[str], relevant: frozenset[str]) -> float:
    """Return nDCG@10 with gains of 1."""
    found = sum(DISCOUNTS[i] for i, each in enumerate(shown[:10]) if each in relevant)
    return float(found / DISCOUNTS[: len(relevant)].sum())


def measured(shown: list[str], reader: Reader) -> dict[str, float]:
    """Return a reader's measures; `first hit` is how many papers are read up to the first that
    is wanted, 51 where none of 50 is; `fresh` counts papers without a known co-author alone."""
    relevant = reader.relevant
    hits = [i for i, each in enumerate(shown) if each in relevant]
    values = {
        "nDCG@10": gain(shown, relevant),
        "recall@10": len(relevant & set(shown[:10])) / len(relevant),
        "recall@50": len(relevant & set(shown)) / len(relevant),
        "first hit": float(hits[0] + 1 if hits else SHOWN + 1),
        "covered@10": float(np.mean([bool(own & set(shown[:10])) for own in reader.wanted])),
    }
    if reader.fresh:
        rest = [each for each in shown if each not in relevant or each in reader.fresh]
        values["nDCG@10 fresh"] = gain(rest, reader.fresh)
    return values


def with_newest(reader: Reader, count: int | None) -> Reader:
    """Return a reader who has liked but the newest so many papers of each interest."""
    if count is None:
        return reader
    kept = (replace(each, liked=each.liked[-count:]) for each in reader.interests)
    return replace(reader, interests=tuple(kept))


def run(options: argparse.Namespace) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Return task -> system -> measures of each reader."""
    archive = Archive()
    told = {task: {name: [] for name in SYSTEMS} for task in TASKS}
    for year in DEVELOPMENT if options.development else REPORT:
        systems = Systems(archive.replay(year, options.development, options.single, options.triple))
        for task, kind in TASKS.items():
            for whole in getattr(systems.year, kind):
                reader = with_newest(whole, options.liked)
                for name, method in SYSTEMS.items():
                    start = time.process_time()
                    values = measured(getattr(systems, method)(reader), reader)
                    told[task][name].append(values | {"seconds": time.process_time() - start})
        print(year, flush=True)
    return told


def summary(rows: dict[str, list[dict[str, float]]]) -> list[dict[str, object]]:
    """Return for each system its measures with intervals, and ours against it on nDCG@10, on all
    wanted papers and on fresh ones."""
    told: list[dict[str, object]] = []
    for name, readers in rows.items():
        line: dict[str, object] = {"system": name}
        for measure in MEASURES:
            values = [each[measure] for each in readers if measure in each]
            interval = bca_interval(values)
            line[measure] = [round(v, 4) for v in (np.mean(values), interval.low, interval.high)]
            line[f"n of {measure}"] = len(values)
        line["milliseconds"] = round(1000 * float(np.median([r["seconds"] for r in readers])), 1)
        if name != OURS:
            for measure in COMPARED:
                gaps = [
                    mine[measure] - theirs[measure]
                    for mine, theirs in zip(rows[OURS], readers, strict=True)
                    if measure in theirs
                ]
                test, interval = randomisation_test(gaps, np.zeros(len(gaps))), bca_interval(gaps)
                line[f"ours above it on {measure}"] = [
                    round(v, 4) for v in (test.difference, interval.low, interval.high)
                ]
                line[f"p of {measure}"] = test.p
        told.append(line)
    for measure in COMPARED:
        tested = [line for line in told if f"p of {measure}" in line]
        corrected = holm([line[f"p of {measure}"] for line in tested])
        for line, p in zip(tested, corrected, strict=True):
            line[f"p by Holm of {measure}"] = float(p)
    return told


def shown(measure: str, values: list[float], form: str = "") -> str:
    """Return a mean with its interval."""
    digits = f"{form}.1f" if measure == "first hit" else f"{form}.3f"
    mean, low, high = (format(value, digits) for value in values)
    return f"{mean} [{low}, {high}]"


def drawn(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def tables(told: dict[str, list[dict[str, object]]]) -> list[str]:
    """Return for each task what the systems reach, and how far ours is above them."""
    lines = []
    for task, rows in told.items():
        readers, fresh = rows[0]["n of nDCG@10"], rows[0]["n of nDCG@10 fresh"]
        reached = [
            [row["system"], *(shown(each, row[each]) for each in MEASURES),
             f"{row['milliseconds']:.0f}"]
            for row in rows
        ]  # fmt: skip
        above = [
            [row["system"], *(
                cell
                for each in COMPARED
                for cell in (shown(each, row[f"ours above it on {each}"], "+"),
                             f"{row[f'p by Holm of {each}']:.5f}")
            )]
            for row in rows if row["system"] != OURS
        ]  # fmt: skip
        lines += [f"**Readers of {task}**: {readers}; {fresh} of them want fresh papers.", ""]
        lines += [*drawn(["system", *MEASURES, "ms"], reached), ""]
        header = [cell for each in COMPARED for cell in (f"ours above it on {each}", "p by Holm")]
        lines += [*drawn(["system", *header], above), ""]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--development", action="store_true")
    parser.add_argument("--single", type=int, default=150, help="readers of one interest a year")
    parser.add_argument("--triple", type=int, default=50, help="readers of three a year")
    parser.add_argument("--liked", type=int, help="only so many liked papers; prints")
    parser.add_argument("--redraw", action="store_true", help="draw the tables of the kept figures")
    options = parser.parse_args()
    kept = RESULTS / "papers_digest.json"
    if options.redraw:
        told = json.loads(kept.read_text(encoding="utf-8"))["tasks"]
    else:
        told = {task: summary(rows) for task, rows in run(options).items()}
    lines = tables(told)
    if options.development or options.liked:
        print("\n".join(lines))
        return
    record = {
        "years": REPORT, "single": options.single, "triple": options.triple, "tasks": told,
    }  # fmt: skip
    if not options.redraw:
        kept.write_text(json.dumps(record, indent=1), encoding="utf-8")
    head = [
        "# How good the recommendations of a digest are",
        "",
        "    python benchmarks/papers/digest.py",
        "",
        f"Replayed for the years {', '.join(map(str, REPORT))}; what is measured, and on whom: "
        "docs/digest-benchmark.md.",
        "",
    ]
    text = "\n".join([*head, *lines])
    (RESULTS / "papers_digest.md").write_text(text.rstrip() + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    between = "<!-- tables -->\n" + "\n".join(lines).rstrip() + "\n<!-- end of tables -->"
    page = re.sub(r"<!-- tables -->.*<!-- end of tables -->", lambda _: between, page, flags=re.S)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
