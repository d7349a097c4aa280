"""Three gates: each lets the good through, and counts what it keeps out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain import Document
from everygrain.endpoint import Endpoint
from everygrain.errors import InputError, ModelError
from everygrain.learn.asking import Asking
from everygrain.learn.pairs.gates import BatchGate, PairGate, SentenceGate, ThreeGates

from ..language_model import obedient

TEA = Document("tea", "Green tea leaves are steamed soon after picking.", "Tea")
OWL = Document("owl", "Barn owls hunt voles by hearing alone at night.", "Owl")


@pytest.fixture
def source(model):
    return ThreeGates(Asking(Endpoint(model.url, "m", retries=0)))


def replying(**replies):
    """Return a rule that answers the question whose reply has a key, and obeys otherwise."""

    def rule(prompt, seed):
        for key, reply in replies.items():
            if f'"{key}"' in prompt:
                return reply[min(seed, len(reply) - 1)] if isinstance(reply, list) else reply
        return obedient(prompt, seed)

    return rule


def test_a_sentence_its_entailed_and_its_contradicting_one_become_a_pair(source):
    found = list(source.contrasted([TEA, OWL]))
    assert [each.pair.query_id for each in found] == ["tea", "owl"]
    for each in found:
        body = each.pair.query.rstrip(".")
        assert each.pair.positive == f"In other words: {body}."
        assert each.negatives == (f"It is not so that {body.rpartition(' ')[0]}.",)
    assert [each.pair for each in found] == list(source.pairs([TEA, OWL]))
    assert found[0].pair.source == "gates(sentences=4, alike=3, unlike=3, apart=1)"


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Tea is green.", "length"),
        ("Die Blätter und der Tee sind nach der Ernte grün", "another language"),
        ("green tea leaves are steamed soon", "copy"),
        ("Barn owls hunt voles at night", "off the topic"),
    ],
)
def test_the_first_gate_refuses_and_asks_again(source, model, sentence, reason):
    good = "Steam keeps the tea leaves green and fresh."
    model.rule = replying(sentences=[{"sentences": [sentence]}, {"sentences": [good]}])
    assert list(source.sentences([TEA])) == [("tea", good)]
    assert source.asking.tally.dropped == {f"gate 1: {reason}": 1}
    assert len(model.requests) == 2


def test_the_first_gate_keeps_a_sentence_once(source, model):
    written = ["Tea leaves are all kept fresh by owls.", "tea leaves are all kept fresh, by owls"]
    model.rule = replying(sentences={"sentences": [*written, "Too short."]})
    assert list(source.sentences([TEA, OWL])) == [("tea", written[0])]
    assert source.asking.tally.dropped == {"gate 1: repeated": 3, "gate 1: length": 2}


GIVEN = "The red kite rises over the hill."


@pytest.mark.parametrize(
    ("entailed", "contradictory", "reason"),
    [
        ("A kite goes up.", "a kite goes UP", "contradicts itself"),
        ("the red kite rises over the hill", "The kite falls.", "copy"),
        ("A kite goes up.", GIVEN, "copy"),
        ("Ein Drachen steigt auf und ist über dem Hügel.", "The kite falls.", "another language"),
    ],
)
def test_the_second_gate_refuses_what_cannot_be_a_pair_and_asks_again(
    source, model, entailed, contradictory, reason
):
    bad = {"entailed": entailed, "contradictory": contradictory}
    good = {"entailed": "A kite goes up.", "contradictory": "The kite falls."}
    model.rule = replying(entailed=[bad, good])
    assert source.pair(GIVEN) == ("A kite goes up.", "The kite falls.")
    assert source.asking.tally.dropped == {f"gate 2: {reason}": 1}


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (5, 0, None),
        (3, 2, None),
        (4, 3, None),
        (2.9, 0, "gate 2: too unlike"),
        (5, 3.1, "gate 2: too alike"),
        (3.5, 3, "gate 2: not apart"),
        (1, 5, "gate 2: too unlike"),
    ],
)
def test_the_second_gate_weighs_the_similarities(source, model, first, second, reason):
    model.rule = replying(first={"first": first, "second": second})
    assert (source.pair(GIVEN) is None) == bool(reason)
    assert source.asking.tally.dropped == ({reason: 1} if reason else {})


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"first": 9, "second": 0}, "out of range"),
        ({"first": "high", "second": 0}, "wrong shape"),
        ({"first": 4}, "wrong shape"),
        ("4 and 1", "not JSON"),
    ],
)
def test_similarities_that_are_none_drop_the_pair(source, model, reply, reason):
    model.rule = replying(first=reply)
    assert source.pair(GIVEN) is None
    assert source.asking.tally.dropped == {reason: 2}


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1, 1))
def test_the_third_gate_equals_its_definition_in_loops(seed, most_alike):
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(11, 3)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries, documents = rows[:4], rows[4:]
    counted = BatchGate(most_alike).counted(queries, documents)
    for i in range(4):
        for j in range(7):
            alike = max(
                sum(float(a) * float(b) for a, b in zip(one, documents[j], strict=True))
                for one in (queries[i], documents[i])
            )
            if abs(alike - most_alike) > 1e-5 or i == j:
                assert counted[i, j] == (i == j or alike <= most_alike)


def test_the_third_gate_leaves_a_repeated_positive_out():
    queries = np.eye(2, 4, dtype=np.float32)
    documents = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=np.float32)
    expected = [[True, True, False], [True, True, True]]
    assert BatchGate().counted(queries, documents).tolist() == expected


def test_a_model_that_only_contradicts_itself_is_an_error(model):
    model.rule = replying(sentences={"sentences": ["Owls and kites are never seen at the sea."]})
    source = ThreeGates(Asking(Endpoint(model.url, "m", retries=0)))
    with pytest.raises(ModelError, match="2 gate 1: off the topic"):
        list(source.pairs([TEA]))


def test_settings_that_make_no_sense_are_refused(source):
    with pytest.raises(InputError, match="make no sense"):
        SentenceGate(fewest=5, most=4)
    with pytest.raises(InputError, match="out of range"):
        PairGate(alike=6)
    with pytest.raises(InputError, match="out of range"):
        BatchGate(1.5)
    with pytest.raises(InputError, match="make no batch"):
        BatchGate().counted(np.eye(3, dtype=np.float32), np.eye(2, 3, dtype=np.float32))
    with pytest.raises(InputError, match="No document has text"):
        list(source.pairs([Document("a", " ")]))
