"""Interests are kept as they are given, in order, and only by their own reader."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.interests.interest import Interest
from everygrain_papers.people import People
from everygrain_papers.people.interests import MOST

BAD_FIELDS = [
    {"name": ""},
    {"name": "x" * 201},
    {"name": "two\nlines"},
    {"name": "turned \u202e round"},
    {"name": None},
    {"keywords": "a text and no list"},
    {"keywords": ["x" * 201]},
    {"keywords": ["nul\x00"]},
    {"keywords": [""]},
    {"keywords": [f"word {number}" for number in range(201)]},
    {"keywords": ["x"] * 5, "negative": [f"word {number}" for number in range(200)]},
    {"negative": [None]},
    {"seeds": ["x" * 2049]},
    {"seeds": ["tab\tinside"]},
    {"seeds": [f"paper {number}" for number in range(1001)]},
    {"seeds": None},
    {"liked": ["paper"], "disliked": ["paper"]},
    {"liked": ["\ud800"]},
    {"liked": [f"paper {number}" for number in range(10_001)]},
    {"liked": [f"a {n}" for n in range(6000)], "disliked": [f"b {n}" for n in range(6000)]},
]


@pytest.mark.parametrize("fields", BAD_FIELDS, ids=lambda fields: str(fields)[:40])
def test_what_no_interest_can_hold_is_refused_and_the_former_stays(people, ann, fields):
    kept = people.add_interest(ann.id, "Ranking", liked=["one"], keywords=["word"])
    with pytest.raises(InputError):
        people.add_interest(ann.id, **{"name": "Name", **fields})
    with pytest.raises(InputError):
        people.change_interest(ann.id, kept.id, **fields)
    assert people.interests(ann.id) == [kept]


@pytest.mark.parametrize("field", ["id", "colour", "user"])
def test_a_field_that_is_none_or_never_changes_is_told(people, ann, field):
    kept = people.add_interest(ann.id, "Ranking")
    with pytest.raises(InputError, match=field):
        people.change_interest(ann.id, kept.id, **{field: "other"})
    assert people.interests(ann.id) == [kept]


@pytest.mark.parametrize("identity", ["", "unknown", "x" * 100_000, "\ud800", "' OR 1=1", None, 5])
def test_an_unknown_interest_is_told(people, ann, identity):
    kept = people.add_interest(ann.id, "Ranking")
    for act in (
        lambda: people.interest(ann.id, identity),
        lambda: people.save_interest(ann.id, Interest(identity, "Other")),
        lambda: people.change_interest(ann.id, identity, name="Other"),
        lambda: people.delete_interest(ann.id, identity),
        lambda: people.mark(ann.id, "paper", identity, "like"),
        lambda: people.order_interests(ann.id, [identity]),
    ):
        with pytest.raises(InputError):
            act()
    assert people.interests(ann.id) == [kept]


def test_the_interest_of_another_reader_is_as_unknown_as_none(people, ann, bob):
    theirs = people.add_interest(bob.id, "Ranking", liked=["one"])
    told = set()
    for identity in (theirs.id, "never was"):
        for act in (
            lambda identity=identity: people.interest(ann.id, identity),
            lambda identity=identity: people.save_interest(ann.id, Interest(identity, "Mine")),
            lambda identity=identity: people.change_interest(ann.id, identity, name="Mine"),
            lambda identity=identity: people.delete_interest(ann.id, identity),
            lambda identity=identity: people.mark(ann.id, "paper", identity, "like"),
        ):
            with pytest.raises(InputError) as error:
                act()
            told.add(str(error.value))
    assert len(told) == 1
    assert people.interests(bob.id) == [theirs]
    assert people.interests(ann.id) == []


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]),
                min_size=1, max_size=12).filter(str.strip).map(str.strip)  # fmt: skip
papers = st.lists(words, max_size=6, unique=True).map(tuple)


@st.composite
def interests(draw):
    liked = draw(papers)
    disliked = tuple(paper for paper in draw(papers) if paper not in liked)
    return Interest(
        "", draw(words), draw(papers), liked, disliked, draw(papers), draw(papers)
    )  # fmt: skip


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    with People(tmp_path_factory.mktemp("people") / "people.db") as people:
        people.single()
        yield people


@settings(max_examples=40)
@given(interests(), interests())
def test_an_interest_is_read_as_it_was_saved(lasting, first, second):
    reader = lasting.single()
    made = lasting.add_interest(
        reader.id, first.name, seeds=first.seeds, liked=first.liked, disliked=first.disliked,
        keywords=first.keywords, negative=first.negative,
    )  # fmt: skip
    assert made == replace(first, id=made.id) == lasting.interest(reader.id, made.id)
    lasting.save_interest(reader.id, replace(second, id=made.id))
    assert lasting.interest(reader.id, made.id) == replace(second, id=made.id)
    lasting.delete_interest(reader.id, made.id)
    assert lasting.interests(reader.id) == []


def test_papers_and_words_given_twice_count_once(people, ann):
    made = people.add_interest(
        ann.id, " Ranking ", seeds=["b", "a", "b"], liked=["d", "c", "d"], keywords=["x", " x"]
    )
    assert made == Interest(made.id, "Ranking", ("b", "a"), ("d", "c"), (), ("x",))
    assert people.interest(ann.id, made.id) == made


def test_interests_keep_the_order_that_the_reader_gives(people, ann, bob):
    theirs = people.add_interest(bob.id, "Other")
    one, two, three = (people.add_interest(ann.id, name) for name in ("Zeta", "Alpha", "Mu"))
    assert people.interests(ann.id) == [one, two, three]
    people.order_interests(ann.id, [three.id, one.id, two.id])
    people.save_interest(ann.id, replace(one, name="First of all"))
    assert [each.id for each in people.interests(ann.id)] == [three.id, one.id, two.id]
    people.delete_interest(ann.id, one.id)
    four = people.add_interest(ann.id, "A new one")
    assert [each.id for each in people.interests(ann.id)] == [three.id, two.id, four.id]
    for wrong in ([three.id, two.id], [three.id, two.id, two.id], [three.id, two.id, theirs.id],
                  [three.id, two.id, four.id, theirs.id], [None, 1, "x"]):  # fmt: skip
        with pytest.raises(InputError):
            people.order_interests(ann.id, wrong)
    assert [each.id for each in people.interests(ann.id)] == [three.id, two.id, four.id]


def test_changing_one_field_keeps_a_mark_that_another_process_made_meanwhile(people, ann):
    read = people.add_interest(ann.id, "Ranking", keywords=["old"])
    with People(people.path) as other:
        other.mark(ann.id, "paper", read.id, "like")
    changed = people.change_interest(ann.id, read.id, keywords=["new"], name="Renamed")
    assert changed == Interest(read.id, "Renamed", liked=("paper",), keywords=("new",))
    assert people.interest(ann.id, read.id) == changed


def test_a_reader_has_at_most_a_hundred_interests(people, ann, bob):
    for number in range(MOST):
        people.add_interest(ann.id, f"Interest {number}")
    with pytest.raises(InputError, match="100"):
        people.add_interest(ann.id, "One more")
    assert len(people.interests(ann.id)) == MOST
    people.add_interest(bob.id, "First")
