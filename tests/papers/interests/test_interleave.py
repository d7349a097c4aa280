from hypothesis import given
from hypothesis import strategies as st

from everygrain_papers.interests.interleave import interleave


def merged(scores, k, refused=()):
    return interleave(scores, k, lambda which, place: (which, place) not in refused)


def test_each_round_shows_every_list_the_best_first():
    assert merged([[9.0, 8.0, 7.0], [1.0, 0.5]], 5) == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2)]
    assert merged([[1.0, 0.9], [5.0, 0.8]], 3) == [(1, 0), (0, 0), (0, 1)]


def test_a_list_whose_next_is_refused_shows_the_one_after_it():
    assert merged([[9.0, 8.0], [7.0]], 3, refused={(0, 0)}) == [(0, 1), (1, 0)]


def test_nothing_gives_nothing():
    assert merged([], 3) == []
    assert merged([[], []], 3) == []


lists = st.lists(
    st.lists(st.floats(-5, 5), max_size=6).map(lambda s: sorted(s, reverse=True)), max_size=5
)


@given(lists, st.integers(1, 20))
def test_all_lists_with_anything_stand_among_the_first_and_keep_their_order(scores, k):
    found = merged(scores, k)
    filled = [i for i, own in enumerate(scores) if own]
    assert len(found) == min(k, sum(map(len, scores)))
    if k >= len(filled):
        assert {which for which, _ in found[: len(filled)]} == set(filled)
    for which in filled:
        places = [place for own, place in found if own == which]
        assert places == list(range(len(places)))
