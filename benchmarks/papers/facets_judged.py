"""Are papers that a facet calls alike alike in it, to somebody who reads both abstracts?

    python benchmarks/papers/facets_judged.py [--pool] [--room FOLDER]

A room of every fifth of ../shared/data/papers asks for papers alike in problem, method and result,
from 20 of its papers: drawn by seed among those whose abstracts have sentences of all three facets
by the room's own rules, at most 2 of a venue. The first 5 of every system were pooled and
shuffled, without saying which system had found them or for which facet; each was graded in all
three facets, so that a grade does not tell where a paper came from. Grades are kept as ids and
numbers in facets_judged.json beside this file; `--pool` prints what is not graded yet.

Guideline. Read both titles and abstracts, whole: what counts is what the papers are, not the
sentences that a labeller took for a facet. Each facet is graded for itself; another field, another
kind of robot or other data do not lower a grade where the facet is the same, and a shared field
alone does not raise one.

    problem   2  the same task or question: who reads the first to solve it wants the second
              1  a neighbouring task: the same obstacle in another task, a part or a wider case
              0  the same field or the same kind of data, another question
    method    2  the same kind of method at its heart: the idea that makes the first one work
              1  one substantial component or tool in common, named or plain from the words
              0  in common only what half the field does ("a neural network", "optimisation",
                 "a new algorithm", "a new data set"), or nothing
    result    2  the same kind of finding about the same kind of thing: the same property shown to
                 hold or to get better, on a comparable task, by comparable evidence
              1  the same kind of finding about another thing (a bound of the same form, the same
                 property got better, the same trade-off), or another finding about the same thing
              0  only what nearly every paper says ("outperforms the state of the art",
                 "experiments show the effectiveness"), or nothing in common

In doubt the lower grade. A paper whose abstract says no result is graded by what it claims to
reach; if it claims nothing, 0.

Figures: nDCG@5, gains as graded, discount 1 / log2(1 + rank), against the best 5 of all that is
graded for the query in that facet; and the mean grade of the first 5, in 0..2, where fewer than 5
count as 0. Intervals and tests are over queries. What is not graded counts as 0 and is counted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from everygrain import Index
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test
from everygrain_papers.facets import FACETS, LONGEST, Facet, pieces
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.room import ALL, ReadingRoom

ROOT = Path(__file__).resolve().parents[2]
PAPERS = ROOT.parent / "shared" / "data" / "papers" / "papers.jsonl.gz"
JUDGED = Path(__file__).with_name("facets_judged.json")
RESULTS = ROOT / "benchmarks" / "results"
EVERY = 5
QUERIES = 20
OF_A_VENUE = 2
DEPTH = 5
SHOWN = (700, 400)  # first and last characters of a longer abstract that is printed to be graded
BASELINE = "whole abstracts"
SYSTEMS = ("facet", BASELINE, "facet, lexical alone", "facet, dense alone")
TRIED = ("title and facet", "facet and whole, fused")
UNUSABLE: tuple[str, ...] = ()  # drawn, and replaced by the next

Grades = Mapping[str, Mapping[str, Sequence[int]]]  # query -> paper -> a grade for each facet
Lists = dict[str, dict[Facet, dict[str, list[str]]]]  # system -> facet -> query -> papers


def fill(room: ReadingRoom) -> None:
    with gzip.open(PAPERS, "rt", encoding="utf-8") as lines:
        papers = [of_record(json.loads(line)) for line in islice(lines, 0, None, EVERY)]
    room.papers.put(papers)
    room.index_waiting()


def said(room: ReadingRoom, paper: Paper, facet: Facet) -> str:
    """Return a paper's sentences of a facet, as `ReadingRoom.alike` asks for them."""
    found = pieces(paper.abstract, room.sentences(paper), facet)
    return " ".join(paper.abstract[each.start : each.end] for each in found)


def drawn(room: ReadingRoom) -> list[Paper]:
    """Return the papers that are asked from, in the order of the draw."""
    papers = sorted(room.papers.papers(), key=lambda paper: paper.id)
    venues: Counter[str] = Counter()
    chosen: list[Paper] = []
    for place in np.random.default_rng(0).permutation(len(papers)):
        paper = papers[place]
        if paper.id in UNUSABLE or venues[paper.venue] == OF_A_VENUE:
            continue
        if all(said(room, paper, facet) for facet in FACETS):
            chosen.append(paper)
            venues[paper.venue] += 1
        if len(chosen) == QUERIES:
            break
    return chosen


