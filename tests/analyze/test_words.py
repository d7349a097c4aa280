"""Words are found in every script, and at their exact places."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.analyze.words import Words, locate, of_text, split

TEXT = st.text(
    st.characters(codec="utf-8")
    | st.sampled_from("aAéßİıΐς'-_ \u0301\u0308ﬁ½㎏™ｶﾞ中文ひคำहि்ت\u200d\u00ad9٣")
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  _ -- ", []),
        ("The 2nd word_list, isn't it?", ["the", "2nd", "word", "list", "isn", "t", "it"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ﬁne ① ｗｉｄｅ", ["fine", "1", "wide"]),
        ("cafe\u0301s cafés", ["cafés", "cafés"]),
        ("Ελλάς ΕΛΛΆΣ", ["ελλάσ", "ελλάσ"]),
        ("ΐσως", ["ΐσωσ"]),
        ("İstanbul istanbul", ["istanbul", "istanbul"]),
        ("数据库 BM25检索", ["数", "据", "库", "bm25", "检", "索"]),
        ("データ・ベース", ["デ", "ー", "タ", "ベ", "ー", "ス"]),
        ("ひらがな々", ["ひ", "ら", "が", "な", "々"]),
        ("한국어 검색", ["한국어", "검색"]),
        ("हिन्दी में खोज", ["हिन्दी", "में", "खोज"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("поиск по-русски", ["поиск", "по", "русски"]),
        ("a\u0000b\ud800c", ["a", "b", "c"]),
    ],
)
def test_the_words_of_a_text(text, words):
    assert of_text(text) == [unicodedata.normalize("NFKC", word) for word in words]


@given(st.text(st.characters(max_codepoint=127) | st.sampled_from("\u00a0–—‘’“”…")))
def test_the_short_way_for_plain_texts_finds_what_the_long_way_finds(text):
    assert of_text(text) == of_text(text + " é")[:-1]


@given(TEXT)
def test_words_of_words_are_the_same_words(text):
    words = of_text(text)
    assert of_text(" ".join(words)) == words


@given(st.lists(TEXT, max_size=5))
def test_splitting_numbers_the_words_in_order_of_first_occurrence(texts):
    words = split(texts)
    assert len(words) == len(texts)
    assert [words.of(i) for i in range(len(texts))] == [of_text(text) for text in texts]
    flat = [word for text in texts for word in of_text(text)]
    assert list(words.vocabulary) == list(dict.fromkeys(flat))
    assert words.lengths().tolist() == [len(of_text(text)) for text in texts]
    assert (words.ids.dtype, words.offsets.dtype) == (np.int32, np.int64)


@given(st.lists(TEXT, min_size=1, max_size=5), st.data())
def test_taken_texts_are_the_same_texts_in_another_order(texts, data):
    words = split(texts)
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=7))
    taken = words.take(np.array(chosen, dtype=np.int64))
    assert [taken.of(i) for i in range(len(taken))] == [of_text(texts[i]) for i in chosen]
    assert taken.vocabulary is words.vocabulary


@given(st.lists(TEXT, min_size=1, max_size=5), st.data())
def test_compacted_texts_are_as_if_they_had_been_split_alone(texts, data):
    chosen = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=7))
    compact = split(texts).take(np.array(chosen, dtype=np.int64)).compact()
    alone = split([texts[i] for i in chosen])
    assert compact.vocabulary == alone.vocabulary
    for name in ("ids", "offsets"):
        ours, theirs = getattr(compact, name), getattr(alone, name)
        assert (ours.dtype, ours.tolist()) == (theirs.dtype, theirs.tolist())


def test_taking_from_no_texts_gives_no_texts():
    assert len(split([]).take(np.zeros(0, dtype=np.int64))) == 0
    assert isinstance(split([]), Words)


@given(TEXT)
def test_located_words_are_the_words_of_the_text(text):
    if unicodedata.normalize("NFKC", text) == text:
        assert [word for _, _, word in locate(text)] == of_text(text)


@given(TEXT)
def test_a_located_word_is_among_the_words_of_the_stretch_it_points_at(text):
    last = 0
    for start, end, word in locate(text):
        assert 0 <= start < end <= len(text)
        assert start >= last or end >= last
        last = start
        assert word in "".join(of_text(text[start:end])) or word in of_text(text[start:end])


def test_offsets_count_the_characters_of_the_text_as_it_is():
    text = "Acme™: cafe\u0301 ﬁne ㎏ हिन्दी 3½"
    found = [(text[start:end], word) for start, end, word in locate(text)]
    assert found == [
        ("Acme™", "acmetm"),
        ("cafe\u0301", "café"),
        ("ﬁne", "fine"),
        ("㎏", "kg"),
        ("हिन्दी", "हिन्दी"),
        ("3½", "31"),
        ("½", "2"),
    ]


def test_offsets_in_plain_text_are_those_of_find():
    text = "Exact offsets, in Plain text."
    starts = [text.find(word) for word in ("Exact", "offsets", "in", "Plain", "text")]
    assert [start for start, _, _ in locate(text)] == starts
    assert [text[a:b].lower() == word for a, b, word in locate(text)] == [True] * 5
