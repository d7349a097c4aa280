"""The language of a collection is that of most of its texts."""

import pytest

from everygrain.analyze.language import detect

SENTENCES = {
    "en": "The library keeps every book that anyone has ever asked for, and lends none of them.",
    "de": "Die Bibliothek bewahrt jedes Buch auf, nach dem jemals jemand gefragt hat.",
    "fr": "La bibliothèque garde tous les livres que quelqu'un a demandés un jour.",
    "es": "La biblioteca guarda todos los libros por los que alguien ha preguntado alguna vez.",
    "ru": "Библиотека хранит каждую книгу, о которой кто-нибудь когда-нибудь спрашивал.",
    "zh": "图书馆保存着每一本曾经有人询问过的书，但从不外借。",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_is_in_its_language(language):
    assert detect([SENTENCES[language]]) == language


def test_the_most_frequent_language_wins():
    mixed = [SENTENCES["de"]] * 3 + [SENTENCES["en"]] * 2
    assert detect(mixed) == "de"


def test_a_tie_goes_to_the_first_code_so_that_order_does_not_matter():
    both = [SENTENCES["fr"], SENTENCES["de"]]
    assert detect(both) == detect(both[::-1]) == "de"


@pytest.mark.parametrize("texts", [[], [""], ["  \n"]])
def test_english_is_assumed_where_nothing_is_said(texts):
    assert detect(texts) == "en"


def test_the_sample_is_spread_over_all_texts():
    # the first texts alone would say German
    texts = [SENTENCES["de"]] * 20 + [SENTENCES["en"]] * 80
    assert detect(texts, sample=10) == "en"
