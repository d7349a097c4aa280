"""What each offline source of training pairs gives, costs, and does to the encoder `static`.

    python benchmarks/learn/pairs.py [--wordnet FOLDER] [--only counts|effects|negatives|...]

Counts: pairs, documents without one, repeats and pairs a second of every source on six collections.
Effects: the static table, fitted to a collection, is trained on the pairs of one source alone with
in-batch negatives (batch 256, three epochs within 60 to 120 steps, one setting for all), and the
dense leg's nDCG@10 is compared with the table before, paired over queries. The judged queries take
no part in training, with one exception that is said: scisumm's citation graph is read from its
train judgements, and evaluated on the dev part.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pairs_collections import (
    DATA,
    SPLITS,
    papers,
    scisumm_linked,
    sts,
    sts_base,
    sts_documents,
    written,
)
from pairs_effects import effects, negatives
from pairs_examples import examples
from pairs_page import page
from pairs_training import train, train_towards

from everygrain.analyze import split
from everygrain.document import Document
from everygrain.encode.distil import static_table
from everygrain.encode.static import Static
from everygrain.errors import InputError
from everygrain.learn.pairs import SOURCES, collect, parse_source
from everygrain.learn.pairs.attributes import Attributes
from everygrain.learn.pairs.definitions import (
    Definitions,
    entry_space,
    progressive,
)
from everygrain.learn.pairs.duplicates import DuplicateTitles
from everygrain.measure import load
from everygrain.measure.significance import randomisation_test

RESULTS = Path(__file__).resolve().parents[1] / "results"


def count(wordnet: str) -> list[dict[str, Any]]:
    """Return what every source gives on every collection."""
    rows = []
    for name in ("papers", "scisumm", "scifact", "cranfield", "cisi", "vaswani"):
        if name == "papers":
            documents = papers()
        elif name == "scisumm":
            documents = scisumm_linked()
        else:
            documents = list(load(DATA / name, SPLITS[name]).documents())
        for kind in SOURCES:
            source = parse_source(written(kind, wordnet))
            row: dict[str, Any] = {"collection": name, "documents": len(documents), "source": kind}
            started = time.perf_counter()
            try:
                found = collect([source], documents)
            except InputError as error:
                row["none"] = error.problem.replace(wordnet or "\0", "the given folder")
            else:
                row["seconds"] = time.perf_counter() - started
                row["pairs"] = len(found.pairs)
                row["without"] = found.without[source.name]
                row["repeats"] = found.repeats
            rows.append(row)
            print(row, flush=True)
    return rows


def similarity(wordnet: str) -> list[dict[str, Any]]:
    """Return what the sources of words and sentences do to Spearman's rho on STS-B dev."""
    base, documents = sts_base(), sts_documents()
    rows = [{"what": "before", "rho": sts(base)}]
    for kind in ("itself", "definitions", "synonyms", "glosses"):
        try:
            found = collect([parse_source(written(kind, wordnet))], documents, 30_000)
        except InputError as error:
            print(error)
            continue
        rows.append({"what": kind, "rho": sts(train(base, found.pairs)), "pairs": len(found.pairs)})
        print(rows[-1], flush=True)
    try:
        found_definitions = list(Definitions(wordnet).definitions(documents))
    except InputError:
        return rows
    for strength in (0.0, 0.25, 0.5):
        space = entry_space(base, found_definitions, strength)
        rho = sts(train_towards(base, found_definitions, space))
        rows.append({"what": f"towards entry vectors, strength {strength}", "rho": rho})
        print(rows[-1], flush=True)
    trained, _ = progressive(
        base, found_definitions, lambda space: train_towards(base, found_definitions, space)
    )
    rows.append({"what": "towards entry vectors, two rounds", "rho": sts(trained)})
    print(rows[-1], flush=True)
    return rows


