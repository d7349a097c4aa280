"""What an adaptation did, as JSON for programs and as one page for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from everygrain.index.files import storage_errors
from everygrain.learn.by_domain import Grouping
from everygrain.learn.gate import Decision, Verdict
from everygrain.learn.recipe import Recipe

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;
color:#222;background:#fff}table{border-collapse:collapse;width:100%}th,td{text-align:right;
padding:.3rem .5rem;border-bottom:1px solid #ddd}th:first-child,td:first-child{text-align:left}
.yes{color:#14622d}.no{color:#8a2a0b}svg{width:100%;height:auto}text{font:12px system-ui}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}.yes{color:#7fd79a}
.no{color:#f0a080}text{fill:#ddd}}"""
_WIDTH, _HEIGHT, _EDGE = 700, 220, 46
_POINTS = 150


@dataclass(frozen=True, eq=False)
class Report:
    """All that an adaptation was made of, and what became of it.

    made      when, ISO 8601
    pairs     source -> training pairs
    taught    texts that the teacher was asked about
    curve     (kind of step, loss) of each step
    domains   of the documents that trained
    seconds   stage -> seconds
    """

    made: str
    encoder: str
    old: str | None
    new: str
    recipe: Recipe
    documents: int
    pairs: dict[str, int]
    taught: int
    curve: Sequence[tuple[str, float]]
    decision: Decision
    domains: Grouping = field(default_factory=Grouping)
    seconds: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "made": self.made,
            "promoted": self.decision.promoted,
            "reason": self.decision.reason,
            "tests": [asdict(verdict) for verdict in self.decision.verdicts],
            "encoder": {"trained": self.encoder, "old": self.old, "new": self.new},
            "recipe": asdict(self.recipe),
            "documents": self.documents,
            "domains": {"sizes": dict(self.domains.sizes), "outside": self.domains.outside},
            "pairs": self.pairs,
            "taught": self.taught,
            "steps": len(self.curve),
            "curve": [[kind, round(loss, 5)] for kind, loss in self.curve],
            "seconds": self.seconds,
        }

    def write(self, folder: Path) -> None:
        """Write report.json and report.html. Raises StorageError if the disk refuses."""
        with storage_errors(folder):
            text = json.dumps(self.as_json(), indent=1, ensure_ascii=False)
            (folder / "report.json").write_text(text + "\n", encoding="utf-8")
            (folder / "report.html").write_text(self.page(), encoding="utf-8")

    def page(self) -> str:
        """Return the page: the decision, every test with its interval, and the curve."""
        state = "yes" if self.decision.promoted else "no"
        rows = [_row(verdict) for verdict in self.decision.verdicts]
        pairs = ", ".join(f"{count:,} from {escape(name)}" for name, count in self.pairs.items())
        recipe = "\n".join(
            f"<tr><td>{escape(key)}</td><td>{escape(_written(value))}</td></tr>"
            for key, value in asdict(self.recipe).items()
        )
        return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Adaptation</title>
