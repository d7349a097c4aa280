"""Terms of labels and their scores, against the formula in loops."""

import math

import numpy as np
import pytest

from everygrain_papers.topics.lexicon import Lexicon
from everygrain_papers.topics.space import Space
from everygrain_papers.topics.verbalizer import Verbalizer, correlations, sharpened
from tests.papers.topics.groups import grouped
from tests.papers.topics.words import Trigrams


def fitted(labels=("honey bees", "cargo ships")):
    papers, vectors, groups = grouped()
    texts = [f"{paper.title}. {paper.abstract}" for paper in papers]
    lexicon, held = Lexicon.fit(texts)
    mapped = Space.fit(vectors).map(vectors)
    verbalizer = Verbalizer.fit(labels, lexicon, held, mapped, Trigrams())
    return verbalizer, lexicon, held, mapped, texts, groups


def test_a_lexicon_holds_what_two_texts_hold_with_its_rarity():
    texts = ["Honey bees dance", "the honey bee sleeps", "ships sleep", "quiet"]
    lexicon, held = Lexicon.fit(texts)
    assert set(lexicon.terms) == {"honey", "bee", "honey bee", "sleep"}
    assert lexicon.rarity == pytest.approx([math.log(2)] * 4)
    assert lexicon.written[lexicon.terms.index("honey bee")] in ("honey bees", "honey bee")
    for text, row in zip(texts, held.toarray(), strict=True):
        for number, term in enumerate(lexicon.terms):
            assert row[number] == all(stem in text.lower() for stem in term.split())
    rows = lexicon.rows(["A bee of honey", "nothing here", ""]).toarray()
    assert rows[0, lexicon.terms.index("bee")] == pytest.approx(1 / math.sqrt(2))
    assert not rows[1:].any()
    assert lexicon.rows(texts).toarray() == pytest.approx(lexicon.weighted(held).toarray())


def test_scores_equal_the_formula_written_out_in_loops():
    verbalizer, lexicon, held, mapped, texts, _ = fitted()
    related = correlations(verbalizer.labels, lexicon, Trigrams())
    rows = lexicon.rows(texts).toarray()
    scores = verbalizer.scores(lexicon.rows(texts), mapped)
    for label in range(2):
        order = sorted(range(len(lexicon.terms)), key=lambda t: (-related[label][t], t))[:20]
        raw = {t: max(0.0, related[label][t]) ** 8 for t in order}
        weights = {t: value / sum(raw.values()) for t, value in raw.items()}
        prototype = np.zeros(mapped.shape[1])
        for term, weight in weights.items():
            mean = sum(mapped[i].astype(float) for i in range(len(texts)) if held[i, term])
            prototype += weight * mean / np.linalg.norm(mean)
        prototype /= np.linalg.norm(prototype)
        for place in range(0, len(texts), 7):
            wanted = float(mapped[place] @ prototype)
            wanted += sum(weight * rows[place, term] for term, weight in weights.items())
            assert scores[place, label] == pytest.approx(wanted, abs=1e-4)


def test_a_label_finds_its_papers_by_its_name_alone():
    verbalizer, lexicon, _, mapped, texts, groups = fitted()
    scores = verbalizer.scores(lexicon.rows(texts), mapped)
    assert set(groups[np.argsort(-scores[:, 0])[:20]]) == {0}
    assert set(groups[np.argsort(-scores[:, 1])[:20]]) == {1}
    terms = verbalizer.related("honey bees")
    assert terms[0][0] == "honey bees"
    assert [weight for _, weight in terms] == sorted((w for _, w in terms), reverse=True)


def test_weights_sum_to_1_or_to_0_where_nothing_is_related():
    weights = sharpened(np.array([[0.5, 1.0, -1.0], [-0.1, 0.0, -0.2]]))
    assert weights[0] == pytest.approx([1 / 257, 256 / 257, 0])
    assert not weights[1].any()


def test_a_collection_without_terms_gives_scores_of_0():
    lexicon, held = Lexicon.fit(["of the", "and"])
    mapped = np.eye(2, dtype=np.float32)
    verbalizer = Verbalizer.fit(["bees"], lexicon, held, mapped, Trigrams())
    assert verbalizer.scores(lexicon.rows(["bees"]), mapped[:1]).tolist() == [[0.0]]
