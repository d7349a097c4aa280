"""The last layer of MiniLM with one feed-forward block per domain, against one block and N models.

    python benchmarks/learn/expert_layers.py [--most 300] [--steps 100] [--keep FOLDER]

Domains, pairs and the split are those of `experts.py`, at a smaller size: all layers but the last
stay as they are. N separate models share the steps among them. The step size is the usual one of
fine-tuning a last layer, 1e-4; nothing was chosen on these queries.

--keep   a folder for the hidden states: a run that was interrupted goes on from them
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from experts import DATA, NAMES, RESULTS, VENUES, compare, gains, is_held, percentile

from everygrain.encode.transformer import Transformer
from everygrain.learn.train.expert_layers import Hidden, UpperLayers, train_layers
from everygrain.learn.train.experts import ExpertTraining
from everygrain.measure.correction import holm

TOKENS = 96
LAYER = 5


def read_papers(most: int, asked: int) -> tuple[list[Any], Any, Any]:
    """Return papers, their domains, and which of them are trained on."""
    of = {venue: place for place, name in enumerate(NAMES) for venue in VENUES[name]}
    with gzip.open(DATA / "papers" / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [row for row in rows if row["venue"] in of and len(row["abstract"]) > 200]
    places = np.array([of[row["venue"]] for row in rows])
    parts = np.array([percentile(row["id"]) for row in rows])
    chance = np.random.default_rng(0)
    training: list[int] = []
    held: list[int] = []
    for place in range(len(NAMES)):
        free = np.flatnonzero((places == place) & (parts >= 20))
        kept = np.flatnonzero((places == place) & is_held(parts))
        training += chance.permutation(free)[:most].tolist()
        held += chance.permutation(kept)[:asked].tolist()
    chosen = np.array(training + held)
    return [rows[i] for i in chosen], places[chosen], np.arange(len(chosen)) < len(training)


def states(model: Any, texts: list[str], path: Path | None) -> Hidden:
    if path and path.exists():
        kept = np.load(path)
        return Hidden(kept["states"], kept["offsets"])
    hidden = Hidden.of(model, texts, LAYER, TOKENS)
    if path:
        np.savez(path, states=hidden.states, offsets=hidden.offsets)
    return hidden


def of(hidden: Hidden, rows: Any) -> Hidden:
    """Return the states of some texts."""
    parts = [hidden.states[hidden.offsets[i] : hidden.offsets[i + 1]] for i in rows]
    offsets = np.cumsum([0, *map(len, parts)]).astype(np.int64)
    return Hidden(np.concatenate(parts), offsets)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=300, help="training pairs of a domain")
    parser.add_argument("--asked", type=int, default=60, help="queries of a domain")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--keep", type=Path)
    told = parser.parse_args()
    if told.keep:
        told.keep.mkdir(parents=True, exist_ok=True)
    rows, places, trained = read_papers(told.most, told.asked)
    dense = Transformer("minilm")
    start = UpperLayers.of(dense, (LAYER,), 0)
    size = f"{told.most}-{told.asked}.npz"
    paths = [told.keep / f"{part}-{size}" if told.keep else None for part in ("titles", "texts")]
    titles = states(start.model, [row["title"] for row in rows], paths[0])
    answers = states(start.model, [row["abstract"] for row in rows], paths[1])
    print("hidden states", titles.states.shape, answers.states.shape, flush=True)
    train, held = np.flatnonzero(trained), np.flatnonzero(~trained)
    none = np.full(len(rows), -1)

    def learn(own: Any, experts: int, steps: int, mixed: bool, chosen: Any = None) -> UpperLayers:
        chosen = train if chosen is None else chosen
        upper = UpperLayers.of(dense, (LAYER,), experts)
        settings = ExpertTraining(steps, 32, 1e-4, 1e-4, mixed)
        train_layers(upper, of(titles, chosen), of(answers, chosen), own[chosen], settings)
        return upper

    def found(upper: UpperLayers, own: Any) -> tuple[Any, Any]:
        return upper.vectors(titles, own), upper.vectors(answers, own)

    systems = {"untrained": found(start, none)}
    systems["dense"] = found(learn(none, 0, told.steps, True), none)
    print("dense", flush=True)
    systems["experts"] = found(learn(places, len(NAMES), told.steps, False), places)
    print("experts", flush=True)
    asked, texts = (np.zeros_like(each) for each in systems["dense"])
    for place in range(len(NAMES)):
        own = np.flatnonzero(places == place)
        steps = round(told.steps / len(NAMES))
        model = learn(none, 0, steps, True, own[trained[own]])
        asked[own] = model.vectors(of(titles, own), none[own])
        texts[own] = model.vectors(of(answers, own), none[own])
    systems["N models"] = (asked, texts)
    report(told, places, held, systems)


def report(told: Any, places: Any, held: Any, systems: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    for name, (asked, texts) in systems.items():
        column = np.zeros(len(held))
        for place in range(len(NAMES)):
            own = np.flatnonzero(places == place)
            of_place = np.flatnonzero(places[held] == place)
            targets = np.searchsorted(own, held[of_place])
            column[of_place] = gains(asked[held[of_place]], texts[own], targets)
        values[name] = column
    lines = [
        "# Experts in the last layer of MiniLM",
        "",
        f"{told.steps} steps of 32 pairs, {told.most} pairs and {told.asked} queries of each of "
        f"five domains; a query searches its own domain's {told.most + told.asked} abstracts, cut "
        f"after {TOKENS} tokens. Made by `python benchmarks/learn/expert_layers.py`. nDCG@10.",
        "",
        "| system | " + " | ".join(NAMES) + " | all queries |",
        "|---|" + "---|" * (len(NAMES) + 1),
    ]
    result: dict[str, Any] = {"most": told.most, "asked": told.asked, "steps": told.steps}
    for name, column in values.items():
        own = [float(column[places[held] == p].mean()) for p in range(len(NAMES))]
        cells = [*own, float(column.mean())]
        lines.append(f"| {name} | " + " | ".join(f"{v:.4f}" for v in cells) + " |")
        result[name] = cells
    contrasts = [("experts", "dense"), ("experts", "N models"), ("experts", "untrained")]
    pairs = [compare(values[a], values[b]) for a, b in contrasts]
    corrected = holm([pair["p"] for pair in pairs])
    lines += ["", "| first - second | difference | interval | p (Holm) |", "|---|---|---|---|"]
    for (a, b), pair, p in zip(contrasts, pairs, corrected, strict=True):
        interval = f"[{pair['low']:+.4f}, {pair['high']:+.4f}]"
        lines.append(f"| {a} - {b} | {pair['difference']:+.4f} | {interval} | {p:.4f} |")
        result[f"{a} - {b}"] = {**pair, "p_holm": float(p)}
    print("\n".join(lines), flush=True)
    (RESULTS / "learn_expert_layers.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told_json = json.dumps(result, indent=1)
    (RESULTS / "learn_expert_layers.json").write_text(told_json, encoding="utf-8")


if __name__ == "__main__":
    main()
