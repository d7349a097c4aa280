"""What is said of a paper apart from it stands in every state of it, whichever came first."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.paper import Paper
from everygrain_papers.sources import Addition, Deleted, JsonLines
from everygrain_papers.store import PaperStore


@pytest.fixture
def store(tmp_path):
    with_file = PaperStore(tmp_path / "papers.db")
    yield with_file
    with_file.close()


@pytest.mark.parametrize("fields", [{}, {"id": "x"}, {"colour": "red"}, {"abstract": 3}])
def test_an_addition_of_nothing_that_a_paper_has_is_refused(fields):
    with pytest.raises(InputError):
        Addition("p", fields)


def test_abstracts_come_to_papers_before_them_after_them_and_with_them(store):
    one, two, three = (Paper(f"p{n}", f"Of mills {n}") for n in (1, 2, 3))
    said = [Addition(f"p{n}", {"abstract": f"Says {n}."}) for n in (1, 2, 3, 4)]
    store.put([one])
    change = store.put([said[0], said[1]])
    assert (change.updated, change.aside) == (["p1"], ["p2"])
    assert store.put([two]).added == ["p2"]
    assert store.put([said[2], three, said[3]]).added == ["p3"]
    assert [p.abstract for p in store.papers()] == ["Says 1.", "Says 2.", "Says 3."]
    assert [len(store.history(f"p{n}")) for n in (1, 2, 3)] == [1, 1, 1]


def test_the_same_again_changes_nothing_and_a_new_dump_of_papers_keeps_the_abstracts(store):
    items = [Paper("p", "Of mills"), Addition("p", {"abstract": "Says."})]
    store.put(items)
    store.indexed(*store.waiting(10))
    before = store.generation()
    assert store.put(items).unchanged == ["p"]
    assert store.put(items[1:]).unchanged == ["p"]
    assert (store.generation(), store.waiting(10)) == (before, ([], []))
    assert store.put([Paper("p", "Of mills", citations=3)]).updated == ["p"]
    assert (store.get("p").abstract, store.get("p").citations) == ("Says.", 3)
    assert len(store.history("p")) == 1
    store.put([Addition("p", {"abstract": "Says more."})])
    assert [each.paper.abstract for each in store.history("p")] == ["Says.", "Says more."]


def test_an_addition_brings_no_withdrawn_paper_back_and_is_there_when_it_returns(store):
    store.put([Paper("p", "Of mills"), Deleted("p")])
    store.put([Deleted("p")])
    assert store.put([Addition("p", {"abstract": "Says."})]).aside == ["p"]
    assert len(store) == 0
    store.put([Paper("p", "Of mills")])
    assert store.get("p").abstract == "Says."


def test_what_is_said_more_is_added_to_what_the_paper_says_more_and_to_the_abstract(store):
    store.put([Paper("p", "Of mills", more={"license": "free"})])
    store.put([Addition("p", {"more": {"tldr": "Mills are slow."}})])
    store.put([Addition("p", {"abstract": "Says."}), Addition("p", {"more": {"pages": 3}})])
    assert store.get("p").more == {"license": "free", "tldr": "Mills are slow.", "pages": 3}
    assert store.get("p").abstract == "Says."
    store.put([Addition("p", {"more": {"tldr": "Mills are fast."}})])
    assert store.get("p").more["tldr"] == "Mills are fast."


ITEMS = st.lists(
    st.builds(lambda t, a: Paper("p", t, a), st.sampled_from("ab"), st.sampled_from(["", "x"]))
    | st.builds(lambda f: Addition("p", f), st.dictionaries(
        st.sampled_from(["abstract", "venue"]), st.sampled_from("xyz"), min_size=1)),
    min_size=1, max_size=6,
)  # fmt: skip


@given(items=ITEMS, cuts=st.sets(st.integers(1, 5)))
@settings(deadline=None, max_examples=40)
def test_what_is_held_is_the_last_paper_with_the_last_word_of_every_addition(
    tmp_path_factory, items, cuts
):
    store = PaperStore(tmp_path_factory.mktemp("law") / "papers.db")
    try:
        places = [0, *sorted(cuts), len(items)]
        for begin, end in pairwise(places):
            store.put(items[begin:end])
        papers = [each for each in items if isinstance(each, Paper)]
        said: dict[str, str] = {}
        for each in items:
            if isinstance(each, Addition):
                said |= each.fields
        last = papers[-1:]
        assert list(store.papers()) == [Addition("p", said).to(p) if said else p for p in last]
    finally:
        store.close()


def test_dumps_of_papers_and_of_abstracts_end_as_papers_with_abstracts(tmp_path, store):
    papers, abstracts = tmp_path / "papers", tmp_path / "abstracts"
    numbers = range(1200)
    papers.write_text("".join(f'{{"corpusid": {n}, "title": "T{n}"}}\n' for n in numbers))
    abstracts.write_text("".join(f'{{"corpusid": {n}, "abstract": "A{n}"}}\n' for n in numbers))
    for path in (abstracts, papers, abstracts):
        for batch in JsonLines(path).batches():
            store.put(batch.items)
    assert [(p.id, p.abstract) for p in store.papers()] == [(f"s2:{n}", f"A{n}") for n in numbers]
