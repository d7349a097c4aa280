"""The results of an experiment as pictures, drawn with matplotlib (extra `bench`).

quality.png       mean and 95 % interval of every system, a panel for a collection and measure
cost.png          quality against time for a query, a panel for a collection
differences.png   every query's difference to the baseline, from the best to the worst
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from everygrain.errors import MeasureError
from everygrain.measure.pairs import outcomes
from everygrain.measure.results import Figure, Results
from everygrain.measure.tables import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

# distinct for colour-blind readers: Wong, Points of View: Color Blindness, 2011
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX*"
GREY = "#8a8a8a"
STYLE: dict[Any, Any] = {
    "text.parse_math": False,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "savefig.dpi": 150,
}


def write_plots(results: Results, folder: str | Path) -> list[Path]:
    """Write all plots into a folder that exists. Returns their paths.

    The plots of costs and of differences are of the first measure; without a second system there
    are no differences. Raises MeasureError if matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
    except ModuleNotFoundError:
        raise MeasureError(
            "Plots need the package matplotlib, which is not installed.",
            "Install it: pip install 'everygrain[bench]'.",
        ) from None
    drawn: dict[str, Callable[[Results], Picture]] = {"quality": quality, "cost": cost}
    if len(results.systems) > 1:
        drawn["differences"] = differences
    written = []
    with rc_context(STYLE):
        for name, draw in drawn.items():
            written.append(Path(folder) / f"{name}.png")
            draw(results).savefig(written[-1])
    return written


def quality(results: Results) -> Picture:
    """Draw means with intervals; filled where the difference to the baseline is significant."""
    systems, measures = results.systems, results.measures
    tall = 0.28 * len(systems) + 0.75
    picture, panels = _panels(len(results.collections), len(measures), 3.4, tall, 1.6)
    for i, collection in enumerate(results.collections):
        for j, measure in enumerate(measures):
            axes, figures = panels[i][j], results.of(collection, measure)
            base = next(each.mean for each in figures if not each.compared)
            axes.axvline(base, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
            for place, figure in enumerate(figures):
                _point(axes, figure.mean, place, figure, COLOURS[0], "o", sideways=True)
            names = [_wrapped(each.system, 30) for each in figures] if j == 0 else []
            axes.set_yticks(range(len(systems)) if j == 0 else [], names)
            axes.set_ylim(len(systems) - 0.5, -0.5)
            axes.set_title(f"{shown(collection)}, n = {figures[0].n:,}")
            axes.set_xlabel(measure)
            axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
            axes.set_axisbelow(True)
    picture.supxlabel(
        "mean, 95 % interval; filled: differs from the baseline (dotted), p < .05 after Holm",
        fontsize=8, color="#555555",
    )  # fmt: skip
    return picture


def cost(results: Results, measure: str | None = None) -> Picture:
    """Draw quality over milliseconds for a query, on a logarithmic scale."""
    from matplotlib.ticker import LogLocator, NullLocator

    measure = measure or results.measures[0]
    columns = min(3, len(results.collections))
    rows = math.ceil(len(results.collections) / columns)
    longest = min(30, max(len(system) for system in results.systems))
    picture, panels = _panels(rows, columns, 3.6, 2.8, 0.6 + 0.07 * longest, 0.0)
    flat = [axes for row in panels for axes in row]
    for axes in flat[len(results.collections) :]:
        axes.set_axis_off()
    for axes, collection in zip(flat, results.collections, strict=False):
        times = {
            each.system: 1000 * each.seconds / each.queries for each in results.costs_of(collection)
        }
        for i, figure in enumerate(results.of(collection, measure)):
            marker, colour = MARKERS[i % len(MARKERS)], COLOURS[i % len(COLOURS)]
            _point(axes, times[figure.system], figure.mean, figure, colour, marker, sideways=False)
        axes.set_xscale("log")
        axes.set_xlim(min(times.values()) / 2, 2 * max(times.values()))
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_title(shown(collection))
        axes.set_xlabel("milliseconds a query")
        axes.set_ylabel(measure)
        axes.grid(color="#e6e6e6", linewidth=0.6)
        axes.set_axisbelow(True)
    handles, _ = flat[0].get_legend_handles_labels()
    names = [_wrapped(system, 30) for system in results.systems]
    picture.legend(handles, names, loc="outside right upper", frameon=False, fontsize=8)
    return picture


def differences(results: Results, measure: str | None = None) -> Picture:
    """Draw each query's difference to the baseline, sorted, a panel for each other system."""
    measure = measure or results.measures[0]
    others = [system for system in results.systems if system != results.baseline]
    picture, panels = _panels(len(results.collections), len(others), 3.0, 2.2, 0.5)
    for row, collection in zip(panels, results.collections, strict=True):
        base = results.values(collection, results.baseline, measure)
        figures = {each.system: each for each in results.of(collection, measure)}
        sorted_gaps = [
            np.sort(results.values(collection, system, measure) - base)[::-1] for system in others
        ]
        most = max(0.05, *(float(np.abs(gaps).max()) for gaps in sorted_gaps))
        for place, (axes, system, gaps) in enumerate(zip(row, others, sorted_gaps, strict=True)):
            counts = outcomes(gaps, np.zeros(len(gaps)))
            colours = np.where(gaps > 0, COLOURS[0], COLOURS[1])
            axes.bar(np.arange(len(gaps)), gaps, width=1.0, color=colours, linewidth=0)
            axes.axhline(0, color="black", linewidth=0.6)
            axes.axhline(gaps.mean(), color=GREY, linewidth=0.8, linestyle="--")
            axes.set_ylim(-1.08 * most, 1.08 * most)
            star = "*" if figures[system].significant else ""
            told = f"{gaps.mean():+.3f}{star}, {counts.wins} up, {counts.losses} down"
            axes.set_title(f"{_wrapped(system, 38)}\n{shown(collection)}: {told}", fontsize=8)
            axes.set_xticks([])
            axes.set_xlabel(f"{len(gaps):,} queries")
            axes.tick_params(labelleft=place == 0)
    for row in panels:
        row[0].set_ylabel(f"{measure} minus\n{shown(results.baseline)}")
    return picture


def _wrapped(name: str, width: int) -> str:
    return "\n".join(wrap(shown(name), width))


def _panels(
    rows: int, columns: int, wide: float, tall: float, left: float, below: float = 0.3
) -> tuple[Picture, list[list[Axes]]]:
    """Return a picture of panels of a size in inches, with room at the left and below."""
    from matplotlib.figure import Figure as Picture

    size = (left + wide * columns, below + tall * rows)
    picture = Picture(figsize=size, layout="constrained")
    return picture, picture.subplots(rows, columns, squeeze=False).tolist()


def _point(
    axes: Axes, x: float, y: float, figure: Figure, colour: str, marker: str, *, sideways: bool
) -> None:
    """Draw a mean with its interval."""
    bounds = (figure.low, figure.high)
    error = (
        None if math.isnan(bounds[0]) else [[figure.mean - bounds[0]], [bounds[1] - figure.mean]]
    )
    hollow = figure.compared and not figure.significant and sideways
    axes.errorbar(
        x, y,
        xerr=error if sideways else None,
        yerr=None if sideways else error,
        fmt=marker, color=colour if figure.compared or not sideways else GREY,
        markerfacecolor="white" if hollow else None,
        markersize=5, linewidth=1.2, capsize=2.5,
        label=shown(figure.system),
    )  # fmt: skip