<style>{_STYLE}</style></head><body>
<h1>Adaptation of <em>{escape(self.encoder)}</em></h1>
<p class="{state}"><strong>{escape(self.decision.reason)}</strong></p>
<p>{self.documents:,} documents; trained on {pairs or "no pairs"} and {self.taught:,} texts that a
teacher encoded; {len(self.curve):,} steps. Made {escape(self.made)}.</p>
<h2>Tests on questions that training never saw</h2>
<table><tr><th>source</th><th>queries</th><th>old</th><th>new</th>
<th>difference [95 %]</th><th>p (Holm)</th></tr>{"".join(rows)}</table>
<p>Mean nDCG@10 of the dense leg alone, and of what a search serves (lexical and dense legs
fused); paired randomisation tests.</p>
{intervals(self.decision.verdicts)}
<h2>Domains</h2>{domains_told(self.domains, self.recipe)}
<h2>Training</h2>{curves(self.curve)}
<h2>Recipe</h2><table>{recipe}</table>
</body></html>
"""


def _row(verdict: Verdict) -> str:
    return (
        f"<tr><td>{escape(verdict.source)}, {escape(verdict.leg)}</td><td>{verdict.queries}</td>"
        f"<td>{verdict.old:.4f}</td><td>{verdict.new:.4f}</td>"
        f"<td>{verdict.difference:+.4f} [{verdict.low:+.4f}, {verdict.high:+.4f}]</td>"
        f"<td>{verdict.p_corrected:.3g}</td></tr>"
    )


def domains_told(domains: Grouping, recipe: Recipe) -> str:
    """Return what the domains are, with the number of training documents of each."""
    if not domains.sizes:
        return "<p>The documents were not told apart by domain.</p>"
    use = "told here, and not used in training"
    if domains.divides and recipe.experts:
        use = "an expert each, and batches of one domain"
    elif domains.divides and recipe.by_domain:
        use = "batches of pairs are of one domain"
    named = sorted(domains.sizes.items(), key=lambda each: (-each[1], each[0]))
    named += [("of no domain", domains.outside)] if domains.outside else []
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{count:,}</td></tr>" for name, count in named)
    return (
        f"<p>By {escape(recipe.domains)}: {use}.</p>"
        f"<table><tr><th>domain</th><th>documents that trained</th></tr>{rows}</table>"
    )


def _written(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def intervals(verdicts: Sequence[Verdict]) -> str:
    """Return a picture of the differences with their intervals; nothing without verdicts."""
    drawn = [each for each in verdicts if each.low == each.low and each.high == each.high]
    if not drawn:
        return ""
    reach = max(max(abs(each.low), abs(each.high)) for each in drawn) * 1.1 or 1.0
    height = 34 * len(drawn) + 40

    def x(value: float) -> float:
        return 250 + (value + reach) / (2 * reach) * (_WIDTH - 270)

    lines = [
        f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="6" y2="{height - 24}" stroke="#999"/>',
        f'<text x="{x(0):.1f}" y="{height - 6}" text-anchor="middle">no difference</text>',
    ]
    for i, each in enumerate(drawn):
        y = 24 + 34 * i
        color = "#2a7" if each.low > 0 else "#c52" if each.high < 0 else "#888"
        lines += [
            f'<text x="240" y="{y + 4}" text-anchor="end">'
            f"{escape(each.source)}, {escape(each.leg)}</text>",
            f'<line x1="{x(each.low):.1f}" x2="{x(each.high):.1f}" y1="{y}" y2="{y}" '
            f'stroke="{color}" stroke-width="3"/>',
            f'<circle cx="{x(each.difference):.1f}" cy="{y}" r="5" fill="{color}"/>',
        ]
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{"".join(lines)}</svg>'


def curves(curve: Sequence[tuple[str, float]]) -> str:
    """Return a picture of the losses over the steps, each kind by its own scale."""
    if not curve:
        return "<p>No step was done.</p>"
    lines = [f'<line x1="{_EDGE}" x2="{_WIDTH - 10}" y1="{_HEIGHT - 24}" y2="{_HEIGHT - 24}" '
             f'stroke="#999"/><text x="{_WIDTH - 10}" y="{_HEIGHT - 8}" text-anchor="end">'
             f"{len(curve):,} steps</text>"]  # fmt: skip
    colors = {"pairs": "#27c", "taught": "#c72"}
    for order, kind in enumerate(sorted({kind for kind, _ in curve})):
        told = [(step, loss) for step, (each, loss) in enumerate(curve) if each == kind]
        size = max(1, -(-len(told) // _POINTS))
        parts = [told[i : i + size] for i in range(0, len(told), size)]
        points = [(part[0][0], sum(loss for _, loss in part) / len(part)) for part in parts]
        most = max(loss for _, loss in points) or 1.0
        path = " ".join(
            f"{_EDGE + step / max(len(curve) - 1, 1) * (_WIDTH - _EDGE - 10):.1f},"
            f"{_HEIGHT - 24 - max(loss, 0) / most * (_HEIGHT - 54):.1f}"
            for step, loss in points
        )
        color = colors.get(kind, "#666")
        name = {"pairs": "loss of pairs", "taught": "distance from the teacher"}.get(kind, kind)
        lines.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
            f'<text x="{_EDGE + 230 * order}" y="16" style="fill:{color}">{escape(name)}: '
            f"{points[0][1]:.3g} to {points[-1][1]:.3g}</text>"
        )
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(lines)}</svg>'
