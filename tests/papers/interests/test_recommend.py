from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError
from everygrain_papers.interests import Interest, Mix, Pool, recommend, recommend_from
from everygrain_papers.paper import Paper
from tests.papers.interests.papers import candidates, library, papers

NEW = [*papers("graph", range(10)), *papers("legged", range(10)), *papers("translation", range(10))]
OLD = [*papers("graph", range(20, 24)), *papers("legged", range(20, 24))]
GRAPHS = Interest("g", "graphs", liked=tuple(f"graph-{i}" for i in range(20, 24)))
LEGGED = Interest("l", "legs", liked=tuple(f"legged-{i}" for i in range(20, 24)))


def shown(interests, new=NEW, old=OLD, **more):
    return recommend(interests, *candidates(*new), *library(*old), **more)


def fields(found):
    return [each.paper.id.split("-")[0] for each in found]


def test_candidates_of_another_number_than_vectors_are_refused():
    new, vectors = candidates(*NEW)
    with pytest.raises(InputError, match="30 candidates"):
        recommend([GRAPHS], new, vectors[1:], *library(*OLD))


def test_a_vector_that_is_not_finite_is_refused():
    new, vectors = candidates(*NEW)
    with pytest.raises(InputError, match="finite"):
        recommend([GRAPHS], new, vectors * np.nan, *library(*OLD))


@pytest.mark.parametrize("wrong", [np.ones(3, np.float32), np.full(8, np.nan, np.float32)])
def test_a_vector_of_another_encoder_is_refused(wrong):
    told, vectors = library(*OLD)
    vectors["graph-20"] = wrong
    with pytest.raises(InputError, match="graph-20"):
        recommend([GRAPHS], *candidates(*NEW), told, vectors)


def test_an_id_given_twice_and_k_below_one_are_refused():
    with pytest.raises(InputError, match="same id"):
        shown([GRAPHS], [*NEW, NEW[0]])
    with pytest.raises(InputError, match="same id"):
        shown([GRAPHS, GRAPHS])
    with pytest.raises(InputError, match="0 recommendations"):
        shown([GRAPHS], k=0)


def test_papers_of_the_field_liked_come_first():
    assert set(fields(shown([GRAPHS], k=10))) == {"graph"}


def test_one_liked_paper_is_enough():
    found = shown([Interest("g", "graphs", liked=("graph-20",))], k=5)
    assert set(fields(found)) == {"graph"}
    assert all(each.reasons.nearest == "graph-20" for each in found)


def test_a_seed_counts_as_a_liked_paper():
    liked = shown([Interest("g", "graphs", liked=("graph-20", "graph-21"))])
    seeds = shown([Interest("g", "graphs", seeds=("graph-20",), liked=("graph-21",))])
    assert [each.paper.id for each in liked] == [each.paper.id for each in seeds]


def test_interests_are_kept_apart_and_each_has_its_place():
    found = shown([GRAPHS, LEGGED], k=10)
    assert fields(found).count("graph") == fields(found).count("legged") == 5
    assert all(each.paper.id.startswith({"g": "gra", "l": "leg"}[each.interest]) for each in found)
    assert {each.interest for each in found[:2]} == {"g", "l"}


def test_what_one_interest_likes_changes_nothing_in_another():
    alone = list(shown([GRAPHS], old=OLD[:4], k=5))
    beside = [each for each in shown([GRAPHS, LEGGED], k=10) if each.interest == "g"]
    assert [(e.paper.id, e.reasons) for e in alone] == [(e.paper.id, e.reasons) for e in beside]


def test_disliked_papers_push_their_like_down():
    both = Interest("b", "both", liked=(*GRAPHS.liked, "legged-20"))
    less = replace(both, disliked=("legged-21", "legged-22", "legged-23"))
    before = fields(shown([both], k=30)).index("legged")
    after = fields(shown([less], k=30)).index("legged")
    assert after > before
    assert any(each.reasons.against for each in shown([less], k=30))


@pytest.mark.parametrize(
    "interest",
    [
        Interest("n", "nothing"),
        Interest("d", "only dislikes", disliked=("graph-20",)),
        Interest("w", "a word that no paper holds", keywords=("zeppelin",)),
        Interest("s", "a stop word", keywords=("the",)),
    ],
)
def test_an_interest_with_nothing_to_go_by_shows_nothing(interest):
    assert shown([interest]) == []
    assert {each.interest for each in shown([interest, GRAPHS])} == {"g"}


def test_no_interests_and_no_candidates_give_nothing():
    assert shown([]) == []
    assert recommend([GRAPHS], [], np.empty((0, 8), np.float32), *library(*OLD)) == []


def test_liked_papers_that_are_gone_are_passed_over():
    assert shown([Interest("g", "gone", liked=("nowhere",))]) == []
    found = shown([replace(GRAPHS, liked=(*GRAPHS.liked, "nowhere"))], k=3)
    assert [e.paper.id for e in found] == [e.paper.id for e in shown([GRAPHS], k=3)]


def test_keywords_alone_show_papers_that_hold_them_and_say_so():
    found = shown([Interest("k", "keys", keywords=("quadrupeds", "zeppelin"))])
    assert found
    assert set(fields(found)) == {"legged"}
    assert all("quadruped" in f"{e.paper.title} {e.paper.abstract}" for e in found)
    assert all(e.reasons.keywords == ("quadrupeds",) and e.reasons.nearest is None for e in found)


def test_a_paper_with_a_negative_keyword_is_not_shown():
    found = shown([replace(GRAPHS, negative=("cliques",))], k=30)
    held = [p for p, _ in NEW if "clique" in f"{p.title} {p.abstract}"]
    assert held
    assert not {p.id for p in held} & {e.paper.id for e in found}


