"""The estimate of impact: target, regression, calibration, quality, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from everygrain.errors import InputError, StorageError, StoredIndexError
from everygrain_papers.paper import Paper
from everygrain_papers.trends.impact import ImpactModel, normalised
from everygrain_papers.trends.impact.calibration import calibrate, rising
from everygrain_papers.trends.impact.quality import chance, ndcg, quality, spearman
from everygrain_papers.trends.impact.ridge import fit
from everygrain_papers.trends.impact.texts import COLUMNS, features, rarity, weighted

GOOD, BAD = "transformers for language", "tendon driven gripper joints"


def library(years=(2019, 2020, 2021), each=120, seed=0):
    """Return papers of which the first kind is cited more."""
    chance = np.random.default_rng(seed)
    made = []
    for year in years:
        for number in range(each):
            good = number % 2 == 0
            made.append(
                Paper(
                    f"{year}-{number}",
                    f"{GOOD if good else BAD} {'abcdefg'[number % 7]}x",
                    f"We look at {GOOD if good else BAD} again.",
                    year=year,
                    venue="one" if number % 3 else "two",
                    citations=int(chance.poisson(20 if good else 2)),
                )
            )
    return made


def vectors(texts):
    """Encode a text by whether it holds the good words; rows of length 1."""
    rows = [[GOOD in text, GOOD not in text, 0.0] for text in texts]
    return np.array(rows, dtype=np.float32).reshape(len(texts), 3)


@pytest.fixture(scope="module")
def model():
    return ImpactModel.train(library(), fewest=100)


def test_too_few_papers_with_citations_are_refused_with_the_number_needed():
    with pytest.raises(InputError, match="360 papers carry year and citations") as told:
        ImpactModel.train(library())
    assert "at least 1,000 papers" in told.value.remedy
    bare = [Paper(p.id, p.title, p.abstract, year=p.year) for p in library()]
    with pytest.raises(InputError, match="0 papers carry"):
        ImpactModel.train(bare, fewest=100)
    with pytest.raises(InputError, match="too few"):
        ImpactModel.train(library(years=(2021,), each=400), fewest=100)  # no year to test on
    with pytest.raises(InputError):
        ImpactModel.train([])


def test_the_target_is_the_exponential_law_of_the_same_year():
    papers = [Paper(f"a{n}", "A", year=2020, citations=n) for n in range(40)]
    papers += [Paper(f"b{n}", "B", year=2021, citations=100 * n) for n in range(40)]
    told = normalised(papers)
    assert told[39] == pytest.approx(1 - math.exp(-39 / 19.5))
    assert told[79] == pytest.approx(told[39])
    assert told[0] == 0.0


def test_a_cohort_of_one_field_is_its_own_unless_it_is_small():
    papers = [Paper(f"a{n}", "A", year=2020, venue="a", citations=10) for n in range(40)]
    papers += [Paper(f"b{n}", "B", year=2020, venue="b", citations=1) for n in range(29)]
    told = normalised(papers, lambda paper: paper.venue)
    assert told[0] == pytest.approx(1 - math.exp(-1))
    assert told[40] == pytest.approx(1 - math.exp(-1 / ((400 + 29) / 69)))


def test_what_cannot_be_known_is_told_as_such():
    papers = [Paper(f"a{n}", "A", year=2020, citations=0) for n in range(40)]
    papers += [Paper("b", "B", citations=3), Paper("c", "C", year=2020), Paper("d", "D", year=2021)]
    assert np.isnan(normalised(papers)).all()
    assert normalised([]).shape == (0,)


def test_a_row_depends_on_its_paper_alone():
    papers = library()[:5]
    whole = features(papers)
    for number, paper in enumerate(papers):
        assert (whole[number] != features([paper])).nnz == 0
    assert features([]).shape == (0, COLUMNS)
    assert features([Paper("x", "...", "")]).nnz == 0


def test_rows_are_weighted_by_rarity_and_have_length_one():
    rows = features(library())
    rarities = rarity(rows)
    told = weighted(rows, rarities)
    lengths = np.sqrt(np.asarray(told.multiply(told).sum(axis=1)).ravel())
    assert lengths == pytest.approx(np.ones(rows.shape[0]))
    held = np.bincount(rows.indices, minlength=COLUMNS)
    assert (rarities[held < 5] == 0).all()
    some = int(np.argmax(held))
    assert rarities[some] == pytest.approx(math.log((rows.shape[0] + 1) / (held[some] + 1)))


@pytest.mark.parametrize("with_vectors", [False, True])
def test_the_line_is_the_closed_form_of_ridge_regression(with_vectors):
    chance = np.random.default_rng(1)
    from scipy.sparse import csr_matrix

    sparse = csr_matrix(chance.normal(size=(40, 6)) * (chance.random((40, 6)) < 0.5))
    dense = chance.normal(size=(40, 3)) if with_vectors else None
    wanted = chance.normal(size=40)
    line = fit(sparse, dense, wanted, 2.0)
    x = sparse.toarray()
    if dense is not None:
        x = np.hstack([x, dense - dense.mean(axis=0)])
    weights = np.linalg.solve(x.T @ x + 2.0 * np.eye(x.shape[1]), x.T @ (wanted - wanted.mean()))
    expected = x @ weights + wanted.mean()
    assert line.predict(sparse, dense) == pytest.approx(expected, abs=1e-3)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=1, max_size=15))
@settings(deadline=None)
def test_pooling_violators_is_isotonic_regression(pairs):
    values, weights = (np.array(each) for each in zip(*pairs, strict=True))
    assert rising(values, weights) == pytest.approx(isotonic_regression(values, weights=weights).x)


def test_calibrated_values_never_fall_and_intervals_hold_what_they_say():
    chance = np.random.default_rng(4)

    def drawn(n):
        scores = chance.normal(size=n)
        return scores, chance.beta(1 + 2 * (scores > 0), 3)

    told = calibrate(*drawn(4_000), 0.9)
    assert (np.diff(told.values) >= 0).all()
    scores, targets = drawn(4_000)
    value, low, high = told.of(scores)
    assert ((low <= targets) & (targets <= high)).mean() == pytest.approx(0.9, abs=0.02)
    assert value.mean() == pytest.approx(targets.mean(), abs=0.02)
    assert (low <= value).all()
    assert (value <= high).all()


def test_measures_are_worked_by_hand():
    scores, targets = np.array([3.0, 2.0, 1.0]), np.array([0.0, 1.0, 0.5])
    best = 1 + 0.5 / math.log2(3)
    assert ndcg(scores, targets) == pytest.approx((1 / math.log2(3) + 0.25) / best)
    assert ndcg(scores, np.zeros(3)) == 0.0
    assert chance(targets) == pytest.approx(0.5 * (1 + 1 / math.log2(3) + 0.5) / best)
    assert spearman(scores, -scores) == -1.0
    assert spearman(scores, np.ones(3)) == 0.0


def test_papers_of_the_cited_kind_are_estimated_higher_and_quality_says_how_well(model):
    new = [Paper("good", GOOD), Paper("bad", BAD), Paper("empty", "?")]
    told = model.estimate(new)
    assert told["good"].value > 0.6 > 0.3 > told["bad"].value
    for each in told.values():
        assert 0 <= each.low <= each.value <= each.high <= 1
    assert [each.year for each in model.quality] == [2020, 2021]
    assert [each.trained_on for each in model.quality] == [120, 240]
    assert all(each.ndcg > 0.9 > each.chance for each in model.quality)
    assert "2021: nDCG@20" in str(model.quality[-1])


def test_a_year_is_predicted_from_nothing_of_its_own(monkeypatch):
    seen = []

    def recorded(year, trained_on, scores, targets):
        seen.append((year, scores))
        return quality(year, trained_on, scores, targets)

    monkeypatch.setattr("everygrain_papers.trends.impact.model.quality", recorded)
    papers = library()
    changed = [
        p
        if p.year < 2021
        else Paper(p.id, p.title, p.abstract, year=2021, venue="new", citations=n % 7)
        for n, p in enumerate(papers)
    ]
    for each in (papers, changed):
        ImpactModel.train(each, fewest=100)
    assert [year for year, _ in seen] == [2020, 2021, 2020, 2021]
    assert seen[0][1] == pytest.approx(seen[2][1])
    assert seen[1][1] == pytest.approx(seen[3][1])


def test_vectors_are_part_of_it_and_are_asked_for_again(tmp_path):
    model = ImpactModel.train(library(), encode=vectors, fewest=100)
    model.save(tmp_path / "impact.npz")
    with pytest.raises(InputError, match="trained with vectors"):
        ImpactModel.load(tmp_path / "impact.npz")
    back = ImpactModel.load(tmp_path / "impact.npz", vectors)
    papers = [Paper("a", GOOD), Paper("b", BAD)]
    assert back.score(papers) == pytest.approx(model.score(papers), abs=1e-5)
    assert back.quality == model.quality


def test_a_model_that_is_missing_damaged_or_cannot_be_written_is_said(tmp_path, model):
    path = tmp_path / "impact.npz"
    with pytest.raises(InputError, match="no impact model"):
        ImpactModel.load(path)
    model.save(path)
    with pytest.raises(InputError, match="without vectors"):
        ImpactModel.load(path, vectors)
    papers = [Paper("a", GOOD)]
    assert ImpactModel.load(path).estimate(papers)["a"].value == pytest.approx(
        model.estimate(papers)["a"].value, abs=1e-5
    )
    whole = path.read_bytes()
    for bad in (b"", b"no", whole[: len(whole) // 2]):
        path.write_bytes(bad)
        with pytest.raises(StoredIndexError, match="damaged"):
            ImpactModel.load(path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        model.save(tmp_path / "file" / "impact.npz")


def test_no_papers_have_no_estimates(model):
    assert model.estimate([]) == {}
