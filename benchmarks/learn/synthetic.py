"""What the parts that ask a language model are worth, as far as rules can tell.

    python benchmarks/learn/synthetic.py [PART...]

No language model takes part: a rule answers every prompt, and a known share of its answers is
spoilt. What is measured is therefore how well the filters tell good answers from spoilt ones, and
what the filtered pairs teach; not how good a model's queries are. Parts:

round trip   scifact: queries of words of one sentence of an abstract, 30 % of them of another
             abstract's (half of these of its nearest); what the filter keeps; and nDCG@10 of the
             judged claims after a linear map of `static` was trained on what it kept
gates        SICK: entailed and contradicting sentences by people, 30 % spoilt in five ways; how
             alike sentences are is said by the cosine of `static` and by negations; the third
             gate on STS-B pairs
examples     scifact: 12 true examples among 12 false ones, a rule that imitates its examples
questions    cranfield, cisi: whether both documents of a pair are relevant to one judged query
guidance     scifact: pairs written for the failures on one half of the claims, tested on the other

Results go to benchmarks/results/learn_synthetic.{md,json}.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from synthetic_data import (
    DATA,
    RESULTS,
    TERMS,
    Rule,
    Scifact,
    difference,
    full,
    interval,
    mapped,
    ndcg,
    query_of,
    sentences_of,
    tagged,
    trained_map,
)
from synthetic_filters import gates, round_trip

from everygrain.learn.asking import Asking
from everygrain.learn.feedback.guidance import Guidance, Guided, dual_curriculum, failures
from everygrain.learn.pairs.examples import Found, HeldOut, try_examples, with_best_examples
from everygrain.learn.pairs.questions import CrossQuestions, clusters
from everygrain.learn.pairs.synthetic import Example, Prompt, RoundTrip, Synthetic
from everygrain.measure import load


def examples(data: Scifact) -> dict[str, Any]:
    lexical = data.retrievers["lexical"]
    common = ["patients", "study", "results", "cells", "effect", "analysis", "increased", "role"]

    def imitate(prompt: str) -> Any:
        documents = re.findall(r"<document>(.*?)</document>", prompt, re.DOTALL)
        shares = []
        for text, query in zip(
            documents, re.findall(r"<query>(.*?)</query>", prompt, re.DOTALL), strict=False
        ):
            asked = set(TERMS(query))
            shares.append(len(asked & set(TERMS(text))) / max(len(asked), 1))
        generator = random.Random(documents[-1])
        words = query_of(documents[-1], generator, 8).split()
        count = round(8 * (sum(shares) / len(shares) if shares else 0.0))
        return {"queries": [" ".join([*words[:count], *generator.choices(common, k=8 - count)])]}

    claims = list(data.claims)
    right, trip_best, trip_random = [], [], []
    for seed in range(5):
        generator = random.Random(seed)
        chosen = generator.sample(claims, 24)
        texts = [full(data.by_id[data.relevant[claim][0]]) for claim in chosen]
        true = [
            Example(text, data.claims[claim])
            for claim, text in zip(chosen[:12], texts[:12], strict=True)
        ]
        shifted = [*texts[13:], texts[12]]
        false = [
            Example(text, data.claims[claim])
            for claim, text in zip(chosen[12:], shifted, strict=True)
        ]
        candidates = [*true, *false]
        generator.shuffle(candidates)
        used = set(texts)
        free = [d for d in data.documents if full(d) not in used]
        sample = generator.sample(free, 70)
        asking = Asking(Rule(imitate))
        held = [HeldOut(document) for document in sample[:20]]
        tried = try_examples(candidates, held, "Find abstracts.", asking, Found(lexical))
        best = with_best_examples(Prompt("Find abstracts.", queries=1), tried)
        by_chance = Prompt("Find abstracts.", tuple(generator.sample(candidates, 8)), queries=1)
        right += [float(example in true) for example in best.examples]
        for prompt, trips in ((best, trip_best), (by_chance, trip_random)):
            source = Synthetic(asking, prompt, RoundTrip(lexical))
            found = {pair.positive_id for pair in source.pairs(sample[20:])}
            trips += [float(document.id in found) for document in sample[20:]]
    return {
        "true examples among the candidates": 0.5,
        "true examples among the chosen 8": interval(right),
        "queries that find their document, chosen examples": interval(trip_best),
        "queries that find their document, examples at random": interval(trip_random),
        "differences": [difference("chosen - random", trip_best, trip_random)],
    }


def questions(_: Any) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name in ("cranfield", "cisi"):
        collection = load(DATA / name, "dev")
        documents = [d for d in collection.documents() if d.text.strip()]
        topics: dict[str, set[str]] = {}
        for query, judged in collection.judgements.items():
            for identity, grade in judged.items():
                if grade > 0:
                    topics.setdefault(identity, set()).add(query)

        def shares(first: str, second: str, topics: Any = topics) -> float:
            return float(bool(topics[first] & topics.get(second, set())))

        def ask(prompt: str) -> Any:
            words = query_of(tagged(prompt, "sentence"), random.Random(prompt), 6)
            return {"question": f"What is known of {words}?"}

        source = CrossQuestions(Asking(Rule(ask)))
        groups = clusters(documents, source._rows, source.size)
        asked = [(pair.query_id, pair.positive_id) for pair in source.pairs_of(groups)]
        from_whom = {first for first, _ in asked}
        mates = [
            (document.id, other.id)
            for group in groups
            for document in group
            if document.id in from_whom
            for other in group
            if other is not document
        ]
        generator = random.Random(0)
        anyone = [(a, generator.choice(documents).id) for a, _ in mates]
        result[name] = {
            label: interval([shares(a, b) for a, b in pairs if topics.get(a)])
            for label, pairs in (
                ("question and supporting document", asked),
                ("any two of a cluster", mates),
                ("any two", anyone),
            )
        }
        result[name]["clusters"] = len(groups)
        result[name]["pairs"] = len(asked)
    return result


def guidance(data: Scifact) -> dict[str, Any]:
    claims = list(data.claims)
    random.Random(0).shuffle(claims)
    half = len(claims) // 2
    learned, tested = claims[:half], set(claims[half:])
    # an abstract that answers claims of both halves would tell of the test
    told = {d for claim in tested for d in data.relevant[claim]}
    learned = [claim for claim in learned if not told & set(data.relevant[claim])]
    queries = {claim: data.claims[claim] for claim in learned}
    failed = failures(queries, data.relevant, data.by_id, data.retrievers["dense"])

    def nearest(query: str, text: str) -> list[str]:
        wanted = set(TERMS(query))
        return sorted(sentences_of(text), key=lambda s: -len(wanted & set(TERMS(s)))) or [text]

    def answer(prompt: str) -> Any:
        query, document = tagged(prompt, "query"), tagged(prompt, "document")
        found = nearest(query, tagged(prompt, "found")) if "<found>" in prompt else ["-"]
        own = nearest(query, document)
        if "sake of relevance" in prompt:
            return {"better": own[0], "worse": found[0]}
        if "sake of comprehensiveness" in prompt:
            return {"better": " ".join(own[:3]), "worse": own[-1]}
        return {"better": own[0], "worse": " ".join([own[0], *found[:2]])}

    asking = Asking(Rule(answer))
    guided: list[Guided] = list(Guidance(asking).guided(failed, data.by_id))
    ordered = dual_curriculum(guided, data.encoder)
    place = {identity: i for i, identity in enumerate(data.ids)}

    def vectors(texts: Sequence[str], kind: Any = "document") -> Any:
        return data.encoder.encode(texts, kind)

    rows = [each.contrasted for each in ordered.guided]
    asked = vectors([each.pair.query for each in rows], "query")
    better = vectors([each.pair.positive for each in rows])
    worse = vectors([each.negatives[0] for each in rows])
    gold = np.array([data.vectors[place[each.pair.positive_id]] for each in rows])
    plain = [failure.query for failure in failed]
    maps = {
        "the failures' abstracts": trained_map(
            vectors(plain, "query"),
            np.array([data.vectors[place[each.document.id]] for each in failed]),
        ),
        "guided passages": trained_map(asked, better, worse),
        "guided passages, dual curriculum": trained_map(
            asked, better, worse, lambda progress: len(ordered.until(progress))
        ),
        "abstracts, guided negatives, dual curriculum": trained_map(
            asked, gold, worse, lambda progress: len(ordered.until(progress))
        ),
    }
    before = ndcg(data.collection, data.ids, data.vectors, data.asked, tested)
    after = {
        name: ndcg(
            data.collection, data.ids, mapped(data.vectors, weights), mapped(data.asked, weights),
            tested,
        )
        for name, weights in maps.items()
    }  # fmt: skip
    first, second, third, fourth = after
    return {
        "claims learned from": len(learned),
        "failures at rank 1": len(failed),
        "guided pairs": len(guided),
        "dropped": dict(asking.tally.dropped),
        "nDCG@10 before": interval(before),
        "nDCG@10 after": {name: interval(values) for name, values in after.items()},
        "differences": [
            *(difference(f"{name} - before", values, before) for name, values in after.items()),
            difference(f"{third} - {first}", after[third], after[first]),
            difference(f"{third} - {second}", after[third], after[second]),
            difference(f"{fourth} - {first}", after[fourth], after[first]),
        ],
    }


def lines_of(value: Any, depth: int = 0) -> list[str]:
    lines = []
    for name, each in value.items():
        if isinstance(each, dict):
            lines += [f"{'  ' * depth}- {name}", *lines_of(each, depth + 1)]
        else:
            told = "; ".join(each) if isinstance(each, list) else each
            lines.append(f"{'  ' * depth}- {name}: {told}")
    return lines


PARTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "round trip": round_trip,
    "gates": gates,
    "examples": examples,
    "questions": questions,
    "guidance": guidance,
}


def main() -> None:
    results: dict[str, Any] = {}
    kept = RESULTS / "learn_synthetic.json"
    if sys.argv[1:] and kept.exists():
        results = json.loads(kept.read_text(encoding="utf-8"))
    wanted = sys.argv[1:] or list(PARTS)
    with tempfile.TemporaryDirectory() as folder:
        alone = {"gates", "questions"}
        data = None if alone.issuperset(wanted) else Scifact(Path(folder) / "index")
        for name in wanted:
            results[name] = PARTS[name](data)
            print(name, *lines_of(results[name]), sep="\n", flush=True)
    lines = [
        "# The parts that ask a language model",
        "",
        "The model is a rule, and a known share of what it says is spoilt: the figures are of the "
        "filters, not of a model. Means with 95 % intervals; p by paired randomisation. Made by "
        "`python benchmarks/learn/synthetic.py`, whose docstring says what each part does.",
    ]
    for name, result in results.items():
        lines += ["", f"## {name.capitalize()}", "", *lines_of(result)]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "learn_synthetic.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (RESULTS / "learn_synthetic.json").write_text(
        json.dumps(results, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
