"""A salient sentence of one document asks for the others of its cluster."""

import math

import numpy as np
import pytest

from everygrain import Document
from everygrain.encode.latent import Latent
from everygrain.endpoint import Endpoint
from everygrain.errors import InputError, ModelError
from everygrain.learn.asking import Asking, Budget
from everygrain.learn.pairs.base import PairSource
from everygrain.learn.pairs.questions import CrossQuestions, clusters, groups_by

STORM = [
    Document("a", "The mayor likes long breakfasts very much. Flood water closed the old bridge."),
    Document("b", "The old bridge was closed by flood water. Sheep were counted on Monday."),
    Document("c", "Nobody expected so much rain here. A flood closed the bridge to the island."),
    Document("d", "Violins are tuned before every concert begins."),
]


@pytest.fixture
def asking(model):
    return Asking(Endpoint(model.url, "m", retries=0))


def test_the_salient_sentence_is_the_one_that_the_other_documents_say_most_about():
    [found] = CrossQuestions().salient(STORM)
    assert found.sentence in (
        "Flood water closed the old bridge.", "The old bridge was closed by flood water."
    )  # fmt: skip
    others = {"a", "b", "c", "d"} - {found.document.id}
    assert set(found.support) == others
    assert found.support["d"] == 0.0


def test_support_and_centrality_equal_cosines_worked_out_by_hand():
    group = [
        Document("x", "Green apples ripen early today."),
        Document("y", "Green apples fall early somewhere."),
        Document("z", "Blue ships leave harbours daily."),
    ]
    found = {each.document.id: each for each in CrossQuestions(sentences=3).salient(group)}
    # three of five terms of x and of y are shared: df 2 of 3 sentences; the others have df 1
    shared, alone = math.log1p(3 / 2), math.log1p(3)
    cosine = 3 * shared**2 / (3 * shared**2 + 2 * alone**2)
    assert math.isclose(found["x"].support["y"], cosine)
    assert found["x"].support["z"] == 0
    assert math.isclose(found["x"].centrality, cosine / 2)
    assert found["z"].centrality == 0


def test_with_an_encoder_the_support_is_the_largest_dot_product_of_its_vectors():
    from everygrain.analyze import split

    encoder = Latent.unfitted().fit(split([document.text for document in STORM]))
    source = CrossQuestions(encoder=encoder)
    [found] = source.salient(STORM)
    for document in STORM:
        if document is found.document:
            continue
        sentences = [part.strip(" .") + "." for part in document.text.split(". ")]
        alike = encoder.encode(sentences) @ encoder.encode([found.sentence])[0]
        assert math.isclose(found.support[document.id], float(alike.max()), abs_tol=1e-6)
    assert encoder.fingerprint in source.name


def test_the_question_is_paired_with_the_documents_that_support_it(asking, model):
    source = CrossQuestions(asking, support=0.3)
    assert isinstance(source, PairSource)
    found = list(source.pairs_of([STORM]))
    assert len(model.requests) == 1
    assert len({pair.query for pair in found}) == 1
    assert found[0].query.startswith("What is the link of ")
    asked = found[0].query_id
    assert {pair.positive_id for pair in found} == {"a", "b", "c"} - {asked}
    assert all(pair.query_id == asked != pair.positive_id for pair in found)


def test_without_a_model_the_salient_sentence_is_the_query():
    source = CrossQuestions(support=0.3)
    [salient] = source.salient(STORM)
    found = list(source.pairs_of([STORM]))
    assert {pair.query for pair in found} == {salient.sentence}
    assert {pair.source for pair in found} == {
        "questions(size=4, sentences=1, support=0.3, extractive)"
    }


def test_no_question_is_paid_for_that_no_document_supports(asking, model):
    group = [STORM[3], Document("e", "Bread dough rests twice before baking.")]
    assert list(CrossQuestions(asking).pairs_of([group])) == []
    assert model.requests == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"question": "Is it so that flood water closed the old bridge?"}, "gives the sentence"),
        ({"question": "Is it so that the old bridge was closed by flood water?"}, "gives the"),
        ({"question": "Wann wurde die Brücke von der Flut geschlossen?"}, "another language"),
        ({"question": "Who plays the trombone?"}, "not about the sentence"),
        ({"questions": ["?"]}, "wrong shape"),
        ("Which bridge?", "not JSON"),
    ],
)
def test_questions_of_no_use_are_dropped_and_the_other_clusters_go_on(asking, model, reply, reason):
    source = CrossQuestions(asking, support=0.3)
    [salient] = source.salient(STORM)
    if reason.startswith("gives"):
        reply = {"question": f"Is it so that {salient.sentence.rstrip('.').lower()}?"}
    other = [Document("x", "Green apples ripen early today."),
             Document("y", "Green apples fall early today.")]  # fmt: skip
    good = {"question": "When do green apples ripen?"}
    model.rule = lambda prompt, seed: good if "apples" in prompt else reply
    found = list(source.pairs_of([STORM, other]))
    assert [pair.query for pair in found] == [good["question"]]
    (dropped,) = asking.tally.dropped
    assert dropped.startswith(reason.split(" the")[0])


def test_the_budget_ends_the_run_and_nothing_at_all_is_an_error(model):
    asking = Asking(Endpoint(model.url, "m"), Budget(calls=1))
    found = list(CrossQuestions(asking, support=0.3).pairs_of([STORM, STORM[::-1], STORM]))
    assert len({pair.query for pair in found}) == 1
    assert len(model.requests) == 1
    model.rule = lambda prompt, seed: "none"
    with pytest.raises(ModelError, match="2 not JSON"):
        list(CrossQuestions(Asking(Endpoint(model.url, "m")), support=0.3).pairs_of([STORM]))


def test_clusters_are_disjoint_and_hold_the_nearest_that_are_free():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(300, 5))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    documents = [Document(str(i), "x") for i in range(300)]
    found = clusters(documents, lambda texts: rows, 4)
    free, expected = set(range(300)), []
    for i in range(300):
        if i in free:
            free.remove(i)
            near = sorted(
                (j for j in free if rows[i] @ rows[j] > 0), key=lambda j: -(rows[i] @ rows[j])
            )
            if near:
                expected.append([i, *near[:3]])
                free -= set(near[:3])
    assert [[int(d.id) for d in group] for group in found] == expected


def test_pairs_come_from_clusters_that_words_make():
    found = list(CrossQuestions(size=3, support=0.3).pairs([STORM[3], *STORM[:3]]))
    assert {pair.positive_id for pair in found} | {found[0].query_id} == {"a", "b", "c"}


def test_documents_that_share_a_value_of_a_field_are_a_cluster():
    tagged = [("a", ["x", "y"]), ("b", "y"), ("c", None), ("d", ["x", "x"]), ("e", "z")]
    documents = [Document(i, "t", metadata={"keywords": k} if k else {}) for i, k in tagged]
    ids = [[d.id for d in group] for group in groups_by(documents, "keywords")]
    assert ids == [["a", "d"], ["a", "b"]]
    with pytest.raises(InputError, match="No document has the field 'topic'"):
        groups_by(documents, "topic")


def test_bad_input_is_refused(asking):
    with pytest.raises(InputError, match="make no questions"):
        CrossQuestions(size=1)
    with pytest.raises(InputError, match="1 documents have text"):
        CrossQuestions().pairs([STORM[0], Document("x", "")])
    assert list(CrossQuestions(asking).pairs_of([[STORM[0]], []])) == []
