"""Near-duplicates: clusters against brute force, and titles that ask for each other."""

import random
from itertools import combinations

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs.clusters import clusters
from everygrain.learn.pairs.duplicates import DuplicateTitles, duplicate_clusters, grouped


def clusters_in_loops(texts, run=3, jaccard=0.5, contained=0.9):
    """Compare all pairs, and join until nothing changes."""
    sets = []
    for text in texts:
        words = text.lower().split()
        size = min(run, len(words))
        sets.append(
            {tuple(words[i : i + size]) for i in range(len(words) - size + 1)} if words else set()
        )
    leaders = list(range(len(texts)))
    for one, other in combinations(range(len(texts)), 2):
        shared, least = len(sets[one] & sets[other]), min(len(sets[one]), len(sets[other]))
        if not least:
            continue
        alike = shared >= jaccard * len(sets[one] | sets[other])
        if alike or (least >= 10 and shared >= contained * least):
            low, high = sorted((leaders[one], leaders[other]))
            leaders = [low if leader == high else leader for leader in leaders]
    return leaders


def noisy_copies(seed, originals=30, words=60):
    """Texts of random words, with copies in which some words are others, or the end is missing."""
    drawn = random.Random(seed)
    texts = []
    for _ in range(originals):
        text = [f"w{drawn.randrange(500)}" for _ in range(words)]
        texts.append(" ".join(text))
        for _ in range(drawn.randrange(3)):
            copy = [w if drawn.random() > 0.04 else "other" for w in text]
            texts.append(" ".join(copy[: drawn.choice([words, words, 40])]))
    drawn.shuffle(texts)
    return [*texts, "", "a b", "a b", "..."]


@pytest.mark.parametrize("seed", range(5))
def test_clusters_equal_those_of_comparing_all_pairs(seed):
    texts = noisy_copies(seed)
    found = clusters(texts)
    assert found.tolist() == clusters_in_loops(texts)
    assert len(set(found.tolist())) < len(texts) - 5


def test_clusters_do_not_follow_from_the_order_of_the_texts():
    texts = noisy_copies(7)
    order = np.random.default_rng(0).permutation(len(texts))
    one, other = clusters(texts), clusters([texts[i] for i in order])
    back = np.empty(len(texts), dtype=int)
    back[order] = np.arange(len(texts))
    for i, j in combinations(range(len(texts)), 2):
        assert (one[i] == one[j]) == (other[back[i]] == other[back[j]])


def test_texts_all_alike_are_one_cluster_and_empty_ones_are_alone():
    assert clusters(["the same text once more"] * 3_000).tolist() == [0] * 3_000
    assert clusters(["", " ", "..."]).tolist() == [0, 1, 2]
    assert clusters([]).tolist() == []


def test_thousands_of_forms_filled_in_are_one_cluster():
    form = "This form of the harbour office is filled in by every boat on the day it comes in"
    texts = [f"{form} number {i} is the number of this boat" for i in range(3_000)]
    assert set(clusters(texts).tolist()) == {0}


def test_an_abridged_text_belongs_to_the_whole_one():
    words = [f"w{i}" for i in range(100)]
    whole, abridged, other = " ".join(words), " ".join(words[:45]), " ".join(words[::-1])
    assert clusters([whole, abridged, other]).tolist() == [0, 0, 2]


@pytest.mark.parametrize("wrong", [{"run": 0}, {"jaccard": 0}, {"contained": 1.5}])
def test_a_share_out_of_range_is_refused(wrong):
    with pytest.raises(InputError, match="Near-duplicates by runs"):
        clusters(["a"], **wrong)


WIRE = (
    "The bridge over the river was closed on Monday after a barge struck its second pier. "
    "Nobody was hurt. Engineers will look at the pier when the water falls, the council said."
)
PAPERS = [
    Document("morning", f"Barge hits bridge. {WIRE}", "Barge hits bridge"),
    Document("evening", f"{WIRE} Trains are not affected.", "River crossing shut for a week"),
    Document("copy", WIRE, "Barge hits a bridge!"),
    Document("untitled", WIRE),
    Document("other", "Potatoes are dear this year, as the summer was wet and cold.", "Prices"),
]


def test_titles_of_near_duplicates_ask_for_each_other_unless_they_are_copies():
    pairs = list(DuplicateTitles(apart=0.7).pairs(PAPERS))
    assert {frozenset((pair.query_id, pair.positive_id)) for pair in pairs} == {
        frozenset(("morning", "evening")), frozenset(("evening", "copy")),
    }  # fmt: skip
    titles = {document.id: document.title for document in PAPERS}
    assert all(pair.query == titles[pair.query_id] for pair in pairs)
    assert all(pair.positive == titles[pair.positive_id] for pair in pairs)


def test_clusters_of_documents_are_told_by_place():
    leaders = duplicate_clusters(PAPERS)
    assert leaders.tolist() == [0, 0, 0, 0, 4]
    assert list(grouped(leaders)) == [[0, 1, 2, 3]]


def test_a_cluster_gives_no_more_pairs_than_asked_for():
    many = [Document(str(i), WIRE, f"title{i} written{i}") for i in range(40)]
    assert len(list(DuplicateTitles(each=7).pairs(many))) == 7


def test_a_collection_without_titles_is_refused():
    with pytest.raises(InputError, match="'duplicates' needs two documents"):
        list(DuplicateTitles().pairs([Document("a", WIRE), Document("b", WIRE)]))
