"""Strategies need the comparisons that their formulas say, and sort what can be sorted."""

import math
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.rank.llm import choices, comparisons, windows
from everygrain.rank.llm.comparisons import most_comparisons


def carried_out(strategy, decide):
    """Return what a strategy returns, and all that it asked, in order."""
    asked = []
    try:
        wanted = next(strategy)
        while True:
            asked += wanted
            wanted = strategy.send([decide(each) for each in wanted])
    except StopIteration as stop:
        return stop.value, asked


def prefer(worth):
    """1 where the first is worth more, 0 where the second is, 1/2 where they are worth the same."""
    return lambda pair: (
        (1 + (worth[pair[0]] > worth[pair[1]]) - (worth[pair[0]] < worth[pair[1]])) / 2
    )


def stable(worth):
    return sorted(range(len(worth)), key=lambda i: (-worth[i], i))


worths = st.lists(st.integers(0, 5), max_size=12)


@given(worths)
def test_all_pairs_are_each_compared_once_and_give_the_order_of_worth(worth):
    order, asked = carried_out(comparisons.all_pairs(len(worth)), prefer(worth))
    assert order == stable(worth)
    assert len(asked) == len(set(asked)) == len(worth) * (len(worth) - 1) // 2
    assert len(asked) == most_comparisons("all", len(worth), 1, 1)


def test_wins_and_half_wins_are_added_as_the_formula_says():
    # 0 beats 1, ties with 2; 1 beats 2: s = 1.5, 1, 0.5, though no order agrees with a cycle
    told = {(0, 1): 1.0, (0, 2): 0.5, (1, 2): 1.0}
    assert carried_out(comparisons.all_pairs(3), told.get)[0] == [0, 1, 2]
    # a cycle: every one wins once, and the retriever's order stands
    cycle = {(0, 1): 1.0, (0, 2): 0.0, (1, 2): 1.0}
    assert carried_out(comparisons.all_pairs(3), cycle.get)[0] == [0, 1, 2]
    # 2 beats both
    assert carried_out(comparisons.all_pairs(3), {**cycle, (1, 2): 0.0}.get)[0] == [2, 0, 1]


@given(worths, st.integers(1, 14))
def test_each_sliding_pass_settles_one_rank_and_costs_n_minus_k(worth, passes):
    order, asked = carried_out(comparisons.sliding(len(worth), passes), prefer(worth))
    assert order[:passes] == stable(worth)[:passes]
    assert sorted(order) == list(range(len(worth)))
    done = min(passes, max(len(worth) - 1, 0))
    assert len(asked) == sum(len(worth) - k for k in range(1, done + 1))
    assert len(asked) == most_comparisons("sliding", len(worth), passes, 1)


def test_one_pass_over_a_cycle_moves_only_what_won():
    # back to front: 2 beats 1, then 2 loses to 0
    told = {(1, 2): 0.0, (0, 2): 1.0}
    order, asked = carried_out(comparisons.sliding(3, 1), told.get)
    assert (order, asked) == ([0, 2, 1], [(1, 2), (0, 2)])


@given(worths, st.integers(1, 14))
def test_a_heap_gives_the_best_and_leaves_the_rest_as_retrieved(worth, top):
    order, asked = carried_out(comparisons.heap(len(worth), top), prefer(worth))
    best = stable(worth)[:top]
    assert order == best + sorted(set(range(len(worth))) - set(best))
    assert len(asked) <= most_comparisons("heap", len(worth), 1, top)


@pytest.mark.parametrize("top", range(1, 7))
def test_the_bound_of_a_heap_holds_for_every_order_of_six(top):
    counts = {
        len(carried_out(comparisons.heap(6, top), prefer(w))[1]) for w in permutations(range(6))
    }
    assert max(counts) <= most_comparisons("heap", 6, 1, top)


def test_a_heap_asks_far_fewer_than_all_pairs_of_a_hundred():
    worth = [(37 * i) % 101 for i in range(100)]
    _, asked = carried_out(comparisons.heap(100, 10), prefer(worth))
    assert len(asked) < 300 < most_comparisons("all", 100, 1, 1) / 16


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=66, max_size=66), st.integers(0, 12))
def test_no_document_is_lost_whatever_the_answers(answers, count):
    for strategy in (
        comparisons.all_pairs(count), comparisons.heap(count, 4), comparisons.sliding(count, 4),
    ):  # fmt: skip
        pool = iter(answers * 3)
        assert sorted(carried_out(strategy, lambda _, pool=pool: next(pool))[0]) == list(
            range(count)
        )


@given(worths, st.integers(2, 6), st.integers(1, 14))
def test_choosing_the_best_of_a_few_sorts_the_top(worth, size, top):
    def choose(group):
        return max(range(len(group)), key=lambda i: (worth[group[i]], -group[i]))

    heap, _ = carried_out(choices.heap(len(worth), size, top), choose)
    best = stable(worth)[:top]
    assert heap == best + sorted(set(range(len(worth))) - set(best))
    slid, asked = carried_out(choices.sliding(len(worth), size, top), choose)
    assert slid[:top] == best
    assert sorted(slid) == list(range(len(worth)))
    done = min(top, max(len(worth) - 1, 0))
    assert len(asked) == sum(math.ceil((len(worth) - k - 1) / (size - 1)) for k in range(done))


@given(st.integers(0, 12), st.integers(2, 6))
def test_choices_that_are_not_known_leave_the_retrievers_order(count, size):
    for strategy in (choices.heap(count, size, 5), choices.sliding(count, size, 5)):
        assert carried_out(strategy, lambda _: None)[0] == list(range(count))


@given(st.integers(0, 40), st.integers(2, 12), st.integers(1, 11))
def test_windows_go_back_to_front_without_a_gap_and_as_many_as_the_formula_says(n, size, step):
    step = min(step, size - 1)
    found = windows.bounds(n, size, step)
    expected = 0 if n < 2 else max(0, math.ceil((n - size) / step)) + 1
    assert len(found) == expected
    assert {i for start, end in found for i in range(start, end)} == (
        set(range(n)) if n > 1 else set()
    )
    for (start, _), (above, end) in pairwise(found):
        assert end - start >= size - step  # as many go on into the next window
        assert above < start


def ordered(worth):
    return lambda window: sorted(window, key=lambda i: (-worth[i], i))


@given(st.lists(st.integers(0, 9), max_size=25), st.integers(2, 8), st.integers(1, 7))
def test_one_pass_of_windows_brings_the_best_to_the_front(worth, size, step):
    step = min(step, size - 1)
    order, _ = carried_out(windows.sliding(len(worth), size, step), ordered(worth))
    top = size - step
    assert [worth[i] for i in order[:top]] == sorted(worth, reverse=True)[:top]
    assert sorted(order) == list(range(len(worth)))


@given(st.lists(st.integers(0, 9), max_size=25), st.integers(2, 8), st.integers(1, 7))
def test_complete_passes_order_all(worth, size, step):
    step = min(step, size - 1)
    order, _ = carried_out(windows.complete(len(worth), size, step), ordered(worth))
    assert [worth[i] for i in order] == sorted(worth, reverse=True)


def test_a_window_of_all_is_one_question():
    order, asked = carried_out(windows.sliding(5, 5, 2), ordered([1, 5, 3, 2, 4]))
    assert (order, asked) == ([1, 4, 2, 3, 0], [[0, 1, 2, 3, 4]])
