"""WordNet's files, synonyms, glosses, definitions, and the vectors of entries."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.encode.base import unit
from everygrain.errors import InputError
from everygrain.learn.pairs.definitions import (
    Definition,
    Definitions,
    entry_space,
    isotropic,
    isotropy,
    progressive,
    read_dictionary,
)
from everygrain.learn.pairs.glosses import Glosses, Synonyms
from everygrain.learn.pairs.wordnet import parse, synsets

# written for this test in the format of wndb(5)
NOUNS = """\
  1 This line is a licence's.
00000100 06 n 03 boat 0 small_craft 0 skiff 1 000 | a small vessel for rivers; "a"
00000200 06 n 0b a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 j 0 k 0 000 | eleven letters
00000300 06 n 01 raft 0 000 | "the raft sank"
"""
ADJECTIVES = """\
00000400 00 s 02 wet(p) 0 damp 0 001 & 00000500 a 0000 | (weather) not dry, "wet days"; soaked
"""


@pytest.fixture
def wordnet(tmp_path):
    (tmp_path / "data.noun").write_text(NOUNS, encoding="utf-8")
    (tmp_path / "data.adj").write_text(ADJECTIVES, encoding="utf-8")
    return tmp_path


def test_words_and_definitions_are_read_as_the_format_lays_them_out(wordnet):
    boat, letters, raft, wet = synsets(wordnet)
    assert boat.id == "wordnet:00000100-n"
    assert boat.words == ("boat", "small craft", "skiff")
    assert boat.definition == "a small vessel for rivers"
    assert letters.words == tuple("abcdefghijk")  # their number is hexadecimal
    assert raft.definition == ""  # an example only
    # the marker of position goes, and satellites are adjectives
    assert (wet.id, wet.words) == ("wordnet:00000400-a", ("wet", "damp"))
    assert wet.definition == "(weather) not dry"


@pytest.mark.parametrize(
    "line",
    ["00000100 06 n 02 boat 0 000", "00000100 06 x 01 boat 0 000 | a", "100 06 n 01 boat 0 | a",
     "00000100 06 n zz boat 0 000 | a", "00000100 06 n 09 boat 0 | a", "nonsense"],
)  # fmt: skip
def test_a_broken_line_is_named(tmp_path, line):
    with pytest.raises((ValueError, IndexError)):
        parse(line)
    (tmp_path / "data.noun").write_text(f"  licence\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"data.noun, line 2"):
        list(synsets(tmp_path))


def test_where_there_is_no_wordnet_the_error_says_how_to_get_it(tmp_path):
    with pytest.raises(InputError, match="apt install wordnet-base"):
        list(Synonyms(folder=str(tmp_path)).pairs([]))


RIVER = [Document("river", "A boat on the river is a damp place.", "Small craft")]


def test_two_words_of_one_meaning_ask_for_each_other(wordnet):
    found = list(Synonyms(folder=str(wordnet), known=False, each=9).pairs([]))
    boats = {(p.query, p.positive) for p in found if p.query_id == "wordnet:00000100-n"}
    assert boats == {("boat", "small craft"), ("boat", "skiff"), ("small craft", "skiff")}


def test_only_meanings_of_words_that_the_documents_hold_count(wordnet):
    found = list(Synonyms(folder=str(wordnet), each=99).pairs(RIVER))
    # "a" stands in the text, so that its synonyms count; the raft does not
    assert {p.query_id[8:] for p in found} == {"00000100-n", "00000200-n", "00000400-a"}
    glosses = list(Glosses(folder=str(wordnet), each=99).pairs(RIVER))
    assert {(p.query, p.positive) for p in glosses} == {
        ("boat", "a small vessel for rivers"), ("small craft", "a small vessel for rivers"),
        ("a", "eleven letters"), ("damp", "(weather) not dry"),
    }  # fmt: skip


def test_words_of_other_languages_join_by_the_offset(wordnet):
    table = wordnet / "wn-data-xyz.tab"
    table.write_text(
        "# a table written for this test\n00000300-n\txyz:lemma\tfloss_holz\n"
        "00000400-s\tlemma\tnass\n00000400-s\tdef\tnot a word\n",
        encoding="utf-8",
    )
    source = Synonyms(folder=str(wordnet), tables=(str(table),), known=False, each=9)
    found = {(pair.query, pair.positive) for pair in source.pairs([])}
    assert ("raft", "floss holz") in found
    assert {("wet", "nass"), ("damp", "nass")} <= found
    (wordnet / "empty.tab").write_text("nothing of use\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"empty.tab"):
        list(synsets(wordnet, (str(wordnet / "empty.tab"),)))


def test_a_definition_asks_for_its_entry(tmp_path):
    own = tmp_path / "own.tsv"
    record = {"entry": "low water", "definition": "the sea at its lowest"}
    own.write_text(f"ebb\tthe sea going out\n\n{json.dumps(record)}\n", encoding="utf-8")
    pairs = list(Definitions(str(own), known=False).pairs([]))
    assert [(p.query, p.positive, p.query_id) for p in pairs] == [
        ("the sea going out", "ebb", "own.tsv:1"),
        ("the sea at its lowest", "low water", "own.tsv:3"),
    ]
    known = Definitions(str(own)).pairs([Document("a", "Low and lower water.")])
    assert [pair.positive for pair in known] == ["low water"]


def test_wordnet_is_a_dictionary_too(wordnet):
    found = [each.entry for each in read_dictionary(str(wordnet))]
    assert found[:3] == ["boat", "small craft", "skiff"]
    assert "raft" not in found


@pytest.mark.parametrize(
    "line", ["entry alone", "\tdefinition", '{"entry": "a"}', "{broken", "a\t "]
)
def test_a_line_without_entry_or_definition_is_named(tmp_path, line):
    own = tmp_path / "own.tsv"
    own.write_text(f"a\tb\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"own.tsv, line 2"):
        list(read_dictionary(str(own)))


def test_a_dictionary_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"missing.tsv"):
        list(read_dictionary(str(tmp_path / "missing.tsv")))


@dataclass(frozen=True)
class Bag:
    """An encoder for these tests: a text is the mean of its words' given rows."""

    rows: dict

    fingerprint = "bag"

    @property
    def dimensions(self):
        return len(next(iter(self.rows.values())))

    def encode(self, texts, kind="document"):
        zero = np.zeros(self.dimensions)
        sums = [sum((self.rows.get(w, zero) for w in text.split()), zero) for text in texts]
        return unit(np.array(sums).reshape(len(texts), self.dimensions))

    def save(self, folder):
        raise NotImplementedError


