"""Title, cloze, body first and self pairs: what each takes, and what it leaves out."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain.analyze.words import of_text
from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.pairs import SOURCES, parse_source
from everygrain.learn.pairs.body_first import BodyFirst
from everygrain.learn.pairs.cloze import Cloze
from everygrain.learn.pairs.itself import Itself, corrupted
from everygrain.learn.pairs.parts import body, halves, sentences
from everygrain.learn.pairs.title import Title

BREAD = [
    "Bread rises because yeast eats sugar.",
    "A warm kitchen makes the dough rise faster.",
    "Salt slows the yeast down a little.",
    "The oven should be very hot at first.",
    "A bowl of water keeps the crust soft.",
    "Let the loaf rest before it is cut.",
]
LOAF = Document("loaf", " ".join(BREAD), "How bread is baked")
ARABIC = ("يخبز الخبز في الفرن الحار جدا.", "يخلط الماء والدقيق أولا ثم الملح.")
HINDI = ("रोटी तवे पर सेंकी जाती है।", "पहले आटा गूंधा जाता है।")
TEXT_SOURCES = [Title(), Cloze(), BodyFirst(), Itself()]


def test_a_text_that_begins_with_its_title_loses_it():
    repeated = Document("a", "HOW bread  is baked. Flour and water.", "How bread is baked.")
    assert body(repeated) == "Flour and water."
    assert [pair.positive for pair in Title().pairs([repeated])] == ["Flour and water."]


def test_a_short_title_is_taken_away_only_where_a_mark_closes_it():
    assert body(Document("a", "Memory is a bag of words.", "Memory")) == "Memory is a bag of words."
    assert body(Document("a", "Memory\nA bag of words.", "Memory")) == "A bag of words."
    assert body(Document("a", "Memoryless channels", "Memory")) == "Memoryless channels"


@pytest.mark.parametrize("text", ["How bread is baked", "how bread, is baked!", "baked bread", ""])
def test_a_text_that_says_no_more_than_its_title_gives_no_pair(text):
    assert list(Title().pairs([Document("a", text, "How bread is baked")])) == []


def test_a_title_asks_for_the_first_passage_only():
    pairs = list(Title(passage=8).pairs([LOAF]))
    assert [pair.positive for pair in pairs] == [BREAD[0]]
    assert pairs[0].query == LOAF.title
    assert pairs[0].query_id == pairs[0].positive_id == "loaf"


def test_the_passage_of_a_cloze_pair_is_the_text_without_the_sentence():
    for seed in range(20):
        (pair,) = Cloze(seed=seed, titled=False).pairs([LOAF])
        assert pair.query in BREAD
        assert pair.positive == " ".join(each for each in BREAD if each != pair.query)


def test_every_sentence_has_the_same_chance_in_a_cloze():
    drawn = [next(Cloze(seed=seed).pairs([LOAF])).query for seed in range(600)]
    counts = [drawn.count(each) for each in BREAD]
    # 600 draws of 6: mean 100, standard deviation 9.1; five of them either way
    assert all(54 <= count <= 146 for count in counts)


def test_the_share_of_cloze_pairs_that_keep_the_sentence_is_the_one_asked_for():
    def kept(keep):
        found = [next(Cloze(keep=keep).pairs([Document(str(i), LOAF.text)])) for i in range(400)]
        return sum(pair.query in pair.positive for pair in found)

    assert kept(0.0) == 0
    assert kept(1.0) == 400
    assert 50 <= kept(0.2) <= 110  # mean 80, standard deviation 8


def test_a_sentence_that_stands_twice_is_taken_out_twice():
    twice = Document("a", f"{BREAD[0]} {BREAD[1]} {BREAD[0]}")
    for seed in range(10):
        (pair,) = Cloze(seed=seed).pairs([twice])
        assert pair.query not in pair.positive


def test_the_pairs_of_a_document_follow_from_its_id_and_the_seed_alone():
    others = [Document(f"d{i}", " ".join(BREAD[i % 3 :]), f"Loaf number {i}") for i in range(8)]
    for source in (*TEXT_SOURCES, Cloze(seed=3), Itself(seed=3)):
        alone = {(pair.query, pair.positive) for pair in source.pairs([LOAF])}
        among = [*others[:5], LOAF, *others[5:]]
        mine = {(p.query, p.positive) for p in source.pairs(among) if p.query_id == "loaf"}
        assert alone == mine
        backwards = list(source.pairs(among[::-1]))
        assert sorted(map(repr, backwards)) == sorted(map(repr, source.pairs(among)))


def test_another_seed_gives_other_pairs():
    documents = [Document(str(i), LOAF.text) for i in range(30)]
    one, other = ([p.query for p in Cloze(seed=s).pairs(documents)] for s in (0, 1))
    assert one != other


def test_a_text_without_marks_is_cut_into_runs_of_words():
    words = [f"word{i}" for i in range(30)]
    spans = sentences(" ".join(words))
    assert [len(" ".join(words)[s:e].split()) for s, e in spans] == [12, 18]
    assert len(list(Cloze().pairs([Document("a", " ".join(words))]))) == 1
    assert len(sentences(" ".join(words[:23]))) == 1


def test_body_first_asks_from_the_first_third_for_the_rest():
    cut = halves(LOAF, 256)
    assert list(cut.first) == BREAD[:2]
    assert cut.rest == (" ".join(BREAD[2:]),)
    (pair,) = BodyFirst(titled=False).pairs([LOAF])
    assert pair.query in BREAD[:2]
    assert pair.positive == " ".join(BREAD[2:])


def test_body_first_keeps_to_sections_where_there_are_some():
    end = len(" ".join(BREAD[:4]))
    sections = [{"title": "One", "start": 0, "end": end}, {"title": "Two", "start": end + 1}]
    cut = halves(Document("a", LOAF.text, "", {"sections": sections}), 256)
    assert (list(cut.first), cut.rest) == (BREAD[:4], (" ".join(BREAD[4:]),))


def test_a_document_of_several_passages_is_cut_after_the_first():
    cut = halves(LOAF, 14)  # the first two sentences fill a passage
    assert (list(cut.first), list(cut.rest)) == (BREAD[:2], BREAD[2:])


def test_a_self_pair_has_the_text_whole_and_masked():
    (pair,) = Itself(share=0.2, mask="#").pairs([Document("a", BREAD[0])])
    assert pair.query == BREAD[0]
    # 37 characters, a fifth of them: one stretch of five
    assert pair.positive.count("#") == 1
    assert len(pair.positive) == len(BREAD[0]) - 5 + 1


@given(st.text(max_size=200), st.integers(1, 9), st.floats(0, 1), st.integers())
def test_masked_stretches_do_not_overlap_and_the_rest_stands_as_it_was(text, span, share, seed):
    mark = "\ue000"
    if mark in text:
        return
    masked = corrupted(text, random.Random(seed), span, share, mark)
    count = masked.count(mark)
    assert len(masked) - count + span * count == len(text)
    place = 0
    for piece in masked.split(mark):
        assert text[place : place + len(piece)] == piece
        place += len(piece) + span
    if share and len(text) >= 2 * span:
        assert count >= 1
        assert count <= max(1, round(share * len(text) / span))


@pytest.mark.parametrize("source", TEXT_SOURCES, ids=repr)
def test_odd_texts_give_nothing_or_a_pair_and_no_error(source):
    odd = [
        Document("empty", "", ""),
        Document("blank", " \n\t ", "  "),
        Document("one", "Nothing but one short sentence.", "One"),
        Document("long", "endless " * 12_500, "A hundred thousand characters"),
        Document("solid", "x" * 100_000, "No space in a hundred thousand"),
        Document("zh", "面包在烤箱里烤。水和面粉先混合。盐要最后放。", "怎么烤面包"),
        Document("ar", f"{ARABIC[0]} {ARABIC[1]}", "كيف يخبز الخبز"),
        Document("hi", f"{HINDI[0]} {HINDI[1]}", "रोटी कैसे"),
        Document("marks", "!!! ??? ...", "!!!"),
        LOAF,
    ]  # fmt: skip
    found = list(source.pairs(odd))
    assert {"loaf", "zh", "ar", "hi"} <= {pair.query_id for pair in found}
    assert not {"empty", "blank", "marks"} & {pair.query_id for pair in found}
    for pair in found:
        assert of_text(pair.query)
        assert of_text(pair.positive)
        assert max(len(pair.query), len(pair.positive)) < 8_200


@pytest.mark.parametrize("kind", ["cloze", "body_first", "words", "itself", "title"])
def test_a_collection_without_texts_is_refused_by_name(kind):
    with pytest.raises(InputError, match=f"'{kind}' needs"):
        list(parse_source(kind).pairs([Document("a", "", ""), Document("b", " ", " ")]))


@pytest.mark.parametrize(
    "written",
    ["cloze(each=0)", "cloze(keep=1.5)", "title(passage=0)", "itself(span=0)", "itself(share=2)",
     "itself(grain='word')", "words(words=0)", "attributes(asks='all')", "links(each=0)",
     "cocitation(together='page')", "duplicates(jaccard=2.0)"],
)  # fmt: skip
def test_a_setting_out_of_range_is_refused(written):
    with pytest.raises(InputError, match=written.partition("(")[0]):
        parse_source(written)


def test_every_source_prints_as_it_is_written():
    for kind in SOURCES:
        source = parse_source(kind)
        assert repr(source) == source.name == kind
    written = "cloze(seed=1, keep=0.1)"
    assert parse_source(written) == Cloze(seed=1, keep=0.1)
    assert parse_source(written).name == written