def attributes() -> list[dict[str, Any]]:
    """Return Recall@k of finding a held-out title's own keywords among all held-out ones'."""
    found = [each for each in papers() if each.metadata["keywords"]]
    held, rest = found[::5], [each for place, each in enumerate(found) if place % 5]
    base = Static(static_table(), {}).fit(split([f"{each.title} {each.text}" for each in rest]))
    pairs = list(Attributes().pairs(held))
    rows = []
    trained = train(base, list(Attributes().pairs(rest)))
    for label, encoder in (("before", base), ("trained on title -> keywords", trained)):
        queries = encoder.encode([pair.query for pair in pairs], "query")
        scores = queries @ encoder.encode([pair.positive for pair in pairs]).T
        ranks = (scores > np.diagonal(scores)[:, None]).sum(axis=1)
        row: dict[str, Any] = {"what": label, "queries": len(pairs), "trained on": len(rest)}
        row |= {f"recall@{k}": float((ranks < k).mean()) for k in (1, 5, 10)}
        row["hits"] = ranks.tolist()
        rows.append(row)
    first, second = (np.asarray(row.pop("hits")) < 5 for row in rows)
    rows[1]["p at 5"] = randomisation_test(second.astype(float), first.astype(float)).p
    print(rows, flush=True)
    return rows


def planted() -> list[dict[str, Any]]:
    """Return how well near-duplicates are found that were planted among papers, and what of the
    pairs of titles are right: a copy has a share of its characters replaced, or its first half."""
    originals = [each for each in papers() if len(each.text) > 600][:2_000]
    drawn = random.Random(0)
    rows = []
    for label, noise, kept in (
        ("2 % of the characters wrong", 0.02, 1.0), ("5 % of the characters wrong", 0.05, 1.0),
        ("10 % of the characters wrong", 0.10, 1.0), ("abridged to three quarters", 0.0, 0.75),
        ("abridged to a half", 0.0, 0.5), ("abridged to a half, 2 % wrong", 0.02, 0.5),
    ):  # fmt: skip
        copies = []
        for place, each in enumerate(originals[:500]):
            text = each.text[: int(kept * len(each.text))]
            text = "".join(drawn.choice("etaoin") if drawn.random() < noise else c for c in text)
            # the title of another: what counts is which texts are found to be alike
            title = originals[1_000 + place].title
            copies.append(Document(f"copy of {each.id}", text, title))
        pairs = list(DuplicateTitles().pairs([*originals, *copies]))
        told = {f"copy of {each.id}": each.id for each in originals[:500]}
        right = sum(
            told.get(pair.query_id) == pair.positive_id
            or told.get(pair.positive_id) == pair.query_id
            for pair in pairs
        )
        rows.append({"copies": label, "planted": 500, "pairs": len(pairs), "right": right})
        print(rows[-1], flush=True)
    return rows


PARTS = ("planted", "counts", "similarity", "attributes", "effects", "negatives")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--wordnet", default="", help="WordNet's folder, if not at a usual place")
    options.add_argument("--only", choices=PARTS)
    given = options.parse_args()
    stored = RESULTS / "learn_pairs.json"
    results: dict[str, Any] = json.loads(stored.read_text()) if stored.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        results["examples"] = [asdict(pair) for pair in examples(Path(folder))]

    def store(part: str, rows: list[dict[str, Any]]) -> None:
        results[part] = rows
        stored.write_text(json.dumps(results, indent=1) + "\n")
        (RESULTS / "learn_pairs.md").write_text(page(results, (__doc__ or "").split("\n\n", 2)[2]))

    runs: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "planted": planted,
        "counts": lambda: count(given.wordnet),
        "similarity": lambda: similarity(given.wordnet),
        "attributes": attributes,
        "effects": lambda: effects(
            given.wordnet, partial(store, "effects"), results.get("effects", [])
        ),
        "negatives": lambda: negatives(partial(store, "negatives")),
    }
    for part in PARTS:
        if given.only in (None, part):
            store(part, runs[part]())


if __name__ == "__main__":
    main()
