"""Losses beside a teacher, on a collection's own text, and words beyond it taught as well.

    python benchmarks/learn/taught_losses.py [COLLECTION ...]

The static table learns titles by a loss and MiniLM's geometry of the collection's titles, passages
and sentences, as `adapt` does; a quarter of the documents is held out. With bags, MiniLM is also
asked about 6,000 bags of words of its own vocabulary (worth_beyond.py). Dense leg, whole documents
by exact search, nDCG@10 of judged queries, which take no part in training.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from worth import RESULTS, Target, plain
from worth_beyond import COUNT, bags

from everygrain.encode.adapted import Adapted
from everygrain.encode.cache import Cached, cache_folder
from everygrain.encode.transformer import Transformer
from everygrain.learn.candidate import _start
from everygrain.learn.held_out import divide
from everygrain.learn.losses import parse_loss
from everygrain.learn.pairs import collect, parse_source
from everygrain.learn.recipe import Recipe
from everygrain.learn.teaching import teach
from everygrain.learn.train.static import StaticTraining, Taught, train_static

COLLECTIONS = {"cranfield": "dev", "cisi": "dev", "scifact": "train"}
LOSSES = ("multiple_negatives", "individual_temperatures", "orthogonal_projection")
BAGS, STEPS = 6_000, 300


def measured(name: str) -> dict[str, float]:
    target = Target(name, COLLECTIONS[name])
    documents = divide(list(target.collection.documents()))[0]
    recipe = replace(Recipe().settled(documents), domains="")
    start = _start(None, documents, recipe)
    pairs = collect([parse_source(each) for each in recipe.train], documents, 200_000).pairs
    with tempfile.TemporaryDirectory() as folder:
        taught = teach(documents, recipe, 3_600.0, None, Path(folder))
    assert taught is not None
    texts = bags(COUNT)[:BAGS]
    vectors = Cached(Transformer("minilm"), cache_folder() / "vectors.db").encode(texts)
    both = Taught([*taught.texts, *texts], np.concatenate([taught.vectors, vectors]))
    row = {"static": float(target.values(plain(target)).mean())}
    for loss in LOSSES:
        for more, told in (("", taught), (", bags", both)):
            count = len(pairs) + len(told.texts)
            batch = max(min(recipe.batch, count // 16), 16)
            settings = StaticTraining(max(recipe.epochs, STEPS * batch / count), batch)
            made = train_static(start, pairs, loss=parse_loss(loss), taught=told, settings=settings)
            fitted = Adapted(made.encoder, True).fit(target.words).static
            row[loss + more] = float(target.values(fitted).mean())
            print(name, loss + more, round(row[loss + more], 4), flush=True)
    return row


def main() -> None:
    path = RESULTS / "learn_taught_losses.json"
    for name in sys.argv[1:] or COLLECTIONS:
        row = measured(name)
        rows = json.loads(path.read_text()) if path.is_file() else {}
        rows[name] = row
        path.write_text(json.dumps(rows, indent=1) + "\n")
        write(rows)


def write(rows: dict[str, dict[str, float]]) -> None:
    names = [name for name in COLLECTIONS if name in rows]
    lines = ["# Losses beside a teacher", "", *(__doc__ or "").split("\n")[4:-1], ""]
    lines += ["| trained by | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for system in rows[names[0]]:
        lines.append(f"| {system} | " + " | ".join(f"{rows[n][system]:.4f}" for n in names) + " |")
    (RESULTS / "learn_taught_losses.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
