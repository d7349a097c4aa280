"""New queries against old vectors, and a collection half re-encoded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.encode.base import unit
from everygrain.errors import InputError
from everygrain.index.upgrade import (
    LEAST,
    Procrustes,
    Reencoding,
    Ridge,
    Simplex,
    Translation,
    cross_entropy,
    on_scale,
    simplex,
)

METHODS = [Ridge(), Procrustes(), Simplex(12)]
each_method = pytest.mark.parametrize("method", METHODS, ids=repr)


def two_encoders(count, noise=0.1, old=10, new=14, seed=0):
    """Vectors of the same things seen by two encoders, each with a rotation and noise of its own,
    the older one with more."""
    fixed = np.random.default_rng(1)
    first = np.linalg.qr(fixed.standard_normal((10, old)))[0]
    second = np.linalg.qr(fixed.standard_normal((new, 10)))[0].T
    generator = np.random.default_rng(seed)
    things = generator.standard_normal((count, 10)) * np.linspace(2, 0.5, 10)
    seen = [
        things @ first + 4 * noise * generator.standard_normal((count, old)),
        things @ second + noise * generator.standard_normal((count, new)),
    ]
    return unit(seen[0]), unit(seen[1])


OLD, NEW = two_encoders(400)
OLD_QUERIES, NEW_QUERIES = two_encoders(40, seed=2)


def test_ridge_is_the_least_squares_solution():
    penalty = 0.3
    found = Ridge(penalty).fit(OLD, NEW)
    wide = OLD.astype(float)
    level = penalty * np.trace(wide.T @ wide) / OLD.shape[1]
    rows = np.concatenate([wide, np.sqrt(level) * np.eye(10)])
    wanted = np.concatenate([NEW.astype(float), np.zeros((10, 14))])
    by_lstsq = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    np.testing.assert_allclose(found.documents, by_lstsq, atol=1e-5)
    assert found.queries.tolist() == np.eye(14).tolist()


def test_procrustes_finds_a_rotation_and_no_other_rotation_is_nearer():
    generator = np.random.default_rng(0)
    turn = np.linalg.qr(generator.standard_normal((10, 10)))[0]
    np.testing.assert_allclose(Procrustes().fit(OLD, OLD @ turn).documents, turn, atol=1e-5)
    found = Procrustes().fit(OLD, NEW).documents
    np.testing.assert_allclose(found @ found.T, np.eye(10), atol=1e-5)
    lost = np.square(OLD @ found - NEW).sum()
    for _ in range(50):
        nudge = np.linalg.qr(np.eye(14) + 0.05 * generator.standard_normal((14, 14)))[0]
        nudge *= np.sign(np.diag(nudge))
        assert np.square(OLD @ found @ nudge - NEW).sum() >= lost - 1e-6


@pytest.mark.parametrize("classes", [2, 3, 4, 30])
def test_corners_of_a_simplex_are_as_far_apart_as_can_be(classes):
    corners = simplex(classes)
    wanted = np.full((classes, classes), -1 / (classes - 1))
    np.fill_diagonal(wanted, 1)
    assert corners.shape == (classes, classes - 1)
    np.testing.assert_allclose(corners @ corners.T, wanted, atol=1e-12)


def test_the_gradient_of_a_head_is_that_of_finite_differences():
    generator = np.random.default_rng(0)
    rows, labels = generator.standard_normal((9, 4)), generator.integers(0, 5, 9)
    head, corners = generator.standard_normal(16), 2 * simplex(5)
    loss, gradient = cross_entropy(head, rows, labels, corners, 0.1)
    by_hand = 0.1 / 2 * float(head @ head)
    for row, label in zip(rows, labels, strict=True):
        logits = corners @ (head.reshape(4, 4).T @ row)
        by_hand -= np.log(np.exp(logits[label]) / np.exp(logits).sum()) / 9
    assert loss == pytest.approx(by_hand)
    for i in range(16):
        step = np.zeros(16)
        step[i] = 1e-6
        above, below = (
            cross_entropy(head + sign * step, rows, labels, corners, 0.1)[0] for sign in (1, -1)
        )
        assert gradient[i] == pytest.approx((above - below) / 2e-6, abs=1e-6)


@each_method
def test_scores_are_cosines_of_the_two_sides_by_loops(method):
    found = method.fit(OLD, NEW)
    scores = found.score(NEW_QUERIES[:3], OLD[:4])
    for i in range(3):
        for j in range(4):
            a = found.queries.T.astype(float) @ NEW_QUERIES[i]
            b = found.documents.T.astype(float) @ OLD[j]
            cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            assert scores[i, j] == pytest.approx(cosine, abs=1e-5)


def first_places(scores, right):
    """Return the share of queries whose own document comes first."""
    return float((scores.argmax(axis=1) == right).mean())


def test_new_queries_on_old_vectors_beat_old_queries_on_them():
    old, new = two_encoders(600, seed=4)
    right = np.arange(0, 600, 3)
    # queries are the documents, seen again
    shaken = np.random.default_rng(5)
    old_queries = unit(old[right] + 0.25 * shaken.standard_normal((200, 10)))
    new_queries = unit(new[right] + 0.05 * shaken.standard_normal((200, 14)))
    before = first_places(old_queries @ old.T, right)
    after = first_places(new_queries @ new.T, right)
    for method in (Ridge(), Procrustes()):
        between = first_places(method.fit(old, new).score(new_queries, old), right)
        assert before < between < after


@each_method
def test_vectors_of_zero_score_zero(method):
    found = method.fit(OLD, NEW)
    assert not found.score(NEW_QUERIES, np.zeros((2, 10), dtype=np.float32)).any()


@each_method
def test_documents_all_alike_give_a_translation_without_nan(method):
    alike = np.tile(OLD[:1], (50, 1)), np.tile(NEW[:1], (50, 1))
    assert np.isfinite(method.fit(*alike).score(NEW_QUERIES, OLD)).all()


def between(done, method=None):
    found = Reencoding.learned(OLD, NEW, done, method or Ridge())
    return found.score(OLD_QUERIES, NEW_QUERIES)


def test_with_nothing_done_it_is_the_old_system_and_with_all_done_the_new_one():
    nothing, everything = np.zeros(400, dtype=bool), np.ones(400, dtype=bool)
    assert between(nothing).tobytes() == (OLD_QUERIES @ OLD.T).tobytes()
    assert between(everything).tobytes() == (NEW_QUERIES @ NEW.T).tobytes()
    few = nothing.copy()
    few[: LEAST - 1] = True
    assert between(few).tobytes() == (OLD_QUERIES @ OLD.T).tobytes()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(LEAST, 399))
def test_what_is_done_has_its_new_score_and_the_rest_the_spread_of_new_scores(seed, count):
    done = np.zeros(400, dtype=bool)
    done[np.random.default_rng(seed).permutation(400)[:count]] = True
    scores = between(done)
    np.testing.assert_allclose(scores[:, done], NEW_QUERIES @ NEW[done].T, atol=1e-6)
    rough = Ridge().fit(OLD[done], NEW[done]).score(NEW_QUERIES, OLD), OLD_QUERIES @ OLD.T
    real = NEW_QUERIES @ NEW[done].T
    for i in range(3):
        wanted = np.zeros(400 - count)
        for each in rough:
            stretch = real[i].std() / each[i, done].std()
            shifted = (each[i, ~done] - each[i, done].mean()) * stretch
            wanted += (real[i].mean() + shifted) / 2
        np.testing.assert_allclose(scores[i, ~done], wanted, atol=1e-4)


def test_rows_that_are_not_done_are_not_looked_at():
    done = np.arange(400) < 100
    blank = NEW.copy()
    blank[~done] = np.nan
    scores = Reencoding.learned(OLD, blank, done, Ridge()).score(OLD_QUERIES, NEW_QUERIES)
    assert scores.tobytes() == between(done).tobytes()


def test_without_a_translation_old_scores_are_put_on_the_new_scale():
    done = np.arange(400) < 100
    scores = Reencoding(OLD, NEW, done).score(OLD_QUERIES, NEW_QUERIES)
    raw = OLD_QUERIES @ OLD.T
    wanted = on_scale(raw, raw[:, done], NEW_QUERIES @ NEW[done].T)[:, ~done]
    np.testing.assert_allclose(scores[:, ~done], wanted, atol=1e-6)


def test_scores_on_a_scale_worked_by_hand():
    scores = np.array([[1.0, 3.0, 5.0], [2.0, 2.0, 2.0]])
    measured, target = scores[:, :2], np.array([[10.0, 20.0], [7.0, 9.0]])
    # mean 2, spread 1 -> mean 15, spread 5; the second row has no spread and is shifted by 6
    assert on_scale(scores, measured, target).tolist() == [[10.0, 20.0, 30.0], [8.0, 8.0, 8.0]]


@each_method
def test_vectors_that_do_not_fit_together_are_refused(method):
    with pytest.raises(InputError, match="399 old vectors and 400 new"):
        method.fit(OLD[:399], NEW)
    with pytest.raises(InputError, match="from 1 documents"):
        method.fit(OLD[:1], NEW[:1])
    broken = NEW.copy()
    broken[2, 0] = np.inf
    with pytest.raises(InputError, match="Vector 2 holds NaN or infinity"):
        method.fit(OLD, broken)
    with pytest.raises(InputError, match="10 dimensions"):
        method.fit(OLD, NEW).score(OLD_QUERIES, OLD)


def test_settings_and_marks_that_make_no_sense_are_refused():
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="penalty"):
            Ridge(wrong)
    with pytest.raises(InputError, match="One class"):
        Simplex(1)
    with pytest.raises(InputError, match="too many"):
        Simplex(500).fit(OLD, NEW)
    with pytest.raises(InputError, match="not of the same documents"):
        Reencoding(OLD, NEW, np.zeros(3, dtype=bool))


def test_methods_print_their_settings():
    assert [repr(method) for method in METHODS] == ["ridge(0.1)", "procrustes", "simplex(12)"]
    assert isinstance(Ridge().fit(OLD, NEW), Translation)
