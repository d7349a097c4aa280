"""Adapting an index whose documents are of several domains."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from everygrain import Document, Index
from everygrain.adaptation import adapt, rollback
from everygrain.encode.adapted import Adapted
from everygrain.encode.experts import StaticExperts
from everygrain.encode.static import Static
from everygrain.errors import InputError
from everygrain.learn.candidate import train
from everygrain.learn.held_out import divide
from everygrain.learn.train.static import StaticTraining
from tests.small_adaptation import RECIPE, documents, null, state, table

pytest.importorskip("torch")

BY_FIELD = replace(RECIPE, domains="field:side", fewest_steps=60)


def sided(made):
    """Give each document one of two domains, by its topic."""
    return [
        Document(d.id, d.text, d.title, {"side": "early" if d.title[2] < "m" else "late"})
        for d in made
    ]


@pytest.fixture
def two_sided(tmp_path):
    with Index(tmp_path / "sides", Static(table(), {}), language="en") as made:
        made.add(sided(documents()))
        yield made


@pytest.mark.parametrize("way", ["by_domain", "experts"])
def test_with_domains_an_interrupted_training_ends_as_one_that_was_not(two_sided, monkeypatch, way):
    recipe = replace(BY_FIELD, **{way: True})
    often = partial(StaticTraining, checkpoint_every=1e-9)
    monkeypatch.setattr("everygrain.learn.candidate.StaticTraining", often)
    learned, _ = divide(sorted(two_sided.documents(), key=lambda document: document.id))
    old = two_sided.store.encoder
    whole = train(old, "static", learned, recipe.settled(learned), budget=600,
                  folder=two_sided.folder)  # fmt: skip
    assert type(whole.encoder) is (StaticExperts if way == "experts" else Adapted)

    def told(what, done, total):
        if what == "Training" and done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(two_sided, recipe, budget=600, told=told)
    assert (two_sided.folder / "adaptation" / "checkpoint").exists()
    steps = []
    done = adapt(two_sided, recipe, budget=600, told=lambda *each: steps.append(each))
    trained_on = [each[1] for each in steps if each[0] == "Training"]
    assert trained_on[0] == trained_on[-1] // 2 + 1
    report = json.loads((done.report / "report.json").read_text())
    assert report["encoder"]["new"] == whole.encoder.fingerprint
    assert report["curve"] == [[kind, round(loss, 5)] for kind, loss in whole.curve]
    assert sum(report["domains"]["sizes"].values()) == len(learned)
    assert set(report["domains"]["sizes"]) == {"early", "late"}


def test_the_gate_promotes_experts_that_help_and_they_are_adapted_again(two_sided):
    before = state(two_sided)
    recipe = replace(BY_FIELD, experts=True, fewest_steps=150)
    done = adapt(two_sided, recipe, budget=60)
    assert done.promoted, done.decision.reason
    assert two_sided.store.encoder.names == ("early", "late")
    assert two_sided.doctor() == []
    learned, _ = divide(list(two_sided.documents()))
    again = train(two_sided.store.encoder, "static", learned, BY_FIELD.settled(learned), budget=60,
                  folder=two_sided.folder)  # fmt: skip
    assert isinstance(again.encoder, Adapted)
    assert again.curve[0][1] < np.mean(
        [loss for _, loss in json.loads((done.report / "report.json").read_text())["curve"][:3]]
    )
    assert rollback(two_sided) == before[0]
    assert state(two_sided) == before


def test_experts_trained_on_shuffled_labels_are_refused(two_sided):
    before = state(two_sided)
    done = adapt(two_sided, replace(BY_FIELD, experts=True), budget=60, train_encoder=null)
    assert not done.promoted
    assert state(two_sided) == before


def test_experts_of_a_transformer_and_a_field_without_values_are_told_of(two_sided):
    before = state(two_sided)
    with pytest.raises(InputError, match="'minilm' cannot have"):
        adapt(two_sided, replace(BY_FIELD, experts=True), encoder="minilm")
    with pytest.raises(InputError, match="No value of the field 'venue'"):
        adapt(two_sided, replace(RECIPE, domains="field:venue"))
    assert state(two_sided) == before


def test_experts_tell_whether_a_transformer_taught_them_as_one_table_does(two_sided, monkeypatch):
    class Teacher:
        def encode(self, texts, kind="document"):
            return np.random.default_rng(len(texts)).standard_normal((len(texts), 8), np.float32)

    monkeypatch.setattr("everygrain.encode.registry.create", lambda *told: Teacher())
    learned, _ = divide(list(two_sided.documents()))

    def trained(base, **changes):
        recipe = replace(BY_FIELD, fewest_steps=2, epochs=0.1, **changes).settled(learned)
        return train(base, "static", learned, recipe, budget=60, folder=two_sided.folder).encoder

    served = two_sided.store.encoder
    assert not trained(served, experts=True).taught
    taught = trained(served, experts=True, teacher="minilm")
    assert isinstance(taught, StaticExperts)
    assert taught.taught
    assert trained(served, teacher="minilm").taught
    # what was taught once stays so, whatever it goes on as
    assert trained(taught, experts=True).taught
    assert trained(taught).taught
    assert not trained(trained(served, experts=True)).taught
