"""Inverting and merging, against counters and against building the whole at once."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.analyze import Analyzer
from everygrain.document import Document
from everygrain.index import postings, vectors
from everygrain.index.files import unpack_strings

ANALYZER = Analyzer("en")
WORDS = ["apple", "apples", "the", "of", "red", "naïve", "梨", "z", "Z", "ﬁne"]
fields = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
documents = st.lists(st.tuples(fields, fields), max_size=6)


def built(rows, first=0):
    batch = [Document(f"d{first + i}", text, title) for i, (title, text) in enumerate(rows)]
    return postings.build([d.id for d in batch], *vectors.split_fields(batch), ANALYZER)


def read(arrays):
    """Return what the arrays say, in plain values: term -> [(document, in title, in text)]."""
    terms = unpack_strings(arrays["terms"], arrays["term_offsets"])
    columns = [arrays[name].tolist() for name in ("documents", "title_counts", "text_counts")]
    rows = list(zip(*columns, strict=True))
    starts = arrays["starts"].tolist()
    return {term: rows[starts[i] : starts[i + 1]] for i, term in enumerate(terms)}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.dtype == other[name].dtype, name
        assert array.tolist() == other[name].tolist(), name


def length(text):
    return sum(not ("0" <= term <= "z") or len(term) > 1 for term in ANALYZER.query(text))


@given(documents)
def test_postings_are_what_counters_count(rows):
    arrays = built(rows)
    expected = {}
    for i, (title, text) in enumerate(rows):
        titles, texts = Counter(ANALYZER.query(title)), Counter(ANALYZER.query(text))
        for term in titles | texts:
            expected.setdefault(term, []).append((i, titles[term], texts[term]))
    assert read(arrays) == expected
    assert list(read(arrays)) == sorted(expected, key=str.encode)
    assert arrays["title_lengths"].tolist() == [length(t) for t, _ in rows]
    assert arrays["text_lengths"].tolist() == [length(t) for _, t in rows]
    assert unpack_strings(arrays["ids"], arrays["id_offsets"]) == [
        f"d{i}" for i in range(len(rows))
    ]


@given(documents)
def test_tokens_are_the_terms_in_order_with_places_for_stop_words(rows):
    arrays = built(rows)
    terms = [*unpack_strings(arrays["terms"], arrays["term_offsets"]), None]
    for i, (title, text) in enumerate(rows):
        start, end = arrays["token_offsets"][i : i + 2]
        told = [terms[number] for number in arrays["tokens"][start:end]]
        titles = ANALYZER.places(vectors.split_fields([Document("a", "", title)])[0].of(0))
        texts = ANALYZER.places(vectors.split_fields([Document("a", text)])[1].of(0))
        assert told == titles + texts
        assert arrays["title_tokens"][i] == len(titles)


@given(st.lists(documents, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_merged_segments_equal_one_built_of_the_documents_that_live(parts, generator):
    segments, survivors, first = [], [], 0
    for rows in parts:
        live = np.array([generator.random() < 0.6 for _ in rows], dtype=bool)
        segments.append((built(rows, first), live))
        survivors += [
            Document(f"d{first + i}", *rows[i][::-1]) for i in np.flatnonzero(live).tolist()
        ]
        first += len(rows)
    expected = postings.build([d.id for d in survivors], *vectors.split_fields(survivors), ANALYZER)
    assert_same(postings.merge(segments), expected)


def test_a_hand_worked_example():
    arrays = built([("Red apples", "the apple of red"), ("", "of"), ("the", "apple apple")])
    assert read(arrays) == {"appl": [(0, 1, 1), (2, 0, 2)], "red": [(0, 1, 1)]}
    assert arrays["tokens"].tolist() == [1, 0, -1, 0, -1, 1, -1, -1, 0, 0]
    assert arrays["token_offsets"].tolist() == [0, 6, 7, 10]
    assert arrays["title_tokens"].tolist() == [2, 0, 1]
    assert arrays["text_lengths"].tolist() == [2, 0, 2]


def test_single_letters_and_digits_are_found_but_add_no_length():
    arrays = built([("vitamin C", "1. of vitamin 中")])
    assert read(arrays)["c"] == [(0, 1, 0)]
    assert arrays["title_lengths"].tolist() == [1]
    assert arrays["text_lengths"].tolist() == [2]


def test_counts_stop_at_what_16_bits_hold_and_lengths_do_not():
    arrays = built([("apple", "apple " * 70_000)])
    assert read(arrays) == {"appl": [(0, 1, 65_535)]}
    assert arrays["text_lengths"].tolist() == [70_000]
    merged = postings.merge([(arrays, np.array([True])), (arrays, np.array([False]))])
    assert read(merged) == {"appl": [(0, 1, 65_535)]}


@pytest.mark.parametrize("rows", [[], [("", "")], [("the", "of"), ("", "?!")]])
def test_documents_without_terms_have_arrays_all_the_same(rows):
    arrays = built(rows)
    assert read(arrays) == {}
    assert arrays["starts"].tolist() == [0]
    merged = postings.merge([(arrays, np.ones(len(rows), dtype=bool))] * 2)
    assert len(merged["id_offsets"]) == 2 * len(rows) + 1
