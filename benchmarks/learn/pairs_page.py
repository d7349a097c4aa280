"""The page of what the sources of pairs give and do."""

from __future__ import annotations

import json
from typing import Any


def page(results: dict[str, Any], said: str) -> str:
    """Return the page of results; `said` tells what they are of."""
    lines = [
        "# Sources of training pairs",
        "",
        *said.strip().split("\n"),
        "",
    ]
    shown = results.get("examples", [])
    lines += ["One pair of each source, from texts written for this page:", ""]
    lines += ["| source | query | positive |", "|---|---|---|"]
    lines += [f"| {e['source']} | {e['query']} | {e['positive']} |" for e in shown]
    if results.get("counts"):
        lines += ["", "## Counts and cost", ""]
        lines += ["| collection | source | pairs | documents without | repeats | pairs/s |"]
        lines += ["|---|---|---|---|---|---|"]
        for row in results["counts"]:
            start = f"| {row['collection']} ({row['documents']:,}) | {row['source']} |"
            if "none" in row:
                lines.append(f"{start} needs what is not there | | | |")
            else:
                speed = row["pairs"] / max(row["seconds"], 1e-9)
                lines.append(
                    f"{start} {row['pairs']:,} | {row['without']:,} | {row['repeats']:,} | "
                    f"{speed:,.0f} |"
                )
    if results.get("effects"):
        lines += ["", "## nDCG@10 of the dense leg, before and after", ""]
        lines += [
            "| target (queries) | trained on | pairs | before | after | difference [95 %] | p |"
        ]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [
            f"| {r['target']} ({r['queries']}) | {r['what']} | {r['pairs']:,} | "
            f"{r['before']:.4f} | {r['after']:.4f} | {r['difference']:+.4f} "
            f"[{r['low']:+.4f}, {r['high']:+.4f}] | {r['p']:.2g} |"
            for r in results["effects"]
        ]
        spaces = [r for r in results["effects"] if "isotropy" in r]
        if spaces:
            lines += ["", "Isotropy of the entry vectors (1: no direction preferred):", ""]
        lines += [f"- {r['target']}, {r['what']}: {r['isotropy']:.3f}" for r in spaces]
    if results.get("negatives"):
        lines += ["", "## Negatives that are mined, beside those of the batch", ""]
        lines += ["| target (queries) | negatives | mined | in-batch alone | with them | "
                  "difference [95 %] | p | p, Holm |"]  # fmt: skip
        lines += ["|---|---|---|---|---|---|---|---|"]
        lines += [
            f"| {r['target']} ({r['queries']}) | {r['what']} | {r['negatives']:,} | "
            f"{r['before']:.4f} | {r['after']:.4f} | {r['difference']:+.4f} "
            f"[{r['low']:+.4f}, {r['high']:+.4f}] | {r['p']:.2g} | {r.get('p_holm', 1):.2g} |"
            for r in results["negatives"]
        ]
    if results.get("similarity"):
        lines += ["", "## Spearman's rho on STS-B dev (1,500 pairs)", "", "| trained on | rho |"]
        lines += [
            "|---|---|",
            *(f"| {r['what']} | {r['rho']:.4f} |" for r in results["similarity"]),
        ]
    if results.get("planted"):
        lines += ["", "## Near-duplicates planted among 2,000 papers, found by their texts", ""]
        lines += ["| copies | planted | pairs of titles | of which right |", "|---|---|---|---|"]
        lines += [
            f"| {r['copies']} | {r['planted']} | {r['pairs']} | {r['right']} |"
            for r in results["planted"]
        ]
    if results.get("attributes"):
        lines += ["", "## Title -> its own keywords, among all held-out papers' keywords", ""]
        lines += [f"- {json.dumps(row)}" for row in results["attributes"]]
    return "\n".join(lines) + "\n"
