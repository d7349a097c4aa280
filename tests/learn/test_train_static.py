"""Training a static table: steps by hand, turns, interrupts, and what is never a negative."""

import sys

import numpy as np
import pytest

from everygrain.analyze import split
from everygrain.encode.adapted import Adapted
from everygrain.encode.base import unit
from everygrain.encode.registry import load
from everygrain.errors import InputError, ModelError, StorageError
from everygrain.learn.curriculum import Reweighted
from everygrain.learn.losses import parse_loss
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.losses.temperatures import IndividualTemperatures
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.bags import Bags
from everygrain.learn.train.checkpoint import Checkpoint
from everygrain.learn.train.static import (
    StaticTraining,
    Taught,
    train_static,
    training_key,
)
from everygrain.learn.train.static_run import StaticRun
from tests.encode.test_static import FITTED

torch = pytest.importorskip("torch")

TEXTS = ["cat", "dogs run", "a tree", "house", "greenhouse", "running cats", "dog house", "tree a"]
PAIRS = [Pair(TEXTS[i], TEXTS[-1 - i], "s", f"q{i}", f"p{i}") for i in range(len(TEXTS))]
SHORT = StaticTraining(epochs=12, batch=4)


def matrix(encoder):
    return encoder.table.matrix.astype(np.float32)


def test_bags_times_the_table_are_the_encoders_own_vectors():
    vectors = unit(Bags.of(FITTED, TEXTS).matrix @ matrix(FITTED))
    np.testing.assert_allclose(vectors, FITTED.encode(TEXTS), atol=1e-6)


def test_the_loss_of_pairs_falls_and_the_weights_of_words_stay():
    made = train_static(FITTED, PAIRS, settings=SHORT)
    first, last = made.curve[0][1], made.curve[-1][1]
    assert last < first
    assert made.encoder.idf == FITTED.idf
    before = (FITTED.encode(TEXTS) * FITTED.encode(TEXTS[::-1])).sum(axis=1).mean()
    after = (made.encoder.encode(TEXTS) * made.encoder.encode(TEXTS[::-1])).sum(axis=1).mean()
    assert after > before


def test_taught_texts_come_nearer_to_the_teachers_geometry():
    drawn = np.random.default_rng(1).standard_normal((len(TEXTS), 5))
    teacher = unit(drawn)
    made = train_static(
        FITTED, [], taught=Taught(TEXTS, teacher), settings=StaticTraining(epochs=80, batch=8)
    )

    def distance(encoder):
        mine = encoder.encode(TEXTS)
        gaps = mine @ mine.T - teacher @ teacher.T
        np.fill_diagonal(gaps, 0)
        return 100 * (gaps**2).sum() / (len(TEXTS) * (len(TEXTS) - 1))

    assert made.curve[0][1] == pytest.approx(distance(FITTED), rel=1e-4)
    assert distance(made.encoder) < 0.5 * distance(FITTED)


def test_a_document_of_the_same_text_or_id_is_never_a_negative():
    alike = [
        Pair("cat", "tree", "s", "a", "x"),
        Pair("dog", "tree", "s", "b", "y"),  # the same text
        Pair("run", "house", "s", "c", "y"),  # the same document as the one above
        Pair("house", "cat", "s", "d", "z"),
    ]
    run = StaticRun(FITTED, alike, MultipleNegatives(), None, SHORT)
    counted = run._batch(np.arange(4), 0.0).counted.numpy()
    expected = np.ones((4, 4), dtype=bool)
    for i, j in ((0, 1), (1, 2), (0, 2)):
        expected[i, j] = expected[j, i] = False
    np.testing.assert_array_equal(counted, expected)


def test_an_interrupted_training_ends_as_one_that_never_was(tmp_path):
    taught = Taught(TEXTS, unit(np.random.default_rng(2).standard_normal((len(TEXTS), 5))))
    settings = StaticTraining(epochs=10, batch=4, checkpoint_every=1e-9)
    whole = train_static(FITTED, PAIRS, taught=taught, settings=settings)
    key = training_key(FITTED, PAIRS, MultipleNegatives(), taught, settings)
    checkpoint = Checkpoint(tmp_path / "checkpoint", key)

    class Stop(Exception):
        pass

    def stop(progress):
        if progress.step == 7:
            raise Stop

    with pytest.raises(Stop):
        train_static(
            FITTED, PAIRS, taught=taught, settings=settings, checkpoint=checkpoint,
            on_progress=stop,
        )  # fmt: skip
    assert checkpoint.path.exists()
    seen = []
    again = train_static(
        FITTED, PAIRS, taught=taught, settings=settings, checkpoint=checkpoint,
        on_progress=seen.append,
    )  # fmt: skip
    assert seen[0].step == 8
    np.testing.assert_array_equal(again.encoder.table.matrix, whole.encoder.table.matrix)
    assert again.curve == whole.curve
    assert not checkpoint.path.exists()


