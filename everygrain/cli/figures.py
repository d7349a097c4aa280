"""A table of what systems reached, with intervals and the command that gives it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from everygrain.cli.terminal import clean, counted, output, print_command
from everygrain.measure.bootstrap import percentile_interval
from everygrain.measure.scores import Scores


def print_figures(name: str, scores: Mapping[str, Scores], arguments: Sequence[str]) -> None:
    """Print mean and 95 % bootstrap interval of every system, measure by measure."""
    from rich.table import Table

    first = next(iter(scores.values()))
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("measure")
    table.add_column("system")
    table.add_column("mean", justify="right")
    table.add_column("95 % interval", justify="right")
    for measure in first.measures:
        means = {system: each.mean()[measure] for system, each in scores.items()}
        for i, (system, each) in enumerate(scores.items()):
            interval = percentile_interval(each.of(measure))
            best = means[system] == max(means.values()) and len(means) > 1
            table.add_row(
                measure if i == 0 else "",
                system,
                f"{means[system]:.4f}",
                f"{interval.low:.4f} to {interval.high:.4f}",
                style="bold" if best else None,
            )
    console = output()
    judged = counted(len(first.queries), "judged query", "judged queries")
    console.print(clean(f"{name}: {judged}"))
    console.print(table)
    print_command(console, "Again:", ["everygrain", "evaluate", *arguments])
