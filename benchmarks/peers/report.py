"""Rows of an interleaved run -> medians, spread, ratios to everygrain, and the page of tables."""

from __future__ import annotations

from statistics import median
from typing import Any

from peers import encoding, measuring
from peers.worker import ENGINES

US = "everygrain"
# figure -> (heading, whether more is better)
FIGURES = {
    "build_seconds": ("build, s", False),
    "documents_per_second": ("documents/s", True),
    "update_seconds": ("update, s", False),
    "p50_ms": ("p50, ms", False),
    "p95_ms": ("p95, ms", False),
    "queries_per_second": ("queries/s in batches", True),
    "peak_mib": ("peak, MiB", False),
    "disk_mib": ("disk, MiB", False),
}
COMPARED = [name for name in FIGURES if name != "documents_per_second"]

Values = dict[int, float]


def values(results: dict[str, Any], kind: str, name: str, size: int, figure: str) -> Values:
    """Return a figure of an engine at a size: run -> value."""
    return {
        row["run"]: row["figures"][figure]
        for row in results["rows"]
        if (row["kind"], row["name"], row["size"]) == (kind, name, size)
        and figure in row.get("figures", {})
    }


def ratios(theirs: Values, ours: Values) -> list[float]:
    """Return theirs / ours, each of one run."""
    return [theirs[run] / ours[run] for run in sorted(theirs.keys() & ours.keys()) if ours[run]]


