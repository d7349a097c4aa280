"""Writes what benchmarks/rank/late.py measured: a page, the figures, and a plot of the sweep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.plots import COLOURS, GREY, MARKERS, STYLE
from everygrain.measure.significance import randomisation_test

RESULTS = Path(__file__).resolve().parents[1] / "results"
SHARES = ("0.2", "0.35", "0.5", "0.65", "0.8")
Values = npt.NDArray[np.float64]


def report(folder: Path, sets: list[Any]) -> None:
    """Write rank_late.md, .json and .png."""
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob("sweep-*.json"))]
    for row in rows:
        row["values"] = {name: np.array(values) for name, values in row["values"].items()}
    rows.sort(key=lambda row: (row["set"], row["kind"], row["dimensions"], -row["kept"]))
    chosen = {
        (row["dimensions"], row["kind"], row["kept"]): _best_share(row)
        for row in rows
        if row["set"] == "scifact"
    }
    lines, told = [_HEAD], []
    for of in sets:
        mine = [row for row in rows if row["set"] == of.name]
        if mine:
            page, figures = _page(of, mine, chosen)
            lines += page
            told += figures
    lines += _chosen(rows)
    for name, write in (("beside", _beside), ("xtr", _xtr)):
        path = folder / f"{name}.json"
        if path.exists():
            lines += write(json.loads(path.read_text()))
    (RESULTS / "rank_late.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (RESULTS / "rank_late.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    _plot(told, RESULTS / "rank_late.png")


_HEAD = """# Whole-word late interaction

