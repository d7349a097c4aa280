"""What expansion without a language model is worth: RM3 and title-to-text neighbours.

    python benchmarks/rank/expand.py [--collections scifact,cranfield,cisi,vaswani] [--most 200]

Settings are chosen on the odd queries (1st, 3rd, ...; at most --most of a collection) by mean
nDCG@10, for each collection alone ("chosen here"), and once for all by the mean over collections
("shared": the default). Every figure that is shown is of the even queries, beside the lexical leg,
with the paired randomisation test. vaswani has no titles.

Expansion through an endpoint is exercised with a stand-in that follows rules. It is no language
model: its figures show that the mechanism works, and say nothing of what a model would add.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from everygrain.endpoint import Endpoint
from everygrain.engine import Index
from everygrain.measure import evaluate, load
from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.collections import Collection
from everygrain.measure.significance import randomisation_test
from everygrain.rank.base import Retriever
from everygrain.rank.expand import RM3, Neighbours, Reasoned, Rewritten, preferences
from everygrain.rank.legs import Leg

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
RESULTS = Path(__file__).resolve().parents[1] / "results"
SPLITS = {"scifact": "train", "cranfield": "dev", "cisi": "dev", "vaswani": "dev"}
MEASURE, DEEP = "nDCG@10", "R@100"
GRID = list(product((5, 10), (10, 30), (0.5, 0.7, 0.85)))
KINDS: tuple[type[RM3] | type[Neighbours], ...] = (RM3, Neighbours)
ASKED = 100  # queries of the stand-in

Row = dict[str, float | int | str]


def run(
    retriever: Retriever, collection: Collection, ids: list[str], measure: str = MEASURE
) -> np.ndarray:
    """Return the figures of some queries, in their order."""
    asked = {query: collection.queries[query] for query in ids}
    judgements = {query: collection.judgements[query] for query in ids}
    found = retriever.retrieve(asked, int(measure.split("@")[1]))
    scores = evaluate(found, judgements, [measure])
    values = dict(zip(scores.queries, scores.of(measure), strict=True))
    return np.array([values[query] for query in ids])


def compared(name: str, values: np.ndarray, baseline: np.ndarray, measure: str = MEASURE) -> Row:
    gap = bca_interval(values - baseline)
    return {
        "system": name,
        "measure": measure,
        "n": len(values),
        "value": float(values.mean()),
        "baseline": float(baseline.mean()),
        "difference": float((values - baseline).mean()),
        "low": gap.low,
        "high": gap.high,
        "p": randomisation_test(values, baseline).p,
    }


def odd_means(collection: Collection, leg: Leg, most: int) -> dict[str, list[float]]:
    """Return kind -> the mean over odd queries of each setting of GRID, less the leg's own."""
    odd = list(collection.scored_queries)[0::2][:most]
    own = run(leg, collection, odd).mean()
    return {
        make.__name__: [float(run(make(leg, *s), collection, odd).mean() - own) for s in GRID]
        for make in KINDS
    }


def on_even(collection: Collection, leg: Leg, odd: dict[str, dict[str, list[float]]]) -> list[Row]:
    """Compare each kind on the even queries: with its own best setting, and with the shared one.

    odd   collection -> what `odd_means` returns
    """
    even = list(collection.scored_queries)[1::2]
    baseline, rows = run(leg, collection, even), []
    for make in KINDS:
        shared = np.mean([found[make.__name__] for found in odd.values()], axis=0)
        ways = {"chosen here": odd[collection.name][make.__name__], "shared": shared}
        for how, means in ways.items():
            retriever = make(leg, *GRID[int(np.argmax(means))])
            values = run(retriever, collection, even)
            rows.append(compared(f"{retriever!r}, {how}", values, baseline))
            if how == "shared":
                deep, own = (run(each, collection, even, DEEP) for each in (retriever, leg))
                rows.append(compared(f"{retriever!r}, {how}", deep, own, DEEP))
    return rows


