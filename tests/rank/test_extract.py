"""Extraction of the sentences that speak to a query: by hand, and against loops."""

import math

import numpy as np
import pytest

from everygrain.analyze import Analyzer
from everygrain.analyze.words import of_text
from everygrain.errors import QueryError
from everygrain.rank.base import PairScorer
from everygrain.rank.extract import ExtractThenScore, FirstWords, QueryWeighted, Rarity

from .conftest import VOCABULARY, build, random_documents

ANALYZER = Analyzer("en")
HOLDERS = {"cat": 1, "dog": 5, "tree": 9}


def rarity(count=10):
    return Rarity(count, lambda term: HOLDERS.get(term, 0), ANALYZER)


def idf(term, count=10):
    return math.log(1 + (count - HOLDERS[term] + 0.5) / (HOLDERS[term] + 0.5))


TEXT = (
    "It begins with nothing at all. A dog and a tree stood here. Some words of no use follow. "
    "The cat slept all day. Another cat slept all night. A tree fell down in silence."
)


def test_rare_terms_come_first_and_none_takes_all_the_room():
    extract = QueryWeighted(rarity(), words=15, decay=0.1, front=0.0, first=0)
    found = extract.summary("cat dog tree", TEXT)
    # the cat is the rarest; then dog and tree together say more than a tenth of another cat,
    # which says more than a tenth of the tree
    assert idf("cat") > idf("dog") + idf("tree") > 0.1 * idf("cat") > 0.1 * idf("tree")
    assert found == "A dog and a tree stood here. The cat slept all day. Another cat slept"
    greedy = QueryWeighted(rarity(), words=15, decay=1.0, front=0.0, first=0)
    assert greedy.summary("cat dog tree", TEXT) == (
        "A dog and a tree The cat slept all day. Another cat slept all night."
    )


def test_the_first_sentence_is_kept_and_the_front_breaks_ties():
    extract = QueryWeighted(rarity(), words=11, decay=0.0, front=0.5, first=1)
    assert extract.summary("cat", TEXT) == "It begins with nothing at all. The cat slept all day."


def test_what_nothing_speaks_to_is_the_beginning_and_a_short_text_stays_whole():
    extract = QueryWeighted(rarity(), words=10)
    assert extract.summary("zebra", TEXT) == "It begins with nothing at all. A dog and a"
    assert extract.summary("zebra", "  One short text. Two. ") == "One short text. Two."
    assert extract.summary("cat", "") == ""
    assert FirstWords(4).summary("cat", TEXT) == "It begins with nothing"
    assert FirstWords(400).summary("cat", TEXT) == TEXT


def by_loops(query, sentences, weights, words, decay, front, first):
    """The rule written out: choose, weigh anew, until the words are used up."""
    weights, left, chosen = dict(weights), words, []
    held = [{t for t in ANALYZER.query(s) if t in weights} for s in sentences]
    waiting = list(range(len(sentences)))

    def take(place):
        nonlocal left
        waiting.remove(place)
        count = len(of_text(sentences[place]))
        if left > 0 and count:
            chosen.append((place, min(count, left)))
            left -= count
        for term in held[place]:
            weights[term] *= decay

    for place in range(min(first, len(sentences))):
        take(place)
    while waiting and left > 0:
        scores = [
            (1 + front * (1 - i / len(sentences))) * sum(weights[t] for t in held[i])
            for i in waiting
        ]
        if max(scores) <= 0:
            break
        take(waiting[int(np.argmax(np.round(scores, 9)))])
    for place in list(waiting):
        take(place)
    return [" ".join(of_text(sentences[p])[:count]) for p, count in sorted(chosen)]


@pytest.mark.parametrize("seed", range(12))
def test_the_choice_equals_the_rule_written_out_in_loops(seed):
    generator = np.random.default_rng(seed)
    sentences = [
        f"Word {' '.join(generator.choice(VOCABULARY, generator.integers(1, 9)))} end."
        for _ in range(15)
    ]
    text, query = " ".join(sentences), "tree trees graph stone of searching"
    made = Rarity.of([d.text for d in random_documents(40, seed)], ANALYZER)
    decay, front = float(generator.choice([0.0, 0.37, 1.0])), float(generator.choice([0.0, 0.21]))
    first = int(generator.integers(0, 3))
    extract = QueryWeighted(made, 23, decay, front, first)
    parts = extract.parts(query, text)
    expected = by_loops(query, sentences, made.weights(query), 23, decay, front, first)
    assert [" ".join(of_text(text[a:b])) for a, b in parts] == expected
    assert sum(len(of_text(text[a:b])) for a, b in parts) == 23


def test_weights_are_the_indexs_own_and_count_what_the_query_repeats(tmp_path):
    documents = random_documents(30)
    index, left = build(tmp_path / "index", documents)
    with index.views.newest() as view:
        found = Rarity.of_view(view).weights("graph stone graph zebra of")
    counted = Rarity.of([f"{d.title} {d.text}" for d in left], index.store.analyzer)
    assert found == counted.weights("graph stone graph zebra of")
    holders = sum("graph" in f"{d.title} {d.text}".split() for d in left)
    expected = 2 * math.log(1 + (len(left) - holders + 0.5) / (holders + 0.5))
    assert found["graph"] == pytest.approx(expected)
    assert set(found) == set(index.store.analyzer.query("graph stone zebra"))


def test_long_texts_texts_of_one_word_and_other_scripts_are_summarised():
    extract = QueryWeighted(rarity(), words=20)
    long = "the cat sat on a mat. " * 20_000
    assert len(of_text(extract.summary("cat", long))) == 20
    assert extract.summary("cat", "cat") == "cat"
    assert len(of_text(extract.summary("cat", "cat " * 100_000))) == 20
    assert extract.summary("猫", "猫が好き。犬も好き。") == "猫が好き。 犬も好き。"
    assert extract.summary("😀", "😀 " * 3)


def test_a_scorer_reads_the_summaries():
    class Reads:
        def score(self, query, texts):
            self.texts = texts
            return np.array([float(text.count("cat")) for text in texts], dtype=np.float32)

    inner = Reads()
    scorer = ExtractThenScore(inner, QueryWeighted(rarity(), words=10, first=0, decay=1.0))
    assert isinstance(scorer, PairScorer)
    assert scorer.score("cat", [TEXT, "nothing"]).tolist() == [2.0, 0.0]
    assert inner.texts == ["The cat slept all day. Another cat slept all night.", "nothing"]


def test_settings_out_of_range_are_refused():
    for wrong in ({"words": 0}, {"decay": 1.1}, {"front": -1.0}, {"first": -1}):
        with pytest.raises(QueryError, match="out of range"):
            QueryWeighted(rarity(), **wrong)