def found(room: ReadingRoom, paper: Paper) -> Iterator[tuple[str, Facet, list[str]]]:
    """Yield what each system finds alike to a paper in each facet, best first."""
    whole = f"{paper.title} {paper.abstract}"[:LONGEST]
    for facet in FACETS:
        index, asked = room.facets.indexes[facet], said(room, paper, facet)[:LONGEST]
        yield "facet", facet, [each.paper.id for each in room.alike(paper.id, facet, DEPTH)]
        yield BASELINE, facet, [each.paper.id for each in room.alike(paper.id, ALL, DEPTH)]
        for leg in ("lexical", "dense"):
            yield f"facet, {leg} alone", facet, first(room, paper, searched(index, leg), asked)
        titled = f"{paper.title} {asked}"[:LONGEST]
        yield "title and facet", facet, first(room, paper, searched(index, "hybrid"), titled)
        both = fused(searched(index, "hybrid", asked), searched(room.index, "hybrid", whole))
        yield "facet and whole, fused", facet, first(room, paper, both, "")


def searched(index: Index, system: str, query: str | None = None) -> Callable[[str], list[str]]:
    """Return a search of an index, for a query that is given later, or now."""

    def search(later: str) -> list[str]:
        ranking = index.retriever(system).retrieve([later if query is None else query], 50)
        return [str(identity) for identity in ranking.document_ids]

    return search


