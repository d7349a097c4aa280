"""Do terms that are called rising in a year stay risen in the next? And what is called by chance?

    python benchmarks/papers/trends.py [--stage all|years|shuffles|cost] [--kept FILE]

For each year Y the terms of papers up to Y are ranked by what was known at the end of Y; papers of
Y + 1 judge them: is the count of Y + 1 at least `RISEN` times what the rates before Y, each venue
by its own past, lead one to expect (risen), and at least as far above it as in Y (on)? Rankings:
ours (lower end of the ratio; terms that are not called rising come last), the same by the bare
ratio, the ratio of plain rates (the usual growth ratio, no venues, no smoothing but one half), the
difference of plain rates, Poisson's p, and terms drawn from those with a growth ratio above 1. None
is folded, so that all rank the same terms.

By chance: the years of papers are shuffled within venues, and terms called rising are counted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from scipy.stats import poisson

from everygrain.measure.bootstrap import bca_interval
from everygrain.measure.significance import randomisation_test
from everygrain_papers.paper import Paper, of_record
from everygrain_papers.trends import TermCounts, rising_papers, rising_terms
from everygrain_papers.trends.rising import call_rising
from everygrain_papers.trends.table import FEWEST, table
from everygrain_papers.trends.venues import apart, counts_of, mix, rates_of
from everygrain_papers.trends.windows import OLD, Calendar, calendar

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "papers" / "papers.jsonl.gz"
RESULTS = Path(__file__).resolve().parents[1] / "results"
RISEN = 1.5
AT = 50  # first terms of a ranking
OUTCOMES = ("risen", "on")
OURS = "ours (lower end)"
RATIO, PLAIN, GAP, POISSON, DRAWN = (
    "ours, bare ratio",
    "growth ratio",
    "growth in rate",
    "Poisson p",
    "any that grew",
)
SYSTEMS = (OURS, RATIO, PLAIN, GAP, POISSON, DRAWN)


def read() -> list[Paper]:
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        return [of_record(json.loads(line)) for line in lines]


def of_year(counts: TermCounts, year: int) -> tuple[Calendar, np.ndarray]:
    """Return the calendar that ends with a year, and the venues, as `rising_terms` has them."""
    return apart(calendar(counts.dates, date(year, 12, 31), "year", recent=1), counts.venues)


def judged(
    counts: TermCounts, year: int, least: int, chance: np.random.Generator
) -> dict[str, list[list[int]]]:
    """Return for each system the OUTCOMES of its first terms, best first."""
    whole, venues = of_year(counts, year)
    after, _ = of_year(counts, year + 1)
    last = after.totals.size - 1
    # The next year's papers, as recent ones against the past that the year itself had.
    places = np.where(after.places == last, whole.totals.size - 1, whole.places)
    places = np.where(whole.places == whole.totals.size - 1, OLD, places)
    known = {name for name, old in zip(counts.venues, whole.places >= 0, strict=True) if old}
    strange = np.array([name not in known for name in counts.venues])
    places = np.where((after.places == last) & strange, OLD, places)
    used = np.flatnonzero((whole.places >= 0) | (places >= 0))
    ids = counts.ids
    told = table(counts, [ids[each] for each in used], least)

    def windows(places: np.ndarray) -> tuple[np.ndarray, Calendar, np.ndarray]:
        kept = np.flatnonzero(places[used] >= 0)
        at = places[used][kept]
        totals = np.bincount(at, minlength=whole.totals.size)
        return kept, Calendar("year", whole.labels, at, totals, 1), venues[used][kept]

    now, inside, where = windows(whole.places)
    within = told.within[:, now]
    counted = counts_of(within, inside)
    looked = np.flatnonzero(counted.sum(axis=1) >= least)
    within, counted = within[looked], counted[looked]
    called = call_rising(within, inside, mix(where, inside), least, 0.05, 0.95)
    later, then, where_then = windows(places)
    ratio_then = rates_of(told.within[looked][:, later], then, mix(where_then, then), 0.95).ratio

    figures, totals = called.rates, inside.totals.astype(float)
    rate, past = counted[:, -1] / totals[-1], counted[:, :-1].sum(axis=1)
    plain = rate / ((past + 0.5) / totals[:-1].sum())
    held = np.zeros(len(looked))
    held[called.chosen] = 1e6
    grew = np.flatnonzero(plain > 1)
    drawn = np.zeros(len(looked))
    drawn[grew] = 1 + chance.random(grew.size)
    scores = {
        OURS: held + figures.low,
        RATIO: figures.ratio,
        PLAIN: plain,
        GAP: rate - past / totals[:-1].sum(),
        POISSON: -poisson.sf(counted[:, -1] - 1, totals[-1] * (past + 0.5) / totals[:-1].sum()),
        DRAWN: drawn,
    }
    outcomes = np.column_stack([ratio_then >= RISEN, ratio_then >= figures.ratio]).astype(int)
    ties = -counted[:, -1]
    return {
        name: outcomes[np.lexsort((ties, -score))[:AT]].tolist() for name, score in scores.items()
    } | {"called": [[len(called.chosen), len(looked)]]}


def shuffled(
    counts: TermCounts, year: int, runs: int, chance: np.random.Generator
) -> list[list[int]]:
    """Return how many terms are called rising when years are shuffled within venues."""
    whole, venues = of_year(counts, year)
    used = np.flatnonzero(whole.places >= 0)
    ids = counts.ids
    told = table(counts, [ids[each] for each in used])
    names = np.unique(np.array(counts.venues)[used], return_inverse=True)[1]
    found = []
    for _ in range(runs):
        places = whole.places[used].copy()
        for name in range(names.max() + 1):
            inside = np.flatnonzero(names == name)
            places[inside] = chance.permutation(places[inside])
        moved = replace(whole, places=places)
        each = []
        for known in (venues[used], np.zeros(used.size, dtype=np.int64)):
            called = call_rising(told.within, moved, mix(known, moved), FEWEST, 0.05, 0.95)
            each.append(len(called.chosen))
        found.append(each)
    return found


def measured() -> dict[str, float]:
    """Return seconds of this process and MiB for reading, ranking, and adding 500 papers."""
    papers = read()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.process_time()
    counts = TermCounts(papers)
    counting = time.process_time() - start
    held = papers[-500:]
    counts.remove([paper.id for paper in held])
    start = time.process_time()
    counts.add(held)
    adding = time.process_time() - start
    start = time.process_time()
    terms = rising_terms(counts, date(2025, 12, 31))
    rising_papers(papers, terms, [], None, date(2025, 12, 31))
    ranking = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "papers": len(papers),
        "counting_s": counting,
        "adding_500_s": adding,
        "ranking_s": ranking,
        "peak_mib": peak,
        "papers_alone_mib": before,
    }


def write(result: dict) -> None:
    (RESULTS / "papers_trends.json").write_text(json.dumps(result, indent=1) + "\n")
    # Read again, so that the page is the same whether it is made now or later.
    (RESULTS / "papers_trends.md").write_text(page(json.loads(json.dumps(result))))
    print(page(json.loads(json.dumps(result))))


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    told.add_argument("--first", type=int, default=2014)
    told.add_argument("--last", type=int, default=2024)
    told.add_argument("--least", type=int, nargs="+", default=[FEWEST])
    told.add_argument("--shuffles", type=int, default=5)
    told.add_argument("--kept", type=Path, help="where counts are kept between runs")
    told.add_argument("--stage", choices=["all", "years", "shuffles", "cost"], default="all")
    given = told.parse_args()
    file = RESULTS / "papers_trends.json"
    if given.stage == "cost":
        write(json.loads(file.read_text()) | {"cost": measured()})
        return
    chance = np.random.default_rng(0)
    if given.kept is not None and given.kept.exists():
        counts = TermCounts.load(given.kept)
    else:
        counts = TermCounts(read())
        if given.kept is not None:
            counts.save(given.kept)
    result: dict = json.loads(file.read_text()) if file.exists() else {}
    if given.stage in ("all", "years"):
        years = list(range(given.first, given.last + 1))
        outcomes = {
            least: {year: judged(counts, year, least, chance) for year in years}
            for least in given.least
        }
        result |= {"papers": len(counts), **compared(outcomes)}
    if given.stage in ("all", "shuffles"):
        runs = given.shuffles
        result["shuffled"] = {y: shuffled(counts, y, runs, chance) for y in (2016, 2020, 2024)}
    write(result)


def compared(outcomes: dict[int, dict[int, dict[str, list[list[int]]]]]) -> dict:
    """Return shares, intervals and tests from least papers -> year -> system -> outcomes."""
    rows, tests, called, by_year = [], {}, {}, {}
    for least, found in outcomes.items():
        called[str(least)] = {year: each["called"][0] for year, each in found.items()}
        for name in SYSTEMS:
            row: dict[str, object] = {"least": least, "ranking": name}
            for column, what in enumerate(OUTCOMES):
                each = [np.mean([o[column] for o in by[name]]) for by in found.values()]
                by_year[f"{least}|{name}|{what}"] = each
                interval = bca_interval(each)
                row[what] = [np.mean(each), interval.low, interval.high]
                if name != OURS:
                    pair = by_year[f"{least}|{OURS}|{what}"], each
                    gaps = np.subtract(*pair)
                    interval = bca_interval(gaps)
                    told = randomisation_test(*pair)
                    tests[f"{least}|{name}|{what}"] = [
                        told.difference,
                        interval.low,
                        interval.high,
                        told.p,
                    ]
            rows.append(row)
    years = list(next(iter(outcomes.values())))
    return {"years": years, "rows": rows, "tests": tests, "called": called, "by_year": by_year}


def page(result: dict) -> str:
    years, cost = result["years"], result.get("cost")
    lines = [
        "# Rising terms of real years",
        "",
        f"The first {AT} terms at the end of each year {years[0]}-{years[-1]} ({len(years)} years, "
        f"{result['papers']:,} papers), judged by the papers of the year after against what the "
        f"years before it lead one to expect. Risen: at least {RISEN} times as much, "
        "which is a measure of ratios, in which rankings by size can hardly do well; on: at least "
        "as far above it as in the year itself. Shares of terms, means over years [95 % BCa "
        "interval over years]; differences of ours from each with exact paired randomisation "
        f"tests over {len(years)} years, uncorrected. "
        "Made by `python benchmarks/papers/trends.py`. What is to be expected takes venues into "
        "account as ours does, so plain rates also lose where only venues changed. The form of the "
        "model (what over-dispersion is taken around, venues apart, the bound for several venues) "
        "was chosen while looking at lists and shuffles of some of these years, not at these "
        "measures.",
    ]
    for least in result["called"]:
        looked = result["called"][least]
        lines += [
            "",
            f"## Terms of at least {least} papers",
            "",
            "| ranking | risen | on | ours ahead: risen | on |",
            "|---|---|---|---|---|",
        ]
        for row in result["rows"]:
            if str(row["least"]) != least:
                continue
            cells = ["{:.3f} [{:.3f}, {:.3f}]".format(*row[what]) for what in OUTCOMES]
            for what in OUTCOMES:
                told = result["tests"].get(f"{least}|{row['ranking']}|{what}")
                cells.append(
                    "" if told is None else "{:+.3f} [{:+.3f}, {:+.3f}], p {:.3f}".format(*told)
                )
            lines.append(f"| {row['ranking']} | " + " | ".join(cells) + " |")
        lines += ["", "Called rising at a share of false ones of .05, of terms looked at: "]
        lines[-1] += ", ".join(f"{y}: {a:,} of {b:,}" for y, (a, b) in looked.items()) + "."
    lines += [
        "",
        "Called rising when years are shuffled within venues, so that no term rises and only the "
        "mix of venues changes, [by ours, by the same without venues] in each run:",
        "",
    ]
    lines += [f"- {year}: {found}" for year, found in result.get("shuffled", {}).items()]
    if cost is not None:
        lines += [
            "",
            f"Cost, processor seconds of one core, {cost['papers']:,} papers: "
            f"{cost['counting_s']:.1f} s to read all texts, {cost['ranking_s']:.1f} s for rising "
            f"terms and papers (eight past years), {cost['adding_500_s'] * 1000:.0f} ms to add 500 "
            f"papers; peak memory {cost['peak_mib']:,.0f} MiB, of which "
            f"{cost['papers_alone_mib']:,.0f} MiB are the papers themselves.",
        ]
    lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
