"""Do measures by tokens follow human ratings of answers?

    python benchmarks/answers.py

The 477 rated answers of mtRAG's human evaluation (dev): three systems, the writers' own reference
among them, on 159 tasks, each rated 1 to 4 by two or three annotators. Spearman's correlation of
each measure with the mean rating of faithfulness, completeness and appropriateness, with a 95 %
percentile bootstrap interval over tasks (a task's answers stay together). Beside ours: the figures
that the data set itself gives for its automatic measures. Results go to benchmarks/results/.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from everygrain.errors import MeasureError
from everygrain.measure.answers import exact_match, f1, k_precision, recall
from everygrain.measure.keywords import (
    Keywords,
    extract,
    lost_at,
    recall_in_answer,
    recall_in_chunks,
)
from everygrain.segment.passages import Passages

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "mtrag-human-eval"
RESULTS = Path(__file__).parent / "results"
RATINGS = ("faithfulness", "completeness", "appropriateness")
THEIRS = ("RougeL", "Bert-Rec", "Bert-KPrec", "rl_f", "rb_llm", "rb_agg")
SAMPLES = 2000

Column = npt.NDArray[np.float64]


def keywords_of(row: dict) -> Keywords | None:
    """Return keywords of the last question and its reference; None where there are none."""
    try:
        return extract(row["turns"][-1]["text"], row["reference"][0])
    except MeasureError:
        return None


def keyword_recall(row: dict) -> float:
    """Return the share of extracted keywords that the answer holds; NaN where there are none."""
    keywords = keywords_of(row)
    return recall_in_answer(keywords, row["response"]).fine if keywords else float("nan")


def stages(rows: list[dict]) -> dict[str, dict[str, float]]:
    """Return stage -> mean recall of keywords, and where those that the answer lacks were lost."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    lost = {"in the passages": 0, "in the answer": 0}
    cuts = {f"in the passages, cut at {n} words": Passages(words=n, overlap=0) for n in (128, 32)}
    for row in rows:
        keywords, passages = keywords_of(row), [each["text"] for each in row["contexts"]]
        if keywords is None or not passages:
            continue
        told = {"in the passages": recall_in_chunks(keywords, passages)}
        for name, cut in cuts.items():
            pieces = [text[start:end] for text in passages for start, end in cut.spans(text)]
            told[name] = recall_in_chunks(keywords, pieces)
        told["in the answer"] = recall_in_answer(keywords, row["response"])
        for name, each in told.items():
            found.setdefault(name, []).append((each.coarse, each.fine, each.points))
        for stage in lost_at({name: told[name] for name in lost}).values():
            lost[stage] += 1
    means = {
        name: dict(zip(("coarse", "fine", "points"), np.mean(column, axis=0), strict=True))
        for name, column in found.items()
    }
    for name, count in lost.items():
        means[name]["lost"] = count / sum(lost.values())
    return means


def measures(row: dict) -> dict[str, float]:
    """Return our measures of one answer, and theirs."""
    answer, knowledge = row["response"], [each["text"] for each in row["contexts"]]
    ours = {
        "recall": recall(answer, row["reference"]),
        "K-precision": k_precision(answer, knowledge),
        "F1": f1(answer, row["reference"]),
        "keyword recall, extracted": keyword_recall(row),
        "exact match": exact_match(answer, row["reference"]),
        "length in words": float(len(answer.split())),
    }
    return ours | {f"{name} (theirs)": row["automatic"].get(name, np.nan) for name in THEIRS}


def spearman(first: Column, second: Column) -> float:
    """Return the correlation of ranks, ties given their mean rank; NaN where one is constant."""
    left, right = rankdata(first), rankdata(second)
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return float("nan")
    return float(np.corrcoef(left, right)[0, 1])


