"""A small cross-encoder: how it is trained without labels, and what it adds behind hybrid.

    python benchmarks/rank/cross.py train FOLDER [--start first|narrow] [--words 0]
    python benchmarks/rank/cross.py measure FOLDER [--parts rerank,long]

`train` takes pairs from scifact's own abstracts and from abstracts of `papers`, no judgements:
first sets of representative words (B-PROP), then titles and cloze sentences against documents that
hybrid finds. `measure` reranks what hybrid (static table) finds for claims of scifact/train, and
for citing sentences of scisumm/dev, whose documents are full papers: their beginning (256 words,
of which 224 tokens are read with the query), beside 130 words of sentences that speak to the
query. The weight of the scorer, and its map to probabilities, are fitted on every third query;
figures are of the others. Times of `long` hold the splitting into sentences. `matching-words-6400`
is what `train` makes if nothing else is said, in eleven minutes of a busy core; trained from
nothing a second time it gave every figure again, but for the pairs a second.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from everygrain.document import Document, Ranking
from everygrain.engine import Index
from everygrain.learn.negatives.base import Negatives
from everygrain.learn.negatives.mined import Mined
from everygrain.learn.pairs.base import PairSource
from everygrain.learn.pairs.cloze import Cloze
from everygrain.learn.pairs.title import Title
from everygrain.learn.pairs.words import RepresentativeWords
from everygrain.learn.train.cross import CrossTraining, Hinge, train_cross
from everygrain.learn.train.cross_contests import (
    Contest,
    Show,
    against_negatives,
    bare,
    titled,
    word_sets,
)
from everygrain.learn.train.cross_matching import Matching
from everygrain.learn.train.cross_start import FirstLayers, Narrow, Start
from everygrain.learn.train.fine_tuning import Progress
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.cross import Cross, CrossEncoderScorer, scored
from everygrain.rank.cross_calibrated import Isotonic, Platt, calibration_error
from everygrain.rank.extract import ExtractThenScore, FirstWords, QueryWeighted, Rarity

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
STARTS: dict[str, Start] = {
    "matching": Matching(),
    "first": FirstLayers(2, inner=384),
    "narrow": Narrow(),
}
PAIRS = {"scifact": (2000, 2000), "papers": (1600, 800)}  # titles, cloze sentences
WEIGHTS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
PASSAGE = 200


def main() -> None:
    torch.set_num_threads(1)
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("action", choices=("train", "measure"))
    options.add_argument("folder", type=Path)
    options.add_argument("--start", choices=list(STARTS), default="matching")
    options.add_argument("--words", type=int, default=2000)
    options.add_argument("--contests", type=int, default=6400)
    options.add_argument("--parts", default="rerank,long")
    options.add_argument("--queries", type=int, default=150)
    told = options.parse_args()
    if told.action == "train":
        others = train(told.folder, STARTS[told.start], told.words, told.contests)
        keep(f"contests {told.folder.name}", held_out(told.folder, others))
        return
    for part in told.parts.split(","):
        measured = {"rerank": rerank, "long": long}[part]
        name = f"{part} {told.folder.name}"
        keep(name, measured(told.folder, told.queries))


def keep(name: str, found: dict[str, Any]) -> None:
    print(name, json.dumps(found), flush=True)
    path = RESULTS / "rank_cross.json"
    results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    results[name] = found
    path.write_text(json.dumps(results, indent=1) + "\n")
    write(results)


# training ---------------------------------------------------------------------------------------


def train(folder: Path, start: Start, words: int, count: int) -> list[Contest]:
    """Train; return contests that took no part."""
    chance = random.Random(0)
    collections = {
        "scifact": list(load(DATA / "scifact", "train").documents()),
        "papers": papers(12_000, chance),
    }
    contests: list[Contest] = []
    sets: list[Contest] = []
    for name, documents in collections.items():
        with tempfile.TemporaryDirectory() as work:
            contests += contests_of(documents, PAIRS[name], Path(work), chance)
        some = list(word_sets(RepresentativeWords(passage=PASSAGE), documents))
        chance.shuffle(some)
        sets += some[:4000]
    chance.shuffle(contests)
    chance.shuffle(sets)
    sofar: Start | CrossEncoderScorer = start
    if words:
        sofar = train_cross(
            sets[:words],
            folder.with_name(folder.name + "-words"),
            start=start,
            loss=Hinge(),
            settings=CrossTraining(batch=8, learning_rate=3e-4, tokens=96),
            progress=shown(),
        )
    settings = CrossTraining(batch=6, learning_rate=3e-4, tokens=112)
    train_cross(contests[:count], folder, start=sofar, settings=settings, progress=shown())
    return contests[count:][:600]


def held_out(folder: Path, contests: Sequence[Contest]) -> dict[str, Any]:
    """Return which contests the right pair wins, as a string of 0 and 1."""
    scorer = CrossEncoderScorer(str(folder), tokens=112)
    won = ["01"[int(scorer.score_pairs(each.pairs).argmax() == 0)] for each in contests]
    return {"n": len(won), "won": "".join(won)}


def papers(count: int, chance: random.Random) -> list[Document]:
    found: dict[str, Document] = {}
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if len((row.get("abstract") or "").split()) > 60:
                document = Document(str(row["id"]), row["abstract"], row["title"])
                found.setdefault(document.id, document)
    documents = list(found.values())
    chance.shuffle(documents)
    return documents[:count]


def contests_of(
    documents: Sequence[Document], counts: tuple[int, int], work: Path, chance: random.Random
) -> list[Contest]:
    """Return contests of titles and of cloze sentences, each against three documents of the first
    30 that hybrid finds, and one by lot."""
    index = Index(work / "index", encoder="static")
    index.add(documents)
    leg = index.retriever("hybrid")
    sources: list[tuple[PairSource, Show]] = [
        (Title(passage=PASSAGE), bare(PASSAGE)),
        (Cloze(), titled(PASSAGE)),
    ]
    contests: list[Contest] = []
    for (source, show), count in zip(sources, counts, strict=True):
        pairs = list(source.pairs(documents))
        chance.shuffle(pairs)
        pairs = pairs[:count]
        near = Mined(leg, from_rank=1, to_rank=30, most=30).find(pairs, documents)
        ids = []
        for pair, found in zip(pairs, near.ids, strict=True):
            drawn = [*chance.sample(found, min(3, len(found))), chance.choice(documents).id]
            known = (pair.positive_id, pair.query_id)
            ids.append(tuple(dict.fromkeys(each for each in drawn if each not in known)))
        contests += against_negatives(pairs, Negatives(tuple(ids)), documents, show)
    return contests


def shown() -> Callable[[Progress], None]:
    losses: list[float] = []

    def show(told: Progress) -> None:
        losses.append(told.loss)
        if told.step % 50 == 0 or told.step == told.steps:
            mean = float(np.mean(losses[-50:]))
            print(f"{told.step} of {told.steps}: {mean:.3f}, {told.seconds_left:.0f} s", flush=True)

    return show


# measuring --------------------------------------------------------------------------------------


@dataclass
class Remembering:
    """A scorer that keeps what it was asked and the time it took."""

    scorer: CrossEncoderScorer | ExtractThenScore
    seconds: float = 0.0
    pairs: int = 0

    def __post_init__(self) -> None:
        self.known: dict[tuple[str, str], float] = {}

    def __repr__(self) -> str:
        return repr(self.scorer)

    def score(self, query: str, texts: Sequence[str]) -> np.ndarray:
        new = [text for text in texts if (query, text) not in self.known]
        begun = time.process_time()
        for text, score in zip(new, self.scorer.score(query, new) if new else [], strict=True):
            self.known[query, text] = float(score)
        self.seconds += time.process_time() - begun
        self.pairs += len(new)
        return np.array([self.known[query, text] for text in texts], dtype=np.float32)


def rerank(folder: Path, count: int) -> dict[str, Any]:
    """Rerank the top 30 of hybrid for claims of scifact/train."""
    collection = load(DATA / "scifact", "train")
    queries = dict(list(collection.scored_queries.items())[:count])
    with tempfile.TemporaryDirectory() as work:
        index = Index(Path(work) / "index", encoder="static")
        index.add(collection.documents())
        found = index.retriever("hybrid").retrieve(queries, 30)
        scorer = Remembering(CrossEncoderScorer(str(folder), tokens=160))
        told, raw = mixed(scorer, index.fetch, queries, found, collection.judgements)
        calibrated = calibration(raw, queries, collection.judgements)
    del told["alone values"]
    return told | {"pairs per second of one core": round(scorer.pairs / scorer.seconds, 1),
                   "calibration": calibrated}  # fmt: skip


def long(folder: Path, count: int) -> dict[str, Any]:
    """Rerank the top 15 of hybrid over full papers: their beginning, or what was extracted."""
    collection = load(DATA / "scisumm", "dev")
    queries = collection.scored_queries
    drawn = random.Random(0).sample(sorted(queries), count)
    queries = {name: queries[name] for name in drawn}
    told: dict[str, Any] = {}
    columns: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as work:
        index = Index(Path(work) / "index", encoder="static")
        index.add(collection.documents())
        found = index.retriever("hybrid").retrieve(queries, 15)
        with index.views.newest() as view:
            rarity = Rarity.of_view(view)
            scorer = CrossEncoderScorer(str(folder), tokens=224)
            for name, extract in (
                ("first words", FirstWords(256)),
                ("extracted", QueryWeighted(rarity, words=130)),
            ):
                reading = Remembering(ExtractThenScore(scorer, extract))
                told[name], _ = mixed(reading, index.fetch, queries, found, collection.judgements)
                told[name]["pairs per second of one core"] = round(
                    reading.pairs / reading.seconds, 1
                )
                columns[name] = told[name].pop("alone values")
    told["extracted less first words, scorer alone"] = compared(
        columns["extracted"], columns["first words"]
    )
    return told


def mixed(
    scorer: Remembering,
    fetch: Callable[[Sequence[str]], Mapping[str, Document]],
    queries: Mapping[str, str],
    found: Ranking,
    judgements: Mapping[str, Mapping[str, int]],
) -> tuple[dict[str, Any], dict[str, dict[str, tuple[float, float]]]]:
    """Return figures, and query -> document -> (score of hybrid, of the scorer)."""
    columns = {
        weight: values(
            Cross(scorer, fetch, depth=50, weight=weight).rerank(queries, found), judgements
        )
        for weight in WEIGHTS
    }
    base = values(found, judgements)
    choosing = np.arange(len(queries)) % 3 == 0
    best = max(WEIGHTS, key=lambda weight: columns[weight][choosing].mean())
    other = ~choosing
    raw: dict[str, dict[str, tuple[float, float]]] = {}
    for query, rows in found.by_query().items():
        documents = fetch([name for name, _ in rows])
        texts = [f"{documents[n].title} {documents[n].text}".strip() for n, _ in rows]
        scores = scored(scorer, query, queries[query], [n for n, _ in rows], texts)
        raw[query] = {n: (s, float(x)) for (n, s), x in zip(rows, scores, strict=True)}
    return {
        "n": int(other.sum()),
        "hybrid": round(float(base[other].mean()), 4),
        "scorer alone": compared(columns[1.0][other], base[other]),
        "weight": best,
        "mixed": compared(columns[best][other], base[other]),
        "alone values": columns[1.0][other],
    }, raw


def values(ranking: Ranking, judgements: Mapping[str, Mapping[str, int]]) -> np.ndarray:
    """Return (q,) nDCG@10, in the order of the judgements kept."""
    told = {query: judgements[query] for query in ranking.queries}
    return np.asarray(evaluate(ranking, told, ["nDCG@10"]).of("nDCG@10"))


def compared(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    gained = first - second
    interval = bca_interval(gained)
    return {
        "nDCG@10": round(float(first.mean()), 4),
        "gain": round(float(gained.mean()), 4),
        "low": round(interval.low, 4),
        "high": round(interval.high, 4),
        "p": round(randomisation_test(first, second, samples=9999).p, 4),
    }


def calibration(
    raw: Mapping[str, Mapping[str, tuple[float, float]]],
    queries: Mapping[str, str],
    judgements: Mapping[str, Mapping[str, int]],
) -> dict[str, dict[str, float]]:
    """Fit each component's maps on every third query; tell the errors on the others."""

    def column(component: int, part: bool) -> Iterator[tuple[float, bool]]:
        for place, query in enumerate(queries):
            if (place % 3 == 0) == part:
                for name, scores in raw[query].items():
                    yield scores[component], judgements[query].get(name, 0) > 0

    told: dict[str, dict[str, float]] = {}
    for component, name in enumerate(("hybrid", "cross-encoder")):
        scores, truth = map(np.array, zip(*column(component, True), strict=True))
        later, later_truth = map(np.array, zip(*column(component, False), strict=True))
        flat = 1 / (1 + np.exp(-later)) if component else later
        row = {"as it is": calibration_error(flat, later_truth)}
        for kind in (Platt, Isotonic):
            row[kind.__name__] = calibration_error(kind.fit(scores, truth)(later), later_truth)
        told[name] = {key: round(value, 4) for key, value in row.items()}
        told[name]["pairs"] = len(later)
    return told


