"""How far a static table that was adapted on papers closes the gap to MiniLM on other collections.

    python benchmarks/learn/worth.py train FOLDER [--budget MINUTES]
    python benchmarks/learn/worth.py choose FOLDER
    python benchmarks/learn/worth.py report FOLDER

`train` adapts the table on `papers` as the product does by default (titles, and MiniLM's cosines),
and keeps it in FOLDER. Training moves the rows of words that papers hold, and few others. What is
tried is what these others can learn:

beyond   MiniLM is asked about words beyond the papers', too, in bags of near words and in WordNet's
         glosses (worth_beyond.py); the loss is individual_temperatures, in half as many steps again
map      a linear map from the rows before training to those after, by weighted ridge regression
         over the rows that trained; a row that was in n texts keeps n / (n + k) of its own
words    the new collection's frequent words of several pieces get MiniLM's vectors, as `adapt`
         gives them to its own collection's, through the same map
whiten   vectors are whitened anew by the new collection, a part of the way

The untrained table fitted to the new collection, beside the adapted one with .3 or .5 of the
similarity, was tried too: cranfield .3215 and .3141 (adapted alone .3250), cisi .4268 and .4134
(.4275).

Not shown, as they gained nothing: a network of one hidden layer in the map's place, trained on the
same losses (scifact .552 with it alone, .557 beside the rows' own steps), and twice the rate.

`choose` compares them on three collections; `report` takes the best of these to scifact and to
scisumm, which chose nothing; the others' means there are told for the record. Dense leg alone,
whole documents (scisumm: their first 300 words) by exact search. A gap is told twice: from
model2vec's own distillation, which any peer has, and from `static` as an index fits it to its
collection without any training, which has closed more than half of it already. Beside this, the
best sentence as `dense % 100 >> sentences` counts it: share .5, over all documents.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from worth_beyond import taught_beyond
from worth_variants import VARIANTS, Learned

from everygrain.analyze import split
from everygrain.document import Ranking
from everygrain.encode.adapted import Adapted
from everygrain.encode.base import WordEncoder, unit
from everygrain.encode.cache import Cached, cache_folder
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.encode.transformer import Transformer, minilm_folder
from everygrain.learn.candidate import _start, train
from everygrain.learn.held_out import divide
from everygrain.learn.losses import parse_loss
from everygrain.learn.pairs import collect, parse_source
from everygrain.learn.recipe import Recipe
from everygrain.learn.teaching import teach
from everygrain.learn.train.bags import Bags
from everygrain.learn.train.static import StaticTraining, Taught, train_static
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.read import read
from everygrain.segment.sentences import Sentences

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

RESULTS = Path(__file__).resolve().parents[1] / "results"

DEVELOPMENT = {"cranfield": "dev", "cisi": "dev", "vaswani": "dev"}

REPORTED = {"scifact": "train", "scisumm": "dev"}

LOSS, STEPS = "individual_temperatures", 450  # beyond

PEER = "model2vec"

FIRST_WORDS = 300


def papers() -> list[Any]:
    barred = set((DATA / "scisumm" / "not_for_training.txt").read_text().split())
    found = [each for each in read(DATA / "papers" / "papers.jsonl.gz") if each.id not in barred]
    return divide(sorted(found, key=lambda each: each.id))[0]


def train_on_papers(folder: Path, budget: float) -> None:
    documents = papers()
    recipe = replace(Recipe().settled(documents), domains="")
    begun = time.process_time()
    start = _start(None, documents, recipe)
    made = train(None, "static", documents, recipe, budget=60 * budget, folder=folder,
                 told=lambda *each: print(*each, end="\r", file=sys.stderr))  # fmt: skip
    seconds = time.process_time() - begun
    pairs = collect([parse_source(each) for each in recipe.train], documents, 200_000).pairs
    own = [text for pair in pairs for text in (pair.query, pair.positive)]
    keep(folder, start, made.encoder, own)
    told = {"pairs": made.pairs.counts, "taught": made.taught, "steps": len(made.curve)}
    (folder / "told.json").write_text(json.dumps(told | {"processor_seconds": round(seconds)}))

    taught, beyond = teach(documents, recipe, 60 * budget, None, folder), taught_beyond()
    assert taught is not None
    texts = [*taught.texts, *beyond.texts]
    both = Taught(texts, np.concatenate([taught.vectors, beyond.vectors]))
    epochs = STEPS * recipe.batch / (len(pairs) + len(texts))
    settings = StaticTraining(epochs, recipe.batch, recipe.learning_rate)
    further = train_static(start, pairs, loss=parse_loss(LOSS), taught=both, settings=settings)
    keep(folder / "beyond", start, Adapted(further.encoder, True), own + texts)


def keep(folder: Path, start: Static, made: Any, texts: list[str]) -> None:
    """Store a trained table, the one before training, and in how many texts each row was."""
    matrix = Bags.of(start, texts).matrix
    counts = np.bincount(matrix.indices, minlength=len(start.table.matrix))
    (folder / "adapted").mkdir(parents=True)
    np.savez(folder / "before.npz", matrix=start.table.matrix, counts=counts)
    made.save(folder / "adapted")


class Target:
    """A collection, and nDCG@10 of each of its queries."""

    def __init__(self, name: str, part: str) -> None:
        self.collection = load(DATA / name, part)
        documents = list(self.collection.documents())
        self.ids = [each.id for each in documents]
        self.texts = [f"{each.title} {each.text}" for each in documents]
        if name == "scisumm":
            self.texts = [" ".join(text.split()[:FIRST_WORDS]) for text in self.texts]
        self.words = split(self.texts)

    @cached_property
    def sentences(self) -> tuple[Any, Any]:
        """Return the words of all sentences, and where each document's begin."""
        texts, firsts = [], []
        for text in self.texts:
            firsts.append(len(texts))
            spans = Sentences("en").spans(text) or [(0, len(text))]
            texts += [text[start:end] for start, end in spans]
        return split(texts), np.array(firsts)

    def values(self, encoder: Any, with_sentences: bool = False) -> Any:
        queries = self.collection.scored_queries
        if isinstance(encoder, WordEncoder):
            documents = encoder.encode_words(self.words)
        else:
            documents = encoder.encode(self.texts)
        if with_sentences:
            words, firsts = self.sentences
            spans = encoder.encode_words(words)
        rows = []
        for query, vector in zip(
            queries, encoder.encode(list(queries.values()), "query"), strict=True
        ):
            scores = documents @ vector
            if with_sentences:
                scores = (scores + np.maximum.reduceat(spans @ vector, firsts)) / 2
            for i in np.argsort(-scores, kind="stable")[:10]:
                rows.append((query, self.ids[i], float(scores[i])))
        ranking = Ranking.of(list(queries), rows)
        return evaluate(ranking, self.collection.judgements, ["nDCG@10"]).of("nDCG@10")


