"""How well the round trip and the three gates tell good answers from spoilt ones."""

from __future__ import annotations

import gzip
import json
import random
import re
from typing import Any

import numpy as np
from synthetic_data import (
    DATA,
    Rule,
    Scifact,
    difference,
    fitted_static,
    full,
    interval,
    mapped,
    ndcg,
    query_of,
    tagged,
    trained_map,
)

from everygrain.learn.asking import Asking
from everygrain.learn.pairs.gates import BatchGate, PairGate, ThreeGates
from everygrain.learn.pairs.synthetic import Prompt, RoundTrip, Synthetic

SPOILT = 0.3

NEGATIONS = re.compile(r"\b(?:no|not|nobody|nothing|none|never)\b|n't\b")


def round_trip(data: Scifact) -> dict[str, Any]:
    generator = random.Random(0)
    sample = generator.sample(data.documents, 500)
    place = {identity: i for i, identity in enumerate(data.ids)}
    good: dict[str, bool] = {}
    told: dict[str, list[str]] = {}
    for document in sample:
        queries = []
        for _ in range(2):
            source = document
            if generator.random() < SPOILT:
                if generator.random() < 0.5:
                    source = generator.choice(data.documents)
                else:
                    alike = data.vectors @ data.vectors[place[document.id]]
                    source = data.documents[int(np.argsort(-alike)[1])]
            queries.append(query_of(source.text or source.title, generator))
            good[queries[-1]] = source is document
        told[document.id] = queries
    of_text = {Prompt("t").of(full(document)): document.id for document in sample}
    rule = Rule(lambda prompt: {"queries": told[of_text[prompt]]})
    unfiltered = list(Synthetic(Asking(rule), Prompt("t")).pairs(sample))
    result: dict[str, Any] = {
        "pairs": len(unfiltered),
        "good before": interval([float(good[pair.query]) for pair in unfiltered]),
    }
    sets = {"unfiltered": unfiltered}
    for system in ("lexical", "dense"):
        for rank in (1, 3):
            keep = RoundTrip(data.retrievers[system], rank).passed(unfiltered)
            kept = [pair for pair, passed in zip(unfiltered, keep, strict=True) if passed]
            sets[f"{system}, rank {rank}"] = kept
            through = [
                float(passed)
                for pair, passed in zip(unfiltered, keep, strict=True)
                if good[pair.query]
            ]
            result[f"{system}, rank {rank}"] = {
                "kept": len(kept),
                "good among the kept": interval([float(good[pair.query]) for pair in kept]),
                "kept of the good": interval(through),
            }
    sets["only the good"] = [pair for pair in unfiltered if good[pair.query]]
    before = ndcg(data.collection, data.ids, data.vectors, data.asked)
    after = {}
    for name in ("unfiltered", "lexical, rank 1", "only the good"):
        pairs = sets[name]
        weights = trained_map(
            data.encoder.encode([pair.query for pair in pairs], "query"),
            np.array([data.vectors[place[pair.positive_id]] for pair in pairs]),
        )
        after[name] = ndcg(
            data.collection, data.ids, mapped(data.vectors, weights), mapped(data.asked, weights)
        )
    result["nDCG@10, static"] = interval(before)
    result["nDCG@10 after training"] = {name: interval(values) for name, values in after.items()}
    result["differences"] = [
        difference("lexical filter - unfiltered", after["lexical, rank 1"], after["unfiltered"]),
        difference("lexical filter - untrained", after["lexical, rank 1"], before),
    ]
    return result


def gates(_: Any) -> dict[str, Any]:
    with gzip.open(DATA / "sick" / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    with gzip.open(DATA / "stsb-es" / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
        foreign = [json.loads(line)["sentence1"] for line in lines]
    entailed, contradicting = {}, {}
    for row in rows:
        kind = str(row["label"]).lower()
        if kind.startswith("entail"):
            entailed.setdefault(row["sentence1"], row["sentence2"])
        elif kind.startswith("contra"):
            contradicting.setdefault(row["sentence1"], row["sentence2"])
    encoder = fitted_static([row["sentence1"] for row in rows])
    given = sorted(entailed.keys() & contradicting.keys())
    generator = random.Random(0)
    told: dict[str, tuple[str, str]] = {}
    spoilt: dict[str, str] = {}
    kinds = ("swapped", "copy", "unrelated", "another language", "both the same")
    for sentence in given:
        yes, no = entailed[sentence], contradicting[sentence]
        kind = generator.choice(kinds) if generator.random() < SPOILT else "good"
        spoilt[sentence] = kind
        told[sentence] = {
            "good": (yes, no),
            "swapped": (no, yes),
            "copy": (sentence, no),
            "unrelated": (entailed[generator.choice(given)], no),
            "another language": (generator.choice(foreign), no),
            "both the same": (yes, yes),
        }[kind]

    def alike(first: str, second: str) -> float:
        one, other = encoder.encode([first, second])
        score = 5 * min(max(float(one @ other), 0.0), 1.0)
        opposed = bool(NEGATIONS.search(first)) != bool(NEGATIONS.search(second))
        return 5 - score if opposed else score

    def answer(prompt: str) -> Any:
        sentence = tagged(prompt, "sentence")
        if '"entailed"' in prompt:
            return dict(zip(("entailed", "contradictory"), told[sentence], strict=True))
        first, second = (
            alike(sentence, tagged(prompt, "first")),
            alike(sentence, tagged(prompt, "second")),
        )
        return {"first": round(first, 2), "second": round(second, 2)}

    source = ThreeGates(Asking(Rule(answer), again=0))
    passed: dict[str, list[float]] = {}
    for sentence in given:
        passed.setdefault(spoilt[sentence], []).append(float(source.pair(sentence) is not None))
    bad = [value for kind, values in passed.items() if kind != "good" for value in values]
    kept = [1.0] * int(sum(passed["good"])) + [0.0] * int(sum(bad))
    result: dict[str, Any] = {
        "sentences": len(given),
        "good before": interval([float(kind == "good") for kind in spoilt.values()]),
        "good among the kept": interval(kept),
        "let through": {kind: interval(values) for kind, values in sorted(passed.items())},
        "dropped": dict(source.asking.tally.dropped),
        "gate": repr(PairGate()),
    }
    with gzip.open(DATA / "stsb-en" / "dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        pairs = [json.loads(line) for line in lines]
    one = encoder.encode([row["sentence1"] for row in pairs])
    other = encoder.encode([row["sentence2"] for row in pairs])
    same = np.array([row["score"] >= 4.5 for row in pairs])
    unlike = np.array([row["score"] <= 2.5 for row in pairs])
    result["third gate"] = {}
    for most in (0.95, 0.9, 0.85, 0.8):
        # each pair stands as query and another query's document, beside a positive of its own
        masked = np.array([
            not BatchGate(most).counted(first[None], np.stack([first, second]))[0, 1]
            for first, second in zip(one, other, strict=True)
        ])  # fmt: skip
        result["third gate"][str(most)] = {
            "masked of scores 4.5 and more": interval(masked[same].astype(float)),
            "masked of scores 2.5 and less": interval(masked[unlike].astype(float)),
        }
    return result