def failures(results: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """Return the reasons, once each, for which an engine has no figures or not all."""
    told: dict[tuple[str, str], list[str]] = {}
    for row in results["rows"]:
        if "failed" in row:
            at = f" ({row['task']}{', ' + format(row['size'], ',') if row['size'] else ''})"
            reasons = told.setdefault((row["kind"], row["name"]), [])
            if row["failed"] + at not in reasons:
                reasons.append(row["failed"] + at)
    return told


def number(value: float) -> str:
    """Return three significant figures or the whole part, whichever is more."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or not value else f"{value:.1e}"


def spread(found: list[float]) -> str:
    """Return median (least-most)."""
    if not found:
        return "-"
    if len(found) == 1:
        return number(found[0])
    return f"{number(median(found))} ({number(min(found))}-{number(max(found))})"


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def behind(results: dict[str, Any]) -> list[tuple[float, str, str, int, str, float, float]]:
    """Return (factor, kind, peer, size, figure, ours, theirs), where we are furthest behind
    first: only where a peer is better by more than a tenth, each figure's best peer."""
    found = []
    for kind in ("lexical", "dense", "hybrid"):
        for size in results["sizes"]:
            for figure in COMPARED:
                ours = values(results, kind, US, size, figure)
                candidates = []
                for engine in ENGINES:
                    theirs = values(results, kind, engine.name, size, figure)
                    both = ratios(theirs, ours)
                    if engine.kind == kind and not engine.name.startswith(US) and both:
                        ratio = median(both)
                        factor = ratio if FIGURES[figure][1] else 1 / max(ratio, 1e-9)
                        middle = median(ours.values()), median(theirs.values())
                        candidates.append((factor, kind, engine.name, size, figure, *middle))
                found += [best for best in [max(candidates, default=(0.0,))] if best[0] > 1.1]
    return sorted(found, reverse=True)  # type: ignore[arg-type]


def section(results: dict[str, Any], kind: str, size: int) -> list[str]:
    """Return the figures and the ratios of one kind at one size."""
    figures, compared = [], []
    failed = failures(results)
    for engine in (e for e in ENGINES if e.kind == kind):
        columns = {f: values(results, kind, engine.name, size, f) for f in FIGURES}
        if not any(columns.values()):
            reason = failed.get((kind, engine.name), ["not run"])[0]
            figures.append([engine.name, f"no figures: {reason}"] + ["-"] * (len(FIGURES) + 2))
            continue
        cells = [spread(list(found.values())) for found in columns.values()]
        if not engine.updates:
            cells[list(FIGURES).index("update_seconds")] = "builds anew"
        ndcg = list(values(results, kind, engine.name, 0, "ndcg").values())
        recall = list(values(results, kind, engine.name, size, "recall").values())
        cells.append(f"{ndcg[0]:.3f}" if ndcg else "-")
        cells.append(f"{median(recall):.3f}" if recall else "-")
        figures.append([engine.name, str(max(map(len, columns.values()))), *cells])
        ours = {f: values(results, kind, US, size, f) for f in COMPARED}
        if engine.name != US:
            told = [spread(ratios(columns[f], ours[f])) for f in COMPARED]
            compared.append([engine.name, *told])
    heads = [heading for heading, _ in FIGURES.values()]
    last = ["nDCG@10, scifact", "recall@10"]
    if kind != "dense":
        figures, last = [row[:-1] for row in figures], last[:1]
    lines = [f"## {kind.capitalize()}, {size:,} papers", ""]
    lines += table(["engine", "runs", *heads, *last], figures)
    lines += ["Peer / everygrain, run by run; below 1, the peer needs less:", ""]
    return lines + table(["engine", *(FIGURES[f][0] for f in COMPARED)], compared)


def encoded(results: dict[str, Any]) -> list[str]:
    rows = []
    failed = failures(results)
    for name in encoding.PACKAGES:
        speed = values(results, "encoding", name, 0, "texts_per_second")
        if not speed:
            reason = failed.get(("encoding", name), ["not run"])[0]
            rows.append([name, f"no figures: {reason}", *["-"] * 6])
            continue
        texts = values(results, "encoding", name, 0, "texts")
        ours = values(results, "encoding", encoding.OURS[name], 0, "texts_per_second")
        cells = [str(len(speed)), f"{max(texts.values()):,}", spread(list(speed.values()))]
        cells.append(spread(ratios(speed, ours)) if encoding.OURS[name] != name else "1")
        cells.append(spread(list(values(results, "encoding", name, 0, "peak_mib").values())))
        apart = values(results, "encoding", name, 0, "difference").values()
        near = values(results, "encoding", name, 0, "cosine").values()
        cells += [number(max(apart)), f"{min(near):.6f}"] if apart else ["-", "-"]
        rows.append([name, *cells])
    heads = ["encoder", "runs", "texts", "texts/s", "texts/s / everygrain's", "peak, MiB",
             "largest difference of a coordinate", "least cosine to everygrain's"]  # fmt: skip
    lines = ["## Encoding: papers' titles and abstracts", "",
             "Static: one table of word pieces, not fitted; StaticEmbedding also counts "
             "punctuation, which everygrain leaves out, so their vectors differ. MiniLM: the same "
             "weights, texts cut at 256 tokens by both.", ""]  # fmt: skip
    return lines + table(heads, rows)


def measured(results: dict[str, Any]) -> list[str]:
    rows = []
    failed = failures(results)
    ours = values(results, "measuring", US, 0, "again_seconds")
    for name in measuring.PACKAGES:
        first = values(results, "measuring", name, 0, "first_seconds")
        again = values(results, "measuring", name, 0, "again_seconds")
        if not first:
            reason = failed.get(("measuring", name), ["not run"])[0]
            rows.append([name, f"no figures: {reason}", "-", "-", "-"])
            continue
        means = next(
            row["figures"]["means"] for row in results["rows"]
            if row["kind"] == "measuring" and row["name"] == name and "figures" in row
        )  # fmt: skip
        told = ", ".join(f"{measure} {value:.6f}" for measure, value in means.items())
        cells = [spread(list(first.values())), spread(list(again.values()))]
        rows.append([name, *cells, spread(ratios(again, ours)), told])
    queries = f"{measuring.QUERIES:,} queries, {measuring.DEPTH} results each"
    lines = [f"## Measuring: {queries}", ""]
    heads = ["engine", "first call, s", "second call, s", "second / everygrain's", "means"]
    return lines + table(heads, rows)


def visibility(results: dict[str, Any]) -> list[str]:
    """Return a line for each engine that missed new documents, or found deleted ones, when it
    was asked for them by title or vector."""
    lines = []
    for engine in ENGINES:
        for size in results["sizes"]:
            new = values(results, engine.kind, engine.name, size, "new_found").values()
            old = values(results, engine.kind, engine.name, size, "deleted_found").values()
            if min(new, default=1) < 1 or max(old, default=0) > 0:
                lines.append(
                    f"- After updating {size:,} papers {engine.kind}, {engine.name} found "
                    f"{min(new):.0%} of 20 new documents and {max(old):.0%} of 20 deleted ones."
                )
    return lines


def markdown(results: dict[str, Any]) -> str:
    """Return the page."""
    done = {size: results["runs"][str(size)] for size in results["sizes"]}
    runs = ", ".join(f"{count} at {size:,} papers" for size, count in done.items())
    lines = [
        "# Everygrain beside its peers",
        "",
        f"Made by `{results['command']}` in `benchmarks/` (`make bench` runs it): interleaved "
        f"runs, {runs} (titles and abstracts), {results['seconds']:,} s in all, "
        f"{results['made'][:10]}, {results['machine']}. Cells are medians (least-most) over the "
        "runs; the column `runs` says over how many. Each engine has a process of its own in "
        "every run.",
        "",
        "Build: documents in memory to an index that is on disk and answers. Update: 1,000 "
        "documents added and one asked for, 100 deleted and one asked for. Latency: 200 queries, "
        "the first five words of titles, each new; batches of 100. Peak: VmHWM of the process "
        "after building and searching, with the documents, their vectors and the interpreter in "
        "it. Dense engines get the vectors of everygrain's static encoder; hybrid ones encode "
        "with it inside the clock. Recall is against exact search over the same vectors.",
        "",
    ]
    for again in results.get("again", []):
        lines += [f"Measured again on {again['made'][:10]}, in {again['runs']} runs: "
                  f"{', '.join(again['kinds'])}.", ""]  # fmt: skip
    if min(done.values()) < results["wanted"]:
        lines += [f"Of {results['wanted']} runs at each size those were left out for which there "
                  "was no time.", ""]  # fmt: skip
    rows = [
        [
            kind, f"{FIGURES[figure][0]}, {size:,}", number(ours), f"{peer} {number(theirs)}",
            f"{factor:.1f} times",
        ]
        for factor, kind, peer, size, figure, ours, theirs in behind(results)[:8]
    ]  # fmt: skip
    lines += ["## Where we are furthest behind", ""]
    lines += table(["kind", "figure", "everygrain", "best peer", "behind by"], rows)
    for kind in ("lexical", "dense", "hybrid"):
        for size in results["sizes"]:
            if any(row["kind"] == kind for row in results["rows"]):
                lines += section(results, kind, size)
    if any(row["kind"] == "encoding" for row in results["rows"]):
        lines += encoded(results)
    if any(row["kind"] == "measuring" for row in results["rows"]):
        lines += measured(results)
    lines += ["## Notes", ""]
    lines += [f"- {e.kind}, {e.name}: {e.note}." for e in ENGINES]
    lines += [f"- Versions: {', '.join(f'{n} {v}' for n, v in results['versions'].items())}."]
    lines += visibility(results)
    told = failures(results)
    for (kind, name), reasons in told.items():
        lines.append(f"- FAILED {kind}, {name}: {'; '.join(reasons)}.")
    if not told:
        lines.append("- Every engine was installed and ran.")
    return "\n".join(lines) + "\n"
