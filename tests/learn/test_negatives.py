"""Negatives: bands of ranks, wrong fields and types, and control of false ones by loops."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.document import Document, Ranking
from everygrain.encode.base import unit
from everygrain.engine import Index
from everygrain.errors import InputError
from everygrain.learn.negatives import (
    Control,
    InBatch,
    Margin,
    Mined,
    Negatives,
    NegativeSource,
    WrongField,
    WrongType,
    counted,
    same_text,
)
from everygrain.learn.pairs.base import Pair
from everygrain.rank.base import named
from everygrain.rank.lexical import BM25


def pair(query, positive_id, query_id="asker"):
    return Pair(query, f"text of {positive_id}", "test", query_id, positive_id)


@dataclass(frozen=True)
class Scored:
    """A retriever of given scores: query -> document id -> score."""

    scores: dict

    def retrieve(self, queries, k=10):
        asked = named(queries)
        rows = [
            (name, document, score)
            for name, query in asked.items()
            for document, score in sorted(self.scores[query].items(), key=lambda r: -r[1])[:k]
        ]
        return Ranking.of(list(asked), rows)


DOCUMENTS = [Document(f"d{i}", f"document number {i}") for i in range(10)]
FALLING = Scored({"q": {f"d{i}": 10.0 - i for i in range(10)}})


def test_negatives_come_from_the_band_in_its_order():
    found = Mined(FALLING, from_rank=3, to_rank=7, most=3).find([pair("q", "d0")], DOCUMENTS)
    assert found == Negatives((("d2", "d3", "d4"),), {}, 0)


def test_the_documents_of_the_pair_are_never_negatives():
    found = Mined(FALLING, to_rank=4, most=9).find([pair("q", "d1", query_id="d2")], DOCUMENTS)
    assert found == Negatives((("d0", "d3"),), {"own": 2}, 1)


def test_what_is_not_among_the_documents_is_no_negative():
    found = Mined(FALLING, to_rank=4).find([pair("q", "d1")], DOCUMENTS[:3])
    assert found.ids == (("d0", "d2"),)


def test_duplicates_of_the_positive_and_of_the_asking_document_are_refused():
    same = {"d3": "d1", "d1": "d1", "d5": "asker"}
    found = Mined(FALLING, to_rank=6, most=9, control=Control(same=same))
    assert found.find([pair("q", "d1")], DOCUMENTS) == Negatives(
        (("d0", "d2", "d4"),), {"own": 1, "duplicate": 2}, 1
    )


@pytest.mark.parametrize(
    ("margin", "kept"),
    [(Margin(), "d3 d4 d5"), (Margin(absolute=2.5), "d5"), (Margin(relative=0.8), "d4 d5"),
     (Margin(absolute=1.0, relative=0.5), ""), (Margin(absolute=1.0), "d4 d5")],
)  # fmt: skip
def test_a_negative_stays_below_both_margins(margin, kept):
    # the positive scores 8; bounds 8, 5.5, 6.4, 4, 7; d3 scores 7, d4 6, d5 5
    source = Mined(FALLING, to_rank=6, most=9, control=Control(margin))
    found = source.find([pair("q", "d2")], DOCUMENTS)
    assert " ".join(found.ids[0]) == kept
    assert found.refused == {"own": 1, "margin": 5 - len(kept.split())}


def test_a_margin_below_a_negative_score_goes_further_down():
    np.testing.assert_allclose(Margin(relative=0.9).bounds([2.0, -2.0, 0.0]), [1.8, -2.2, 0.0])


def test_a_positive_that_was_not_found_leaves_nothing_to_compare_with():
    source = Mined(FALLING, to_rank=4, control=Control(Margin()))
    assert source.find([pair("q", "d9")], DOCUMENTS) == Negatives(((),), {"unscored": 4}, 1)


@dataclass(frozen=True)
class Letters:
    """A teacher for these tests: counts of the letters a to z."""

    fingerprint = "letters"
    dimensions = 26

    def encode(self, texts, kind="document"):
        return unit(np.array([[t.count(chr(97 + i)) for i in range(26)] for t in texts], float))

    def save(self, folder):
        raise NotImplementedError


def test_a_teachers_scores_decide_as_a_loop_over_its_vectors_does():
    teacher, margin = Letters(), Margin(relative=0.97)
    documents = [Document(f"d{i}", text) for i, text in enumerate(
        ["a river of ice", "an icy river", "a fiver", "sugar and butter", "ice river", "zzz"]
    )]  # fmt: skip
    retriever = Scored({q: {d.id: 1.0 for d in documents} for q in ("river ice", "butter")})
    pairs = [
        Pair("river ice", documents[0].text, "test", "x", "d0"),
        Pair("butter", documents[3].text, "test", "x", "d3"),
    ]
    control = Control(margin, teacher)
    found = Mined(retriever, most=9, control=control).find(pairs, documents)
    for each, ids in zip(pairs, found.ids, strict=True):
        (query,) = teacher.encode([each.query])
        positive = float(query @ teacher.encode([each.positive])[0])
        wanted = [
            d.id
            for d in documents
            if d.id != each.positive_id
            and float(query @ teacher.encode([d.text])[0]) < 0.97 * positive
        ]
        assert sorted(ids) == sorted(wanted)
    assert found.refused["margin"] >= 1


def test_a_band_or_a_number_that_holds_nothing_is_refused():
    for wrong in ({"from_rank": 0}, {"from_rank": 9, "to_rank": 3}, {"most": 0}):
        with pytest.raises(InputError, match="negatives of the ranks"):
            Mined(FALLING, **wrong)
    for wrong in ({"absolute": -1.0}, {"relative": 0.0}, {"relative": 1.5}):
        with pytest.raises(InputError, match="out of range"):
            Margin(**wrong)
    with pytest.raises(InputError, match="1 or more"):
        WrongField(FALLING, FALLING, depth=0)


def test_every_source_of_negatives_is_one():
    for source in (InBatch(), Mined(FALLING), WrongField(FALLING, FALLING)):
        assert isinstance(source, NegativeSource)
    assert InBatch().find([pair("q", "d1")], DOCUMENTS) == Negatives(((),))


@pytest.fixture
def harbour(tmp_path):
    documents = [
        Document("guide", "How to tie a boat in the harbour at night.", "Guide"),
        Document("novel", "She loved him, and he left her.", "The harbour at night"),
        Document("album", "Twelve songs for piano.", "Night harbour"),
        Document("chart", "Depths in the harbour, for boats.", "Harbour"),
        Document("bread", "Flour and water.", "Bread"),
    ]
    with Index(tmp_path / "index", "latent") as index:
        index.add(documents)
        yield index, documents


def test_negatives_of_the_wrong_field_match_in_the_title_only(harbour):
    index, documents = harbour
    titles = index.retriever("lexical", bm25=BM25(title=1, text=0))
    texts = index.retriever("lexical", bm25=BM25(title=0, text=1))
    asked = [pair("harbour at night", "guide")]
    found = WrongField(titles, texts).find(asked, documents)
    # the chart's title matches as well, but so does its text
    assert set(found.ids[0]) == {"novel", "album"}
    fewer = WrongField(titles, texts, control=Control(same={"novel": "guide"}))
    assert fewer.find(asked, documents).ids == (("album",),)


def test_negatives_of_a_wrong_type_are_those_above_the_positive():
    kinds = ["song", "book", "song", "book", "book", "song", None, "book", "song", "book"]
    typed = [
        Document(d.id, d.text, "", {"kind": kind} if kind else {})
        for d, kind in zip(DOCUMENTS, kinds, strict=True)
    ]
    # the positive is a book at rank 5; songs above it are d0 and d2, other books d1, d3, d7, d9
    found = WrongType(FALLING, "kind", most=4).find([pair("q", "d4")], typed)
    assert found.ids == (("d0", "d2", "d1", "d3"),)
    later = WrongType(FALLING, "kind", from_rank=4, most=4).find([pair("q", "d4")], typed)
    assert later.ids == (("d0", "d2", "d3", "d7"),)
    # a margin is for the right type: unknown answers are of it
    strict = WrongType(FALLING, "kind", most=4, control=Control(Margin()))
    assert strict.find([pair("q", "d4")], typed).ids == (("d0", "d2", "d7", "d9"),)
    with pytest.raises(InputError, match="No document has 'kind'"):
        WrongType(FALLING, "kind").find([pair("q", "d4")], DOCUMENTS)


def counted_in_loops(pairs, ids, same, scores, margin):
    def cluster(identity):
        return same.get(identity, identity)

    mask = np.ones((len(pairs), len(ids)), dtype=bool)
    for i, each in enumerate(pairs):
        for j, identity in enumerate(ids):
            if i == j:
                continue
            if cluster(identity) in (cluster(each.positive_id), cluster(each.query_id)):
                mask[i, j] = False
            if margin is not None:
                top = scores[i][i]
                bound = min(top - margin.absolute, top - (1 - margin.relative) * abs(top))
                if scores[i][j] >= bound:
                    mask[i, j] = False
    return mask


@given(st.data())
def test_the_mask_of_a_batch_equals_a_loop_over_its_pairs(data):
    names = st.sampled_from("abcdefgh")
    pairs = data.draw(st.lists(st.builds(pair, st.just("q"), names, names), min_size=1, max_size=6))
    more = data.draw(st.lists(names, max_size=5))
    same = data.draw(st.dictionaries(names, st.sampled_from("abc"), max_size=6))
    ids = [each.positive_id for each in pairs] + more
    margin = data.draw(st.none() | st.just(Margin(0.3, 0.9)))
    numbers = st.lists(st.floats(-1, 1), min_size=len(ids), max_size=len(ids))
    scores = np.array([data.draw(numbers) for _ in pairs]) if margin else None
    found = counted(pairs, ids, same, scores, margin)
    np.testing.assert_array_equal(found, counted_in_loops(pairs, ids, same, scores, margin))
    assert found[np.arange(len(pairs)), np.arange(len(pairs))].all()


def test_the_mask_is_what_a_loss_takes():
    torch = pytest.importorskip("torch")
    from everygrain.learn.losses.base import Batch

    pairs = [pair("a", "d1"), pair("b", "d2"), pair("c", "d1")]
    mask = torch.from_numpy(counted(pairs, ["d1", "d2", "d1", "d7"]))
    assert mask.tolist() == [
        [True, True, False, True], [True, True, True, True], [False, True, True, True]
    ]  # fmt: skip
    rows = torch.nn.functional.normalize(torch.ones(4, 2), dim=1)
    relevance = torch.eye(3, 4)
    Batch(rows[:3], rows, relevance, mask, torch.arange(3))


def test_scores_unknown_to_the_teacher_count():
    scores = np.array([[1.0, np.nan], [0.2, 1.0]])
    mask = counted([pair("a", "d1"), pair("b", "d2")], ["d1", "d2"], {}, scores, Margin())
    assert mask.all()


def test_a_mask_without_a_document_for_every_pair_is_refused():
    with pytest.raises(InputError, match="1 pairs, 0 documents"):
        counted([pair("a", "d1")], [])
    with pytest.raises(InputError, match="Give the positive"):
        counted([pair("a", "d1")], ["d1"], margin=Margin())
    with pytest.raises(InputError, match="shape"):
        counted([pair("a", "d1")], ["d1"], {}, np.zeros((2, 2)), Margin())


def test_documents_of_one_text_are_told_by_the_first():
    text = "Nine ships lay in the harbour when the storm came in from the west."
    documents = [
        Document("x", text),
        Document("y", "Something else."),
        Document("z", text + " Two sank."),
    ]
    assert same_text(documents) == {"x": "x", "y": "y", "z": "x"}
