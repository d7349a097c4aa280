"""Are papers that a facet calls alike alike in it, to somebody who reads both abstracts?

    python benchmarks/papers/facets_judged.py [--pool] [--room FOLDER]

A room of every fifth of ../shared/data/papers asks for papers alike in problem, method and result,
from 20 of its papers: drawn by seed among those whose abstracts have sentences of all three facets
by the room's own rules, at most 2 of a venue; none had to be replaced. The first 5 of every system
were pooled and shuffled, without saying which system had found them or for which facet; each was
graded in all three facets, so that a grade does not tell where a paper came from. What mixtures
found beyond that was graded later in the same way, and 60 pairs, 36 of them of a grade above 0, a
second time. Grades are kept as ids and numbers in facets_judged.json beside this file; `--pool`
prints what is not graded yet.

Guideline. Read both titles and abstracts (of a long one, the beginning and the end): what counts is
what the papers are, not the sentences that a labeller took for a facet. Each facet is graded for
itself; another field, another kind of robot or other data do not lower a grade where the facet is
the same, and a shared field alone does not raise one.

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

Beside the systems, mixtures are tried: the scores of two searches, each divided by its best,
(1 - share) * first + share * second. One is chosen on the first half of the queries, by the mean of
nDCG@5 over the facets, and reported on the other half, beside what `ReadingRoom.alike` serves now.
Shares from 0.2 to 0.7 were looked at on the first half; those above 0.3 were worse on the mean.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from everygrain import Index
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.correction import holm
from everygrain.measure.significance import randomisation_test
from everygrain_papers.alike import ALL
from everygrain_papers.facets import FACETS, LONGEST, Facet, pieces
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.room import ReadingRoom

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
SERVED = "as the room serves it"
TRIED = (
    "title and facet",
    "facet and whole, fused",
    "whole, 0.2 facet",
    "whole, 0.2 facet's words asked of all",
    "whole, 0.3 facet's words asked of all",
    "whole, 0.3 title and facet's words asked of all",
)
SEARCHED = 200  # papers of a search that is mixed with another

Grades = Mapping[str, Mapping[str, Sequence[int]]]  # query -> paper -> a grade for each facet
Scores = Mapping[str, float]
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
        if venues[paper.venue] == OF_A_VENUE:
            continue
        if all(said(room, paper, facet) for facet in FACETS):
            chosen.append(paper)
            venues[paper.venue] += 1
        if len(chosen) == QUERIES:
            break
    return chosen


def found(room: ReadingRoom, paper: Paper) -> Iterator[tuple[str, Facet, list[str]]]:
    """Yield what each system finds alike to a paper in each facet, best first."""
    own = {each.id for each in room.papers.versions(paper.id)}

    def search(index: Index, query: str, system: str = "hybrid") -> Scores:
        ranking = index.retriever(system).retrieve([query[:LONGEST]], SEARCHED)
        pairs = zip(ranking.document_ids, ranking.scores.tolist(), strict=True)
        return {str(identity): score for identity, score in pairs if identity not in own}

    whole = search(room.index, f"{paper.title} {paper.abstract}")
    for facet in FACETS:
        index, words = room.facets.indexes[facet], said(room, paper, facet)
        alike = search(index, words)
        asked_of_all = search(room.index, words)
        titled = search(room.index, f"{paper.title} {words}")
        yield "facet", facet, first(room, alike)
        yield SERVED, facet, [each.paper.id for each in room.alike(paper.id, facet, DEPTH)]
        yield BASELINE, facet, [each.paper.id for each in room.alike(paper.id, ALL, DEPTH)]
        scores = (
            search(index, words, "lexical"),
            search(index, words, "dense"),
            search(index, f"{paper.title} {words}"),
            reciprocal(alike, whole),
            mixed(whole, alike, 0.2),
            mixed(whole, asked_of_all, 0.2),
            mixed(whole, asked_of_all, 0.3),
            mixed(whole, titled, 0.3),
        )
        for name, each in zip((*SYSTEMS[2:], *TRIED), scores, strict=True):
            yield name, facet, first(room, each)


def mixed(one: Scores, other: Scores, share: float) -> Scores:
    """Return (1 - share) * one + share * other, each divided by its best."""
    best, second = max(one.values(), default=1.0), max(other.values(), default=1.0)
    return {
        identity: (1 - share) * one.get(identity, 0) / best
        + share * other.get(identity, 0) / second
        for identity in {*one, *other}
    }


def reciprocal(*lists: Scores) -> Scores:
    """Return the sums of reciprocal ranks, 1 / (60 + rank)."""
    sums: dict[str, float] = {}
    for scores in lists:
        for rank, identity in enumerate(sorted(scores, key=lambda i: (-scores[i], i)), 1):
            sums[identity] = sums.get(identity, 0) + 1 / (60 + rank)
    return sums


def first(room: ReadingRoom, scores: Scores) -> list[str]:
    """Return the best papers, one of each work."""
    ids = sorted(scores, key=lambda identity: (-scores[identity], identity))[: 4 * DEPTH]
    works = room.papers.works(ids)
    seen: dict[str, str] = {}
    for identity in ids:
        seen.setdefault(works[identity], identity)
    return list(seen.values())[:DEPTH]


def all_found(room: ReadingRoom, queries: Sequence[Paper]) -> Lists:
    told: Lists = {name: {facet: {} for facet in FACETS} for name in (*SYSTEMS, SERVED, *TRIED)}
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
    """Return a row for each facet and system, with a value for each query."""
    rows = []
    for number, facet in enumerate(FACETS):
        for name, by_facet in lists.items():
            row: dict = {"facet": facet, "system": name, "ndcg": [], "grade": [], "only": []}
            row["unjudged"] = row["common"] = 0
            for query in queries:
                known, ids = judged[query], by_facet[facet][query]
                row["unjudged"] += sum(identity not in known for identity in ids)
                row["common"] += len({*ids} & {*lists[BASELINE][facet][query]}) / len(queries)
                graded = [known.get(identity, (0, 0, 0)) for identity in ids]
                grades = [each[number] for each in graded]
                row["ndcg"].append(ndcg(grades, [each[number] for each in known.values()]))
                row["grade"].append(sum(grades) / DEPTH)
                row["only"].append(sum(0 < each[number] == sum(each) for each in graded))
            rows.append(row)
    return rows


def summary(rows: list[dict], names: Sequence[str], baseline: str = BASELINE) -> list[dict]:
    """Return means, intervals and tests against the baseline; one family of tests a measure."""
    kept = [row for row in rows if row["system"] in names]
    told = []
    for row in kept:
        entry = {key: row[key] for key in ("facet", "system", "unjudged", "common")}
        entry["only"] = float(np.mean(row["only"]))
        for measure in ("ndcg", "grade"):
            interval = bca_interval(np.array(row[measure]))
            entry[measure] = [float(np.mean(row[measure])), interval.low, interval.high]
        told.append(entry)
    for measure in ("ndcg", "grade"):
        base = {row["facet"]: row[measure] for row in kept if row["system"] == baseline}
        tested = [i for i, row in enumerate(kept) if row["system"] != baseline]
        tests = [randomisation_test(kept[i][measure], base[kept[i]["facet"]]) for i in tested]
        for i, test, p in zip(tested, tests, holm([test.p for test in tests]), strict=True):
            told[i][f"{measure}_difference"] = test.difference
            told[i][f"{measure}_p"] = float(p)
    return told


def table(entries: list[dict], against: str = "whole") -> list[str]:
    rows = [
        f"| facet | system | nDCG@5 | minus {against} | p | mean grade | minus {against} | p | "
        "alike in it only | in common with whole | not graded |",
        "|---|---|---|--:|--:|---|--:|--:|--:|--:|--:|",
    ]
    for each in entries:
        cells = [each["facet"], each["system"]]
        for measure in ("ndcg", "grade"):
            cells.append("{:.3f} [{:.3f}, {:.3f}]".format(*each[measure]))
            tested = f"{measure}_p" in each
            cells.append(f"{each[f'{measure}_difference']:+.3f}" if tested else "")
            cells.append(f"{each[f'{measure}_p']:.2g}" if tested else "")
        cells += [f"{each['only']:.2f}", f"{each['common']:.2f}", str(each["unjudged"])]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def repeated(judged: Grades, again: Grades) -> dict[str, int]:
    """Return how many pairs were graded twice, and how many the same in each facet."""
    pairs = [
        (judged[query][identity], grades)
        for query, by_paper in again.items()
        for identity, grades in by_paper.items()
    ]
    same = {
        facet: sum(first[i] == second[i] for first, second in pairs)
        for i, facet in enumerate(FACETS)
    }
    return {"pairs": len(pairs), **same}


def result(lists: Lists, judged: Grades, queries: Sequence[str], papers: int) -> dict:
    half = len(queries) // 2
    earlier, later = (measured(lists, judged, part) for part in (queries[:half], queries[half:]))
    chosen = max(
        TRIED, key=lambda name: np.mean([r["ndcg"] for r in earlier if r["system"] == name])
    )
    every = np.array([each for query in queries for each in judged[query].values()])
    return {
        "papers": papers,
        "queries": len(queries),
        "pairs": len(every),
        "grades": {
            facet: np.bincount(every[:, i], minlength=3).tolist() for i, facet in enumerate(FACETS)
        },
        "correlation": {
            f"{FACETS[i]}, {FACETS[j]}": float(spearmanr(every[:, i], every[:, j])[0])
            for i, j in ((0, 1), (0, 2), (1, 2))
        },
        "systems": summary(measured(lists, judged, queries), SYSTEMS),
        "earlier_half": summary(earlier, ("facet", BASELINE, *TRIED)),
        "chosen": chosen,
        "later_half": summary(later, (BASELINE, chosen, SERVED)),
        "later_half_from_facet": summary(later, ("facet", chosen), "facet"),
    }


def write(told: dict) -> None:
    (RESULTS / "papers_facets_judged.json").write_text(
        json.dumps(told, indent=1) + "\n", encoding="utf-8"
    )
    grades = "; ".join(
        f"{facet} {' / '.join(map(str, counts))}" for facet, counts in told["grades"].items()
    )
    correlation = ", ".join(f"{pair} {value:.2f}" for pair, value in told["correlation"].items())
    same = ", ".join(f"{facet} {told['again'][facet]}" for facet in FACETS)
    lines = [
        "# Papers alike in problem, method or result, as judged by a reader",
        "",
        "    python benchmarks/papers/facets_judged.py",
        "",
        f"A room of {told['papers']:,} papers (every {EVERY}th), encoder `static`, sentences "
        f"labelled by rules; {told['queries']} papers of at most {OF_A_VENUE} a venue ask. The "
        f"first {DEPTH} of the systems were pooled, shuffled, and graded 0 to 2 in all three "
        f"facets by the guideline in the script: {told['pairs']:,} pairs (graded 0 / 1 / 2: "
        f"{grades}).",
        "",
        "**One reader judged, quickly and in one sitting, and knows the system.** Which "
        "system had found a paper was hidden, not what such systems do; there is no second "
        "reader, so how far two would agree is not "
        f"known. Of {told['again']['pairs']} pairs graded again by the same reader within the hour "
        f"(so partly remembered), these were graded the same: {same}. The grades of a pair go "
        f"together (Spearman: {correlation}): partly papers are so, partly whoever "
        "finds two papers alike in one thing finds them so in another, "
        "which favours whole abstracts. Only what was pooled is graded: nDCG is against the best "
        "of the pool.",
        "",
        "Means over queries with 95 % intervals (BCa); differences from whole abstracts with "
        'paired randomisation tests, p by Holm over the rows of a table for each measure. "Alike '
        f'in it only": how many of the first {DEPTH} are alike in the facet and in no other.',
        "",
        *table(told["systems"]),
        "",
        "## Mixtures",
        "",
        "The facet's words asked of all: the paper's own sentences of the facet, asked of the "
        "index of titles and abstracts. What only mixtures with a share found was graded later, "
        "known to come from one of them; larger shares were worse on the mean. On the first "
        "half of the queries, where one was chosen:",
        "",
        *table(told["earlier_half"]),
        "",
        f"Chosen: {told['chosen']}. On the other half:",
        "",
        *table(told["later_half"]),
        "",
        "The same, against the facet alone:",
        "",
        *table(told["later_half_from_facet"], "facet"),
        "",
    ]
    (RESULTS / "papers_facets_judged.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pool", action="store_true", help="print what is not graded yet")
    parser.add_argument("--room", type=Path, help="keep the room in this folder")
    options = parser.parse_args()
    kept = json.loads(JUDGED.read_text(encoding="utf-8"))
    judged: Grades = kept["grades"]
    folder = options.room or Path(tempfile.mkdtemp())
    with ReadingRoom(folder, encoder="static") as room:
        if not len(room):
            fill(room)
        queries = drawn(room)
        lists = all_found(room, queries)
        if options.pool:
            show(room, to_grade(lists, judged))
        else:
            told = result(lists, judged, [paper.id for paper in queries], len(room))
            write({**told, "again": repeated(judged, kept["again"])})
    if options.room is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
