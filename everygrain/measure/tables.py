"""The results of an experiment as tables: for the terminal, Markdown, CSV and LaTeX.

An asterisk marks a difference to the baseline with p < .05 after Holm's correction. Characters
that a terminal would act on are shown as U+FFFD.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Literal

from everygrain.measure.results import Cost, Figure, Results

if TYPE_CHECKING:
    from rich.table import Table

HEADINGS = ("mean", "95 % interval", "difference", "p", "p (Holm)")
COST_HEADINGS = ("search s", "queries/s", "build s", "index", "calls")
ABSENT = "–"


def terminal(results: Results, collection: str) -> list[Table]:
    """Return rich tables of one collection that fit 80 columns: one a measure, one of costs."""
    from rich.text import Text

    tables = []
    for measure in results.measures:
        table = _table(measure, HEADINGS)
        for figure in results.of(collection, measure):
            style = "bold" if figure.significant and figure.difference > 0 else None
            table.add_row(Text(shown(figure.system)), *cells(figure), style=style)
        tables.append(table)
    table = _table("cost", COST_HEADINGS)
    for cost in results.costs_of(collection):
        table.add_row(Text(shown(cost.system)), *cost_cells(cost))
    return [*tables, table]


def markdown(results: Results) -> str:
    """Return all figures and costs as Markdown; of several collections, first an overview."""
    lines = _overview(results) if len(results.collections) > 1 else []
    for collection in results.collections:
        told = _told(results, collection)
        lines += [f"## {_escaped(collection)}", "", _escaped(told), ""]
        for measure in results.measures:
            lines += _head((measure, *HEADINGS))
            for figure in results.of(collection, measure):
                lines.append(_line([_escaped(figure.system), *cells(figure)]))
            lines.append("")
        lines += _head(("cost", *COST_HEADINGS))
        for cost in results.costs_of(collection):
            lines.append(_line([_escaped(cost.system), *cost_cells(cost)]))
        lines.append("")
    return "\n".join(lines)


def _overview(results: Results) -> list[str]:
    """Return a table a measure: every system's mean on every collection."""
    lines = []
    for measure in results.measures:
        lines += _head((measure, *results.collections))
        columns = [results.of(collection, measure) for collection in results.collections]
        for row in zip(*columns, strict=True):
            means = [f"{each.mean:.4f}{'*' if each.significant else ''}" for each in row]
            lines.append(_line([_escaped(row[0].system), *means]))
        lines.append("")
    return lines


def to_csv(results: Results) -> str:
    """Return the figures at full precision, a row each; empty where there is no number."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([each.name for each in fields(Figure)])
    for figure in results.figures:
        values = asdict(figure).values()
        writer.writerow(
            "" if v != v else shown(v) if isinstance(v, str) else repr(v) for v in values
        )
    return file.getvalue()


def latex(results: Results) -> str:
    """Return a table for a paper (package booktabs): means, the best of each column bold."""
    columns = [(c, m) for c in results.collections for m in results.measures]
    spans = " & ".join(
        f"\\multicolumn{{{len(results.measures)}}}{{c}}{{{_tex(c)}}}" for c in results.collections
    )
    lines = [
        "% needs \\usepackage{booktabs}",
        f"\\begin{{tabular}}{{l{'r' * len(columns)}}}",
        "\\toprule",
        f" & {spans} \\\\",
        f"System & {' & '.join(_tex(measure) for _, measure in columns)} \\\\",
        "\\midrule",
    ]
    of = {(e.collection, e.measure, e.system): e for e in results.figures}
    best = {column: f"{max(e.mean for e in results.of(*column)):.4f}" for column in columns}
    for system in results.systems:
        row = [_tex(system)]
        for column in columns:
            figure = of[*column, system]
            mean = f"{figure.mean:.4f}"
            told = f"\\textbf{{{mean}}}" if mean == best[column] else mean
            row.append(told + ("$^{*}$" if figure.significant else ""))
        lines.append(f"{' & '.join(row)} \\\\")
    lines += ["\\bottomrule", "\\end{tabular}"]
    lines += [f"% {shown(each)}: {_told(results, each)}" for each in results.collections]
    return "\n".join(lines) + "\n"


def cells(figure: Figure) -> list[str]:
    """Return a figure's cells under HEADINGS."""
    interval = f"{figure.low:.4f} to {figure.high:.4f}" if figure.low == figure.low else ABSENT
    if not figure.compared:
        return [f"{figure.mean:.4f}", interval, "baseline", "", ""]
    return [
        f"{figure.mean:.4f}",
        interval,
        f"{figure.difference:+.4f}{'*' if figure.significant else ''}",
        _probability(figure.p),
        _probability(figure.p_corrected),
    ]


def cost_cells(cost: Cost) -> list[str]:
    """Return a cost's cells under COST_HEADINGS."""
    return [
        f"{cost.seconds:,.2f}",
        _rate(cost.queries_per_second),
        ABSENT if cost.build_seconds is None else f"{cost.build_seconds:,.1f}",
        ABSENT if cost.index_bytes is None else f"{cost.index_bytes / 1e6:,.1f} MB",
        ABSENT if cost.model_calls is None else f"{cost.model_calls:,}",
    ]


def shown(text: str) -> str:
    """Return a text of the same length without what a terminal or a page would act on."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _table(first: str, headings: tuple[str, ...]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(Text(shown(first)), overflow="fold", min_width=18)
    for heading in headings:
        # signs of differences stand below each other, whether an asterisk follows or not
        justify: Literal["left", "right"] = "left" if heading == "difference" else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    return table


def _told(results: Results, collection: str) -> str:
    n = results.of(collection, results.measures[0])[0].n
    queries = "1 judged query" if n == 1 else f"{n:,} judged queries"
    return (
        f"{queries}; baseline {shown(results.baseline)}; * p < .05 after Holm's correction; "
        f"seed {results.seed}, k = {results.k:,}."
    )


def _rate(rate: float) -> str:
    if math.isnan(rate):
        return ABSENT
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _probability(p: float) -> str:
    return "<.0001" if p < 0.0001 else f"{p:.4f}"


def _head(names: tuple[str, ...]) -> list[str]:
    return [_line([_escaped(name) for name in names]), "|---|" + "--:|" * (len(names) - 1)]


def _line(row: list[str]) -> str:
    return f"| {' | '.join(cell.strip() for cell in row)} |"


def _escaped(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in shown(text))


_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_TEX |= {c: f"\\{c}" for c in "&%$#_{}"}


def _tex(text: str) -> str:
    return "".join(_TEX.get(c, c) for c in shown(text))