def test_an_entry_is_the_mean_of_its_definitions_whatever_its_number_of_words():
    encoder = Bag(
        {"x": np.array([1.0, 0, 0]), "y": np.array([0, 1.0, 0]), "z": np.array([0, 0, 1.0])}
    )
    definitions = [
        Definition("1", "one word", "x"), Definition("2", "two", "y"),
        Definition("3", "one word", "z"), Definition("4", "unknown", "nothing known"),
    ]  # fmt: skip
    space = entry_space(encoder, definitions, strength=0.0)
    assert space.entries == ("one word", "two")
    means = np.array([[0.5, 0, 0.5], [0, 1, 0]])
    wanted = means - means.mean(axis=0)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(space.vectors, wanted, atol=1e-6)
    with pytest.raises(InputError, match="'three' has no vector"):
        space.of(["three"])
    with pytest.raises(InputError, match="No definition holds a word"):
        entry_space(encoder, definitions[3:])


def cone(rows=400, dimensions=8):
    """Vectors that crowd around one direction, as a language model's do."""
    drawn = np.random.default_rng(0)
    return unit(
        drawn.normal(size=(rows, dimensions)) * 0.5 ** np.arange(dimensions) + [3] * dimensions
    )


def test_whitened_rows_have_equal_second_moments_before_they_are_scaled():
    vectors = cone().astype(np.float64)
    centred = vectors - vectors.mean(axis=0)
    values, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    white = centred @ directions / np.sqrt(values) @ directions.T
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(8), atol=1e-8)
    white /= np.linalg.norm(white, axis=1, keepdims=True)
    np.testing.assert_allclose(isotropic(vectors, 0.5), white, atol=1e-4)


def test_the_space_grows_more_isotropic_with_the_strength():
    found = [isotropy(isotropic(cone(), strength)) for strength in (0.0, 0.25, 0.5)]
    assert isotropy(cone()) < found[0] < found[1] < found[2]
    assert found[2] > 0.85


def test_isotropy_equals_the_partition_function_in_loops():
    vectors = cone(50, 4).astype(np.float64)
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    sums = [
        sum(np.exp(sign * float(c @ v)) for v in vectors) for c in directions.T for sign in (1, -1)
    ]
    assert isotropy(vectors) == pytest.approx(min(sums) / max(sums))


def test_every_round_trains_afresh_towards_the_last_rounds_entries():
    first = Bag({"x": np.array([1.0, 0]), "y": np.array([0, 1.0]), "z": np.array([1.0, 1.0])})
    second = Bag({"x": np.array([1.0, 0]), "y": np.array([-1.0, 0.2]), "z": np.array([0, -1.0])})
    definitions = [Definition(w, w.upper(), w) for w in "xyz"]
    seen = []

    def train(space):
        seen.append(space)
        return second

    trained, spaces = progressive(first, definitions, train, rounds=2)
    assert trained is second
    assert seen == spaces
    np.testing.assert_allclose(spaces[0].vectors, entry_space(first, definitions, 0.0).vectors)
    np.testing.assert_allclose(spaces[1].vectors, entry_space(second, definitions, 0.5).vectors)
    with pytest.raises(InputError, match="0 rounds"):
        progressive(first, definitions, train, rounds=0)
    with pytest.raises(InputError, match="strength"):
        entry_space(first, definitions, strength=0.7)