def write(results: Mapping[str, Any]) -> None:
    lines = ["# A small cross-encoder behind hybrid", "", *(__doc__ or "").strip().split("\n")[5:]]
    lines += ["", "nDCG@10; gain over hybrid, its 95 % BCa interval, p (randomisation test).",
              "", "| part, model | n | hybrid | scorer alone | weight | mixed | pairs/s |",
              "|---|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    rows = {name: told for name, told in results.items() if name.startswith("rerank")}
    for name, told in results.items():
        if name.startswith("long"):
            rows |= {f"{name}, {each}": told[each] for each in ("first words", "extracted")}
    for name, told in rows.items():
        cells = [name, told["n"], f"{told['hybrid']:.4f}", gain(told["scorer alone"])]
        cells += [told["weight"], gain(told["mixed"]), told["pairs per second of one core"]]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    for name, told in results.items():
        if name.startswith("long"):
            less = gain(told["extracted less first words, scorer alone"])
            lines += ["", f"{name}: the scorer alone on extracted against first words: {less}."]
    won = {
        name: np.array([int(each) for each in told["won"]], dtype=np.float64)
        for name, told in results.items()
        if name.startswith("contests") and told["n"]
    }
    lines += ["", "Contests won of those held out (one pair of five is right):", ""]
    lines += [f"- {name}: {each.mean():.4f}, n {len(each)}" for name, each in won.items()]
    for name, each in won.items():
        plain = won.get(name.replace("-words", ""))
        if "-words" in name and plain is not None and len(plain) == len(each):
            lines.append(f"- with sets of words first, less without: {gain(compared(each, plain))}")
    lines += ["", "Expected calibration error over ten bins of equally many pairs of scifact, maps "
              "fitted on other queries:", "", "| model, component | pairs | as it is | Platt | "
              "Isotonic |", "|---|--:|--:|--:|--:|"]  # fmt: skip
    for name, told in results.items():
        for component, each in told.get("calibration", {}).items():
            cells = [f"{name.split()[-1]}, {component}", each["pairs"]]
            cells += [each[key] for key in ("as it is", "Platt", "Isotonic")]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    (RESULTS / "rank_cross.md").write_text("\n".join([*lines, ""]))


def gain(told: Mapping[str, float]) -> str:
    """Write a comparison in one cell."""
    interval = f"[{told['low']:+.4f}, {told['high']:+.4f}]"
    return f"{told['nDCG@10']:.4f} ({told['gain']:+.4f} {interval}, p {told['p']:.4f})"


if __name__ == "__main__":
    main()
