"""A paper is liked or disliked or neither in an interest, and it is known since when."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.people import Mark, People
from everygrain_papers.people import marks as marks_module


@pytest.mark.parametrize("mark", ["", "LIKE", "love", None, 1, "like ", "x" * 100_000])
def test_another_mark_is_refused(people, ann, mark):
    interest = people.add_interest(ann.id, "Ranking", liked=["paper"])
    with pytest.raises(InputError, match="like, dislike, none"):
        people.mark(ann.id, "paper", interest.id, mark)
    assert people.interests(ann.id) == [interest]


@pytest.mark.parametrize("paper", ["", " ", "x" * 2049, "line\nbreak", "\x00", "\ud800", None, 3])
def test_the_id_of_no_paper_is_refused(people, ann, paper):
    interest = people.add_interest(ann.id, "Ranking")
    for mark in ("like", "none"):
        with pytest.raises(InputError, match="id"):
            people.mark(ann.id, paper, interest.id, mark)
    assert people.interests(ann.id) == [interest]


MARKS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 1), st.sampled_from(marks_module.MARKS)),
    max_size=20,
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    with People(tmp_path_factory.mktemp("people") / "people.db") as people:
        yield people


@settings(max_examples=40)
@given(MARKS)
def test_marks_equal_lists_kept_by_hand(lasting, steps):
    reader = lasting.single()
    made = [lasting.add_interest(reader.id, name).id for name in ("Ranking", "Encoders")]
    expected = [{"like": [], "dislike": []} for _ in made]
    for paper, which, mark in steps:
        lists = expected[which]
        stood = next((name for name in lists if paper in lists[name]), "none")
        assert lasting.mark(reader.id, paper, made[which], mark) == stood
        if mark != stood:
            if stood != "none":
                lists[stood].remove(paper)
            if mark != "none":
                lists[mark].append(paper)
    for interest, lists in zip(lasting.interests(reader.id), expected, strict=True):
        assert interest.liked == tuple(lists["like"])
        assert interest.disliked == tuple(lists["dislike"])
    for interest in made:
        lasting.delete_interest(reader.id, interest)
    assert lasting.marks(reader.id) == []


def test_a_mark_remembers_since_when_it_stands(people, ann, clock):
    interest = people.add_interest(ann.id, "Ranking")
    first = clock.now
    people.mark(ann.id, "one", interest.id, "like")
    clock.pass_by(hours=1)
    people.mark(ann.id, "two", interest.id, "like")
    people.mark(ann.id, "one", interest.id, "like")  # stands already
    assert people.marks(ann.id) == [
        Mark(interest.id, "one", "like", first),
        Mark(interest.id, "two", "like", clock.now),
    ]
    clock.pass_by(hours=1)
    people.mark(ann.id, "one", interest.id, "dislike")
    assert people.marks(ann.id)[-1] == Mark(interest.id, "one", "dislike", clock.now)


def test_what_mark_returns_undoes_it(people, ann):
    interest = people.add_interest(ann.id, "Ranking", disliked=["one"])
    former = people.mark(ann.id, "one", interest.id, "like")
    assert people.interest(ann.id, interest.id).liked == ("one",)
    assert people.mark(ann.id, "one", interest.id, former) == "like"
    assert people.interest(ann.id, interest.id) == interest


def test_saving_an_interest_keeps_the_time_of_marks_that_stay(people, ann, clock):
    first = clock.now
    interest = people.add_interest(ann.id, "Ranking", liked=["a", "b"], disliked=["c"])
    clock.pass_by(days=1)
    people.change_interest(ann.id, interest.id, liked=["c", "b"], disliked=["d"])
    assert {(mark.paper, mark.mark, mark.when) for mark in people.marks(ann.id)} == {
        ("b", "like", first),
        ("c", "like", clock.now),
        ("d", "dislike", clock.now),
    }


def test_one_paper_may_be_liked_in_one_interest_and_disliked_in_another(people, ann):
    one = people.add_interest(ann.id, "Ranking")
    other = people.add_interest(ann.id, "Encoders")
    people.mark(ann.id, "paper", one.id, "like")
    people.mark(ann.id, "paper", other.id, "dislike")
    assert people.interest(ann.id, one.id).liked == ("paper",)
    assert people.interest(ann.id, other.id).disliked == ("paper",)


def test_an_interest_with_too_many_marks_takes_no_more_but_lets_go(people, ann):
    full = [f"paper {number}" for number in range(marks_module.MOST)]
    interest = people.add_interest(ann.id, "Ranking", liked=full)
    with pytest.raises(InputError, match="10,000"):
        people.mark(ann.id, "one more", interest.id, "like")
    people.mark(ann.id, full[0], interest.id, "dislike")
    people.mark(ann.id, full[1], interest.id, "none")
    people.mark(ann.id, "one more", interest.id, "like")
    changed = people.interest(ann.id, interest.id)
    assert changed.liked == (*full[2:], "one more")
    assert changed.disliked == (full[0],)
