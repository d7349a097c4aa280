"""What was seen and how papers were judged is kept, once each."""

import pytest

from everygrain.errors import InputError
from everygrain_papers.people import Judgement


@pytest.mark.parametrize("grade", [-1, 5, 1.0, "1", True, float("nan"), 2**70])
def test_another_grade_is_refused(people, ann, grade):
    with pytest.raises(InputError, match="grade"):
        people.judge(ann.id, "late interaction", "paper", grade)
    assert people.judgements(ann.id) == []


@pytest.mark.parametrize(
    "query", ["", "  ", "x" * 1001, "two\nlines", "\ud800", "nul\x00", None, 5]
)
def test_what_is_no_query_is_refused(people, ann, query):
    for grade in (1, None):
        with pytest.raises(InputError, match="query"):
            people.judge(ann.id, query, "paper", grade)
    assert people.judgements(ann.id) == []


def test_a_grade_stands_until_another_and_keeps_its_time(people, ann, bob, clock):
    first = clock.now
    people.judge(ann.id, "late interaction", "one", 2)
    clock.pass_by(hours=1)
    people.judge(ann.id, " late interaction ", "one", 2)
    people.judge(ann.id, "late interaction", "two", 3)
    people.judge(ann.id, "hubness", "one", 0)
    people.judge(bob.id, "hubness", "one", 4)
    assert people.judgements(ann.id) == [
        Judgement("hubness", "one", 0, clock.now),
        Judgement("late interaction", "two", 3, clock.now),
        Judgement("late interaction", "one", 2, first),
    ]
    people.judge(ann.id, "late interaction", "one", 4)
    people.judge(ann.id, "late interaction", "two", None)
    people.judge(ann.id, "hubness", "one", None)
    people.judge(ann.id, "never judged", "one", None)
    assert people.judgements(ann.id) == [Judgement("late interaction", "one", 4, clock.now)]


@pytest.mark.parametrize(
    "papers",
    [["good", ""], ["good", None], ["good", "x" * 2049], ["good", "\n"], "a text", None, 5],
)
def test_ids_of_no_papers_are_refused_all_together(people, ann, papers):
    with pytest.raises(InputError):
        people.see(ann.id, papers)
    assert people.seen(ann.id) == set()


def test_a_paper_is_seen_once_however_often_shown(people, ann, bob):
    people.see(ann.id, ["a", "b", "a"])
    people.see(ann.id, [])
    people.see(ann.id, iter(["b", "c"]))
    people.see(bob.id, ["d"])
    assert people.seen(ann.id) == {"a", "b", "c"}
    assert people.seen(bob.id) == {"d"}
    with pytest.raises(InputError, match="10,000"):
        people.see(ann.id, (str(number) for number in range(10_001)))
    assert people.seen(ann.id) == {"a", "b", "c"}
