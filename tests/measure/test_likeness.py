import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from everygrain.errors import MeasureError
from everygrain.measure.likeness import kendall_tau, overlap_at, rank_biased_overlap

RANKINGS = st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=10)


def summed(first, second, persistence, depth=3000):
    """Sum the definition over many depths, with sets and the extrapolated agreement at each."""
    shorter, longer = sorted((first, second), key=len)
    s, n = len(shorter), len(longer)
    total, agreement = 0.0, 0.0
    for d in range(1, depth + 1):
        if d <= n:
            shared = len(set(shorter[:d]) & set(longer[:d]))
            if d > s:
                shared += len(set(shorter) & set(longer[:s])) / s * (d - s)
            agreement = shared / d
        total += (1 - persistence) * persistence ** (d - 1) * agreement
    return total


def test_rank_biased_overlap_is_worked_out_by_hand():
    # Agreements 0, 1, 1: 0.1 / 0.9 * (0 + 0.81 + 0.729) + 0.729 = 0.9
    assert rank_biased_overlap(list("abc"), list("bac"), 0.9) == pytest.approx(0.9, abs=1e-12)
    # Agreements 1, 1 / 2, (1 + 1 / 2) / 3 = 1 / 2 and so on: (1 + 1 / 2) / 2 with p = 1 / 2
    assert rank_biased_overlap(list("ab"), list("axy"), 0.5) == pytest.approx(0.75, abs=1e-12)


def test_rank_biased_overlap_is_that_of_other_programs():
    # 0.828 is what the README of the Scala library rankmeasures prints for these two.
    found = rank_biased_overlap(list("12345"), list("23415"), 0.9)
    assert found == pytest.approx(0.828, abs=1e-9)


@given(RANKINGS.filter(bool), RANKINGS.filter(bool), st.sampled_from([0.5, 0.9, 0.98]))
@settings(max_examples=200, deadline=None)
def test_rank_biased_overlap_equals_the_definition_summed_in_a_loop(first, second, persistence):
    found = rank_biased_overlap(first, second, persistence)
    assert found == pytest.approx(summed(first, second, persistence), abs=1e-9)
    assert found == rank_biased_overlap(second, first, persistence)
    assert 0 <= found <= 1 + 1e-12


@given(RANKINGS)
def test_a_ranking_is_wholly_like_itself(ranking):
    assert rank_biased_overlap(ranking, ranking) == pytest.approx(1, abs=1e-12)
    assert overlap_at(ranking, ranking, 5) == 1
    assert kendall_tau(ranking, ranking) == 1 or len(ranking) < 2


def test_rankings_without_a_shared_document_and_empty_ones_are_stated():
    assert rank_biased_overlap(list("ab"), list("cd")) == 0
    assert rank_biased_overlap([], list("cd")) == rank_biased_overlap(list("ab"), []) == 0
    assert rank_biased_overlap([], []) == overlap_at([], [], 3) == 1
    assert overlap_at([], ["a"], 3) == 0


def test_overlap_counts_the_first_k_documents():
    assert overlap_at(list("abcd"), list("badc"), 1) == 0
    assert overlap_at(list("abcd"), list("badc"), 3) == 2 / 3
    assert overlap_at(list("ab"), list("bcd"), 10) == 1 / 3


@given(st.permutations("abcdef"), st.permutations("abcdefgh"))
@settings(max_examples=50, deadline=None)
def test_kendalls_tau_over_shared_documents_equals_that_of_scipy(first, second):
    shared = [document for document in first if document in second]
    theirs = stats.kendalltau(range(len(shared)), [second.index(d) for d in shared]).statistic
    assert kendall_tau(first, second) == pytest.approx(theirs, abs=1e-12)


def test_kendalls_tau_is_worked_out_by_hand():
    # Shared: a, b, c. Of three pairs only a, b changes sides.
    assert kendall_tau(list("abxc"), list("bayzc")) == pytest.approx(1 / 3)
    assert math.isnan(kendall_tau(list("ab"), list("bc")))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: rank_biased_overlap(["a", "a"], []), "occurs twice"),
        (lambda: kendall_tau([], ["a", "a"]), "occurs twice"),
        (lambda: overlap_at("ab", ["a"], 1), "One string"),
        (lambda: rank_biased_overlap([], [], 1.0), "persistence is 1.0"),
        (lambda: overlap_at([], [], 0), "k = 0"),
    ],
)
def test_what_is_no_pair_of_rankings_is_an_error(call, said):
    with pytest.raises(MeasureError, match=said):
        call()