def choose(folder: Path) -> None:
    learned = {False: Learned(folder), True: Learned(folder / "beyond")}
    path = RESULTS / "learn_worth.json"
    results = json.loads(path.read_text()) if path.is_file() else {}
    figures: dict[str, dict[str, float]] = results.get("choice", {})
    for name, part in DEVELOPMENT.items():
        row = figures.setdefault(name, {})
        if all(str(variant) in row for variant in VARIANTS):
            continue
        target = Target(name, part)
        row["static"] = float(target.values(plain(target)).mean())
        for variant in VARIANTS:
            if str(variant) not in row:
                encoder = learned[variant.beyond].encoder(target.words, variant)
                row[str(variant)] = float(target.values(encoder).mean())
                print(name, variant, round(row[str(variant)], 4), flush=True)
    best = max(VARIANTS, key=lambda each: np.mean([row[str(each)] for row in figures.values()]))
    training = json.loads((folder / "told.json").read_text())
    write({"choice": figures, "chosen": str(best), "training": training})


def plain(target: Target) -> Static:
    """Return the untrained table as an index fits it to the collection."""
    return Static(static_table(), {}).fit(target.words)


def report(folder: Path) -> None:
    results = json.loads((RESULTS / "learn_worth.json").read_text())
    best = next(each for each in VARIANTS if str(each) == results["chosen"])
    learned = {False: Learned(folder), True: Learned(folder / "beyond")}
    peer = Distilled()
    rows: dict[str, Any] = {}
    for name, part in REPORTED.items():
        target = Target(name, part)
        before = plain(target)
        encoders = {
            str(each): learned[each.beyond].encoder(target.words, each) for each in VARIANTS
        }
        begun = time.process_time()
        learned[best.beyond].encoder(target.words, best)
        made = time.process_time() - begun
        begun = time.process_time()
        encoders[str(best)].encode(target.texts)
        speed = len(target.texts) / (time.process_time() - begun)
        teacher = Cached(Transformer("minilm"), cache_folder() / "vectors.db")
        systems = {
            PEER: target.values(peer),
            "static": target.values(before),
            "adapted": target.values(encoders["adapted"]),
            str(best): target.values(encoders[str(best)]),
            "minilm": target.values(teacher),
            "static, sentences": target.values(before, True),
            f"{best}, sentences": target.values(encoders[str(best)], True),
        }
        rows[name] = {
            "speed": round(speed), "seconds to make": round(made, 1),
            "systems": {each: compared(values, systems) for each, values in systems.items()},
            "others": {each: float(target.values(made).mean()) for each, made in encoders.items()},
        }  # fmt: skip
        print(rows[name], flush=True)
        write(results | {"reported": rows})