nDCG@10 [95 % BCa interval]; differences with the paired randomisation test's p. Made by
`python benchmarks/rank/late.py` (read, sweep, beside, xtr, report). Candidates: the first 100 of
`hybrid` with the encoder static. Bytes are those of the words alone, 4 and one for each dimension
a word, as multiples of the plain text (titles and texts). `fused` is share of the first score; the
share is chosen, for each setting, on every other query of scifact/train, and never on what is
reported: scifact is the other half, scisumm all of dev. scisumm's papers are read to the end of
their third window only (some 750 tokens of 6,000), so that its bytes are no figure for full texts.
Vectors were read in bfloat16. `trained`: projection and gate, on titles and abstracts of 1,500
papers of machine learning and robotics; `unlearned`: principal components.
"""


def _best_share(row: dict[str, Any]) -> str:
    return max(SHARES, key=lambda share: row["values"][share][0::2].mean())


def _shown(values: Values) -> str:
    interval = bca_interval(values)
    return f"{values.mean():.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _gap(values: Values, base: Values) -> str:
    interval = bca_interval(values - base)
    p = randomisation_test(values, base, samples=20_000).p
    told = f"{(values - base).mean():+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
    return f"{told}, p {p:.2g}"


def _page(
    of: Any, rows: list[dict[str, Any]], chosen: dict[Any, str]
) -> tuple[list[str], list[dict[str, Any]]]:
    half = slice(1, None, 2) if of.name == "scifact" else slice(None)
    bases = {
        name: of.values({q: dict(hits) for q, hits in found.items()})[half]
        for name, found in of.found.items()
        if isinstance(found, dict)
    }
    hybrid, minilm = bases["hybrid static"], bases.get("dense minilm")
    lines = [f"\n## {of.name}, n = {len(hybrid)}\n", "| system | nDCG@10 |", "|---|---|"]
    lines += [f"| {name} | {_shown(values)} |" for name, values in bases.items()]
    lines += [
        "",
        "| projection | dimensions | kept | x plain text | late alone | equal words alone | share "
        "| fused | against hybrid | against dense minilm |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    figures = []
    for row in rows:
        share = chosen[row["dimensions"], row["kind"], row["kept"]]
        late, exact, both = (row["values"][name][half] for name in ("late", "exact", share))
        lines.append(
            f"| {row['kind']} | {row['dimensions']} | {row['kept']:g} | {row['ratio']:.2f} "
            f"| {late.mean():.3f} | {exact.mean():.3f} | {share} | {_shown(both)} "
            f"| {_gap(both, hybrid)} | {_gap(both, minilm) if minilm is not None else '-'} |"
        )
        figures.append(
            {name: row[name] for name in ("set", "kind", "dimensions", "kept", "bytes", "ratio")}
            | {"share": float(share), "n": len(both), "late": late.mean(), "exact": exact.mean(),
               "fused": both.mean(), "hybrid": hybrid.mean()}
        )  # fmt: skip
    return lines, figures


def _chosen(rows: list[dict[str, Any]]) -> list[str]:
    """Tell which settings the queries prefer that nothing is reported on."""
    lines = ["\n## The settings chosen on every other query of scifact\n"]
    for told, most in (("bytes of at most the plain text", 1.0), ("any bytes", np.inf)):
        able = [row for row in rows if row["set"] == "scifact" and row["ratio"] <= most]
        best = max(able, key=lambda row: row["values"][_best_share(row)][0::2].mean())
        mean = best["values"][_best_share(best)][0::2].mean()
        lines.append(
            f"- {told}: {best['kind']}, {best['dimensions']} dimensions, {best['kept']:g} of the "
            f"words, share {_best_share(best)}: {mean:.3f} there; on the other half see above."
        )
    return lines


def _beside(rows: list[dict[str, Any]]) -> list[str]:
    first = rows[0]
    lines = [
        "\n## Beside full token vectors and peers\n",
        "scifact, the other half; each in a process of its own, on one thread, while the machine "
        f"was busy with other work (load {first['load']:.0f} on 2 cores): milliseconds of the "
        "processor are nearer to those of a quiet machine than those by the clock. They are for "
        "100 candidates of a query; copying words out of the arrays is in them, copying full token "
        f"vectors is not. Encoding the query takes {first['encoding processor']:.1f} ms of the "
        f"processor more, {first['encoding']:.1f} by the clock (p50). Memory is the peak of the "
        "process, and in brackets how much of it came after the collection was read. `MaxSim` and "
        "`pylate` compare all token vectors of 384 dimensions; bytes are those in float32. Fused "
        "at share .5.\n",
        "| system | late alone | fused | processor ms p50 | clock ms p50 | p95 | MB of vectors "
        "| peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows[1:]:
        if "error" in row:
            lines.append(f"| {row['system']} | did not run: {row['error']} | | | | | | |")
        else:
            lines.append(
                f"| {row['system']} | {_shown(np.array(row['late']))} "
                f"| {_shown(np.array(row['fused']))} "
                f"| {row['processor']:.2f} | {row['ms']:.1f} | {row['ms95']:.1f} "
                f"| {row['bytes'] / 1e6:.0f} | {row['peak']:.0f} "
                f"({row['peak'] - row['before']:.0f}) |"
            )
    if len(rows) > 3 and "error" not in rows[3]:
        words, full = (np.array(rows[i]["late"]) for i in (1, 3))
        lines.append(f"\nLate alone, 32 dimensions against full MaxSim: {_gap(words, full)}.")
    return lines


def _xtr(told: dict[str, Any]) -> list[str]:
    exact = np.array(told["exact"])
    lines = [
        f"\n## XTR: retrieval by words, without candidates\n\nscifact, {len(exact)} queries of the "
        "other half, all documents, 32 dimensions unlearned; `words` are retrieved for each word "
        "of a query.\n",
        "| words | nDCG@10 | against exact MaxSim over all documents | documents scored |",
        "|---|---|---|---|",
        f"| all (exact) | {_shown(exact)} | - | {told['documents']:,} |",
    ]
    for k, row in told["imputed"].items():
        values = np.array(row["values"])
        lines.append(
            f"| {int(k):,} | {_shown(values)} | {_gap(values, exact)} | {row['scored']:,.0f} |"
        )
    return lines


def _plot(told: list[dict[str, Any]], path: Path) -> None:
    """Draw fused quality over bytes, a line for each share of words kept."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = [name for name in ("scifact", "scisumm") if any(r["set"] == name for r in told)]
    with rc_context(STYLE):
        picture = Figure(figsize=(4.4 * len(names), 3.4), layout="constrained")
        panels = picture.subplots(1, len(names), squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            rows = [row for row in told if row["set"] == name]
            rows = [row for row in rows if row["kind"] == "unlearned" or row["kept"] == 1]
            axes.axhline(rows[0]["hybrid"], color=GREY, linewidth=0.8, linestyle=":")
            lines = sorted({(row["kind"], row["kept"]) for row in rows}, reverse=True)
            for i, (kind, kept) in enumerate(lines):
                mine = [row for row in rows if (row["kind"], row["kept"]) == (kind, kept)]
                mine.sort(key=lambda row: row["dimensions"])
                axes.plot(
                    [row["ratio"] for row in mine], [row["fused"] for row in mine],
                    marker=MARKERS[i % len(MARKERS)], color=COLOURS[i % len(COLOURS)],
                    markersize=4, linewidth=1, label=f"{kind}, {kept:g} of the words",
                )  # fmt: skip
                for row in mine if kept == 1 else []:
                    axes.annotate(
                        str(row["dimensions"]), (row["ratio"], row["fused"]), fontsize=7,
                        textcoords="offset points", xytext=(0, 5),
                    )  # fmt: skip
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:g}")
            axes.set_xlabel("bytes of words, as multiples of the plain text")
            axes.set_ylabel("nDCG@10, fused; dotted: hybrid")
            axes.set_title(f"{name}, n = {rows[0]['n']:,}; at points: dimensions")
            axes.legend(frameon=False, fontsize=7)
        picture.savefig(path)
