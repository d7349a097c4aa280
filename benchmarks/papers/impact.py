"""Impact of new papers from title and abstract: trained on the years before, tested on the next.

    python benchmarks/papers/impact.py [--first 2016] [--last 2024] [--kept FOLDER]

Years, penalty and the use of vectors were chosen on 2012-2015, which are not reported. Two targets:
TNCSI against all papers of a year, and against those of the same venue and year, which takes away
what a venue's name alone tells. Citations are of one day for all papers: see the page.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, load_npz, save_npz

from everygrain.encode.registry import create
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.trends.impact import ImpactModel, normalised
from everygrain_papers.trends.impact.model import PENALTY, YEARS
from everygrain_papers.trends.impact.quality import chance, ndcg, spearman
from everygrain_papers.trends.impact.ridge import fit
from everygrain_papers.trends.impact.texts import features, rarity, texts_of, weighted

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "papers" / "papers.jsonl.gz"
RESULTS = Path(__file__).resolve().parents[1] / "results"
RANDOM, LENGTH, VENUE = "random", "length of the abstract", "mean of the venue"
STATIC, WORDS, OURS = "static alone", "TF-IDF alone", "ours: TF-IDF and static"
SYSTEMS = (RANDOM, LENGTH, VENUE, STATIC, WORDS, OURS)
TARGETS = {"year": None, "venue and year": lambda paper: paper.venue}
MEASURES = ("ndcg", "spearman")


def read() -> list[Paper]:
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        papers = [of_record(json.loads(line)) for line in lines]
    return [paper for paper in papers if paper.citations is not None and paper.year is not None]


def encoded(
    papers: list[Paper], texts: list[str], kept: Path | None
) -> tuple[csr_matrix, np.ndarray]:
    if kept is not None and (kept / "static.npy").exists() and (kept / "X.npz").exists():
        return load_npz(kept / "X.npz"), np.load(kept / "static.npy")
    rows, vectors = features(papers), create("static", "en").encode(texts, "document")
    if kept is not None:
        save_npz(kept / "X.npz", rows)
        np.save(kept / "static.npy", vectors)
    return rows, vectors


def estimated(model: ImpactModel, papers: list[Paper], goals: np.ndarray) -> dict[str, float]:
    """Return how well a model's estimates and their intervals fit what became of papers."""
    told = list(model.estimate(papers).values())
    value, low, high = np.array([[each.value, each.low, each.high] for each in told]).T
    tenths = np.array_split(np.argsort(value, kind="stable"), 10)
    return {
        "papers": int(goals.size),
        "coverage": float(((low <= goals) & (goals <= high)).mean()),
        "width": float((high - low).mean()),
        "calibration": float(np.mean([abs(value[t].mean() - goals[t].mean()) for t in tenths])),
        "told_ndcg": model.quality[-1].ndcg,
        "told_spearman": model.quality[-1].spearman,
    }


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    told.add_argument("--first", type=int, default=2016)
    told.add_argument("--last", type=int, default=2024)
    told.add_argument("--kept", type=Path, help="where rows and vectors are kept between runs")
    told.add_argument("--estimates", type=int, nargs="*", default=[2019, 2023])
    given = told.parse_args()
    years = range(given.first, given.last + 1)
    papers = read()
    texts = texts_of(papers)
    rows, vectors = encoded(papers, texts, given.kept)
    places = {text: place for place, text in enumerate(texts)}

    def encode(asked: list[str]) -> np.ndarray:
        return vectors[[places[text] for text in asked]]

    when = np.array([paper.year for paper in papers])
    venues = np.array([paper.venue for paper in papers])
    lengths = np.array([len(paper.abstract.split()) for paper in papers], dtype=float)
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    intervals: dict[str, list[dict[str, float]]] = {}
    seconds = []
    goals_of = {name: normalised(papers, group_of) for name, group_of in TARGETS.items()}
    known = ~np.isnan(goals_of["year"])  # then those of venue and year are known too
    for name in TARGETS:
        found[name] = {system: {m: [] for m in MEASURES} for system in SYSTEMS}
        intervals[name] = []
    for year in years:
        old = np.flatnonzero((when < year) & (when >= year - YEARS) & known)
        new = np.flatnonzero((when == year) & known)
        rarities = rarity(rows[old])
        before, after = weighted(rows[old], rarities), weighted(rows[new], rarities)
        # Venues give few distinct scores: equal ones stand in a random order.
        order = np.random.default_rng(year).permutation(new.size)
        for name, wanted in goals_of.items():
            learned, goals = wanted[old], wanted[new]
            means = {v: learned[venues[old] == v].mean() for v in set(venues[old])}
            scores = {
                LENGTH: lengths[new],
                VENUE: np.array([means.get(v, learned.mean()) for v in venues[new]]),
                STATIC: fit(before[:, :0], vectors[old], learned, PENALTY).predict(
                    after[:, :0], vectors[new]
                ),
                WORDS: fit(before, None, learned, PENALTY).predict(after, None),
                OURS: fit(before, vectors[old], learned, PENALTY).predict(after, vectors[new]),
            }
            found[name][RANDOM]["ndcg"].append(chance(goals))
            found[name][RANDOM]["spearman"].append(0.0)
            for system, score in scores.items():
                found[name][system]["ndcg"].append(ndcg(score[order], goals[order]))
                found[name][system]["spearman"].append(spearman(score, goals))
            told_now = {s: [found[name][s][m][-1] for m in MEASURES] for s in SYSTEMS}
            print(json.dumps([name, year, told_now]), flush=True)
    for year in given.estimates:
        old = np.flatnonzero((when < year) & (when >= year - YEARS) & known)
        new = np.flatnonzero((when == year) & known)
        start = time.process_time()
        model = ImpactModel.train([p for p in papers if p.year < year], encode=encode)
        seconds.append(time.process_time() - start)
        row = estimated(model, [papers[each] for each in new], goals_of["year"][new])
        intervals["year"].append({"year": year, "trained_on": int(old.size), **row})
        print(json.dumps(intervals["year"][-1]), flush=True)
    result = {"years": list(years), "by_year": found, "intervals": intervals, "tests": {}}
    for name in TARGETS:
        for measure in MEASURES:
            told_p = []
            for system in SYSTEMS[:-1]:
                pair = found[name][OURS][measure], found[name][system][measure]
                gaps = np.subtract(*pair)
                interval = bca_interval(gaps)
                told_p.append(
                    (
                        system,
                        float(gaps.mean()),
                        interval.low,
                        interval.high,
                        randomisation_test(*pair).p,
                    )
                )
            adjusted = holm([each[-1] for each in told_p])
            result["tests"][f"{name}|{measure}"] = [
                [*each, float(p)] for each, p in zip(told_p, adjusted, strict=True)
            ]
    result["train_s"] = float(np.median(seconds)) if seconds else None
    (RESULTS / "papers_impact.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "papers_impact.md").write_text(page(result))
    print(page(result))


def page(result: dict) -> str:
    years = result["years"]
    lines = [
        "# Impact of new papers from title and abstract",
        "",
        f"Trained on the {YEARS} years before, tested on each year {years[0]}-{years[-1]} "
        f"(n = {len(years)} years). Means over years [95 % BCa interval over years]; differences "
        "from ours with exact paired randomisation tests over years, Holm over the five of a "
        "measure. Settings were chosen on 2012-2015, for ours; TF-IDF and static alone have them "
        "too and were not tuned by themselves. Made by `python benchmarks/papers/impact.py`.",
        "",
        "**Leakage.** Nothing of the tested year plays a part in training: not its texts, venues, "
        "citations or the rarity of its words. But all citations were counted on one later day: "
        "those that the training papers had gathered by then were not known when the tested year "
        "began, and the static table was distilled from a model trained on text of unknown, later "
        "years. So this measures how well texts separate papers of a later year, not what could "
        "have been foretold on that day. Nothing here is comparable in figures with the paper, "
        "whose test papers are drawn at random from the same time as its training papers.",
    ]
    for name in TARGETS:
        lines += [
            "",
            f"## Against papers of the same {name}",
            "",
            "| ranking | nDCG@20 | Spearman | ours ahead, nDCG@20 | p | ours ahead, Spearman | p |",
            "|---|---|---|---|---|---|---|",
        ]
        for place, system in enumerate(SYSTEMS):
            cells = [system]
            for measure in MEASURES:
                each = result["by_year"][name][system][measure]
                interval = bca_interval(each)
                cells.append(f"{np.mean(each):.3f} [{interval.low:.3f}, {interval.high:.3f}]")
            for measure in MEASURES:
                if system == OURS:
                    cells += ["", ""]
                else:
                    _, gap, low, high, _, p = result["tests"][f"{name}|{measure}"][place]
                    cells += [f"{gap:+.3f} [{low:+.3f}, {high:+.3f}]", f"{p:.3f}"]
            lines.append("| " + " | ".join(cells) + " |")
        if not result["intervals"][name]:
            continue
        lines += [
            "",
            "Estimates of the next year, for some years: share of papers inside the 90 % interval, "
            "its mean width, mean gap between estimate and outcome over tenths, and nDCG@20 and "
            "Spearman that the model itself told beforehand (of the year before), beside what it "
            "reached:",
            "",
            "| year | papers | trained on | inside | width | gap | told | reached |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in result["intervals"][name]:
            place = years.index(row["year"])
            reached = [result["by_year"][name][OURS][m][place] for m in MEASURES]
            lines.append(
                f"| {row['year']} | {row['papers']:,} | {row['trained_on']:,} | "
                f"{row['coverage']:.3f} | {row['width']:.2f} | {row['calibration']:.3f} | "
                f"{row['told_ndcg']:.3f}, {row['told_spearman']:.3f} | "
                f"{reached[0]:.3f}, {reached[1]:.3f} |"
            )
    lines += [
        "",
        f"Median processor time to train, vectors given: {result['train_s']:.0f} s.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
