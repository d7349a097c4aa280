import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from everygrain.measure.experiment import compare
from everygrain.measure.results import Cost, Figure, Results
from everygrain.measure.scores import Scores
from everygrain.measure.tables import latex, markdown, terminal, to_csv

NAN = math.nan
LONG = "fuse(lexical(k1=0.9, b=0.4), dense, weights=(0.75, 0.25)) % 1000 [static]"


def figure(system, mean, difference=0.0, p=NAN, corrected=NAN, measure="P(rel=2)@5"):
    low, high = mean - 0.1, mean + 0.1
    return Figure("papers", system, measure, 25, mean, low, high, difference, p, corrected)


def results_of(*figures):
    costs = tuple(
        Cost("papers", each.system, 25, 12345.678, 0.00203, 98765.4, 12_345_600_000, None)
        for each in figures
    )
    return Results(figures, costs, {}, figures[0].system, 0, 1000)


RESULTS = results_of(
    figure("lexical", 0.4),
    figure(LONG, 0.55, 0.15, 0.00004, 0.0001),
    figure("dense", 0.3, -0.1, 0.04, 0.08),
)


def printed(results, width=80):
    console = Console(file=io.StringIO(), width=width)
    for table in terminal(results, "papers"):
        console.print(table)
    return console.file.getvalue()


def test_the_terminal_table_fits_80_columns_and_cuts_nothing_off():
    text = printed(RESULTS)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    assert "0.4500 to 0.6500  +0.1500*    <.0001    0.0001" in text
    assert "0.2000 to 0.4000  -0.1000     0.0400    0.0800" in text
    name = "".join(line[:24].strip() for line in text.splitlines()[2:6]).replace(" ", "")
    assert name.startswith(LONG.replace(" ", ""))
    for value in ("12,345.68", "0.00203", "98,765.4", "12,345.6 MB", "–"):
        assert value in text


def test_brackets_in_a_name_are_not_taken_for_markup():
    assert "dense [red]" in printed(results_of(figure("dense [red]", 0.4)))


def test_markdown_has_a_row_per_system_and_says_what_the_asterisk_means():
    rows = [line for line in markdown(RESULTS).splitlines() if line.startswith("| ")]
    assert rows[0] == "| P(rel=2)@5 | mean | 95 % interval | difference | p | p (Holm) |"
    assert rows[1] == "| lexical | 0.4000 | 0.3000 to 0.5000 | baseline |  |  |"
    assert rows[3] == "| dense | 0.3000 | 0.2000 to 0.4000 | -0.1000 | 0.0400 | 0.0800 |"
    assert all(row.count("|") == 7 for row in rows)
    assert "25 judged queries; baseline lexical; \\* p \\< .05 after Holm" in markdown(RESULTS)


def test_several_collections_come_with_an_overview_of_their_means():
    there = [replace(each, collection="the_others", mean=each.mean / 2) for each in RESULTS.figures]
    both = Results((*RESULTS.figures, *there), RESULTS.costs, {}, "lexical", 0, 1000)
    overview = markdown(both).split("## ")[0].splitlines()
    assert overview[0] == "| P(rel=2)@5 | papers | the\\_others |"
    assert overview[2] == "| lexical | 0.4000 | 0.2000 |"
    assert overview[3].endswith("| 0.5500* | 0.2750* |")
    assert overview[4:] == ["| dense | 0.3000 | 0.1500 |", ""]
    assert markdown(RESULTS).startswith("## papers")


def test_csv_holds_every_figure_at_full_precision():
    third = 1 / 3
    results = results_of(figure("lexical", third), figure('a "b", c', 0.5, third, third, 1.0))
    rows = list(csv.DictReader(io.StringIO(to_csv(results))))
    assert float(rows[0]["mean"]) == third
    assert (rows[0]["p"], rows[0]["p_corrected"]) == ("", "")
    assert rows[1]["system"] == 'a "b", c'
    assert float(rows[1]["p"]) == third
    assert rows[1]["n"] == "25"


def test_latex_marks_the_best_mean_and_what_is_significant():
    lines = latex(RESULTS).splitlines()
    assert "lexical & 0.4000 \\\\" in lines
    assert LONG.replace("%", "\\%") + " & \\textbf{0.5500}$^{*}$ \\\\" in lines
    assert lines.count("\\toprule") == lines.count("\\bottomrule") == 1


def test_the_best_mean_is_the_largest_number_not_the_last_in_the_alphabet():
    counts = results_of(figure("few", 9.0), figure("many", 10.0, 1.0, 0.5, 0.5))
    assert "\\textbf{10.0000}" in latex(counts)
    assert "\\textbf{9.0000}" not in latex(counts)


@pytest.mark.parametrize("name", ["a\x1b[31mb", "a\nb", "a\u202eb"])
def test_names_cannot_command_a_terminal_or_break_a_table(name):
    for text in (printed(results_of(figure(name, 0.4))), to_csv(results_of(figure(name, 0.4)))):
        assert name not in text
        assert "a\ufffd" in text


def test_names_are_escaped_in_markdown_and_latex():
    results = results_of(figure("a|b_<c>", 0.4))
    assert "| a\\|b\\_\\<c\\> |" in markdown(results)
    assert "a|b\\_<c> & " in latex(results)


def test_a_single_query_has_no_interval():
    one = replace(figure("lexical", 0.4), n=1, low=NAN, high=NAN)
    assert "| lexical | 0.4000 | – | baseline |" in markdown(results_of(one))
    assert "1 judged query;" in markdown(results_of(one))


def test_tables_of_a_real_comparison_show_its_numbers():
    generator = np.random.default_rng(0)
    ids = tuple("abcdefghij")
    scores = {f"s{i}": Scores(ids, ("M",), generator.random((10, 1))) for i in range(3)}
    figures = compare("papers", "M", scores, "s0")
    text = markdown(results_of(*figures))
    assert all(f"{each.mean:.4f}" in text for each in figures)