class Distilled:
    """model2vec's own distillation of MiniLM, with its weights and its 256 dimensions."""

    def __init__(self) -> None:
        from model2vec.distill import distill

        self.model = distill(str(minilm_folder()), device="cpu")

    def encode(self, texts: list[str], kind: str = "document") -> Any:
        return unit(self.model.encode(list(texts)))


def compared(values: Any, systems: dict[str, Any]) -> dict[str, float]:
    """Compare with `static`, and tell which share of either gap to MiniLM is closed."""
    before, teacher = systems["static"], systems["minilm"].mean()
    told = {"nDCG@10": float(values.mean()), "n": len(values)}
    for start in (PEER, "static"):
        low = systems[start].mean()
        told[f"of the gap from {start}"] = float((values.mean() - low) / (teacher - low))
    if values is before:
        return told
    around, test = bca_interval(values - before), randomisation_test(values, before)
    return told | {"difference": test.difference, "low": around.low, "high": around.high,
                   "p": test.p}  # fmt: skip


def write(results: dict[str, Any]) -> None:
    names = list(results["choice"])
    told = results["training"]
    lines = ["# Worth it", "", *(__doc__ or "").split("\n")[6:-1], ""]
    lines += [
        f"Trained on {told['pairs']}, {told['taught']:,} taught texts, {told['steps']} steps: "
        f"{told['processor_seconds']} seconds of a processor.",
        "",
        "| variant | " + " | ".join(names) + " | mean |",
        "|---" * (len(names) + 2) + "|",
    ]
    for variant in results["choice"][names[0]]:
        row = [results["choice"][name][variant] for name in names]
        figures = " | ".join(f"{value:.4f}" for value in [*row, np.mean(row)])
        lines.append(f"| {variant} | {figures} |")
    lines += ["", f"Chosen: {results['chosen']}."]
    for name, rows in results.get("reported", {}).items():
        lines += [
            "",
            f"## {name}",
            "",
            f"| system | nDCG@10 | over static [95 %] | p | of the gap from {PEER} | "
            "of the gap from static |",
            "|---|---|---|---|---|---|",
        ]
        lines += [reported(system, row) for system, row in rows["systems"].items()]
        lines += [
            "",
            f"The chosen one encodes {rows['speed']:,} abstracts a second of a processor; making "
            f"it for the collection took {rows['seconds to make']} seconds, MiniLM's vectors of "
            "its words being in the cache (a new word takes about 2 ms).",
            "",
            "All that were tried, here: "
            + "; ".join(f"{each} {mean:.4f}" for each, mean in rows["others"].items())
            + ".",
        ]
    (RESULTS / "learn_worth.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "learn_worth.md").write_text("\n".join(lines) + "\n")


def reported(system: str, row: dict[str, float]) -> str:
    shares = f"{row[f'of the gap from {PEER}']:.0%} | {row['of the gap from static']:.0%} |"
    if "p" not in row:
        return f"| {system} | {row['nDCG@10']:.4f} | | | {shares}"
    return (
        f"| {system} | {row['nDCG@10']:.4f} | {row['difference']:+.4f} [{row['low']:+.4f}, "
        f"{row['high']:+.4f}] | {row['p']:.2g} | {shares}"
    )


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("part", choices=["train", "choose", "report"])
    options.add_argument("folder", type=Path)
    options.add_argument("--budget", type=float, default=15.0, help="minutes")
    told = options.parse_args()
    told.folder.mkdir(exist_ok=True)
    if told.part == "train":
        train_on_papers(told.folder, told.budget)
    else:
        {"choose": choose, "report": report}[told.part](told.folder)


if __name__ == "__main__":
    main()
