"""Where a list should end: F1 of the returned sets, and coverage of the conformal cut-off.

    python benchmarks/rank/cutoff.py --keep FOLDER [--encoders static,minilm]

Every query is judged by cut-offs fitted to the other half of the queries. "Best k" is the number
of results with the highest mean F1 on that other half; "best k in hindsight" on the very queries
that are scored, so it is more than any fixed number could be expected to reach.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from collected import Collected

from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.banks import numbers_of
from everygrain.rank.cutoff.adapter import fit_both, held_out, known
from everygrain.rank.cutoff.conformal import coverage
from everygrain.rank.cutoff.sets import Candidates, best_k, best_threshold, f1

RESULTS = Path(__file__).resolve().parents[1] / "results"
MADE = "Made by `python benchmarks/rank/cutoff.py --keep FOLDER`. No p is corrected for the others."
STRENGTHS = (1e-4, 1e-3, 1e-2)
ALPHAS = (0.05, 0.1, 0.2)
SPLITS = 500


def relative(candidates: Candidates) -> Any:
    """Return each score less the best one of its query."""
    firsts = np.searchsorted(candidates.owners, candidates.owners)
    return candidates.scores - candidates.scores[firsts]


def chosen(candidates: Candidates, vectors: Any) -> float:
    """Return the strength whose held-out probabilities reach the highest mean F1."""
    reached = []
    for strength in STRENGTHS:
        values = held_out(candidates, vectors, strength)
        best = best_threshold(candidates, values)
        reached.append(float(f1(candidates, values >= best).mean()))
    return STRENGTHS[int(np.argmax(reached))]


def sets(candidates: Candidates, vectors: Any, pseudo: tuple[Candidates, Any]) -> dict[str, Any]:
    """Return per rule the (n,) F1 of all queries, and how many results it returned."""
    count = len(candidates.queries)
    half = np.random.default_rng(0).permutation(count) % 2
    values: dict[str, Any] = {}
    sizes: dict[str, list[float]] = {}
    best = np.zeros((2, count))  # of the best candidate: raw, adapted

    def note(rule: str, rows: Any, test: Candidates, kept: Any) -> None:
        values.setdefault(rule, np.zeros(count))[rows] = f1(test, kept)
        returned = np.bincount(test.owners, kept, len(rows))
        sizes.setdefault(rule, []).extend(returned.tolist())

    everything = known(vectors, candidates)
    about_pseudo = known(pseudo[1], pseudo[0])
    from_pseudo, pseudo_threshold = fit_both(pseudo[0], about_pseudo, free=1)
    _, with_one = fit_both(pseudo[0], about_pseudo, free=1, at_least=1)
    strengths = []
    for part in (0, 1):
        seen, rows = np.flatnonzero(half != part), np.flatnonzero(half == part)
        train, test = candidates.take(seen), candidates.take(rows)
        note("best k", rows, test, test.ranks <= best_k(train, 50))
        note("best k in hindsight", rows, test, test.ranks <= best_k(test, 50))
        note("one threshold on scores", rows, test,
             test.scores >= best_threshold(train, train.scores))  # fmt: skip
        note("one threshold on the gap to the best", rows, test,
             relative(test) >= best_threshold(train, relative(train)))  # fmt: skip
        strengths.append(chosen(train, vectors[seen]))
        adapter, threshold = fit_both(train, vectors[seen], strengths[-1])
        mapped = adapter.probabilities(vectors[rows][test.owners], test.scores)
        note("query's vector alone, judged queries", rows, test, mapped >= threshold)
        features = [known(vectors[which], each) for which, each in ((seen, train), (rows, test))]
        adapter, threshold = fit_both(train, features[0], strengths[-1], free=1)
        mapped = adapter.probabilities(features[1][test.owners], test.scores)
        note("Adapted, judged queries", rows, test, mapped >= threshold)
        adapter, threshold = fit_both(train, features[0], strengths[-1], free=1, at_least=1)
        mapped = adapter.probabilities(features[1][test.owners], test.scores)
        kept = (mapped >= threshold) | (test.ranks == 1)
        note("Adapted, judged queries, at least one", rows, test, kept)
        features[0][:, :-1] = features[1][:, :-1] = 0
        adapter, threshold = fit_both(train, features[0], 1.0, free=1)
        mapped = adapter.probabilities(features[1][test.owners], test.scores)
        note("best score alone, judged queries", rows, test, mapped >= threshold)
        guessed = from_pseudo.probabilities(everything[rows][test.owners], test.scores)
        note("Adapted, pseudo-queries", rows, test, guessed >= pseudo_threshold)
        note("Adapted, pseudo-queries, at least one", rows, test,
             (guessed >= with_one) | (test.ranks == 1))  # fmt: skip
        note(
            "pseudo-queries' map, judged threshold",
            rows,
            test,
            guessed
            >= best_threshold(
                train, from_pseudo.probabilities(everything[seen][train.owners], train.scores)
            ),
        )
        firsts = np.searchsorted(test.owners, np.arange(len(rows)))
        best[0, rows], best[1, rows] = test.scores[firsts], mapped[firsts]
    return {"values": values, "sizes": sizes, "best": best, "strengths": strengths}


def unanswerable(candidates: Candidates) -> Candidates:
    """Return what would have been found if nothing relevant were in the collection."""
    left = candidates.labels == 0
    return Candidates(
        candidates.queries, candidates.owners[left], candidates.scores[left],
        candidates.labels[left], np.zeros_like(candidates.relevant),
    )  # fmt: skip


def told_apart(candidates: Candidates, vectors: Any) -> dict[str, float]:
    """Return how often the best score of an answerable query is above that of one whose relevant
    documents were taken away (area under the curve), raw and as a held-out probability."""
    without = unanswerable(candidates)
    areas = {}
    half = np.random.default_rng(0).permutation(len(candidates.queries)) % 2
    raw: list[list[float]] = [[], []]
    mapped: list[list[float]] = [[], []]
    for part in (0, 1):
        seen, rows = np.flatnonzero(half != part), np.flatnonzero(half == part)
        train = candidates.take(seen)
        adapter, _ = fit_both(train, known(vectors[seen], train), free=1)
        for place, each in enumerate((candidates.take(rows), without.take(rows))):
            first = each.ranks == 1
            features = known(vectors[rows], each)[each.owners[first]]
            raw[place] += each.scores[first].tolist()
            mapped[place] += adapter.probabilities(features, each.scores[first]).tolist()
    for name, (with_answer, without_answer) in (("raw", raw), ("adapted", mapped)):
        gaps = np.subtract.outer(with_answer, without_answer)
        areas[name] = round(float(((gaps > 0) + 0.5 * (gaps == 0)).mean()), 4)
    return areas


def covered(of: Collected, leg: str) -> dict[str, Any]:
    """Calibrate on random halves, and count the answers kept in the other halves.

    An answer's score is that of its best relevant document, however far down it stands.
    """
    scores = np.zeros(len(of.queries))
    with of.index(leg).views.newest() as view:
        vectors = view.query_vectors(list(of.queries.values()))
        for i, query in enumerate(of.queries):
            relevant = [d for d, grade in of.judgements[query].items() if grade > 0]
            numbers = np.array(numbers_of(view, relevant), dtype=np.int64)
            scores[i] = view.dense().exact(vectors[i], numbers).max(initial=-np.inf)
    rows = {}
    tested = len(scores) - len(scores) // 2
    for alpha in ALPHAS:
        shares = coverage(scores, alpha, SPLITS)
        error = math.sqrt(alpha * (1 - alpha) / tested)
        both = math.sqrt(alpha * (1 - alpha) * (1 / tested + 1 / (len(scores) // 2)))
        rows[str(alpha)] = {
            "n": len(scores), "tested": tested, "coverage": round(float(shares.mean()), 4),
            "deviation": round(float(shares.std(ddof=1)), 4), "binomial error": round(error, 4),
            "off, in binomial errors": round(abs(float(shares.mean()) - 1 + alpha) / error, 3),
            "splits within 2 errors": round(
                float((np.abs(shares - 1 + alpha) <= 2 * both).mean()), 3),
        }  # fmt: skip
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep", type=Path, required=True)
    options.add_argument("--encoders", default="static,minilm")
    options.add_argument("--collections", default="scifact,cranfield,cisi")
    given = options.parse_args()
    results: dict[str, Any] = {}
    lines = ["# Cut-offs", "", (__doc__ or "").split("\n\n")[2], "", MADE, ""]
    for name in given.collections.split(","):
        for leg in given.encoders.split(","):
            of = Collected(name, given.keep)
            with of.index(leg).views.newest() as view:
                encoder = view.encoder
            candidates = Candidates.of(of.ranking(leg).cut(100), of.judgements)
            vectors = encoder.encode([of.queries[q] for q in candidates.queries], "query")
            texts, answers = of.pseudo(leg)
            asked = Candidates.of(
                of.ranking(leg, "rest").cut(100), {q: {d: 1} for q, d in answers.items()}
            )
            pseudo = (asked, encoder.encode([texts[q] for q in asked.queries], "query"))
            found = sets(candidates, vectors.astype(np.float64), pseudo)
            values, base = found["values"], found["values"]["best k"]
            title = f"{name}, dense {leg} (n {len(base)})"
            lines += [f"## {title}", "",
                      "| rule | F1 | against best k | p | results, mean | empty |",
                      "|---|---|---|---|---|---|"]  # fmt: skip
            rows = {}
            for rule, each in values.items():
                mean, gap = (
                    bca_interval(each, samples=2000),
                    bca_interval(each - base, samples=2000),
                )
                test = randomisation_test(each, base, samples=20_000)
                size = np.array(found["sizes"][rule])
                rows[rule] = {
                    "F1": float(each.mean()), "low": mean.low, "high": mean.high,
                    "difference": test.difference, "difference low": gap.low,
                    "difference high": gap.high, "p": test.p, "size": float(size.mean()),
                    "empty": float((size == 0).mean()),
                }  # fmt: skip
                lines.append(
                    f"| {rule} | {each.mean():.3f} [{mean.low:.3f}, {mean.high:.3f}] | "
                    f"{test.difference:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] | {test.p:.4f} | "
                    f"{size.mean():.1f} | {(size == 0).mean():.2f} |"
                )
            areas, conformal = told_apart(candidates, vectors), covered(of, leg)
            results[title] = {"F1": rows, "told apart": areas, "coverage": conformal,
                              "strengths": found["strengths"]}  # fmt: skip
            lines += ["", f"With and without anything relevant in the collection, told apart by "
                      f"the best candidate: area under the curve {areas['raw']:.3f} by its score, "
                      f"{areas['adapted']:.3f} by its probability.", "",
                      f"Conformal, {SPLITS} random halves:", "",
                      "| alpha | coverage | deviation | binomial error | off by, in errors |",
                      "|---|---|---|---|---|"]  # fmt: skip
            for alpha, row in conformal.items():
                lines.append(
                    f"| {alpha} | {row['coverage']:.4f} | {row['deviation']:.4f} | "
                    f"{row['binomial error']:.4f} | {row['off, in binomial errors']:.2f} |"
                )
            lines.append("")
            print("\n".join(lines[-20:]), flush=True)
            (RESULTS / "rank_cutoff.md").write_text("\n".join(lines))
            (RESULTS / "rank_cutoff.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
