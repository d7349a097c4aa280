"""Words become terms the same way whichever door they come in by."""

import numpy as np
import pytest
import Stemmer
from hypothesis import given
from hypothesis import strategies as st

from everygrain.analyze import Analyzer, split
from everygrain.analyze.language import STEMMED
from everygrain.analyze.stopwords import _LISTS, stop_words
from everygrain.analyze.words import of_text
from everygrain.errors import QueryError

SAMPLE = "The searchers are searching for the searched indexes of an index"


def test_stems_are_those_of_the_stemmer_and_stop_words_go():
    assert Analyzer("en").query(SAMPLE) == [
        "searcher", "search", "search", "index", "index",
    ]  # fmt: skip


def test_stop_words_stay_on_wish():
    assert Analyzer("en", stop_words=False).query("The cats") == ["the", "cat"]
    assert Analyzer("en", "none").query("The cats of Rome") == ["cats", "rome"]


def test_a_stemmer_may_be_named():
    words = ["generously", "cities", "dying"]
    for name in ("porter", "english", "german"):
        stemmed = [Stemmer.Stemmer(name).stemWord(word) for word in words]
        assert Analyzer("en", name).stems(words) == stemmed


def test_a_stemmer_that_does_not_exist_is_an_error_that_lists_those_that_do():
    with pytest.raises(QueryError, match=r"no stemmer 'prter'.*porter"):
        Analyzer("en", "prter")


def test_a_language_without_a_stemmer_keeps_its_words():
    assert Analyzer("zh").query("数据 的 cats") == ["数", "据", "的", "cats"]


def test_each_language_uses_its_own_stemmer():
    for language, algorithm in STEMMED.items():
        assert algorithm in Stemmer.algorithms()
        words = ["nationalisation", "houses", "laufend", "искали", "βιβλία"]
        assert Analyzer(language).stems(words) == Stemmer.Stemmer(algorithm).stemWords(words)


def test_an_analyzer_is_what_its_settings_say():
    one = Analyzer("de", "porter", False)
    assert Analyzer(**one.settings()) == one
    assert str(Analyzer(**one.settings())) == str(one)
    assert one != Analyzer("de", "porter")
    assert hash(one) == hash(Analyzer("de", "porter", False))


def test_a_stop_word_keeps_its_place():
    places = Analyzer("en").places(of_text("state of the art"))
    assert places == ["state", None, None, "art"]


WORDS = st.sampled_from(
    ["the", "of", "search", "searching", "searched", "cat", "cats", "index", "é", "中", "a"]
)


@given(st.lists(st.lists(WORDS, max_size=8), max_size=4), st.sampled_from(["en", "de", "zh"]))
def test_terms_places_and_queries_agree(lists, language):
    analyzer = Analyzer(language)
    texts = [" ".join(words) for words in lists]
    words = split(texts)
    terms = analyzer.terms(words)
    assert len(terms) == len(texts)
    for i, text in enumerate(texts):
        places = analyzer.places(of_text(text))
        assert terms.of(i) == analyzer.query(text) == [place for place in places if place]
    assert len(set(terms.vocabulary)) == len(terms.vocabulary)
    assert terms.ids.dtype == np.int32


def test_a_list_of_stop_words_holds_whole_words_as_texts_are_split():
    for language in _LISTS:
        for word in stop_words(language):
            assert of_text(word) == [word], language
        assert len(_LISTS[language].split()) == len(stop_words(language)), "a word twice"


def test_a_language_without_a_list_has_no_stop_words():
    assert stop_words("xx") == frozenset()
    assert {"the", "of"} <= stop_words("en")
    assert "search" not in stop_words("en")