@pytest.mark.parametrize("written", ["individual_temperatures(rate=0.1)", "reweighted", "thumbs"])
def test_moving_averages_of_a_loss_go_on_after_an_interrupt(tmp_path, written):
    """Both losses are values that a process makes afresh: what they kept is in the checkpoint."""

    def fresh():
        if written == "reweighted":
            return Reweighted(IndividualTemperatures(rate=0.1))
        return parse_loss(written)

    settings = StaticTraining(epochs=10, batch=4, checkpoint_every=1e-9)
    whole = train_static(FITTED, PAIRS, loss=fresh(), settings=settings)
    key = training_key(FITTED, PAIRS, fresh(), None, settings)
    checkpoint = Checkpoint(tmp_path / "checkpoint", key)

    def stop(progress):
        if progress.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_static(FITTED, PAIRS, loss=fresh(), settings=settings, checkpoint=checkpoint,
                     on_progress=stop)  # fmt: skip
    again = train_static(FITTED, PAIRS, loss=fresh(), settings=settings, checkpoint=checkpoint)
    assert again.curve == whole.curve
    np.testing.assert_array_equal(again.encoder.table.matrix, whole.encoder.table.matrix)


def test_without_torch_a_training_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    with pytest.raises(ModelError, match="needs torch") as caught:
        train_static(FITTED, PAIRS, settings=SHORT)
    assert 'pip install "everygrain[models]"' in caught.value.remedy


def test_a_checkpoint_of_another_training_is_not_gone_on_with(tmp_path):
    other = Checkpoint(tmp_path / "checkpoint", "another")
    other.write({"planned": 3, "curve": []})
    key = training_key(FITTED, PAIRS, MultipleNegatives(), None, SHORT)
    seen = []
    train_static(
        FITTED, PAIRS, settings=SHORT, checkpoint=Checkpoint(tmp_path / "checkpoint", key),
        on_progress=seen.append,
    )  # fmt: skip
    assert seen[0].step == 1


def test_a_disk_that_refuses_is_told_of(tmp_path):
    folder = tmp_path / "gone"
    checkpoint = Checkpoint(folder / "checkpoint", "key")  # its folder does not exist
    with pytest.raises(StorageError, match="refused"):
        train_static(
            FITTED, PAIRS, settings=StaticTraining(epochs=3, batch=4, checkpoint_every=1e-9),
            checkpoint=checkpoint,
        )  # fmt: skip


def test_batches_keep_to_one_source_and_epochs_to_every_pair():
    pairs = PAIRS + [Pair(p.query, p.positive, "t", p.query_id, p.positive_id) for p in PAIRS]
    run = StaticRun(FITTED, pairs, MultipleNegatives(), None, StaticTraining(epochs=2, batch=4))
    steps = run.schedule()
    assert all(len({pairs[row].source for row in step.rows}) == 1 for step in steps)
    seen = np.sort(np.concatenate([step.rows for step in steps]))
    np.testing.assert_array_equal(seen, np.repeat(np.arange(len(pairs)), 2))


def test_too_little_to_train_on_and_settings_without_sense_are_errors():
    with pytest.raises(InputError, match="1 pairs"):
        train_static(FITTED, PAIRS[:1])
    with pytest.raises(InputError, match="'epochs'"):
        StaticTraining(epochs=0)


def test_an_adapted_encoder_keeps_its_vectors_and_refits_its_weights(tmp_path):
    made = Adapted(train_static(FITTED, PAIRS, settings=SHORT).encoder)
    made.save(tmp_path)
    again = load(tmp_path)
    assert again.fingerprint == made.fingerprint
    np.testing.assert_array_equal(again.encode(TEXTS), made.encode(TEXTS))
    refitted = again.fit(split(["cat cat", "tree cat", "tree"]))
    np.testing.assert_array_equal(refitted.static.table.matrix, made.static.table.matrix)
    # two of three texts hold each word: log(1 + (3 - 2 + .5) / (2 + .5))
    assert refitted.static.idf == {"cat": 0.47, "tree": 0.47}
    assert refitted.fingerprint != made.fingerprint
