"""Rising terms and topics: planted ones, permuted calendars, venues, what is left out."""

from datetime import date

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.trends import TermCounts, ground, rising_terms, rising_topics
from everygrain_papers.trends.rising import call_rising
from everygrain_papers.trends.venues import apart, mix
from everygrain_papers.trends.windows import NEW, Calendar, calendar, dates_of

TODAY = date(2026, 12, 31)
YEARS = range(2018, 2027)


def collection(plant, papers_a_year=60, **more):
    """Return papers of nine years; plant(year, number) gives the words that one speaks of."""
    made = []
    for year in YEARS:
        for number in range(papers_a_year):
            about = plant(year, number)
            made.append(
                Paper(
                    f"{year}-{number}",
                    f"{about} {number}x",
                    f"Here {about} stands. Then {about} again, once more.",
                    year=year,
                    **more,
                )
            )
    return made


def growing(year, number):
    if year == 2026 and number < 25:
        return "Large language models"
    if number < 2:
        return "Language models"
    return "Support vector machines" if number % 2 else "Robot grasping"


@pytest.mark.parametrize(
    "settings",
    [
        {"fewest": 0},
        {"share": 0.0},
        {"share": 1.0},
        {"confidence": 1.0},
        {"limit": 0},
        {"window": "century"},
        {"past": 1},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError):
        rising_terms([], TODAY, **settings)
    with pytest.raises(InputError):
        rising_topics([], {}, {}, TODAY, **settings)


def test_a_planted_term_rises_with_its_figures_and_nothing_else_does():
    (told,) = rising_terms(collection(growing), TODAY)
    assert told.kind == "term"
    assert told.name == "Large language models"
    assert set(told.also) >= {"language models"} or "Language models" in told.also
    assert told.recent == 25
    assert told.expected == pytest.approx(60 * 1 / 480)
    assert told.ratio == pytest.approx(told.recent / told.expected)
    assert 1 < told.low < told.ratio < told.high <= 60 / told.expected  # no more than all papers
    assert len(told.papers) == 25
    assert told.series[-1] == ("2026", 25, 60)
    assert told.series[0] == ("2018", 0, 60)
    assert told.made_of.startswith("25 of 60 papers in 2026, 0.1 expected from 0 of 480 in 2018 to")


def test_a_name_is_written_as_papers_write_it():
    def plant(year, number):
        return "RLHF-tuned LLMs" if year == 2026 and number < 20 else f"maps of {number % 3}d kind"

    names = {
        name for each in rising_terms(collection(plant), TODAY) for name in (each.name, *each.also)
    }
    assert "RLHF-tuned LLMs" in names


def test_papers_without_a_date_or_to_come_change_nothing_and_are_said():
    papers = collection(growing)
    more = [Paper(f"u{n}", "Robot grasping", "Robot grasping. Robot grasping.") for n in range(50)]
    more += [Paper(f"f{n}", "Robot grasping", "Robot grasping.", year=2027) for n in range(60)]
    one, other = rising_terms(papers, TODAY), rising_terms([*papers, *more], TODAY)
    assert [(e.name, e.low, e.papers) for e in one] == [(e.name, e.low, e.papers) for e in other]
    assert "none left out" in one[0].made_of
    assert "left out: 50 without a date, 60 with a date to come" in other[0].made_of
    assert ground([*papers, *more], TODAY) == (
        "2026 (60 papers) against 2018 to 2025 (480 papers), by year; "
        "left out: 50 without a date, 60 with a date to come"
    )


def test_a_young_collection_has_no_trends_and_says_why():
    papers = [paper for paper in collection(growing) if paper.year >= 2025]
    assert rising_terms(papers, TODAY) == []
    assert rising_topics(papers, {paper.id: 1 for paper in papers}, {}, TODAY) == []
    assert ground(papers, TODAY).startswith("1 past windows hold papers and 60 papers are recent")
    assert rising_terms([], TODAY) == []
    assert rising_terms([Paper("a", "No date")], TODAY) == []


def test_new_papers_on_top_of_counts_equal_counting_all_anew(tmp_path):
    papers = collection(growing)
    counts = TermCounts(papers[:500])
    counts.save(tmp_path / "counts.npz")
    counts = TermCounts.load(tmp_path / "counts.npz")
    counts.add(papers[500:])
    assert rising_terms(counts, TODAY) == rising_terms(papers, TODAY)
    counts.remove([paper.id for paper in papers if paper.year == 2026])
    assert rising_terms(counts, TODAY) == []


def test_the_order_of_papers_changes_nothing():
    papers = collection(growing)
    assert rising_terms(papers[::-1], TODAY) == rising_terms(papers, TODAY)


def test_days_weeks_and_months_are_windows_too():
    def dated(paper, at):
        return Paper(paper.id, paper.title, paper.abstract, date=at)

    papers = collection(growing)
    months = [dated(p, f"2026-{p.year - 2014:02d}-0{1 + n % 9}") for n, p in enumerate(papers)]
    (by_month,) = rising_terms(months, TODAY)
    assert by_month.series[-1] == ("2026-12", 25, 60)
    days = [dated(p, f"2026-12-{p.year - 1995:02d}") for p in papers]
    (by_day,) = rising_terms(days, TODAY, window="day")
    assert by_day.series[-1] == ("2026-12-31", 25, 60)
    weeks = [
        dated(p, f"2026-{1 + (p.year - 2018) // 4:02d}-{1 + 7 * ((p.year - 2018) % 4):02d}")
        for p in papers
    ]
    (by_week,) = rising_terms(weeks, date(2026, 3, 1), window="week", recent=1)
    assert by_week.series[-1][1:] == (25, 60)


@pytest.mark.parametrize("seed", range(3))
def test_under_a_permuted_calendar_hardly_anything_is_called_rising(seed):
    chance = np.random.default_rng(seed)
    papers, terms, runs = 1_800, 1_500, 40
    shares = chance.pareto(1.0, terms) * 0.004
    dense = chance.random((terms, papers)) < np.minimum(shares, 0.5)[:, None]
    within = csr_matrix(dense.astype(np.int32))
    years = np.repeat(np.array(YEARS), 200)
    any_false = 0
    for _ in range(runs):
        inside = calendar(chance.permutation(years) * 10_000, TODAY, "year", recent=1)
        mixed = mix(np.zeros(papers, dtype=np.int64), inside)
        any_false += len(call_rising(within, inside, mixed, 10, 0.05, 0.95).chosen) > 0
    # Nothing rises, so the share of false ones is 1 whenever anything is called: 1 time in 20.
    assert any_false / runs <= 0.05 + 2.4 * (0.05 * 0.95 / runs) ** 0.5


def test_of_what_is_called_at_most_the_stated_share_is_false():
    chance = np.random.default_rng(11)
    papers, terms, true = 1_800, 1_000, 60
    years = np.repeat(np.array(YEARS), 200)
    shares = np.full((terms, papers), 0.02)
    shares[:true] *= np.where(years == 2026, 4.0, 1.0)
    within = csr_matrix((chance.random((terms, papers)) < shares).astype(np.int32))
    inside = calendar(years * 10_000, TODAY, "year", recent=1)
    mixed = mix(np.zeros(papers, dtype=np.int64), inside)
    chosen = call_rising(within, inside, mixed, 10, 0.05, 0.95).chosen
    assert (chosen < true).sum() > 40
    assert (chosen >= true).mean() <= 0.08


def test_a_venue_that_is_read_for_the_first_time_makes_nothing_rise():
    old = collection(
        lambda year, number: ["Robot grasping", "Legged robots"][number % 2], venue="r"
    )
    new = [
        Paper(
            f"n{n}",
            "Machine translation",
            "Machine translation. Then machine translation.",
            year=2026,
            venue="t",
        )
        for n in range(55)
    ]
    assert rising_terms([*old, *new], TODAY) == []
    assert "55 of venues without a past" in ground([*old, *new], TODAY)
    assert rising_terms([*old, *new[:49]], TODAY) == []  # too few to be a venue of its own


def test_a_venue_that_doubles_makes_its_words_no_more_frequent():
    def papers_of(venue, text, counts):
        return [
            Paper(f"{venue}{year}-{n}", text, f"{text}. Then {text}.", year=year, venue=venue)
            for year, count in zip(YEARS, counts, strict=True)
            for n in range(count)
        ]

    robots = papers_of("r", "Robot grasping", [100] * 9)
    texts = papers_of("t", "Machine translation", [20] * 8 + [80])
    assert rising_terms([*robots, *texts], TODAY) == []
    together = [Paper(p.id, p.title, p.abstract, year=p.year) for p in (*robots, *texts)]
    assert [each.name for each in rising_terms(together, TODAY)] == ["Machine translation"]


def test_a_venue_that_is_read_no_more_leaves_no_trace():
    now = collection(growing, venue="now")
    gone = [
        Paper(f"g{n}", "Optical sorting", "Optical sorting. Optical sorting.", year=2019, venue="g")
        for n in range(80)
    ]
    with np.errstate(all="raise", under="ignore"):
        assert [each.name for each in rising_terms([*now, *gone], TODAY)] == [
            "Large language models"
        ]


def test_where_everything_is_of_new_venues_venues_play_no_part():
    papers = collection(growing)
    papers = [
        Paper(p.id, p.title, p.abstract, year=p.year, venue="preprints" if p.year == 2026 else "j")
        for p in papers
    ]
    assert [each.name for each in rising_terms(papers, TODAY)] == ["Large language models"]
    places = calendar(dates_of(papers), TODAY, "year", recent=1)
    told, venues = apart(places, [paper.venue for paper in papers])
    assert NEW not in told.places
    assert set(venues.tolist()) == {0}


def drawn(chance):
    """Return five windows of 80 papers of three venues, the last two recent, and four terms."""
    places = chance.integers(0, 5, 80)
    totals = np.bincount(places, minlength=5)
    inside = Calendar("year", ("1", "2", "3", "4", "5"), places, totals, 2)
    within = random_array((4, 80), density=0.3, rng=chance, format="csr")
    within.data[:] = 1
    return inside, chance.integers(0, 3, 80), within


def test_expected_counts_by_venue_equal_the_formula_in_loops():
    inside, venues, within = drawn(np.random.default_rng(2))
    exposure, expected = mix(venues, inside).expected(within, inside)
    dense, past = within.toarray() > 0, inside.places < 3
    for row in dense:
        share = np.mean([(~past)[venues == venues[each]].mean() for each in np.flatnonzero(row)])
        assert expected[0] == pytest.approx(((row & past).sum() + 1) * share / (1 - share))
        rate = ((row & past).sum() + 1) / past.sum()
        for window in range(3):
            wanted = sum(
                ((row & past & (venues == venue)).sum() + 1)
                / ((past & (venues == venue)).sum() + 1 / rate)
                * ((inside.places == window) & (venues == venue)).sum()
                for venue in range(3)
            )
            assert exposure[0, window] == pytest.approx(wanted)
        exposure, expected = exposure[1:], expected[1:]


def test_with_one_venue_what_is_expected_is_the_share_of_recent_papers():
    inside, _, within = drawn(np.random.default_rng(3))
    _, expected = mix(np.zeros(80, dtype=np.int64), inside).expected(within, inside)
    past = within.toarray()[:, inside.places < 3].sum(axis=1)
    totals = inside.totals
    assert expected == pytest.approx((past + 1) * totals[3:].sum() / totals[:3].sum())


def test_when_only_venues_change_hardly_anything_is_called_rising():
    chance, runs, any_false = np.random.default_rng(8), 40, 0
    sizes = {0: [150] * 8 + [50], 1: [40, 0, 40, 0, 40, 0, 40, 0, 150], 2: [0] * 7 + [60, 60]}
    places = np.concatenate([np.repeat(np.arange(9), each) for each in sizes.values()])
    venues = np.repeat(np.arange(3), [sum(each) for each in sizes.values()])
    own = chance.pareto(1.0, (800, 3)) * 0.01
    within = csr_matrix((chance.random((800, places.size)) < own[:, venues]).astype(np.int32))
    labels = tuple(str(year) for year in YEARS)
    for _ in range(runs):
        shuffled = places.copy()
        for venue in range(3):
            shuffled[venues == venue] = chance.permutation(places[venues == venue])
        inside = Calendar("year", labels, shuffled, np.bincount(places), 1)
        found = call_rising(within, inside, mix(venues, inside), 10, 0.05, 0.95)
        any_false += found.chosen.size > 0
    assert any_false / runs <= 0.05 + 2.4 * (0.05 * 0.95 / runs) ** 0.5


def test_topics_rise_by_the_papers_that_have_one():
    papers = collection(growing)
    topic_of = {p.id: 7 if p.title.startswith("Large") else 3 for p in papers if p.year != 2019}
    (told,) = rising_topics(papers, topic_of, {7: "language"}, TODAY)
    assert (told.kind, told.name, told.recent) == ("topic", "language", 25)
    assert told.series[1] == ("2019", 0, 0)
    (unnamed,) = rising_topics(papers, topic_of, {}, TODAY)
    assert unnamed.name == "7"