def test_papers_seen_and_marked_never_come_back():
    marked = replace(GRAPHS, liked=(*GRAPHS.liked, "graph-0"), disliked=("graph-1",))
    found = shown([marked, LEGGED], old=[*OLD, NEW[0], NEW[1]], seen={"graph-2"}, k=30)
    assert not {"graph-0", "graph-1", "graph-2"} & {each.paper.id for each in found}
    assert len(found) == 27


def test_another_version_of_a_paper_seen_liked_or_shown_is_not_shown():
    works = {"graph-0": "w", "graph-20": "w", "graph-1": "v", "elsewhere": "v",
             "graph-2": "u", "graph-3": "u"}  # fmt: skip
    found = {e.paper.id for e in shown([GRAPHS], works=works, seen={"elsewhere"}, k=30)}
    assert "graph-0" not in found
    assert "graph-1" not in found
    assert len({"graph-2", "graph-3"} & found) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Other words", "abstract": "", "doi": "10.1/x"},
        {"title": "Other words", "abstract": "", "arxiv_id": "2101.00001"},
        {"title": "GRAPH 20th: x y z!", "abstract": "other words"},
    ],
)
def test_a_paper_with_a_doi_arxiv_id_or_title_of_one_marked_is_not_shown(changed):
    liked = replace(OLD[0][0], title="Graph 20th x y z", doi="10.1/x", arxiv_id="2101.00001")
    copy = (replace(liked, **{"id": "copy", "doi": "", "arxiv_id": "", **changed}), OLD[0][1])
    found = shown([GRAPHS], [*NEW, copy], [(liked, OLD[0][1]), *OLD[1:]], k=31)
    assert len(found) == 30
    assert "copy" not in {each.paper.id for each in found}


def test_a_near_copy_of_a_paper_shown_or_liked_is_not_shown():
    liked, vector = OLD[0]
    first, near = NEW[0]
    copies = [
        (replace(liked, id="copy-1", title=f"{liked.title} revised"), vector),
        (replace(first, id="copy-2", title=f"{first.title} revised"), near),
    ]
    found = {each.paper.id for each in shown([GRAPHS], [*NEW, *copies], k=32)}
    assert "copy-1" not in found
    assert len(found & {"copy-2", first.id}) == 1


def test_reasons_are_the_parts_of_the_score():
    found = shown([GRAPHS], k=3)[0].reasons
    graph_words = {"graph", "node", "edge", "molecule", "message", "spectral", "clique", "vertex"}
    assert found.nearest in GRAPHS.liked
    assert 0 < found.similarity <= 1
    assert found.terms
    assert all(set(term.split()) & graph_words for term, _ in found.terms[:2])
    weights = [weight for _, weight in found.terms]
    assert weights == sorted(weights, reverse=True)
    assert min(weights) > 0


def test_papers_without_vectors_and_abstracts_are_ranked_by_their_titles():
    new = [(replace(p, abstract=""), v * 0) for p, v in NEW]
    found = recommend([GRAPHS], *candidates(*new), library(*OLD)[0], {}, k=5)
    assert set(fields(found)) == {"graph"}
    no_vectors = np.empty((len(new), 0), np.float32)
    assert recommend([GRAPHS], [p for p, _ in new], no_vectors, library(*OLD)[0], {}, k=5)


def test_candidates_that_are_all_marked_give_nothing():
    told = {paper.id: paper for paper, _ in NEW}
    liked = Interest("a", "all", liked=tuple(told))
    assert recommend([liked, LEGGED], *candidates(*NEW), told, {}) == []


def test_a_shared_pool_gives_what_a_call_of_its_own_gives():
    pool = Pool(*candidates(*NEW))
    for interests, old in (([GRAPHS], OLD[:4]), ([GRAPHS, LEGGED], OLD)):
        assert recommend_from(pool, interests, *library(*old)) == shown(interests, old=old)


def test_papers_that_no_interest_names_are_background_and_never_shown():
    old = [*OLD, *papers("translation", range(30, 60))]
    found = shown([GRAPHS], old=old, k=40)
    assert len(found) == 30
    assert set(fields(found[:10])) == {"graph"}


@pytest.mark.parametrize("part", ["linear", "recent", "vectors"])
def test_each_part_alone_finds_the_field(part):
    mix = replace(Mix(linear=0, recent=0, vectors=0), **{part: 1.0})
    assert set(fields(shown([GRAPHS], k=5, mix=mix))) == {"graph"}


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(len(NEW))), st.integers(1, 12))
def test_the_order_of_candidates_does_not_matter(order, k):
    first = shown([GRAPHS, LEGGED], k=k)
    second = shown([GRAPHS, LEGGED], [NEW[i] for i in order], k=k)
    assert [e.paper.id for e in first] == [e.paper.id for e in second]


LETTERS = st.characters(exclude_categories=["Cs"])  # no paper holds a lone surrogate


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.text(LETTERS, max_size=30), min_size=1, max_size=6),
    st.lists(st.text(min_size=1, max_size=8), max_size=4),
)
def test_any_text_and_any_keyword_can_be_ranked(texts, keywords):
    new = [Paper(f"p{i}", f"Title {text}", text) for i, text in enumerate(texts)]
    interest = Interest("i", "any", seeds=("p0",), keywords=tuple(keywords), negative=("x",))
    vectors = np.zeros((len(new), 4), np.float32)
    found = recommend([interest], new, vectors, {"p0": new[0]}, {})
    assert "p0" not in {each.paper.id for each in found}
    assert all(np.isfinite(each.score) for each in found)
