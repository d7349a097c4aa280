"""Domains of the documents that train: read or learned, handed on to pairs, told in the report."""

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.errors import InputError
from everygrain.learn.by_domain import Grouping, group
from everygrain.learn.gate import Decision
from everygrain.learn.pairs import Pair
from everygrain.learn.recipe import Recipe
from everygrain.learn.report import Report
from everygrain.learn.train.transformer import by_domain

RIVERS = [Document(f"r{i}", "river boat water bridge", "", {"area": "water"}) for i in range(80)]
STARS = [Document(f"s{i}", "star planet moon comet", "", {"area": "sky"}) for i in range(60)]
STRAYS = [Document(f"x{i}", "river star", "", {"area": f"rare {i}"}) for i in range(3)]


class ByLetter:
    """One direction for each first letter, and a little of the number of the text."""

    fingerprint, dimensions = "by-letter", 26

    def encode(self, texts, kind="document"):
        raise NotImplementedError

    def save(self, folder):
        raise NotImplementedError

    def encode_words(self, words, kind="document"):
        vectors = np.zeros((len(words), self.dimensions), dtype=np.float32)
        for text in range(len(words)):
            for word in words.ids[words.offsets[text] : words.offsets[text + 1]]:
                vectors[text, ord(words.vocabulary[word][0]) - ord("a")] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class Deaf(ByLetter):
    def encode_words(self, words, kind="document"):
        return np.zeros((len(words), self.dimensions), dtype=np.float32)


def test_a_fields_values_are_the_domains_and_rare_ones_are_of_none():
    found = group(Recipe(domains="field:area"), [*RIVERS, *STARS, *STRAYS], None)
    assert found.sizes == {"water": 80, "sky": 60}
    assert list(found.sizes) == ["water", "sky"]
    assert found.outside == 3
    assert found.divides


def test_domains_are_learned_where_none_are_named():
    found = group(Recipe(), [*RIVERS, *STARS], ByLetter())
    assert sorted(found.sizes.values()) == [60, 80]
    names = {found.of[document.id] for document in RIVERS}
    assert len(names) == 1
    assert names.isdisjoint(found.of[document.id] for document in STARS)


def test_domains_are_the_same_where_vectors_are_made_and_names_read_from_parts(monkeypatch):
    whole = group(Recipe(), [*RIVERS, *STARS], ByLetter())
    monkeypatch.setattr("everygrain.learn.by_domain._AT_ONCE", 33)
    monkeypatch.setattr("everygrain.learn.by_domain._NAMED", 40)
    assert group(Recipe(), [*RIVERS, *STARS], ByLetter()) == whole


def test_a_recipe_without_domains_and_texts_without_known_words_have_none():
    for recipe, encoder in ((Recipe(domains=""), ByLetter()), (Recipe(), Deaf())):
        found = group(recipe, RIVERS, encoder)
        assert found == Grouping(outside=80)
        assert not found.divides


def test_a_pair_is_of_a_domain_where_both_of_its_documents_are():
    found = Grouping({"water": 2, "sky": 1}, 0, {"r1": "water", "r2": "water", "s1": "sky"})
    pairs = [
        Pair("q", "p", "made", asking, answering)
        for asking, answering in (("r1", "r2"), ("s1", "s1"), ("r1", "s1"), ("r1", ""), ("?", "?"))
    ]
    assert found.of_pairs(pairs) == ["water", "sky", None, None, None]


def test_a_field_that_nothing_has_is_told_of():
    with pytest.raises(InputError, match="No value of the field 'venue'"):
        group(Recipe(domains="field:venue"), RIVERS, None)


@pytest.mark.parametrize("given", [{"domains": "venue"}, {"domains": "field:"}])
def test_a_recipe_that_names_domains_otherwise_is_told_how(given):
    with pytest.raises(InputError, match="key 'domains'"):
        Recipe(**given)


@pytest.mark.parametrize("key", ["by_domain", "experts"])
def test_a_recipe_that_wants_what_needs_domains_needs_domains(key):
    with pytest.raises(InputError, match="for no domains"):
        Recipe(domains="", **{key: True})
    with pytest.raises(InputError, match="true or false"):
        Recipe.of({key: 1})


def test_steps_of_a_transformer_are_of_one_domain_until_the_rests():
    domains = ["a"] * 11 + ["b"] * 6 + [None] * 2
    whole = np.random.default_rng(0).permutation(19).tolist()
    found = by_domain(whole, domains, 4, "seed")
    assert sorted(found) == list(range(19))
    steps = [{domains[i] for i in found[start : start + 4]} for start in range(0, 12, 4)]
    assert sorted(next(iter(step)) for step in steps if len(step) == 1) == ["a", "a", "b"]
    assert found == by_domain(whole, domains, 4, "seed")


def test_the_report_names_the_domains_and_what_they_were_for():
    found = Grouping({"<water>": 80, "sky": 1060}, 3)

    def page(recipe, domains=found):
        refused = Decision(False, "Refused.", ())
        return Report("now", "static", None, "new", recipe, 9, {}, 0, [], refused, domains).page()

    assert "<td>&lt;water&gt;</td><td>80</td>" in page(Recipe())
    assert "<td>of no domain</td><td>3</td>" in page(Recipe())
    assert page(Recipe()).index("1,060") < page(Recipe()).index("&lt;water&gt;")
    assert "not used in training" in page(Recipe())
    assert "batches of pairs are of one domain" in page(Recipe(by_domain=True))
    assert "an expert each" in page(Recipe(experts=True))
    assert "not used in training" in page(Recipe(experts=True), Grouping({"all": 9}))
    assert "not told apart" in page(Recipe(), Grouping(outside=9))
