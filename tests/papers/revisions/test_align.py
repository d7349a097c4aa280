"""Sentences of two versions: paired, split, merged, moved, added, deleted."""

from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain_papers.revisions.align import Group, Likeness, align
from everygrain_papers.revisions.words import words_of

OLD = [
    "Honey bees carry pollen to the hive.",
    "We count them with a camera and a scale.",
    "The count is right in nine of ten gardens.",
    "All code and recordings are public.",
]
SENTENCES = st.lists(
    st.lists(st.sampled_from(["bees", "carry", "pollen", "we", "count", "ten", "x"]), max_size=5),
    max_size=7,
)


def shapes(old, new):
    return [(group.old, group.new, group.moved) for group in align(old, new)]


def test_the_same_sentences_are_paired_in_order():
    assert shapes(OLD, OLD) == [((i,), (i,), False) for i in range(4)]


def test_nothing_against_something_is_added_or_deleted():
    assert shapes([], []) == []
    assert [g.kind for g in align([], OLD)] == ["added"] * 4
    assert [g.kind for g in align(OLD, [])] == ["deleted"] * 4


def test_changed_added_and_deleted_sentences_are_told_apart():
    new = [
        "Honey bees carry much pollen to their hive.",
        "Nobody has measured how much.",
        "The count is right in eight of ten gardens.",
        "All code and recordings are public.",
    ]
    groups = align(OLD, new)
    assert [(g.old, g.new) for g in groups] == [
        ((0,), (0,)), ((1,), ()), ((), (1,)), ((2,), (2,)), ((3,), (3,)),
    ]  # fmt: skip
    assert [g.kind for g in groups] == ["paired", "deleted", "added", "paired", "paired"]


def test_a_split_and_a_merge_are_found():
    split = [OLD[0], "We count them with a camera.", "We use a scale, too.", *OLD[2:]]
    found = align(OLD, split)
    assert (found[1].old, found[1].new, found[1].kind) == ((1,), (1, 2), "split")
    back = align(split, OLD)
    assert (back[1].old, back[1].new, back[1].kind) == ((1, 2), (1,), "merged")


def test_a_moved_sentence_is_paired_with_its_old_place():
    new = [OLD[3], OLD[0], OLD[1], OLD[2]]
    assert shapes(OLD, new) == [
        ((3,), (0,), True), ((0,), (1,), False), ((1,), (2,), False), ((2,), (3,), False),
    ]  # fmt: skip


def test_likeness_equals_the_formula_in_loops():
    new = ["Honey bees carry pollen.", "We count."]
    alike = Likeness(OLD, new)

    def bag(texts, size):
        words = [word.lower() for text in texts for word in words_of(text)]
        if not size:
            return Counter(words)
        return Counter(f" {w} "[i : i + 3] for w in words for i in range(len(w)))

    def shared(a, b, size):
        every = [bag([text], size) for text in [*OLD, *new]]
        rarity = {t: np.log1p(len(every) / sum(t in e for e in every)) for e in every for t in e}
        one, other = bag(a, size), bag(b, size)
        both = sum(rarity[t] * min(one[t], other[t]) for t in one)
        whole = sum(rarity[t] * n for each in (one, other) for t, n in each.items())
        return 2 * both / whole

    for old, told in (((0,), (0,)), ((0, 1), (0,)), ((2,), (1,)), ((1, 2), (0, 1))):
        a, b = [OLD[i] for i in old], [new[j] for j in told]
        wanted = (shared(a, b, 0) + shared(a, b, 3)) / 2
        assert alike.of(old, told) == pytest.approx(wanted)


def best_by_trying_all(old, new, least):
    """The best value of a monotone chain, by trying every set of groups."""
    alike = Likeness(old, new)
    runs = [(1, 1), (1, 2), (2, 1), (1, 3), (3, 1)]
    every = []
    for a, b in runs:
        for i in range(len(old) - a + 1):
            for j in range(len(new) - b + 1):
                score = alike.of(range(i, i + a), range(j, j + b))
                singles = [alike.of((x,), (y,)) for x in range(i, i + a) for y in range(j, j + b)]
                if score >= least and min(singles) >= least / 4:
                    every.append((i, i + a, j, j + b, (score - least) * (a + b)))
    best = 0.0
    for size in range(1, min(len(old), len(new)) + 1):
        for chosen in combinations(sorted(every), size):
            apart = pairwise(chosen)
            if all(one[1] <= two[0] and one[3] <= two[2] for one, two in apart):
                best = max(best, sum(each[4] for each in chosen))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_the_chain_is_the_best_of_all_chains(seed):
    from everygrain_papers.revisions.align import _chain

    lot = np.random.default_rng(seed)
    words = ["bees", "carry", "pollen", "hive", "count", "camera"]
    old, new = (
        [" ".join(lot.choice(words, lot.integers(1, 5))) for _ in range(4)] for _ in range(2)
    )
    chain = _chain(Likeness(old, new), 0.4)
    value = sum((g.likeness - 0.4) * (len(g.old) + len(g.new)) for g in chain)
    assert value == pytest.approx(best_by_trying_all(old, new, 0.4))


@settings(max_examples=150, deadline=None)
@given(SENTENCES, SENTENCES)
def test_every_sentence_is_in_exactly_one_group(old, new):
    texts = [" ".join(words) for words in old], [" ".join(words) for words in new]
    groups = align(*texts)
    assert sorted(i for g in groups for i in g.old) == list(range(len(old)))
    assert [j for g in groups for j in g.new] == list(range(len(new)))
    for group in groups:
        for run in (group.old, group.new):
            assert list(run) == list(range(run[0], run[0] + len(run))) if run else True


@settings(max_examples=60, deadline=None)
@given(SENTENCES)
def test_a_version_against_itself_stays_in_order(sentences):
    texts = [" ".join(words) for words in sentences]
    assert shapes(texts, texts) == [((i,), (i,), False) for i in range(len(texts))]


def test_a_book_is_compared_by_its_equal_sentences():
    old = [f"Sentence number {i} of a long book." for i in range(400)]
    new = [*old[:150], "Something else.", *old[155:], "The end."]
    new[3] = "Sentence 3 of a long book."
    groups = align(old, new)
    assert Group((3,), (3,), groups[3].likeness) == groups[3]
    assert [g.old for g in groups if g.kind == "deleted"] == [(i,) for i in range(150, 155)] or [
        g.kind for g in groups
    ].count("paired") >= 394
    assert groups[-1].kind == "added"
