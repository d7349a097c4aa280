"""What a sentence of an abstract does: macro-F1 on csabstruct/dev with few labels and with all.

    python benchmarks/papers/functions.py [--draws 5] [--pool 600]

Labelled abstracts are drawn from csabstruct/train, several draws for each size; the pool of
unlabelled ones is drawn from the rest. Figures are means over draws of the macro-F1 over the five
functions; intervals are percentile bootstraps over the abstracts of dev, all draws together, so
they hold what other abstracts would change, and the spread over draws stands beside them.
Settings were chosen on csabstruct/train alone.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from everygrain.encode.base import Encoder, Kind, Vectors
from everygrain.encode.registry import create
from everygrain_papers.functions.base import FUNCTIONS, Floats
from everygrain_papers.functions.labels import LabelledAbstract, read
from everygrain_papers.functions.learned import Training, train
from everygrain_papers.functions.linear import fit, log_probabilities
from everygrain_papers.functions.rules import Rules

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "csabstruct"
RESULTS = Path(__file__).resolve().parents[1] / "results"
SIZES = (10, 50, 200)
SAMPLES = 2000
RULES, LINEAR = "rules, no labels", "linear, frozen vectors"
VOTE, POOL = "views and rules, labels only", "views and rules, and pseudo-labels"
NO_STEP = "labels only, without the sequence step"
COMPARED = ((VOTE, LINEAR), (VOTE, RULES), (POOL, VOTE), (VOTE, NO_STEP))


@dataclass(frozen=True, eq=False)
class Remembered:
    """An encoder that encodes each text once."""

    encoder: Encoder
    known: dict[str, Vectors]

    @property
    def fingerprint(self) -> str:
        return self.encoder.fingerprint

    @property
    def dimensions(self) -> int:
        return self.encoder.dimensions

    def encode(self, texts: list[str], kind: Kind = "document") -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        self.known.update(zip(new, self.encoder.encode(new, kind), strict=True))
        rows = [self.known[text] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.dimensions)

    def save(self, folder: Path) -> None:
        self.encoder.save(folder)


def numbers(functions: tuple[str, ...]) -> np.ndarray:
    return np.array([FUNCTIONS.index(each) for each in functions], dtype=np.int64)


def confusions(examples: list[LabelledAbstract], told: list[np.ndarray]) -> np.ndarray:
    """Return (abstracts, 5, 5) counts, wanted by told."""
    counts = np.zeros((len(examples), 5, 5))
    for i, (example, labels) in enumerate(zip(examples, told, strict=True)):
        np.add.at(counts[i], (numbers(example.functions), labels), 1)
    return counts


def each_f1(counts: Floats) -> Floats:
    """Return (..., 5) F1 from (..., 5, 5) counts."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return 2 * hits / np.maximum(1, counts.sum(-1) + counts.sum(-2))


def resampled(counts: Floats) -> Floats:
    """Return (samples,) means over draws of the macro-F1; counts (draws, abstracts, 5, 5)."""
    size = counts.shape[1]
    taken = np.random.default_rng(0).multinomial(size, np.full(size, 1 / size), SAMPLES)
    sums = np.einsum("sa,daij->sdij", taken.astype(float), counts, optimize=True)
    return each_f1(sums).mean(axis=(1, 2))


