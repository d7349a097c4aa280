"""Versions of one work become one, with a reason, and come apart again."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.merging import Decision, merge, redo, surnames, title_key, undo
from everygrain_papers.paper import Paper

PREPRINT = Paper(
    "arxiv:2101.00001",
    "On the $\\alpha$-Divergence of Rankings",
    "A long abstract of the preprint.",
    ("Ann See", "Joe Doe"),
    "arXiv",
    2021,
    "2021-01-01",
    ("cs.IR",),
    arxiv_id="2101.00001",
    doi="10.1000/journal.1",
)
PUBLISHED = Paper(
    "doi:10.1000/journal.1",
    "On the α-divergence of rankings",
    "",
    ("See, Ann", "Doe, Joe"),
    "Journal of Rankings",
    2022,
    "2022-05",
    ("divergence",),
    doi="10.1000/journal.1",
    citations=7,
)
COPY = Paper("s2:1", "On the alpha divergence of rankings!", authors=("A. See", "J. Doe"))
OTHER = Paper("x", "Something else entirely, at length", authors=("Z. Zed",))


def groups(works):
    return {frozenset(paper.id for paper in work.versions) for work in works}


def ids(*papers):
    return frozenset(paper.id for paper in papers)


def test_a_preprint_and_its_published_version_are_one_work_and_the_merge_says_why():
    works, (by_doi, by_title) = merge([PREPRINT, PUBLISHED, COPY, OTHER])
    assert groups(works) == {ids(PREPRINT, PUBLISHED, COPY), ids(OTHER)}
    assert (by_doi.kept, by_doi.joined, by_doi.rule) == (PREPRINT.id, PUBLISHED.id, "doi")
    assert by_doi.values == {
        "titles": [PREPRINT.title, PUBLISHED.title], "doi": "10.1000/journal.1",
    }  # fmt: skip
    assert by_title.rule == "title and authors"
    assert by_title.values["title"] == "on the alpha divergence of rankings"
    assert by_title.values["authors"] == ["doe", "see"]
    assert "is the same work as arxiv:2101.00001: equal doi '10.1000/journal.1'" in str(by_doi)


def test_a_work_speaks_with_the_best_of_its_versions():
    (work, _), _ = merge([PREPRINT, PUBLISHED, COPY, OTHER])
    assert work.paper() == Paper(
        "arxiv:2101.00001",
        PUBLISHED.title,
        PREPRINT.abstract,
        PUBLISHED.authors,
        "Journal of Rankings",
        2022,
        "2021-01-01",
        ("divergence", "cs.IR"),
        doi="10.1000/journal.1",
        arxiv_id="2101.00001",
        citations=7,
    )


def test_an_undone_merge_stays_apart_whatever_else_is_equal():
    papers = [PREPRINT, PUBLISHED, COPY]
    _, decisions = merge(papers)
    apart = undo(decisions, decisions[0].id)
    works, again = merge(papers, apart)
    # the copy would be equal to both; it may bring them together no more
    assert len(works) == 2
    assert not any({PREPRINT.id, PUBLISHED.id} <= group for group in groups(works))
    assert "was kept apart from" in str(again[0])
    assert groups(merge(papers, again)[0]) == groups(works)
    back, _ = merge(papers, redo(again, decisions[0].id))
    assert groups(back) == {ids(*papers)}


def test_a_decision_comes_back_from_json():
    _, decisions = merge([PREPRINT, PUBLISHED])
    assert [Decision.of(each.record()) for each in decisions] == decisions
    with pytest.raises(InputError, match="No merge has the id"):
        undo(decisions, "none")
    for broken in ({"kept": "a"}, {**decisions[0].record(), "rule": "luck"}):
        with pytest.raises(InputError, match=r"Not a decision|no rule"):
            Decision.of(broken)


@pytest.mark.parametrize(
    "other",
    [
        Paper("b", "Wholly unrelated matters", authors=("Z. Zed",), doi="10.1000/journal.1"),
        Paper("b", PREPRINT.title, authors=("Ann Other",)),
        Paper("b", PREPRINT.title),
        Paper("b", PREPRINT.title, authors=PREPRINT.authors, arxiv_id="2202.00002"),
        Paper("b", PREPRINT.title + " II", authors=PREPRINT.authors),
    ],
    ids=["a DOI by mistake", "other authors", "no authors", "another arXiv id", "part two"],
)
def test_what_is_not_the_same_is_kept_apart(other):
    works, decisions = merge([PREPRINT, other])
    assert len(works) == 2
    assert decisions == []


def test_short_titles_are_no_sign_of_one_work():
    letters = [Paper(id, "Editorial", authors=("Ann See",)) for id in "abc"]
    assert len(merge(letters)[0]) == 3


def test_two_preprints_do_not_meet_through_a_copy_without_an_id():
    second = Paper("b", PREPRINT.title, authors=PREPRINT.authors, arxiv_id="2202.00002")
    works, _ = merge([PREPRINT, COPY, second])
    assert groups(works) == {ids(PREPRINT, COPY), ids(second)}


def test_the_own_doi_of_arxiv_and_a_version_are_the_arxiv_id():
    other = Paper("openalex:W1", "On the α-divergence", doi="10.48550/arxiv.2101.00001")
    third = Paper("c", "On the α-divergence", arxiv_id="2101.00001v3")
    works, decisions = merge([PREPRINT, other, third])
    assert len(works) == 1
    assert {decision.rule for decision in decisions} == {"arxiv id"}


def test_ten_thousand_papers_with_one_doi_end():
    papers = [Paper(str(i), f"w{i} x{i} y{i}", doi="10.1000/all") for i in range(10_000)]
    assert len(merge(papers)[0]) == 10_000


def test_keys_of_titles_and_names():
    assert title_key("Don’t {\\em Stop}: naïve") == "dont em stop naive"
    assert title_key("学习排序") == "学习排序"
    assert surnames(["van der Berg, Jan", "Jan van der Berg", "M. L. King Jr.", ""]) == {
        "berg", "king",
    }  # fmt: skip


PAPERS = st.lists(
    st.builds(
        lambda doi, number, title, names: (doi, number, title, tuple(names)),
        st.sampled_from(["", "10.1000/a", "10.1000/b"]),
        st.sampled_from(["", "2101.00001", "2101.00002"]),
        st.sampled_from(["one two three four", "one two three five", "six seven eight nine"]),
        st.lists(st.sampled_from(["A One", "B Two", "C Three"]), unique=True, max_size=3),
    ),
    max_size=8,
).map(
    lambda rows: [
        Paper(f"p{i}", title, authors=names, doi=doi, arxiv_id=number)
        for i, (doi, number, title, names) in enumerate(rows)
    ]
)


@given(PAPERS, st.integers(0, 8), st.data())
def test_laws_of_merging(papers, cut, data):
    works, decisions = merge(papers)
    # every paper is in one work, and every work hangs together by decisions alone
    assert sorted(p.id for w in works for p in w.versions) == sorted(p.id for p in papers)
    joined = {paper.id: {paper.id} for paper in papers}
    for decision in decisions:
        union = joined[decision.kept] | joined[decision.joined]
        joined |= dict.fromkeys(union, union)
    assert groups(works) == {frozenset(group) for group in joined.values()}
    assert len(decisions) == len(papers) - len(works)
    # what comes later only adds; a second time changes nothing
    _, early = merge(papers[:cut])
    late, all_of_them = merge(papers, early)
    assert all_of_them[: len(early)] == early
    assert all(
        any(group <= whole for whole in groups(late)) for group in groups(merge(papers[:cut])[0])
    )
    assert merge(papers, decisions)[1] == decisions
    # equal identifiers with equal titles are always found
    for a, b in combinations(papers, 2):
        if a.title == b.title and a.doi and a.doi == b.doi:
            assert any({a.id, b.id} <= group for group in groups(works))
    if decisions:
        wrong = data.draw(st.sampled_from(decisions))
        apart, _ = merge(papers, undo(decisions, wrong.id))
        assert not any({wrong.kept, wrong.joined} <= group for group in groups(apart))
