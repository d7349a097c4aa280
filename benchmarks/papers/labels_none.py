"""How far it is right that a paper has none of a reader's labels: two rules, side by side.

    python benchmarks/papers/labels_none.py [--draws 5]

Needs ../shared/data/papers. A reader has 3 to 8 labels, drawn from 14 areas or 40 narrower keywords
that authors of IJCAI papers chose, with 1, 5 or 20 examples each. The other IJCAI papers are asked;
the room holds 8,000 other papers beside them. Before, one constant turned odds into probabilities
(sigmoid(odds - 4.2), chosen for 14 and 40 labels at once); now the shift of each label follows from
where its examples lie in the room (topics/calibration.py). The constants of that were chosen on the
half of the papers that the figures are not from. Authors choose few of the labels that fit, so what
they left out counts as wrong. Writes results/papers_labels_none.md and .json.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from scipy.special import expit, logit
from topics import AREAS, NARROW, RESULTS, chosen, listed, read_papers

from everygrain.encode.registry import create
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test
from everygrain_papers.tags import LEAST
from everygrain_papers.topics import Tagger
from everygrain_papers.topics.held import text_of
from everygrain_papers.topics.lexicon import Lexicon

BEFORE = -4.2
SHOTS = (1, 5, 20)
MEASURES = {
    "none_error": "calibration error of none",
    "label_error": "calibration error of labels",
    "none_precision": "precision of none",
    "none_recall": "recall of none",
    "precision": "precision of labels",
    "recall": "recall of labels",
    "f1": "F1 of labels",
}


def error(probable: np.ndarray, true: np.ndarray) -> float:
    """Return the expected calibration error in ten bins of equal width."""
    bins = np.minimum(9, (probable * 10).astype(int))
    return float(
        sum(
            abs(probable[bins == each].mean() - true[bins == each].mean()) * (bins == each).mean()
            for each in np.unique(bins)
        )
    )


def figures(probable: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Return the measures of one draw; the probability of none is that of no label at all."""
    none, told = ~wanted.any(axis=1), probable >= LEAST
    silent, hits = ~told.any(axis=1), float((told & wanted).sum())
    precision, recall = hits / max(1, told.sum()), hits / max(1, wanted.sum())
    return {
        "none_error": error(np.prod(1 - probable, axis=1), none),
        "label_error": error(probable.ravel(), wanted.ravel()),
        "none_precision": float((silent & none).sum() / max(1, silent.sum())),
        "none_recall": float((silent & none).sum() / max(1, none.sum())),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(1e-9, precision + recall),
    }