def fused(*searches: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Return a search that adds up reciprocal ranks, 1 / (60 + rank)."""

    def search(query: str) -> list[str]:
        scores: Counter[str] = Counter()
        for each in searches:
            for rank, identity in enumerate(each(query), 1):
                scores[identity] += 1 / (60 + rank)  # type: ignore[assignment]
        return sorted(scores, key=lambda identity: (-scores[identity], identity))

    return search


def first(
    room: ReadingRoom, paper: Paper, search: Callable[[str], list[str]], query: str
) -> list[str]:
    """Return the first works that are not the paper's own."""
    ids = search(query)
    works = room.papers.works([*ids, paper.id])
    seen, kept = {works[paper.id]}, []
    for identity in ids:
        if works[identity] not in seen:
            seen.add(works[identity])
            kept.append(identity)
    return kept[:DEPTH]


def all_found(room: ReadingRoom, queries: Sequence[Paper]) -> Lists:
    told: Lists = {name: {facet: {} for facet in FACETS} for name in (*SYSTEMS, *TRIED)}
    for paper in queries:
        for name, facet, ids in found(room, paper):
            told[name][facet][paper.id] = ids
    return told


def to_grade(lists: Lists, judged: Grades) -> dict[str, list[str]]:
    """Return the papers of each query's pool that are not graded, shuffled."""
    pools: dict[str, set[str]] = {}
    for by_facet in lists.values():
        for by_query in by_facet.values():
            for query, ids in by_query.items():
                pools.setdefault(query, set()).update(set(ids) - set(judged.get(query, {})))
    rng = np.random.default_rng(1)
    return {query: [str(each) for each in rng.permutation(sorted(p))] for query, p in pools.items()}


def show(room: ReadingRoom, pools: Mapping[str, Sequence[str]]) -> None:
    for query, ids in pools.items():
        if not ids:
            continue
        papers = room.papers.fetch([query, *ids])
        print(f"\n===== {query} | {papers[query].title}\n{papers[query].abstract}")
        for number, identity in enumerate(ids):
            paper = papers[identity]
            print(f"\n{number} {identity} | {paper.title}\n{shortened(paper.abstract)}")


def shortened(abstract: str) -> str:
    beginning, end = SHOWN
    if len(abstract) <= beginning + end:
        return abstract
    return f"{abstract[:beginning]} [...] {abstract[-end:]}"


def ndcg(grades: Sequence[int], every: Sequence[int]) -> float:
    """Return nDCG of the grades in order, against the best order of every grade; 0 without any."""
    discounts = 1 / np.log2(np.arange(2, DEPTH + 2))
    best = sorted(every, reverse=True)[:DEPTH]
    ideal = float(np.dot(best, discounts[: len(best)]))
    return float(np.dot(grades, discounts[: len(grades)])) / ideal if ideal else 0.0


def measured(lists: Lists, judged: Grades, queries: Sequence[str]) -> list[dict]:
    """Return a row for each facet and system."""
    rows = []
    for number, facet in enumerate(FACETS):
        for name, by_facet in lists.items():
            values, means, unjudged = [], [], 0
            for query in queries:
                known, ids = judged[query], by_facet[facet][query]
                unjudged += sum(identity not in known for identity in ids)
                grades = [known[i][number] if i in known else 0 for i in ids]
                values.append(ndcg(grades, [each[number] for each in known.values()]))
                means.append(sum(grades) / DEPTH)
            rows.append({
                "facet": facet, "system": name, "ndcg": values, "grade": means,
                "unjudged": unjudged,
            })  # fmt: skip
    return rows


def summary(rows: list[dict], names: Sequence[str]) -> list[dict]:
    """Return means, intervals and tests against the baseline; one family of tests a measure."""
    kept = [row for row in rows if row["system"] in names]
    told = []
    for row in kept:
        entry = {"facet": row["facet"], "system": row["system"], "unjudged": row["unjudged"]}
        for measure in ("ndcg", "grade"):
            interval = bca_interval(np.array(row[measure]))
            entry[measure] = [float(np.mean(row[measure])), interval.low, interval.high]
        told.append(entry)
    for measure in ("ndcg", "grade"):
        base = {row["facet"]: row[measure] for row in kept if row["system"] == BASELINE}
        tested = [i for i, row in enumerate(kept) if row["system"] != BASELINE]
        tests = [randomisation_test(kept[i][measure], base[kept[i]["facet"]]) for i in tested]
        for i, test, p in zip(tested, tests, holm([test.p for test in tests]), strict=True):
            told[i][f"{measure}_difference"] = test.difference
            told[i][f"{measure}_p"] = float(p)
    return told


def table(entries: list[dict]) -> list[str]:
    rows = [
        "| facet | system | nDCG@5 | minus whole | p | mean grade | minus whole | p | not graded |",
        "|---|---|---|--:|--:|---|--:|--:|--:|",
    ]
    for each in entries:
        cells = [each["facet"], each["system"]]
        for measure in ("ndcg", "grade"):
            cells.append("{:.3f} [{:.3f}, {:.3f}]".format(*each[measure]))
            tested = f"{measure}_p" in each
            cells.append(f"{each[f'{measure}_difference']:+.3f}" if tested else "")
            cells.append(f"{each[f'{measure}_p']:.2g}" if tested else "")
        rows.append(f"| {' | '.join(cells)} | {each['unjudged']} |")
    return rows


def write(lists: Lists, judged: Grades, queries: Sequence[str], papers: int) -> None:
    rows = measured(lists, judged, queries)
    half = measured(lists, judged, queries[: QUERIES // 2])
    told = {
        "papers": papers, "queries": len(queries),
        "grades": sum(len(judged[query]) for query in queries) * len(FACETS),
        "spread": {
            facet: [
                sum(each[i] == g for q in queries for each in judged[q].values()) for g in range(3)
            ]
            for i, facet in enumerate(FACETS)
        },
        "systems": summary(rows, SYSTEMS),
        "tried_on_half": summary(half, ("facet", BASELINE, *TRIED)),
    }  # fmt: skip
    (RESULTS / "papers_facets_judged.json").write_text(
        json.dumps(told, indent=1) + "\n", encoding="utf-8"
    )
    spread = "; ".join(
        f"{facet} {nothing} / {somewhat} / {clearly}"
        for facet, (nothing, somewhat, clearly) in told["spread"].items()
    )
    lines = [
        "# Papers alike in problem, method or result, as judged by a reader",
        "",
        "    python benchmarks/papers/facets_judged.py",
        "",
        f"A room of {papers:,} papers (every {EVERY}th), encoder `static`, sentences labelled by "
        f"rules; {len(queries)} papers of at most {OF_A_VENUE} a venue ask. The first {DEPTH} of "
        "all systems were pooled, shuffled, and graded 0 to 2 in all three facets by the guideline "
        f"in the script: {len(queries)} queries, {told['grades'] // 3:,} pairs, "
        f"{told['grades']:,} grades (0 / 1 / 2: {spread}).",
        "",
        "**One reader judged, once, and knows the system**; which system had found a paper was "
        "hidden, but not what such systems do. No second reader, so no agreement between readers "
        "is known. Only what was pooled is graded: nDCG is against the best of the pool.",
        "",
        "Mean over queries with 95 % intervals (BCa); differences from whole abstracts with paired "
        "randomisation tests, Holm over the rows of the table for each measure. With 20 queries "
        "only large differences can be told.",
        "",
        *table(told["systems"]),
        "",
        f"Tried on the first {QUERIES // 2} of the queries only, to see what might be worth "
        "building; the other half is left for whoever builds it:",
        "",
        *table(told["tried_on_half"]),
        "",
    ]
    (RESULTS / "papers_facets_judged.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pool", action="store_true", help="print what is not graded yet")
    parser.add_argument("--room", type=Path, help="keep the room in this folder")
    options = parser.parse_args()
    judged: Grades = json.loads(JUDGED.read_text(encoding="utf-8")) if JUDGED.exists() else {}
    folder = options.room or Path(tempfile.mkdtemp())
    with ReadingRoom(folder, encoder="static") as room:
        if not len(room):
            fill(room)
        queries = drawn(room)
        lists = all_found(room, queries)
        if options.pool:
            show(room, to_grade(lists, judged))
        else:
            write(lists, judged, [paper.id for paper in queries], len(room))
    if options.room is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