def with_interval(first: Column, second: Column, tasks: Column) -> dict[str, float]:
    """Return the correlation and the interval that resampled tasks give."""
    kept = ~(np.isnan(first) | np.isnan(second))
    first, second, tasks = first[kept], second[kept], tasks[kept]
    groups = [np.flatnonzero(tasks == task) for task in np.unique(tasks)]
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(SAMPLES):
        rows = np.concatenate([groups[i] for i in generator.integers(0, len(groups), len(groups))])
        drawn.append(spearman(first[rows], second[rows]))
    low, high = np.nanquantile(drawn, [0.025, 0.975]) if np.isfinite(drawn).any() else [np.nan] * 2
    return {"n": int(kept.sum()), "rho": spearman(first, second), "low": low, "high": high}


def subsets(rows: list[dict]) -> dict[str, list[dict]]:
    """Return the sets of answers that are looked at."""
    made = [row for row in rows if row["model"] != "reference"]
    return {
        "all answers": rows,
        "answers of the two models": made,
        "of the two models, answerable": [r for r in made if r["answerability"] == ["ANSWERABLE"]],
    }


def main() -> None:
    with gzip.open(DATA / "dev.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    results: dict[str, dict] = {}
    lines = [
        "# Measures of answers against human ratings",
        "",
        "Spearman's correlation [95 % interval over tasks] with the mean human rating, mtRAG human "
        "evaluation (dev). Made by `python benchmarks/answers.py`. `(theirs)`: the figures that "
        "the data set gives. An interval that holds 0 says that nothing was found. The references "
        "are among 'all answers', and recall of itself is 1. A dash: the measure is constant.",
    ]
    for name, part in subsets(rows).items():
        numbers = {task: i for i, task in enumerate(dict.fromkeys(r["task_id"] for r in part))}
        tasks = np.array([numbers[row["task_id"]] for row in part], dtype=np.float64)
        found = [measures(row) for row in part]
        ratings = {r: np.array([np.mean(row["human"][r]) for row in part]) for r in RATINGS}
        shares = ", ".join(f"{r} {(ratings[r] == 4).mean():.0%}" for r in RATINGS)
        lines += ["", f"## {name[0].upper()}{name[1:]}", ""]
        lines += [f"{len(part)} answers to {len(numbers)} tasks; share rated 4 by all: {shares}."]
        lines += ["", "| measure | mean | " + " | ".join(RATINGS) + " |", "|" + "---|" * 5]
        for measure in found[0]:
            column = np.array([np.nan if each[measure] is None else each[measure]
                               for each in found], dtype=np.float64)  # fmt: skip
            told = {r: with_interval(column, ratings[r], tasks) for r in RATINGS}
            results.setdefault(name, {})[measure] = told
            cells = [
                f"{t['rho']:+.2f} [{t['low']:+.2f}, {t['high']:+.2f}]"
                if np.isfinite(t["rho"]) else "-"
                for t in told.values()
            ]  # fmt: skip
            lines.append(f"| {measure} | {np.nanmean(column):.2f} | " + " | ".join(cells) + " |")
    made = subsets(rows)["answers of the two models"]
    by_stage = stages(made)
    results["keywords by stage"] = by_stage
    lines += ["", "## Keywords by stage, answers of the two models", ""]
    lines += ["Mean recall of keywords extracted from question and reference, by stems, over the "
              "answers with passages; the same passages are also cut smaller, where a piece that "
              "holds no coarse keyword counts for nothing. 'lost': of the keywords that the "
              "answer lacks, the share that this stage was the first to lack.", ""]  # fmt: skip
    lines += ["| stage | coarse | fine | points | lost |", "|" + "---|" * 5]
    for stage, means in by_stage.items():
        share = f"{means['lost']:.0%}" if "lost" in means else ""
        lines.append(
            f"| {stage} | {means['coarse']:.3f} | {means['fine']:.3f} | {means['points']:.3f} | "
            f"{share} |"
        )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "answers.md").write_text("\n".join(lines) + "\n")
    (RESULTS / "answers.json").write_text(json.dumps(results, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
