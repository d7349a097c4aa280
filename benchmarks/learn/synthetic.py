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

import gzip
import json
import random
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from everygrain import Document, Index, Ranking
from everygrain.analyze import Analyzer, split
from everygrain.encode import registry
from everygrain.endpoint import Completion
from everygrain.learn.asking import Asking
from everygrain.learn.feedback.guidance import Guidance, Guided, dual_curriculum, failures
from everygrain.learn.pairs.examples import Found, HeldOut, try_examples, with_best_examples
from everygrain.learn.pairs.gates import BatchGate, PairGate, ThreeGates
from everygrain.learn.pairs.questions import CrossQuestions, clusters
from everygrain.learn.pairs.synthetic import Example, Prompt, RoundTrip, Synthetic
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain.rank.base import named
from everygrain.segment.sentences import Sentences

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
TERMS = Analyzer("en").query
SPOILT = 0.3
NEGATIONS = re.compile(r"\b(?:no|not|nobody|nothing|none|never)\b|n't\b")


class Rule:
    """An answerer whose answers are a function's of the prompt."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self.answer = answer

    def complete(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> Completion:
        return Completion(json.dumps(self.answer(str(messages[-1]["content"]))), 0, 0, "stop")


def tagged(prompt: str, tag: str) -> str:
    return str(re.findall(rf"<{tag}>(.*?)</{tag}>", prompt, re.DOTALL)[-1])


def full(document: Document) -> str:
    return f"{document.title}\n{document.text}".strip()


@cache
def sentences_of(text: str) -> list[str]:
    return [" ".join(text[a:b].split()) for a, b in Sentences().spans(text)]


def interval(values: Sequence[float]) -> str:
    """Return a mean with its 95 % interval; without one where the values do not differ."""
    mean = float(np.mean(values))
    if len(set(values)) < 2:
        return f"{mean:.3f} (n {len(values)})"
    found = bca_interval(values)
    return f"{mean:.3f} [{found.low:.3f}, {found.high:.3f}] (n {len(values)})"


def query_of(text: str, generator: random.Random, count: int = 6) -> str:
    """Return some content words of one sentence, in an order of their own."""
    able = [s for s in sentences_of(text) if len(set(TERMS(s))) >= count] or [text]
    words = [w for w in re.findall(r"\w+", generator.choice(able).lower()) if TERMS(w)]
    chosen = list(dict.fromkeys(words))
    generator.shuffle(chosen)
    return " ".join(chosen[:count])


def trained_map(
    queries: Any, documents: Any, negatives: Any = None, order: Any = None, steps: int = 200
) -> Any:
    """Return a (d, d) map trained by multiple negatives ranking from the identity.

    order   step -> number of rows, easiest first, that are learned from at that step
    """
    import torch

    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    weights = torch.eye(queries.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=1e-3)
    unit = torch.nn.functional.normalize
    tensors = [torch.from_numpy(np.asarray(each)) for each in (queries, documents)]
    worse = None if negatives is None else torch.from_numpy(np.asarray(negatives))
    for step in range(steps):
        most = len(queries) if order is None else order(step / steps)
        rows = torch.from_numpy(generator.choice(most, min(128, most), replace=False))
        asked, found = (unit(each[rows] @ weights) for each in tensors)
        if worse is not None:
            found = torch.cat([found, unit(worse[rows] @ weights)])
        loss = torch.nn.functional.cross_entropy(20 * asked @ found.T, torch.arange(len(rows)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights.detach().numpy()


def ndcg(
    collection: Any, ids: Sequence[str], documents: Any, queries: Any, only: Any = None
) -> Any:
    """Return nDCG@10 per query, of the queries in `only`, in the order of the collection."""
    asked = list(collection.scored_queries)
    rows = []
    kept = [query for query in asked if only is None or query in only]
    for query, vector in zip(asked, queries, strict=True):
        if query in set(kept):
            scores = documents @ vector
            best = np.argsort(-scores, kind="stable")[:10]
            rows += [(query, ids[i], float(scores[i])) for i in best]
    judged = {query: collection.judgements[query] for query in kept}
    scores = evaluate(Ranking.of(kept, rows), judged, ["nDCG@10"])
    told = dict(zip(scores.queries, scores.of("nDCG@10"), strict=True))
    return np.array([told[query] for query in kept])


def mapped(rows: Any, weights: Any) -> Any:
    moved = rows @ weights
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)


def difference(name: str, first: Any, second: Any) -> str:
    test = randomisation_test(first, second, samples=20_000)
    return f"{name}: {test.difference:+.3f} (p {test.p:.4f}, n {test.queries})"


def fitted_static(texts: Sequence[str]) -> Any:
    encoder: Any = registry.create("static")
    return encoder.fit(split(texts))


class ByVectors:
    """A retriever by dot products of whole documents."""

    def __init__(self, encoder: Any, ids: Sequence[str], vectors: Any) -> None:
        self.encoder, self.ids, self.vectors = encoder, ids, vectors

    def retrieve(self, queries: Any, k: int = 10) -> Ranking:
        asked = named(queries)
        rows = []
        for query, vector in zip(
            asked, self.encoder.encode(list(asked.values()), "query"), strict=True
        ):
            scores = self.vectors @ vector
            best = np.argpartition(-scores, k)[:k]
            rows += [(query, self.ids[i], float(scores[i])) for i in best]
        return Ranking.of(list(asked), rows)


class Scifact:
    """The collection, its index and the vectors of `static`."""

    def __init__(self, folder: Path) -> None:
        self.collection = load(DATA / "scifact", "train")
        self.documents = list(self.collection.documents())
        self.by_id = {document.id: document for document in self.documents}
        self.ids = [document.id for document in self.documents]
        self.claims = dict(self.collection.scored_queries)
        self.relevant = {
            query: [d for d, grade in judged.items() if grade > 0]
            for query, judged in self.collection.judgements.items()
        }
        index = Index(folder, encoder="none", language="en")
        index.add(self.documents)
        texts = [full(document) for document in self.documents]
        self.encoder: Any = fitted_static(texts)
        self.vectors = self.encoder.encode(texts)
        self.asked = self.encoder.encode(list(self.claims.values()), "query")
        self.retrievers: dict[str, Any] = {
            "lexical": index.retriever("lexical"),
            "dense": ByVectors(self.encoder, self.ids, self.vectors),
        }


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