class Remembered:
    """An encoder that encodes the lexicon's terms once for all draws."""

    def __init__(self, encoder) -> None:
        self.encoder, self.known = encoder, {}

    def encode(self, texts):
        key = tuple(texts)
        if key not in self.known:
            self.known[key] = self.encoder.encode(list(texts))
        return self.known[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=5)
    options = parser.parse_args()
    encoder = create("static")
    assert encoder is not None
    papers = read_papers()
    known = np.array([i for i, p in enumerate(papers) if p.venue == "ijcai" and p.keywords])
    held = known[np.random.default_rng(5).random(len(known)) >= 0.5]
    others = np.random.default_rng(0).permutation(len(papers))[:8000]
    collection = np.union1d(np.setdiff1d(others, known), held)
    room, places = [papers[i] for i in collection], np.searchsorted(collection, held)
    vectors = encoder.encode([f"{paper.title}\n{paper.abstract}" for paper in room])
    lexicon, terms = Lexicon.fit([text_of(paper) for paper in room])
    ids, remembered = [paper.id for paper in room], Remembered(encoder)
    told: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name, text, broad in (("areas", AREAS, True), ("keywords", NARROW, False)):
        every = listed(text)
        truth = np.array([[each in chosen(room[i], broad) for each in every] for i in places])
        for shots in SHOTS:
            for draw in range(options.draws):
                lot = np.random.default_rng([shots, draw, broad])
                mine = np.sort(lot.permutation(len(every))[: lot.integers(3, 9)])
                wanted = truth[:, mine]
                given = []
                for column in wanted.T:
                    own = lot.permutation(np.flatnonzero(column))
                    given.append(own[: min(shots, len(own) // 2)])
                used = np.unique(np.concatenate(given))
                examples = {
                    every[label]: [ids[places[i]] for i in used if wanted[i, number]]
                    for number, label in enumerate(mine)
                }
                tagger = Tagger.fit_held(examples, ids, terms, lexicon, vectors, remembered)
                asked = np.setdiff1d(np.arange(len(held)), used)
                rows = places[asked]
                now = tagger.probabilities_held(terms[rows], vectors[rows])
                before = expit(logit(now) - tagger.shifts + BEFORE)
                group = told.setdefault(f"{name}, {shots}", {"before": [], "now": []})
                group["before"].append(figures(before, wanted[asked]))
                group["now"].append(figures(now, wanted[asked]))
            print(name, shots, flush=True)
    write(told, options.draws, len(held))


def write(told: dict, draws: int, asked: int) -> None:
    rows, ps = [], []
    for measure in MEASURES:
        values = {
            rule: np.array([one[measure] for group in told.values() for one in group[rule]])
            for rule in ("before", "now")
        }
        gaps = values["now"] - values["before"]
        interval, test = bca_interval(gaps), randomisation_test(gaps, np.zeros(len(gaps)))
        row: dict = {"measure": measure, "n": len(gaps)}
        for rule, each in values.items():
            own = bca_interval(each)
            row[rule] = [float(each.mean()), own.low, own.high]
        row["difference"] = [float(gaps.mean()), interval.low, interval.high]
        rows.append(row)
        ps.append(test.p)
    for row, p in zip(rows, holm(ps), strict=True):
        row["p"] = float(p)
    record = {"draws": draws, "least": LEAST, "summary": rows, "each": told}
    path = RESULTS / "papers_labels_none.json"
    path.write_text(json.dumps(record, indent=1), encoding="utf-8")
    lines = [
        "# None of the reader's labels", "",
        f"    python benchmarks/papers/labels_none.py --draws {draws}", "",
        f"{rows[0]['n']} readers of 3 to 8 labels drawn from IJCAI's areas and keywords, with 1, 5 "
        f"or 20 examples of each; the rest of {asked:,} IJCAI papers is asked, in a room of some "
        f"10,000. A label is told from a probability of {LEAST} on. Before: one constant for all "
        "labels; now: a shift for each, from where its examples lie. Its constants were chosen on "
        "the other half of the IJCAI papers. Means over readers with 95 % intervals (BCa), paired "
        "randomisation tests, p by Holm. Readers share papers, so intervals are of readers, not of "
        "other papers. Authors choose few of the labels that fit: what they left out counts as "
        "wrong, and a label is rightly more often true than these figures say.", "",
        "| measure | before | now | difference | p |", "|---|---|---|---|--:|",
    ]  # fmt: skip
    for row in rows:
        shown = ["{:.3f} [{:.3f}, {:.3f}]".format(*row[rule]) for rule in ("before", "now")]
        apart = "{:+.3f} [{:+.3f}, {:+.3f}]".format(*row["difference"])
        name = MEASURES[row["measure"]]
        lines.append(f"| {name} | {shown[0]} | {shown[1]} | {apart} | {row['p']:.2g} |")
    short = ("none_error", "label_error", "none_precision", "none_recall", "f1")
    lines += ["", "By labels and examples, means before / now:", ""]
    lines += ["| labels, examples | " + " | ".join(MEASURES[each] for each in short) + " |"]
    lines += ["|---|" + "---|" * len(short)]
    for name, group in told.items():
        cells = [
            " / ".join(
                f"{np.mean([one[each] for one in group[rule]]):.3f}" for rule in ("before", "now")
            )
            for each in short
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    (RESULTS / "papers_labels_none.md").write_text("\n".join([*lines, ""]), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