def linear(
    chosen: list[LabelledAbstract], dev: list[LabelledAbstract], encoder: Remembered
) -> list[np.ndarray]:
    """Fit a regression to the vector of a sentence alone, with a constant."""

    def rows(examples: list[LabelledAbstract]) -> csr_matrix:
        vectors = encoder.encode([s for e in examples for s in e.sentences])
        return csr_matrix(np.hstack([vectors.astype(float), np.ones((len(vectors), 1))]))

    wanted = np.concatenate([numbers(e.functions) for e in chosen])
    coefficients = fit(rows(chosen), wanted, np.ones(len(wanted)), 0.003)
    told = log_probabilities(rows(dev), coefficients).argmax(axis=1)
    return np.split(told, np.cumsum([len(e.sentences) for e in dev])[:-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--pool", type=int, default=600)
    options = parser.parse_args()
    known, dev = read(DATA / "train.jsonl.gz"), read(DATA / "dev.jsonl.gz")
    made = create("static")
    assert made is not None
    encoder = Remembered(made, {})
    asked = [e.sentences for e in dev]
    base = Training(pool=options.pool)
    counts: dict[tuple[str, int], list[np.ndarray]] = {}
    seconds: dict[tuple[str, int], list[float]] = {}

    def take(name: str, size: int, told: list[np.ndarray], took: float) -> None:
        counts.setdefault((name, size), []).append(confusions(dev, told))
        seconds.setdefault((name, size), []).append(took)

    start = time.process_time()
    told = [numbers(each.functions) for each in Rules().label_all(asked)]
    rate = len(dev) / (time.process_time() - start)
    take(RULES, 0, told, 0.0)
    encoder.encode([s for e in known for s in e.sentences])
    for size in (*SIZES, len(known)):
        for draw in range(options.draws if size < len(known) else 1):
            order = np.random.default_rng(draw).permutation(len(known))
            chosen = [known[i] for i in order[:size]]
            rest = [known[i].sentences for i in order[size:]]
            start = time.process_time()
            found = linear(chosen, dev, encoder)
            take(LINEAR, size, found, time.process_time() - start)
            ways = {VOTE: replace(base, trust=0.0), NO_STEP: replace(base, trust=0.0, strength=0.0)}
            if rest:
                ways[POOL] = replace(base, trust=0.3)
            for name, way in ways.items():
                start = time.process_time()
                learned = train(chosen, rest, encoder, way, draw)
                took = time.process_time() - start
                found = [numbers(each.functions) for each in learned.label_all(asked)]
                take(name, size, found, took)
        print(size, "done", flush=True)
    write(counts, seconds, rate, options, len(dev), sum(len(e.sentences) for e in dev))


def write(
    counts: dict[tuple[str, int], list[np.ndarray]],
    seconds: dict[tuple[str, int], list[float]],
    rate: float,
    options: argparse.Namespace,
    abstracts: int,
    sentences: int,
) -> None:
    samples = {key: resampled(np.array(each)) for key, each in counts.items()}
    figures = []
    for (name, size), each in counts.items():
        draws = each_f1(np.array(each).sum(axis=1))
        low, high = np.quantile(samples[name, size], [0.025, 0.975])
        figures.append({
            "system": name, "labelled": size, "draws": len(each),
            "macro_f1": float(draws.mean()), "low": float(low), "high": float(high),
            "spread": float(draws.mean(axis=1).std(ddof=1)) if len(each) > 1 else None,
            "f1": dict(zip(FUNCTIONS, draws.mean(axis=0).tolist(), strict=True)),
            "training_seconds": float(np.mean(seconds[name, size])),
        })  # fmt: skip
    differences = []
    for size in sorted({size for _, size in counts} - {0}):
        for one, other in COMPARED:
            second = (other, 0 if other == RULES else size)
            if (one, size) not in samples or second not in samples:
                continue
            apart = samples[one, size] - samples[second]
            low, high = np.quantile(apart, [0.025, 0.975])
            mean = {(f["system"], f["labelled"]): f["macro_f1"] for f in figures}
            differences.append({
                "labelled": size, "system": one, "against": other,
                "difference": mean[one, size] - mean[second],
                "low": float(low), "high": float(high),
            })  # fmt: skip
    told = {
        "abstracts": abstracts, "sentences": sentences, "pool": options.pool,
        "rules_abstracts_a_second": round(rate), "figures": figures, "differences": differences,
    }  # fmt: skip
    (RESULTS / "papers_functions.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    lines = [
        "# What a sentence of an abstract does",
        "",
        f"    python benchmarks/papers/functions.py --draws {options.draws} --pool {options.pool}",
        "",
        f"csabstruct/dev, {abstracts} abstracts, {sentences:,} sentences, macro-F1 over five "
        "functions with 95 % bootstrap intervals over abstracts; labelled abstracts drawn from "
        "csabstruct/train, means over draws. Frozen vectors: `static`. Seconds are of one core, "
        f"vectors made before. Rules label {round(rate, -2):,.0f} abstracts a second of processor "
        "time.",
        "",
        "| labelled | system | macro-F1 | spread over draws | background | problem | method "
        "| result | other | seconds to train |",
        "|--:|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in figures:
        spread = "" if each["spread"] is None else f"{each['spread']:.3f}"
        lines.append(
            f"| {each['labelled']:,} | {each['system']} | {each['macro_f1']:.3f} "
            f"[{each['low']:.3f}, {each['high']:.3f}] | {spread} | "
            + " | ".join(f"{each['f1'][f]:.3f}" for f in FUNCTIONS)
            + f" | {each['training_seconds']:.1f} |"
        )
    lines += ["", "| labelled | system | against | difference |", "|--:|---|---|---|"]
    lines += [
        f"| {each['labelled']:,} | {each['system']} | {each['against']} | "
        f"{each['difference']:+.3f} [{each['low']:+.3f}, {each['high']:+.3f}] |"
        for each in differences
    ]
    lines += [
        "",
        "A fine-tuned transformer stands in papers_functions_fine_tune.md, for few labels: with "
        "all of them it takes too long on two shared cores. Rules were "
        "set by hand with an eye on the counts of csabstruct/train.",
        "",
    ]
    (RESULTS / "papers_functions.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
