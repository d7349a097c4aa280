"""Are papers that a facet calls alike shown by sentences of that facet?

    python benchmarks/papers/facets.py

A room of the abstracts of csabstruct, whose sentences people labelled. Each abstract of its dev
part asks for papers alike in problem, method and result; the share of explaining sentences, theirs
and its own, that people gave a function of the facet is the agreement. The baseline finds papers
by whole abstracts and explains with the nearest pair of any two sentences. A sentence that people
called an aim ("objective", here `problem`) counts for the method too where it proposes something.
Writes benchmarks/results/papers_facets.md and .json.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain_papers.alike import ALL
from everygrain_papers.facets import FACETS, FUNCTIONS_OF, pieces
from everygrain_papers.functions import labels as labelled
from everygrain_papers.functions.labelling import Sentence
from everygrain_papers.paper import Paper
from everygrain_papers.room import ReadingRoom

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "csabstruct"
RESULTS = ROOT / "benchmarks" / "results"
DEPTH = 10


def gold(example: labelled.LabelledAbstract) -> tuple[str, list[Sentence]]:
    """Return an abstract and its sentences with the functions that people gave them."""
    text, found = "", []
    for sentence, function in zip(example.sentences, example.functions, strict=True):
        start = len(text) + bool(text)
        text = f"{text} {sentence}".strip() if text else sentence
        found.append(Sentence(start, start + len(sentence), function))
    return text, found


def of_facet(text: str, sentences: list[Sentence], facet: str, said: str) -> bool:
    """Tell whether people gave most of a sentence's characters a function of the facet."""
    start = text.find(said)
    if start < 0:
        return False
    inside = {(s.start, s.end) for s in pieces(text, sentences, facet)}
    inside |= {(s.start, s.end) for s in sentences if s.function in FUNCTIONS_OF[facet]}
    shared = sum(max(0, min(b, start + len(said)) - max(a, start)) for a, b in inside)
    return shared > len(said) / 2


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    parts = {
        name: labelled.read(path) for name in ("train", "dev") for path in DATA.glob(f"{name}.*")
    }
    known: dict[str, tuple[str, list[Sentence]]] = {}
    papers, asked = [], []
    for name, examples in parts.items():
        for number, example in enumerate(examples):
            text, sentences = gold(example)
            identity = f"{name}-{number}"
            known[identity] = (text, sentences)
            papers.append(Paper(identity, f"Abstract {identity}", text))
            if name == "dev":
                asked.append(identity)
    told: dict = {"abstracts": len(papers), "asked": len(asked), "facets": {}}
    with ReadingRoom(folder / "room", encoder="static") as room:
        room.papers.put(papers)
        room.index_waiting()
        for facet in FACETS:
            shares: dict[str, list[float]] = {"facet": [], "whole abstracts": []}
            mine: dict[str, list[float]] = {"facet": [], "whole abstracts": []}
            for identity in asked:
                text, sentences = known[identity]
                if not any(s.function in FUNCTIONS_OF[facet] for s in sentences):
                    continue
                for name, chosen in (("facet", facet), ("whole abstracts", ALL)):
                    near = room.alike(identity, chosen, DEPTH)
                    theirs = [of_facet(*known[a.paper.id], facet, a.theirs) for a in near]
                    own = [of_facet(text, sentences, facet, a.mine) for a in near]
                    shares[name].append(float(np.mean(theirs)) if near else 0.0)
                    mine[name].append(float(np.mean(own)) if near else 0.0)
            told["facets"][facet] = {
                "n": len(shares["facet"]),
                "theirs": {name: figure(values) for name, values in shares.items()},
                "mine": {name: figure(values) for name, values in mine.items()},
                "p": randomisation_test(shares["facet"], shares["whole abstracts"]).p,
            }
    shutil.rmtree(folder)
    write(told)


def figure(values: list[float]) -> list[float]:
    interval = bca_interval(np.array(values))
    return [float(np.mean(values)), interval.low, interval.high]


def write(told: dict) -> None:
    (RESULTS / "papers_facets.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    rows = [
        "| facet | abstracts | sentence | by facet | by whole abstracts | p |",
        "|---|--:|---|---|---|--:|",
    ]
    for facet, each in told["facets"].items():
        for side, name in (("theirs", "of the paper found"), ("mine", "of the paper asked from")):
            by = [
                "{:.3f} [{:.3f}, {:.3f}]".format(*each[side][how])
                for how in ("facet", "whole abstracts")
            ]
            p = f"{each['p']:.1g}" if side == "theirs" else ""
            rows.append(f"| {facet} | {each['n']} | {name} | {by[0]} | {by[1]} | {p} |")
    lines = [
        "# Papers alike in problem, method or result",
        "",
        "    python benchmarks/papers/facets.py",
        "",
        "Agreement: the share of explaining sentences that people gave a function of the facet, "
        f"over the first {DEPTH} papers alike; csabstruct, {told['abstracts']:,} abstracts, "
        f"asked from those of its dev part that hold the facet, 95 % intervals over abstracts, "
        "paired randomisation test. Sentences are labelled by rules; encoder `static`.",
        "",
        *rows,
        "",
    ]
    (RESULTS / "papers_facets.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
