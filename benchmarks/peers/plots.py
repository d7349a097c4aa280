"""The pictures: engines side by side at the largest size, and growth over sizes."""

from __future__ import annotations

from math import ceil, floor, log10
from pathlib import Path
from statistics import median
from typing import Any

from peers.report import FIGURES, US, values
from peers.worker import ENGINES

KINDS = ("lexical", "dense", "hybrid")
MARKS = "os^Dv*P"
SHOWN = ("documents_per_second", "update_seconds", "p50_ms", "queries_per_second", "peak_mib")


def draw(results: dict[str, Any], folder: Path) -> None:
    """Write peers.png, and peers_growth.png where there is more than one size."""
    import matplotlib

    matplotlib.use("Agg")
    _dots(results, folder / "peers.png")
    if len(results["sizes"]) > 1:
        _growth(results, folder / "peers_growth.png")


def _dots(results: dict[str, Any], path: Path) -> None:
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter

    size = results["sizes"][-1]
    figure, grid = pyplot.subplots(3, len(SHOWN), figsize=(18, 9), layout="constrained")
    for row, kind in zip(grid, KINDS, strict=True):
        for axes, shown in zip(row, SHOWN, strict=True):
            engines = [e for e in ENGINES if e.kind == kind]
            for place, engine in enumerate(engines):
                found = sorted(values(results, kind, engine.name, size, shown).values())
                if found:
                    middle = median(found)
                    color = "tab:orange" if engine.name.startswith(US) else "tab:blue"
                    error = [[middle - found[0]], [found[-1] - middle]]
                    axes.errorbar(middle, place, xerr=error, fmt="o", capsize=4, color=color)
            axes.set_yticks(range(len(engines)), [engine.name for engine in engines])
            axes.set_ylim(len(engines) - 0.5, -0.5)
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter(NullFormatter())
            low, high = axes.get_xlim()
            axes.set_xlim(10 ** floor(log10(low)), 10 ** ceil(log10(high)))  # whole decades
            axes.grid(alpha=0.3)
            heading, more = FIGURES[shown]
            if kind == KINDS[0]:
                axes.set_title(f"{heading} ({'more' if more else 'less'} is better)", fontsize=10)
            if axes is not row[0]:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel(kind)
    runs = results["runs"][str(size)]
    told = "1 run" if runs == 1 else f"medians and least-most of {runs} interleaved runs"
    figure.suptitle(f"{size:,} papers, {told}; logarithmic; no dot: no such figure")
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _growth(results: dict[str, Any], path: Path) -> None:
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter, NullLocator

    shown = ("build_seconds", "p50_ms", "peak_mib", "disk_mib")
    figure, grid = pyplot.subplots(3, len(shown), figsize=(20, 13), layout="constrained")
    for row, kind in zip(grid, KINDS, strict=True):
        for axes, name in zip(row, shown, strict=True):
            for i, engine in enumerate(e for e in ENGINES if e.kind == kind):
                found = [values(results, kind, engine.name, s, name) for s in results["sizes"]]
                pairs = zip(results["sizes"], found, strict=True)
                points = [(s, median(f.values())) for s, f in pairs if f]
                if points:
                    width = 3.0 if engine.name.startswith(US) else 1.3
                    axes.plot(
                        *zip(*points, strict=True), MARKS[i] + "-", color=f"C{i}", lw=width,
                        label=engine.name, alpha=0.8,
                    )  # fmt: skip
            axes.set(xscale="log", yscale="log")
            axes.set_title(f"{kind}: {FIGURES[name][0]}", fontsize=13)
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xticks(results["sizes"], [f"{size:,}" for size in results["sizes"]])
            axes.yaxis.set_minor_formatter(NullFormatter())
            low, high = axes.get_ylim()
            axes.set_ylim(10 ** floor(log10(low)), 10 ** ceil(log10(high)))  # whole decades
            axes.set_xlabel("papers")
            axes.tick_params(labelsize=11)
            axes.grid(alpha=0.3)
        row[-1].legend(fontsize=11, loc="center left", bbox_to_anchor=(1.02, 0.5))
    figure.suptitle(f"Growth with the number of papers: medians of {told_runs(results)}; less is "
                    "better in all", fontsize=14)  # fmt: skip
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def told_runs(results: dict[str, Any]) -> str:
    counts = sorted(set(results["runs"].values()))
    return f"{counts[0]} runs" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} runs"