@contextmanager
def stand_in(rule: Callable[[str], str]) -> Iterator[Endpoint]:
    """Serve a rule, query -> reply, as an OpenAI-compatible endpoint on this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = body["messages"][-1]["content"]
            query = re.findall(r"<query>(.*?)</query>", prompt, re.DOTALL)[0]
            content = json.dumps({"choices": [{"message": {"content": rule(query)}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "rules")
        server.shutdown()


def with_stand_in(
    collection: Collection, index: Index, leg: Leg
) -> tuple[list[Row], Mapping[str, int]]:
    """Compare a thinker that quotes the first document found, and a rewriter that drops words."""
    ids = list(collection.scored_queries)[1::2][:ASKED]
    baseline = run(leg, collection, ids)

    def thoughts(query: str) -> str:
        best = [d for d, _ in leg.retrieve([query], 1).by_query()["0"]]
        return " ".join(index.get(d).text[:600] for d in best) or query

    def rewrites(query: str) -> str:
        words = query.split()
        return json.dumps([" ".join(words[0::2]), " ".join(words[1::2])])

    rows = []
    with stand_in(thoughts) as endpoint:
        for repeat in (1, 5):
            reasoned = Reasoned(leg, endpoint, repeat)
            rows.append(
                compared(f"Reasoned, repeat={repeat}", run(reasoned, collection, ids), baseline)
            )
    with stand_in(rewrites) as endpoint:
        rewritten = Rewritten(leg, endpoint, 2)
        rows.append(compared("Rewritten, 2 rewrites", run(rewritten, collection, ids), baseline))
        asked = {query: collection.queries[query] for query in ids}
        relevant = {
            q: [d for d, grade in collection.judgements[q].items() if grade > 0] for q in ids
        }
        found = preferences(asked, rewritten.rewrites(asked), leg, relevant)
        counts = {
            "preferences": len(found),
            "queries_with_one": len({each.query for each in found}),
            "rewrite_beats_query": sum(each.rejected == each.query for each in found),
            "calls": rewritten.spent.calls,
        }
    return rows, counts


def table(rows: list[Row]) -> list[str]:
    lines = [
        "| system | measure | n | value | lexical | difference (95 %) | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['system']} | {row['measure']} | {row['n']} | {row['value']:.4f} | "
            f"{row['baseline']:.4f} | "
            f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f}) | {row['p']:.4f} |"
        )
    return [*lines, ""]


def told_by(described: str) -> list[str]:
    """Return a module's description as lines of Markdown, its command first."""
    command, text = described.split("\n\n", 2)[1:]
    return [f"Made by `{command.strip()}`.", "", *text.strip().split("\n")]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--collections", default=",".join(SPLITS))
    options.add_argument("--most", type=int, default=200, help="odd queries to choose with")
    told = options.parse_args()
    results: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        opened = {}
        for name in told.collections.split(","):
            collection = replace(load(DATA / name, SPLITS[name]), name=name)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            index = stack.enter_context(Index(folder / "index", encoder="none"))
            index.add(collection.documents())
            leg = index.retriever("lexical")
            opened[name] = collection, index, leg
            results[name] = {"odd": odd_means(collection, leg, told.most)}
        odd = {name: found["odd"] for name, found in results.items()}
        for name, (collection, index, leg) in opened.items():
            results[name]["rows"] = on_even(collection, leg, odd)
            if name == "scifact":
                rows, counts = with_stand_in(collection, index, leg)
                results[name] |= {"stand_in": rows, "preferences": counts}
    (RESULTS / "rank_expand.json").write_text(json.dumps(results, indent=1) + "\n")
    write(results)


def write(results: Mapping[str, dict[str, Any]]) -> None:
    lines = ["# Expansion", "", *told_by(__doc__ or ""), ""]
    for name, found in results.items():
        lines += [f"## {name}", "", *table(found["rows"])]
        if "stand_in" in found:
            lines += [
                "Through an endpoint, with a stand-in that follows rules: the first 600 characters "
                "of the first document found as reasoning; every other word of the query, from the "
                "first and from the second, as two rewrites.",
                "",
                *table(found["stand_in"]),
                f"Preferences among query and rewrites: {json.dumps(found['preferences'])}.",
                "",
            ]
    (RESULTS / "rank_expand.md").write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
