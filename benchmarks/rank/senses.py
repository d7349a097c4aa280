"""Senses of words, on words whose senses are known: two words made one.

    python benchmarks/rank/senses.py

Of cisi, cranfield and 8,000 abstracts of papers, 60 pairs of words by lot, each with 30 to 300
occurrences (of papers 300 to 3,000), are written as one; senses are learned from the changed texts
with the defaults but two senses a word. Of every occurrence the sense is guessed from the five
words on each side, and the guesses of a pair are right where they tell its two words apart,
whichever is called which. Beside that stand the larger word of the two for all, and two means of
the contexts' static vectors. Nothing was tuned for it; on cranfield three times the epochs and four
times the rate were tried afterwards, and told no more (0.645).
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from everygrain.analyze import Analyzer
from everygrain.analyze.words import of_text
from everygrain.encode.registry import create
from everygrain.index.compress.product import k_means, nearest_centroid
from everygrain.learn.train.senses import SenseTraining, train_senses
from everygrain.measure import load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
PAIRS, WINDOW = 60, 5


def main() -> None:
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    for name in ("cisi", "cranfield", "papers"):
        results[name] = measured(name)
        print(name, json.dumps(results[name]), flush=True)
    (RESULTS / "rank_senses.json").write_text(json.dumps(results, indent=1) + "\n")
    write(results)


def measured(name: str) -> dict[str, Any]:
    if name == "papers":
        split = abstracts(8_000)
    else:
        split = [of_text(f"{d.title} {d.text}") for d in load(DATA / name).documents()]
    pairs = drawn(split, 10 if name == "papers" else 1)
    joined = {word: f"pseudo{i}" for i, pair in enumerate(pairs) for word in pair}
    texts = [" ".join(joined.get(word, word) for word in words) for words in split]
    made = train_senses(texts, SenseTraining(senses=2))
    table = create("static")
    assert table is not None
    parts: dict[str, list[tuple[str, list[str]]]] = {f"pseudo{i}": [] for i in range(PAIRS)}
    for words in split:
        for place, word in enumerate(words):
            if word in joined:
                near = words[max(0, place - WINDOW) : place] + words[place + 1 :][:WINDOW]
                context = [joined.get(other, other) for other in near]
                parts[joined[word]].append((word, context))
    rows: dict[str, list[float]] = {"larger word": [], "two means": [], "senses": []}
    for i, (pseudo, found) in enumerate(parts.items()):
        truth = np.array([word == pairs[i][0] for word, _ in found])
        rows["larger word"].append(max(float(truth.mean()), 1 - float(truth.mean())))
        vectors = table.encode([" ".join(context) for _, context in found])
        middles = k_means(vectors, 2, np.random.default_rng(0))
        rows["two means"].append(right(truth, nearest_centroid(vectors, middles) == 0))
        guesses = [int(made.chances(pseudo, context).argmax()) == 0 for _, context in found]
        rows["senses"].append(right(truth, np.array(guesses)))
    senses = np.array(rows["senses"])
    told: dict[str, Any] = {"n": PAIRS, "occurrences": sum(map(len, parts.values()))}
    for way, each in rows.items():
        values = np.array(each)
        told[way] = {"right": round(float(values.mean()), 4)}
        if way != "senses":
            interval = bca_interval(senses - values)
            told[way] |= {
                "senses less this": round(float((senses - values).mean()), 4),
                "low": round(interval.low, 4), "high": round(interval.high, 4),
                "p": round(randomisation_test(senses, values).p, 4),
            }  # fmt: skip
    return told


def abstracts(count: int) -> list[list[str]]:
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [row.get("abstract") or "" for row in map(json.loads, lines)]
    long = sorted({text for text in texts if len(text.split()) > 60})
    chosen = np.random.default_rng(0).permutation(len(long))[:count]
    return [of_text(long[place]) for place in chosen]


def drawn(split: list[list[str]], times: int) -> list[tuple[str, str]]:
    """Return the pairs of words that are made one."""
    counts = Counter(word for words in split for word in words)
    analyzer = Analyzer("en")
    able = sorted(
        w for w, n in counts.items() if 30 * times <= n <= 300 * times and analyzer.query(w)
    )
    chosen = np.random.default_rng(0).permutation(len(able))[: 2 * PAIRS]
    return [(able[a], able[b]) for a, b in chosen.reshape(-1, 2)]


def right(truth: np.ndarray, guesses: np.ndarray) -> float:
    share = float((truth == guesses).mean())
    return max(share, 1 - share)


def write(results: dict[str, Any]) -> None:
    lines = ["# Senses of words", "", (__doc__ or "").split("\n\n", 2)[2].strip(), ""]
    lines += [
        "Mean share of a pair's occurrences that are told right; in brackets what senses are above "
        "it, with the 95 % BCa interval over pairs and p of the randomisation test. Made by "
        "`python benchmarks/rank/senses.py`.",
        "",
    ]
    lines += ["| collection | pairs | occurrences | larger word | two means | senses |"]
    lines += ["|---|--:|--:|---|---|--:|"]
    for name, told in results.items():
        cells = [name, str(told["n"]), f"{told['occurrences']:,}"]
        for way in ("larger word", "two means"):
            row = told[way]
            cells.append(
                f"{row['right']:.3f} ({row['senses less this']:+.3f} "
                f"[{row['low']:+.3f}, {row['high']:+.3f}], p {row['p']:.4f})"
            )
        cells.append(f"{told['senses']['right']:.3f}")
        lines.append(f"| {' | '.join(cells)} |")
    (RESULTS / "rank_senses.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
