"""Experts beside a teacher: who moves in which step, interrupts, and batches of one domain."""

from functools import partial

import numpy as np
import pytest

from everygrain.encode.base import unit
from everygrain.encode.registry import load
from everygrain.errors import InputError
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.train.checkpoint import Checkpoint
from everygrain.learn.train.static import StaticTraining, Taught, train_static, training_key
from everygrain.learn.train.static_experts import _Run, train_with_experts
from everygrain.learn.train.static_run import StaticRun
from tests.encode.test_static import FITTED
from tests.learn.test_train_experts import DOMAINS, PAIRS, TEXTS

torch = pytest.importorskip("torch")

TAUGHT = Taught(TEXTS, unit(np.random.default_rng(2).standard_normal((len(TEXTS), 5))))
SETTINGS = StaticTraining(epochs=3, batch=8)
WAYS = {
    "batches": partial(train_static, FITTED, PAIRS, domains=DOMAINS),
    "experts": partial(train_with_experts, FITTED, PAIRS, DOMAINS),
}


def test_a_batch_is_of_one_domain_and_every_pair_comes_once():
    run = StaticRun(FITTED, PAIRS, MultipleNegatives(), None, StaticTraining(1, 8), DOMAINS)
    batches = [work.rows for work in run.schedule()]
    assert all(len({DOMAINS[row] for row in rows}) == 1 for rows in batches)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(PAIRS)))


def test_one_domain_for_all_is_no_domain_at_all():
    one = train_static(FITTED, PAIRS, settings=SETTINGS, domains=["all"] * len(PAIRS))
    none = train_static(FITTED, PAIRS, settings=SETTINGS)
    np.testing.assert_array_equal(one.encoder.table.matrix, none.encoder.table.matrix)


def test_a_step_moves_the_shared_table_and_the_expert_of_its_domain_alone():
    run = _Run(FITTED, PAIRS, MultipleNegatives(), TAUGHT, SETTINGS, DOMAINS)
    assert run.names == ["animals", "places"]
    before = [each.detach().clone() for each in run.weights]
    steps = run.schedule()
    taught = next(work for work in steps if work.kind == "taught")
    places = next(
        work for work in steps if work.kind == "pairs" and DOMAINS[work.rows[0]] == "places"
    )
    run._take(taught, 0.0, 0)
    moved = [not torch.equal(a, b.detach()) for a, b in zip(before, run.weights, strict=True)]
    assert moved == [True, False, False]
    run._take(places, 0.0, 1)
    moved = [not torch.equal(a, b.detach()) for a, b in zip(before, run.weights, strict=True)]
    assert moved == [True, False, True]


def test_experts_lift_the_answers_of_their_domains_and_are_kept_with_the_index(tmp_path):
    made = train_with_experts(FITTED, PAIRS, DOMAINS, settings=StaticTraining(20, 16)).encoder

    def lead(encoder):
        found = [encoder.encode([p.query, p.positive]) for p in PAIRS]
        return np.mean([asked @ answer for asked, answer in found])

    assert made.names == ("animals", "places")
    assert made.domains(["dog cat", "green tree"]) == ["animals", "places"]
    assert lead(made) > lead(FITTED) + 0.05
    made.save(tmp_path)
    assert load(tmp_path).encode(TEXTS).tobytes() == made.encode(TEXTS).tobytes()


@pytest.mark.parametrize("way", WAYS)
def test_an_interrupted_training_ends_as_one_that_never_was(tmp_path, way):
    settings = StaticTraining(epochs=3, batch=8, checkpoint_every=1e-9)
    train = partial(WAYS[way], taught=TAUGHT, settings=settings)
    whole, same = train(), train()
    assert whole.encoder.fingerprint == same.encoder.fingerprint
    key = training_key(FITTED, PAIRS, MultipleNegatives(), TAUGHT, settings, DOMAINS)
    checkpoint = Checkpoint(tmp_path / "checkpoint", key)

    def stop(progress):
        if progress.step == 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=checkpoint, on_progress=stop)
    assert checkpoint.path.exists()
    seen = []
    again = train(checkpoint=checkpoint, on_progress=seen.append)
    assert seen[0].step == 18
    assert again.curve == whole.curve
    assert again.encoder.fingerprint == whole.encoder.fingerprint
    assert not checkpoint.path.exists()


def test_other_domains_are_another_training():
    names = [
        training_key(FITTED, PAIRS, MultipleNegatives(), None, SETTINGS, domains)
        for domains in (None, DOMAINS, DOMAINS[::-1], [None, *DOMAINS[1:]])
    ]
    assert len(set(names)) == 4


@pytest.mark.parametrize("way", [train_static, train_with_experts])
def test_another_number_of_domains_than_of_pairs_is_told_of(way):
    with pytest.raises(InputError, match="80 pairs and 1 domains"):
        way(FITTED, PAIRS, domains=["animals"])
