"""What follows judging: `everygrain judge agree` and `everygrain judge export`."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from everygrain.cli.options import AsJson

if TYPE_CHECKING:
    from everygrain.measure.reliability import JudgePair

Pool = Annotated[Path, typer.Argument(metavar="POOL.jsonl", help="Made by `judge pool`.")]


class Form(StrEnum):
    """How a file of judgements is laid out."""

    beir = "beir"
    trec = "trec"


def agree(pool: Pool, as_json: AsJson = False) -> None:
    """Tell how far the judges of a pool agree: Cohen's kappa, Krippendorff's alpha."""
    from rich.table import Table

    from everygrain.cli.terminal import clean, output, print_json, remark
    from everygrain.measure.judge import GRADES
    from everygrain.measure.reliability import alpha_nominal, alpha_ordinal, by_unit, judge_pairs

    grades = _grades(pool, remark)
    found = judge_pairs(grades, list(GRADES))
    units = by_unit(grades)
    shared = sum(len(unit) > 1 for unit in units)
    nominal, ordinal = alpha_nominal(units), alpha_ordinal(units)
    if as_json:
        print_json(
            {
                "judges": {each: len(given) for each, given in grades.items()},
                "documents": len(units),
                "by_two_or_more": shared,
                "alpha_nominal": _number(nominal),
                "alpha_ordinal": _number(ordinal),
                "pairs": [_told(each) for each in found],
            }
        )
        return
    console = output()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("judges", "both", "same", "kappa", "quadratic kappa"):
        table.add_column(column, justify="left" if column == "judges" else "right")
    for each in found:
        table.add_row(
            clean(f"{each.first}, {each.second}"), f"{each.both:,}", f"{each.same:,}",
            _shown(each.kappa), _shown(each.quadratic),
        )  # fmt: skip
    if found:
        console.print(table)
    graded = ", ".join(f"{each} {len(given):,}" for each, given in grades.items())
    console.print(clean(f"Graded: {graded or 'nothing yet'}. By two or more: {shared:,}."))
    console.print(f"Krippendorff's alpha: ordinal {_shown(ordinal)}, nominal {_shown(nominal)}.")


def export(
    pool: Pool,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="The judgements.")],
    form: Annotated[
        Form, typer.Option("--format", help="BEIR's TSV, or TREC's four columns.")
    ] = Form.beir,
    judges: Annotated[
        list[str] | None,
        typer.Option("--judge", metavar="NAME", help="Only this judge; repeatable."),
    ] = None,
) -> None:
    """Write the grades as qrels.

    Where judges differ, the median of their grades counts, of an even number the lower of the two
    in the middle: so of two judges the lower grade. A skip is no grade."""
    from everygrain.cli.terminal import counted, remark
    from everygrain.errors import MeasureError
    from everygrain.measure.consensus import consensus, write_judgements
    from everygrain.measure.pool import read_pool
    from everygrain.measure.reliability import by_unit

    grades = _grades(pool, remark)
    for name in judges or ():
        if name not in grades:
            raise MeasureError(
                f"'{name}' has judged nothing in {pool}.",
                f"There are {', '.join(grades) or 'no judges yet'}.",
            )
    chosen = {name: given for name, given in grades.items() if not judges or name in judges}
    merged = consensus(chosen)
    if not merged:
        raise MeasureError(f"Nothing in {pool} has a grade yet.", "Judge with `judge page`.")
    count = write_judgements(output, merged, form.value)
    remark(f"{counted(count, 'judgement')} in {output}.")
    if differ := sum(len(set(votes)) > 1 for votes in by_unit(chosen)):
        remark(f"The judges differ on {counted(differ, 'document')}: the lower median counts.")
    if left := len(read_pool(pool)) - count:
        remark(f"{counted(left, 'document')} of the pool got no grade, and no row.")


def _grades(pool: Path, remark: Any) -> dict[str, dict[tuple[str, str], int]]:
    """Return judge -> (query id, document id) -> grade, of what the pool holds."""
    from everygrain.cli.terminal import counted
    from everygrain.measure.consensus import grades_of
    from everygrain.measure.ledger import Ledger
    from everygrain.measure.pool import read_pool

    held = {item.pair for item in read_pool(pool)}
    every = grades_of(Ledger.beside(pool).by_judge())
    kept = {
        name: {pair: grade for pair, grade in given.items() if pair in held}
        for name, given in every.items()
    }
    if foreign := sum(map(len, every.values())) - sum(map(len, kept.values())):
        remark(f"Left out: {counted(foreign, 'grade')} of documents that {pool} does not hold.")
    return {name: given for name, given in kept.items() if given}


def _told(each: JudgePair) -> dict[str, Any]:
    return {
        "judges": [each.first, each.second],
        "both": each.both,
        "same": each.same,
        "kappa": _number(each.kappa),
        "quadratic_kappa": _number(each.quadratic),
        "table": each.table,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _shown(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.3f}"
