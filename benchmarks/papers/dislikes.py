"""What a disliked paper should take from a recommendation: measured with simulated dislikes.

    python benchmarks/papers/dislikes.py [--readers 80]

Needs ../shared/data/papers. Readers are those of digest_readers.py: what an author wrote before a
year is liked, what the author wrote in it is wanted. Beside each stands the author, of the same
year's readers and without a co-author in common, whose papers lie nearest to the reader's: the
newest five papers of that neighbour are disliked, and what the neighbour wrote in the year, which
stands among the candidates too, is unwanted. So a dislike tells something true, of papers that are
easily taken for wanted ones; it is a kinder task than the dislikes of real readers, who mark what
they do not say. The weight was chosen by nDCG@10 on readers for development (other authors, other
years) and is reported on readers who took no part in that. Writes results/papers_dislikes.md and
.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from digest import gain
from digest_readers import DEVELOPMENT, REPORT, Archive, Reader, Year

from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test
from everygrain_papers.interests import Mix, Pool, recommend_from

RESULTS = Path(__file__).resolve().parents[1] / "results"
DISLIKED = 5  # papers of the neighbour
SHOWN = 10
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
PRESENT = Mix().disliked
UNTOLD = "no dislikes told"
MEASURES = ("nDCG@10", "unwanted@10")


def neighbours(year: Year) -> list[tuple[Reader, Reader]]:
    """Return each reader with the reader whose liked papers lie nearest, of other authors."""
    liked = [reader.interests[0].liked for reader in year.single]
    authors = [{name for each in ids for name in year.papers[each].authors} for ids in liked]
    middle = np.mean(list(year.vectors.values()), axis=0)
    means = np.array([np.mean([year.vectors[i] - middle for i in ids], axis=0) for ids in liked])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    near = means @ means.T
    np.fill_diagonal(near, -2)
    for one, mine in enumerate(authors):
        for other, theirs in enumerate(authors):
            if not mine.isdisjoint(theirs):
                near[one, other] = -2
    return [(reader, year.single[int(np.argmax(row))])
            for reader, row in zip(year.single, near, strict=True)]  # fmt: skip


def measured(year: Year, pool: Pool, weights: tuple[float, ...]) -> dict[str, list[list[float]]]:
    """Return system -> (nDCG@10, share of the first ten that is unwanted) of each reader."""
    told: dict[str, list[list[float]]] = {UNTOLD: [], **{f"{w:g}": [] for w in weights}}
    for reader, other in neighbours(year):
        interest = reader.interests[0]
        with_them = replace(interest, disliked=other.interests[0].liked[-DISLIKED:])
        unwanted = other.relevant - reader.relevant
        for name, values in told.items():
            asked, mix = (interest, Mix()) if name == UNTOLD else (
                with_them, replace(Mix(), disliked=float(name))
            )  # fmt: skip
            found = recommend_from(
                pool, [asked], year.papers, year.vectors, k=SHOWN, mix=mix
            )  # fmt: skip
            shown = [each.paper.id for each in found]
            values.append([gain(shown, reader.relevant), len(unwanted & set(shown)) / SHOWN])
    return told


def joined(
    archive: Archive, years: tuple[int, ...], development: bool, readers: int,
    weights: tuple[float, ...],
) -> dict[str, np.ndarray]:  # fmt: skip
    rows: dict[str, list[list[float]]] = {}
    for number in years:
        year = archive.replay(number, development, readers, 0)
        vectors = np.stack([year.vectors[each.id] for each in year.candidates])
        pool = Pool(year.candidates, vectors, year.past)
        for name, values in measured(year, pool, weights).items():
            rows.setdefault(name, []).extend(values)
        print(number, flush=True)
    return {name: np.array(values) for name, values in rows.items()}


def lines_of(rows: dict[str, np.ndarray], baseline: str) -> tuple[list[dict], list[str]]:
    """Return figures and the lines of a table, each system against a baseline."""
    figures, ps = [], []
    for name, values in rows.items():
        figure: dict = {"system": name, "n": len(values)}
        for column, measure in enumerate(MEASURES):
            interval = bca_interval(values[:, column])
            figure[measure] = [float(values[:, column].mean()), interval.low, interval.high]
        if name != baseline:
            gaps = values[:, 0] - rows[baseline][:, 0]
            figure["difference"] = [float(gaps.mean()), *_ends(gaps)]
            ps.append(randomisation_test(gaps, np.zeros(len(gaps))).p)
        figures.append(figure)
    corrected = iter(holm(ps))
    lines = [
        "| weight | nDCG@10 | above the present weight | p | unwanted@10 |",
        "|---|---|---|--:|---|",
    ]
    for figure in figures:
        apart, p = "", ""
        if "difference" in figure:
            figure["p"] = float(next(corrected))
            apart = "{:+.4f} [{:+.4f}, {:+.4f}]".format(*figure["difference"])
            p = f"{figure['p']:.3g}"
        cells = ["{:.4f} [{:.4f}, {:.4f}]".format(*figure[each]) for each in MEASURES]
        lines.append(f"| {figure['system']} | {cells[0]} | {apart} | {p} | {cells[1]} |")
    return figures, lines


def _ends(gaps: np.ndarray) -> tuple[float, float]:
    if not gaps.any():
        return 0.0, 0.0
    interval = bca_interval(gaps)
    return interval.low, interval.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=80, help="of each year")
    options = parser.parse_args()
    archive, present = Archive(), f"{PRESENT:g}"
    tried = joined(archive, DEVELOPMENT, True, options.readers, WEIGHTS)
    best = max(WEIGHTS, key=lambda weight: tried[f"{weight:g}"][:, 0].mean())
    asked = tuple(dict.fromkeys((0.0, PRESENT, best)))
    held = joined(archive, REPORT, False, options.readers, asked)
    first, first_lines = lines_of(tried, present)
    second, second_lines = lines_of(held, present)
    record = {"readers": options.readers, "chosen": best, "development": first, "report": second}
    kept = RESULTS / "papers_dislikes.json"
    kept.write_text(json.dumps(record, indent=1), encoding="utf-8")
    told = [
        "# What a disliked paper takes from a recommendation", "",
        "    python benchmarks/papers/dislikes.py", "",
        f"Readers of one interest who dislike {DISLIKED} papers of the nearest other author; what "
        "that author writes next is unwanted. A weight of 0 still tells the dislikes to the linear "
        f"model over terms. The weight in use is {present}. Tests are paired, p by Holm over the "
        "rows of a table; intervals are 95 % (BCa).", "",
        f"Readers for development ({', '.join(map(str, DEVELOPMENT))}; {first[0]['n']}), by whom "
        f"{best:g} would be chosen:", "", *first_lines, "",
        f"Others ({', '.join(map(str, REPORT))}; {second[0]['n']}):", "", *second_lines,
    ]  # fmt: skip
    (RESULTS / "papers_dislikes.md").write_text("\n".join(told) + "\n", encoding="utf-8")
    print("\n".join(told))


if __name__ == "__main__":
    main()
