"""Representative words: the weights by loops, and which set asks."""

import math
from collections import Counter

import numpy as np
import pytest

from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.learn.pairs.words import RepresentativeWords, contrast

SENTENCES = [
    "the cat and the dog sleep in the house and the garden",
    "the whale swims in the sea and the whale sings in the sea",
    "the train is late and the station is cold and the coffee is cold",
    "the bread is warm and the butter is soft and the bread is gone",
]
DOCUMENTS = [Document(f"d{i}", text) for i, text in enumerate(SENTENCES)]


def weights_in_loops(text, texts):
    """Divergence in bits and log-likelihood ratio of each word, written out."""
    everywhere = Counter(word for each in texts for word in of_text(each))
    here = Counter(of_text(text))
    total, length = sum(everywhere.values()), sum(here.values())
    found = {}
    for word, count in here.items():
        share, background = count / length, everywhere[word] / total
        ratio = count * math.log(count / (length * background))
        rest = everywhere[word] - count
        if rest:
            ratio += rest * math.log(rest / ((total - length) * background))
        weight = share * math.log2(share / background)
        found[word] = weight if weight > 0 and 2 * ratio > 3.84 else 0.0
    return found


@pytest.mark.parametrize("text", SENTENCES)
def test_weights_equal_the_divergence_written_out_in_loops(text):
    wanted = weights_in_loops(text, SENTENCES)
    everywhere = Counter(word for each in SENTENCES for word in of_text(each))
    here = Counter(of_text(text))
    found = contrast(
        np.array(list(here.values())),
        np.array([everywhere[word] for word in here], dtype=float),
        sum(everywhere.values()),
    )
    np.testing.assert_allclose(found, [wanted[word] for word in here], rtol=1e-9)


def test_the_more_representative_set_asks_and_is_the_likelier_one():
    source = RepresentativeWords(each=20, words=1)
    weighed = {d.id: weights_in_loops(d.text, SENTENCES) for d in DOCUMENTS}
    sets = list(source.sets(DOCUMENTS))
    assert sets
    for each in sets:
        weights = weighed[each.document_id]
        total = sum(weights.values())

        def likelihood(words, weights=weights, total=total):
            return sum(math.log(weights[word] / total) for word in words)

        assert len(each.more) == len(each.less)
        assert each.margin == pytest.approx(likelihood(each.more) - likelihood(each.less))
        assert each.margin >= 0
    asked = [pair.query for pair in source.pairs(DOCUMENTS)]
    assert asked == [" ".join(each.more) for each in sets]


def test_words_of_every_document_never_ask():
    drawn = {word for each in RepresentativeWords(each=50).sets(DOCUMENTS) for word in each.more}
    assert "whale" in drawn
    assert not drawn & {"the", "and", "is", "in"}


def test_documents_all_alike_have_nothing_that_stands_out():
    alike = [Document(str(i), SENTENCES[0]) for i in range(20)]
    assert list(RepresentativeWords().pairs(alike)) == []


def test_what_is_drawn_does_not_follow_from_the_order_of_the_documents():
    source = RepresentativeWords(each=3, words=1)
    forwards, backwards = source.pairs(DOCUMENTS), source.pairs(DOCUMENTS[::-1])
    assert sorted(map(repr, forwards)) == sorted(map(repr, backwards))


def test_words_come_from_the_passage_that_is_the_positive():
    long = Document("long", "A whale is a whale is a whale. " + "Zebras graze zebras. " * 5)
    others = [Document(f"o{i}", text) for i, text in enumerate(SENTENCES)]
    found = RepresentativeWords(each=20, passage=8, words=1).sets([long, *others])
    drawn = {word for each in found if each.document_id == "long" for word in each.more}
    assert "zebras" not in drawn
