"""Training of word encoders: the similarity is late interaction, the gate learns what helps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from everygrain.analyze import Analyzer
from everygrain.encode.transformer import Transformer
from everygrain.encode.words.base import SCALE
from everygrain.encode.words.tokens import Merged
from everygrain.encode.words.whole import Gate, WholeWords
from everygrain.errors import InputError
from everygrain.learn.losses import parse_loss
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.words import ReadPairs, WordTraining, similarities, train_words
from everygrain.rank.late import max_sim
from everygrain.rank.xtr import imputed
from tests.encode.tiny_transformer import write_tiny_transformer
from tests.rank.bags import cases, made

WIDTH = 12


def padded(bags):
    import torch

    lengths = np.diff(bags.offsets)
    vectors = torch.zeros(len(bags), max(1, int(lengths.max(initial=0))), bags.vectors.shape[1])
    held = torch.zeros(vectors.shape[:2], dtype=torch.bool)
    for i, (start, length) in enumerate(zip(bags.offsets, lengths, strict=False)):
        vectors[i, :length] = torch.from_numpy(bags.vectors[start : start + length] / SCALE)
        held[i, :length] = True
    return vectors, held


@given(cases())
def test_the_similarity_that_is_trained_is_the_one_that_ranks(case):
    query, documents = case
    if len(documents):
        found = similarities(*padded(query), *padded(documents))[0]
        assert np.allclose(found.numpy(), max_sim(query, documents), atol=1e-6)


@given(cases())
def test_with_all_words_of_the_batch_retrieved_both_objectives_are_one(case):
    query, documents = case
    if len(documents):
        every = similarities(*padded(query), *padded(documents))
        held = similarities(*padded(query), *padded(documents), len(documents.words) + 1)
        assert np.allclose(every, held, atol=1e-6)


def test_only_words_of_the_batchs_k_nearest_count_in_the_mean_over_those_that_found_one():
    generator = np.random.default_rng(0)
    query, documents = made(generator, [3], 5), made(generator, [4, 6, 2, 5], 5)
    k = 2
    found = similarities(*padded(query), *padded(documents), k)[0]
    products = query.vectors.astype(float) @ documents.vectors.T.astype(float) / SCALE**2
    for d in range(4):
        span = slice(documents.offsets[d], documents.offsets[d + 1])
        held = [[value for value in row[span] if value >= np.sort(row)[-k]] for row in products]
        best = [max(values) for values in held if values]
        assert found[d].item() == pytest.approx(sum(best) / max(len(best), 1), abs=1e-6)
    retrieved, _ = imputed(query, documents, k)
    assert {int(i) for i in np.flatnonzero(found.numpy())} == set(retrieved.tolist())


@pytest.mark.parametrize("retrieved", [None, 5])
def test_the_gradient_equals_finite_differences(retrieved):
    import torch

    generator = np.random.default_rng(1)
    query, documents = made(generator, [3, 2], 4), made(generator, [4, 3, 2], 4)
    queries, of_query = padded(query)
    given_, of_document = padded(documents)
    given_, queries = given_.double().requires_grad_(True), queries.double()
    mix = torch.from_numpy(generator.normal(size=(2, 3)))

    def value(vectors):
        return (similarities(queries, of_query, vectors, of_document, retrieved) * mix).sum()

    assert torch.autograd.gradcheck(value, (given_,), eps=1e-7, atol=1e-5)


def word(vector, number, rarity=0.5):
    return number, rarity, vector


def merged(words):
    words = sorted(words, key=lambda each: each[0])
    return Merged(
        np.array([n for n, _, _ in words], dtype=np.uint32),
        np.array([r for _, r, _ in words], dtype=np.float32),
        np.array([v for _, _, v in words], dtype=np.float32),
    )


def topics(count=60, seed=0):
    """Return pairs that share one topic of three dimensions, among words that say nothing.

    Words of a topic have a 1 in dimension 4, idle ones in dimension 5, with much more besides.
    """
    generator = np.random.default_rng(seed)
    queries, positives = [], []
    for _ in range(count):
        topic = np.zeros(WIDTH)
        topic[:3], topic[4] = generator.normal(size=3), 1
        idle = np.zeros((3, WIDTH))
        idle[:, 6:], idle[:, 5] = 3 * generator.normal(size=(3, WIDTH - 6)), 1
        queries.append(merged([word(topic, 0), word(idle[0], 1)]))
        positives.append(merged([word(topic, 0), word(idle[1], 2), word(idle[2], 3)]))
    return ReadPairs(queries, positives, ["made"] * count, [str(i) for i in range(count)])


def unlearned(dimensions=3):
    generator = np.random.default_rng(5)
    return WholeWords(
        Transformer("none such"),
        Analyzer(),
        generator.normal(size=(WIDTH, dimensions)).astype(np.float32) / 3,
        np.zeros(dimensions, dtype=np.float32),
        Gate(np.zeros(WIDTH, dtype=np.float32)),
    )


def found_first(encoder, read):
    """Return the share of queries whose own document scores highest."""
    columns = np.column_stack([encoder.projection, encoder.gate.weights])
    reduce = [
        [replace(each, vectors=(each.vectors @ columns).astype(np.float32)) for each in texts]
        for texts in (read.queries, read.positives)
    ]
    documents = encoder.reduce(reduce[1])
    hits = [
        np.argmax(max_sim(encoder.reduce([query], "query"), documents)) == i
        for i, query in enumerate(reduce[0])
    ]
    return np.mean(hits), documents


@pytest.mark.parametrize("retrieved", [None, 40])
def test_training_finds_the_documents_that_share_what_matters(retrieved):
    settings = WordTraining(epochs=30, batch=20, learning_rate=0.5, retrieved=retrieved)
    before, _ = found_first(unlearned(), topics(seed=1))
    trained = train_words(unlearned(), topics(), settings=settings)
    after, _ = found_first(trained.encoder, topics(seed=1))
    assert np.mean(trained.curve[-9:]) < np.mean(trained.curve[:9]) / 2
    assert after > 0.8 > 0.5 > before


def test_sparsity_shuts_the_gate_for_words_that_say_nothing():
    settings = WordTraining(epochs=60, batch=20, learning_rate=0.5, sparsity=0.5)
    trained = train_words(unlearned(), topics(), settings=settings).encoder
    after, documents = found_first(trained, topics(seed=1))
    assert after > 0.8
    assert set(documents.words.tolist()) == {0}  # of three words each
    gentle = WordTraining(epochs=30, batch=20, learning_rate=0.2)
    plain = train_words(unlearned(), topics(), settings=gentle).encoder
    assert set(found_first(plain, topics(seed=1))[1].words.tolist()) > {0}


def test_a_training_is_the_same_twice_and_another_with_another_seed():
    runs = [
        train_words(unlearned(), topics(), settings=WordTraining(epochs=2, seed=seed)).curve
        for seed in (0, 0, 1)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_documents_of_the_same_id_are_no_negatives_of_each_other():
    read = topics(8)
    alike = ReadPairs(read.queries, read.positives, read.sources, ["same"] * 8)
    trained = train_words(unlearned(), alike, settings=WordTraining(epochs=1, batch=8))
    assert trained.curve == pytest.approx([0.0], abs=1e-6)


def test_losses_of_the_learning_room_are_minimised_too():
    settings = WordTraining(epochs=20, batch=20, learning_rate=0.05)
    loss = parse_loss("decoupled_softmax")
    trained = train_words(unlearned(), topics(), loss=loss, settings=settings)
    assert np.mean(trained.curve[-9:]) < np.mean(trained.curve[:9])


def test_the_teacher_is_late_interaction_over_centred_vectors_of_full_width():
    read = topics(6)
    rows = np.concatenate([each.vectors for each in read.positives]).astype(np.float64)
    centre = rows.mean(axis=0)

    def full(text):
        vectors = text.vectors.astype(np.float64) - centre
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    expected = [[(full(q) @ full(d).T).max(axis=1).mean() for d in read.positives]
                for q in read.queries]  # fmt: skip
    seen = []

    def keep(batch):
        seen.append((batch.anchors.numpy(), batch.teacher.numpy()))
        return batch.similarities.sum(dim=1)

    train_words(unlearned(), read, loss=keep, settings=WordTraining(epochs=1, batch=6, taught=True))
    ((anchors, teacher),) = seen
    assert np.allclose(teacher, np.array(expected)[np.ix_(anchors, anchors)], atol=1e-5)


def test_a_student_of_few_dimensions_comes_nearer_to_its_teacher():
    settings = WordTraining(epochs=30, batch=20, learning_rate=0.2, taught=True)
    curve = train_words(
        unlearned(), topics(), loss=parse_loss("margin_mse"), settings=settings
    ).curve
    assert np.mean(curve[-9:]) < np.mean(curve[:9]) / 2


def test_pairs_of_text_are_read_with_the_encoders_transformer(tmp_path):
    tiny = Transformer(str(write_tiny_transformer(tmp_path)))
    start = replace(
        unlearned(), transformer=tiny, projection=np.ones((16, 3), dtype=np.float32),
        gate=Gate(np.zeros(16, dtype=np.float32)),
    )  # fmt: skip
    texts = ["a red cat", "the dog runs", "fish in the street", "the"]
    pairs = [Pair(text, f"{text} in a garden", "made", "", "") for text in texts]
    trained = train_words(start, pairs, settings=WordTraining(epochs=2, batch=2))
    assert trained.encoder.fingerprint != start.fingerprint
    assert len(trained.encoder.encode_bags(texts)) == 4
    with pytest.raises(InputError, match="1 pairs"):
        train_words(start, [pairs[0], pairs[3]])


@pytest.mark.parametrize(
    "setting",
    [{"epochs": 0}, {"batch": 1}, {"learning_rate": 0.0}, {"sparsity": -1.0}, {"retrieved": 0},
     {"budget": 0.0}],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        WordTraining(**setting)


def test_a_budget_ends_a_training_early():
    settings = WordTraining(epochs=10_000, batch=20, budget=0.3)
    assert 1 <= len(train_words(unlearned(), topics(), settings=settings).curve) < 30_000
