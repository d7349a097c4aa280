"""Does the robust choice of what to ask a fallible teacher pay, beside the usual choices?

    python benchmarks/learn/active.py

A student (logistic regression on `static` vectors) starts from a few labelled texts, then asks a
teacher about a pool, in one go, within a budget; it learns from the first labels and the answers,
and is measured on the dev part. Teachers:

weak      logistic regression on counts of words from ten times as many labels: it errs by itself,
          mostly where the student is unsure as well
noisy     the truth with 30 % of the answers at random, whatever the point
adverse   wrong on the 30 % of the pool that the student is least sure of

Choices at an equal budget: at random; the smallest margins; the robust choice, with the gain
1 - margin, which is told the teacher's error rate on the pool. Where that choice can guarantee
nothing it falls back on chance. Accuracy on dev is averaged over ten seeds per text, and the tests
are paired over texts. Results go to benchmarks/results/learn_active.{md,json}.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from everygrain.analyze import Analyzer, split
from everygrain.encode import registry
from everygrain.errors import InputError
from everygrain.learn.feedback.active import informativeness, robust_choice
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
# first labels, pool and budget
SETS = {"trec6": (60, 2000, 200), "scicite": (60, 2000, 200)}
SEEDS = 10
TEACHERS = ("weak", "noisy", "adverse")
CHOICES = ("random", "margin", "robust")


def read(folder: Path, part: str) -> tuple[list[str], list[str]]:
    path = folder / f"{part}.jsonl"
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines()
    else:
        lines = gzip.decompress(Path(f"{path}.gz").read_bytes()).decode().splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["text"] for row in rows], [str(row["label"]) for row in rows]


def counts_of(texts: list[str]) -> Any:
    words = Analyzer("en", stop_words=False).terms(split(texts))
    shape = (len(texts), len(words.vocabulary))
    return csr_array((np.ones(len(words.ids)), words.ids, words.offsets), shape=shape)


def fitted(rows: Any, labels: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=10.0, max_iter=100).fit(rows, labels)


def one(seed: int, name: str, told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    first, pool, budget = SETS[name]
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(told["labels"]))
    start, rest = order[:first], order[first : first + pool]
    hidden = order[first + pool : 10 * first + pool]  # the weak teacher's other labels
    static, counts, labels = told["static"], told["counts"], told["labels"]
    student = fitted(static[start], labels[start])
    gains = informativeness(np.clip(student.predict_proba(static[rest]), 0, 1))
    both = np.concatenate([start, hidden])
    wrong = generator.choice(np.unique(labels), len(rest))
    unsure = np.argsort(-gains, kind="stable")[: int(0.3 * len(rest))]
    adverse = labels[rest].copy()
    adverse[unsure] = wrong[unsure]
    answers = {
        "weak": fitted(counts[both], labels[both]).predict(counts[rest]),
        "noisy": np.where(generator.random(len(rest)) < 0.3, wrong, labels[rest]),
        "adverse": adverse,
    }
    found: dict[str, dict[str, Any]] = {}
    for teacher in TEACHERS:
        given = answers[teacher]
        error = float(np.mean(given != labels[rest]))
        row: dict[str, Any] = {"error": error, "before": student.predict(told["dev"])}
        for choice in CHOICES:
            if choice == "random":
                asked = generator.choice(len(rest), budget, replace=False)
            elif choice == "margin":
                asked = np.argsort(-gains, kind="stable")[:budget]
            else:
                try:
                    asked = robust_choice(gains, budget, error).draw(seed)
                except InputError:
                    asked = generator.choice(len(rest), budget, replace=False)
                    row["not guaranteed"] = True
            texts = np.concatenate([static[start], static[rest[asked]]])
            learned = fitted(texts, np.concatenate([labels[start], given[asked]]))
            row[choice] = learned.predict(told["dev"])
            row[f"{choice} wrong"] = float(np.mean(given[asked] != labels[rest][asked]))
            row[f"{choice} gain"] = float(np.mean(gains[asked]))
        found[teacher] = row
    return found


def main() -> None:
    results: dict[str, Any] = {}
    lines = [
        "# Whom to ask a fallible teacher about",
        "",
        f"Accuracy on dev, mean of {SEEDS} seeds [95 % interval over texts]; in brackets the share "
        "of wrong answers among those that were asked for. p: paired randomisation over texts. "
        "Made by `python benchmarks/learn/active.py`, whose docstring says what was done.",
        "",
        "| set | teacher | teacher's error | before | random | margin | robust | robust - random "
        "| robust - margin |",
        "|---|---|--:|--:|---|---|---|---|---|",
    ]
    for name, (first, pool, budget) in SETS.items():
        texts, labels = read(DATA / name, "train")
        dev_texts, dev_labels = read(DATA / name, "dev")
        static: Any = registry.create("static")
        told = {
            "labels": np.array(labels),
            "static": static.encode(texts),
            "dev": static.encode(dev_texts),
        }
        most = 10 * first + pool
        # only what a seed can draw from is encoded
        keep = np.random.default_rng(0).permutation(len(texts))[: most + 500]
        told["labels"], told["static"] = told["labels"][keep], told["static"][keep]
        told["counts"] = counts_of([texts[i] for i in keep])
        truth = np.array(dev_labels)
        runs = [one(seed, name, told) for seed in range(SEEDS)]
        for teacher in TEACHERS:
            rows = [run[teacher] for run in runs]
            right = {
                choice: np.mean([row[choice] == truth for row in rows], axis=0)
                for choice in ("before", *CHOICES)
            }
            cells = [f"{np.mean([row['error'] for row in rows]):.2f}"]
            result: dict[str, Any] = {"texts": len(truth), "pool": pool, "budget": budget}
            for choice, values in right.items():
                found = bca_interval(values)
                text = f"{values.mean():.3f} [{found.low:.3f}, {found.high:.3f}]"
                if choice != "before":
                    wrong = np.mean([row[f"{choice} wrong"] for row in rows])
                    text += f" ({wrong:.2f})"
                cells.append(text)
                result[choice] = text
            for other in ("random", "margin"):
                test = randomisation_test(right["robust"], right[other], samples=20_000)
                cells.append(f"{test.difference:+.3f} (p {test.p:.4f})")
                result[f"robust - {other}"] = cells[-1]
            result["not guaranteed"] = sum("not guaranteed" in row for row in rows)
            results[f"{name}, {teacher}"] = result
            lines.append(f"| {name} | {teacher} | " + " | ".join(cells) + " |")
            print(lines[-1], result["not guaranteed"], flush=True)
    lines += ["", "Settings: " + "; ".join(
        f"{name}: {first} first labels, a pool of {pool:,}, a budget of {budget}"
        for name, (first, pool, budget) in SETS.items()
    ) + "."]  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "learn_active.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (RESULTS / "learn_active.json").write_text(
        json.dumps(results, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
